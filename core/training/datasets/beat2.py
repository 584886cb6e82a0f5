# SPDX-License-Identifier: GPL-3.0-or-later
"""BEAT2 (Liu et al., CVPR 2024): smplxflame_30/NAME.npz, SMPL-X with Y up at 30 fps, and wave16k/NAME.wav.

The files do not say whether finger rotations are relative to the flat hand, as in AMASS, or to SMPL-X's relaxed hand,
as smplx adds it. Speakers' hands are about half as curled as the relaxed hand, so fingers that are not curled at all on
average are relative to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...motion.clip import CORE_FPS, Motion
from ...motion.rotation import Array, axis_angle_to_quaternion, continuous, quaternion_to_axis_angle
from ...motion.skeleton import neutral_skeleton
from ..retarget import on_neutral
from .beat import speaker
from .recording import Options, Recording, by_stem, files_below

EXPECTED = "folders smplxflame_30 with files such as 2_scott_0_1_1.npz and wave16k with 2_scott_0_1_1.wav"
LICENSE = "LicenseRef-BEAT2-NC-research"
_SAMPLED = 12  # recordings
_CURLED = 0.2  # share of the relaxed hand's bend; speakers have 0.4 relative to the flat hand, -0.6 to the relaxed one


def find(source: Path, options: Options) -> list[Recording]:
    """Return the recordings of the chosen speakers, in all languages."""
    files = [path for path in files_below(source, ".npz") if speaker(path) and path.parent.name.startswith("smplx")]
    reader = _Reader(files)
    if options.speakers:
        files = [path for path in files if speaker(path) in options.speakers]
    sound_of = by_stem(files_below(source, ".wav"))
    return [
        Recording(stem, stem, LICENSE, partial(reader.motion, path), (path,), sound_of.get(stem))
        for stem, path in by_stem(files).items()
    ]


@dataclass(frozen=True)
class _Reader:
    """Reads the files of a dataset, all of which are relative to the same hand."""

    files: Sequence[Path]

    def motion(self, path: Path) -> Motion:
        """Return the recording at 20 fps on the neutral skeleton.

        Raises:
            InputError: It is not an SMPL-X motion.
        """
        motion = Motion.load(path, up_axis="y")
        rotations = motion.rotations.copy()
        rotations[:, 25:] = axis_angle_to_quaternion(quaternion_to_axis_angle(rotations[:, 25:]) + self.hands)
        motion = replace(motion, rotations=continuous(rotations))
        return on_neutral(motion, neutral_skeleton()).resampled(CORE_FPS)

    @cached_property
    def hands(self) -> Array:
        """Rotation vectors (30, 3) of the hand that the finger rotations are relative to."""
        relaxed = neutral_skeleton().relaxed_hands
        means: list[Array] = []
        for path in self.files[:: max(1, len(self.files) // _SAMPLED)]:
            try:
                means.append(quaternion_to_axis_angle(Motion.load(path, up_axis="y").rotations[:, 25:]).mean(0))
            except InputError:
                continue  # reported when it is read itself
        curled = float((np.mean(means, axis=0) * relaxed).sum() / np.square(relaxed).sum()) if means else 1.0
        return np.zeros_like(relaxed) if curled > _CURLED else relaxed
