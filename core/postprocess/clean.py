# SPDX-License-Identifier: GPL-3.0-or-later
"""After sampling (method section 5): no pops, no jitter, planted feet, soles above the floor.

Recorded motion passes almost unchanged. Everything works at any frame rate and is invariant to turning and moving.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..motion.clip import Motion
from ..motion.features import CONTACT_JOINTS
from ..motion.skeleton import Skeleton
from .contacts import planted_feet
from .foot_lock import apply_foot_lock, ground_shift, path_shift, step_lifts
from .smoothing import remove_pops, smooth_jitter, smooth_seams


def clean(
    motion: Motion, skeleton: Skeleton, contacts: npt.ArrayLike | None = None, seams: Iterable[int] = ()
) -> Motion:
    """The motion without jumps, jitter, foot skate and feet in the floor; of the same length, rate and shape.

    contacts: (T, 4), above 0.5 where left ankle, left foot, right ankle, right foot are on the floor, as in features
    at the motion's own frame rate; found by speed and height, with hysteresis, where not given. seams: the first frames
    of what is told, where it changes: see `calmed`.

    Feet in the air are kept out of the floor, and one that is dragged from one place to the next is lifted. What is
    done to a foot that stands: the path of the body takes up the slide that is common to the standing feet; what is
    left is held by bending knee and hip (two-bone IK), the foot keeping its orientation.

    Raises InputError for contacts of another shape.
    """
    motion = smooth_seams(smooth_jitter(remove_pops(motion)), seams)
    positions = motion.positions(skeleton)
    if contacts is not None and np.shape(contacts) != (len(motion), len(CONTACT_JOINTS)):
        raise InputError(f"Contacts of {len(motion)} frames are ({len(motion)}, 4) numbers, not {np.shape(contacts)}.")
    given = None if contacts is None else np.asarray(contacts, np.float64) > 0.5
    planted = planted_feet(positions, skeleton, motion.fps, given)  # (T, 4)
    shift = path_shift(positions, planted, motion.fps)
    shift[:, 1] = ground_shift(positions, planted, skeleton, motion.fps)
    motion = replace(motion, translation=motion.translation + shift)
    return apply_foot_lock(
        motion, planted, skeleton, step_lifts(positions + shift[:, None], planted, skeleton, motion.fps)
    )
