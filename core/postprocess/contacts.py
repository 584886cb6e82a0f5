# SPDX-License-Identifier: GPL-3.0-or-later
"""Which foot joints are planted in each frame, and how planted feet slide."""

import numpy as np

from ..motion.features import CONTACT_JOINTS, CONTACT_SPEED
from ..motion.metrics import sole_heights
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from ..runs import Bools, true_runs
from .settings import CLEANUP, CleanupSettings


def planted_feet(
    positions: Array,
    skeleton: Skeleton,
    fps: float,
    contacts: Bools | None = None,
    settings: CleanupSettings = CLEANUP,
) -> Bools:
    """Find the foot joints that are planted on the floor.

    Without `contacts` a joint is planted when slower than `CONTACT_SPEED` and lower than `plant_height`, until it is
    faster than `release_speeds` or higher than `release_height` (hysteresis, forward and backward in time).

    Args:
        positions: joints in meters, (T, 55, 3).
        skeleton: gives the heights of ankles and feet at rest.
        fps: frame rate.
        contacts: when a joint is planted, (T, 4) bool, within the outer limits; found by speed and height if None.
        settings: the limits.

    Returns:
        (T, 4) bool for left ankle, left foot, right ankle, right foot.
    """
    feet = positions[:, CONTACT_JOINTS]  # (T, 4, 3)
    speed = np.zeros(feet.shape[:2])
    if len(feet) > 1:
        step = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
        # A foot is at rest if it is so towards either neighboring frame.
        speed = np.minimum(np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]]))
    height = sole_heights(positions, skeleton)
    slow = speed < np.interp(height, settings.lifted_heights, settings.release_speeds)
    may_stand = slow & (height < settings.release_height)
    stands = (speed < CONTACT_SPEED) & (height < settings.plant_height) if contacts is None else contacts
    planted = stands & may_stand
    if contacts is None:
        for order in (range(1, len(planted)), range(len(planted) - 2, -1, -1)):
            for k in order:
                planted[k] |= may_stand[k] & planted[k - 1 if order.step > 0 else k + 1]
    shortest = max(round(settings.shortest_contact_seconds * fps), 1)
    for column in planted.T:
        _drop_short_runs(column, False, shortest)
        _drop_short_runs(column, True, shortest)
    return planted


def _drop_short_runs(flags: Bools, value: bool, shortest: int) -> None:
    """Invert, in place, inner runs of `value` of at most `shortest` frames; flags (T,)."""
    for start, stop in true_runs(flags == value):
        if stop - start <= shortest and start > 0 and stop < len(flags):
            flags[start:stop] = not value


def support_steps(positions: Array, planted: Bools) -> tuple[Array, Bools]:
    """How the point that each foot stands on moves from frame to frame.

    That point is the ball of the foot, or the ankle while only the heel is down.

    Args:
        positions: joints in meters, (T, 55, 3).
        planted: as `planted_feet` returns it, (T, 4).

    Returns:
        The steps in meters (T - 1, 2, 3), and whether the foot stands in both frames (T - 1, 2).
    """
    feet = positions[:, CONTACT_JOINTS]  # (T, 4, 3)
    steps = np.diff(feet, axis=0)
    both = planted[1:] & planted[:-1]  # (T - 1, 4)
    ball = both[:, [1, 3]]
    return np.where(ball[..., None], steps[:, [1, 3]], steps[:, [0, 2]]), ball | both[:, [0, 2]]
