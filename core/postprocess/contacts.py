# SPDX-License-Identifier: GPL-3.0-or-later
"""Which foot joints are planted in each frame."""

import numpy as np

from ..motion.features import CONTACT_JOINTS, CONTACT_SPEED
from ..motion.metrics import sole_heights
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from ..runs import Bools, true_runs

FREE_SPEEDS = (0.30, 0.10)  # metres a second at which a foot that stood is let go: on the floor, and lifted
LIFTED = (0.005, 0.02)  # metres above its rest height from which it counts as lifted, and from which wholly
FREE_HEIGHT = 0.12  # metres above its rest height at which it is let go
PLANT_HEIGHT = 0.08  # metres above its rest height under which it may be planted
SHORTEST_SECONDS = 0.1  # a shorter contact is none, and a shorter break in one is none


def planted_feet(positions: Array, skeleton: Skeleton, fps: float, contacts: Bools | None = None) -> Bools:
    """Which of left ankle, left foot, right ankle, right foot stand on the floor: (T, 4).

    Without contacts a joint is planted when slower than 0.15 m/s and less than 8 cm above its rest height, until it
    is faster than 0.3 m/s on the floor, 0.1 m/s lifted by 2 cm, or higher than 12 cm. With them, they say when it is
    planted, within those outer limits.
    """
    feet = positions[:, CONTACT_JOINTS]  # (T, 4, 3)
    speed = np.zeros(feet.shape[:2])
    if len(feet) > 1:
        step = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
        # A foot stands if it does so towards either neighbour.
        speed = np.minimum(np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]]))
    height = sole_heights(positions, skeleton)
    may_stand = (speed < np.interp(height, LIFTED, FREE_SPEEDS)) & (height < FREE_HEIGHT)
    stands = (speed < CONTACT_SPEED) & (height < PLANT_HEIGHT) if contacts is None else contacts
    planted = stands & may_stand
    if contacts is None:
        for order in (range(1, len(planted)), range(len(planted) - 2, -1, -1)):
            for k in order:
                planted[k] |= may_stand[k] & planted[k - 1 if order.step > 0 else k + 1]
    shortest = max(round(SHORTEST_SECONDS * fps), 1)
    for column in planted.T:
        _drop_short(column, False, shortest)
        _drop_short(column, True, shortest)
    return planted


def _drop_short(flags: Bools, value: bool, shortest: int) -> None:
    """Turn over, in place, inner runs of `value` of at most `shortest` frames (T,)."""
    for start, stop in true_runs(flags == value):
        if stop - start <= shortest and start > 0 and stop < len(flags):
            flags[start:stop] = not value
