# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion as the metrics see it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..motion.clip import Motion
from ..motion.features import decode, encode
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from .clips import Floats

Figures = dict[str, float]
"""Name of a figure -> its value."""


@dataclass(frozen=True)
class EvaluatedClip:
    """A motion at 20 fps.

    Attributes:
        features: (T, 659).
        positions: (T, 55, 3) in meters.
        rotations: (T, 55, 4) local quaternions.
    """

    features: Floats
    positions: Array
    rotations: Array

    @staticmethod
    def of_features(features: Floats, skeleton: Skeleton) -> "EvaluatedClip":
        """Decode features (T, 659)."""
        motion = decode(features, skeleton)
        return EvaluatedClip(np.asarray(features, np.float32), motion.positions(skeleton), motion.rotations)

    @staticmethod
    def of_motion(motion: Motion, skeleton: Skeleton) -> "EvaluatedClip":
        """Encode a motion at 20 fps."""
        return EvaluatedClip(encode(motion, skeleton).astype(np.float32), motion.positions(skeleton), motion.rotations)


def windows(clips: Sequence[EvaluatedClip], number: int, length: int = 100, hop: int = 25) -> list[Floats]:
    """Return at most `number` overlapping windows of features (T, 659), spread evenly over the clips."""
    every = [
        clip.features[at : at + length]
        for clip in clips
        for at in range(0, max(1, len(clip.features) - length + 1), hop)
    ]
    if len(every) <= number:
        return every
    return [every[int(k)] for k in np.linspace(0, len(every) - 1, number)]
