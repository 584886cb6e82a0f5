# SPDX-License-Identifier: GPL-3.0-or-later
"""After sampling (method section 5): no pops, no jitter, planted feet, soles above the floor.

Recorded motion passes almost unchanged. Everything works at any frame rate, and turns and moves with the motion.
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
from .foot_lock import apply_foot_lock
from .pops import remove_pops
from .root_path import ground_shift, path_shift
from .settings import CLEANUP, CleanupSettings
from .smoothing import smooth_jitter, smooth_seams
from .steps import step_lifts


def clean(
    motion: Motion,
    skeleton: Skeleton,
    contacts: npt.ArrayLike | None = None,
    seams: Iterable[int] = (),
    settings: CleanupSettings = CLEANUP,
) -> Motion:
    """Clean a sampled motion.

    Pops are spread and jitter is smoothed, more so at seams. The path of the body takes up the slide that planted feet
    have in common; what is left is held by bending knee and hip (two-bone IK), the foot keeping its orientation. Feet
    in the air are kept out of the floor, and one that is dragged from one place to the next is lifted.

    Args:
        motion: T frames at any frame rate.
        skeleton: the motion's.
        contacts: above 0.5 where left ankle, left foot, right ankle, right foot are on the floor, (T, 4), as in
            features; found by speed and height where not given.
        seams: the first frame of each prompt but the first.
        settings: limits and lengths.

    Returns:
        Motion of the same length, frame rate and shape.

    Raises:
        InputError: contacts of another shape.
    """
    motion = smooth_seams(smooth_jitter(remove_pops(motion, settings), settings), seams, settings)
    positions, fps = motion.positions(skeleton), motion.fps
    if contacts is not None and np.shape(contacts) != (len(motion), len(CONTACT_JOINTS)):
        raise InputError(
            f"Contacts of {len(motion)} frames must have the shape ({len(motion)}, 4), not {np.shape(contacts)}."
        )
    given = None if contacts is None else np.asarray(contacts, np.float64) > 0.5
    planted = planted_feet(positions, skeleton, fps, given, settings)  # (T, 4)
    shift = path_shift(positions, planted, fps, settings)
    shift[:, 1] = ground_shift(positions, planted, skeleton, fps, settings)
    motion = replace(motion, translation=motion.translation + shift)
    lift = step_lifts(positions + shift[:, None], planted, skeleton, fps, settings)
    return apply_foot_lock(motion, planted, skeleton, lift, settings)
