# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that shuffle from one place to the next, lifted into steps."""

import numpy as np

from ..motion.features import CONTACT_JOINTS
from ..motion.filters import gaussian_filter_zero
from ..motion.metrics import sole_heights
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from ..runs import Bools, true_runs
from .settings import CLEANUP, CleanupSettings


def step_lifts(
    positions: Array, planted: Bools, skeleton: Skeleton, fps: float, settings: CleanupSettings = CLEANUP
) -> Array:
    """How much higher each foot has to go where it shuffles from one place to the next.

    A foot that travels `shortest_step` or more while the other one is planted rises in the middle of its way to
    `step_lift` of its length, `largest_lift` at most; what it rises by itself counts.

    Args:
        positions: joints in meters, (T, 55, 3).
        planted: as `planted_feet` returns it, (T, 4).
        skeleton: gives the heights of feet at rest.
        fps: frame rate.
        settings: the lengths named above.

    Returns:
        Meters for the left and the right foot, (T, 2).
    """
    stands = planted.reshape(-1, 2, 2).any(-1)  # (T, 2)
    low = np.maximum(sole_heights(positions, skeleton).reshape(-1, 2, 2).min(-1), 0)
    balls = positions[:, CONTACT_JOINTS[1::2]][..., [0, 2]]
    lifts = np.zeros((len(positions), 2))
    for side in range(2):
        for start, stop in true_runs(~stands[:, side]):
            if start == 0 or stop == len(stands) or stands[start:stop, 1 - side].mean() < settings.step_support:
                continue
            way = np.linalg.norm(balls[stop, side] - balls[start - 1, side])
            if way >= settings.shortest_step:
                risen = np.sin(np.linspace(0, np.pi, stop - start + 2)[1:-1]) ** 2
                higher = min(settings.step_lift * way, settings.largest_lift) * risen - low[start:stop, side]
                lifts[start:stop, side] = np.maximum(higher, 0)
    return gaussian_filter_zero(lifts, settings.lift_seconds * fps)
