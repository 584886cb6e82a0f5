# SPDX-License-Identifier: GPL-3.0-or-later
"""BEAT2 (Liu et al., CVPR 2024): smplxflame_30/NAME.npz, SMPL-X with Y up at 30 fps, and wave16k/NAME.wav.

The files do not say whether their fingers are turned from the flat hand, as AMASS has them, or from SMPL-X's relaxed
hand, as smplx adds it. Speakers' hands are about half as curled as the relaxed one: fingers that on average are not
curled at all are turned from that.
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
LICENCE = "LicenseRef-BEAT2-NC-research"
_LOOKED_AT = 12  # recordings
_CURLED = 0.2  # of the relaxed hand's bend: 0.4 in speakers from the flat hand, -0.6 in the same from the relaxed one


def find(source: Path, options: Options) -> list[Recording]:
    """The recordings of all or the chosen speakers, in every language's folder below."""
    files = [path for path in files_below(source, ".npz") if speaker(path) and path.parent.name.startswith("smplx")]
    reader = _Reader(files)
    if options.speakers:
        files = [path for path in files if speaker(path) in options.speakers]
    sound_of = by_stem(files_below(source, ".wav"))
    return [
        Recording(stem, stem, LICENCE, partial(reader.motion, path), (path,), sound_of.get(stem))
        for stem, path in by_stem(files).items()
    ]


@dataclass(frozen=True)
class _Reader:
    """Reads the files of a dataset, all of which have the same kind of hands."""

    files: Sequence[Path]

    def motion(self, path: Path) -> Motion:
        """The recording at 20 fps on the neutral skeleton. Raises InputError where it is no SMPL-X motion."""
        motion = Motion.load(path, up_axis="y")
        rotations = motion.rotations.copy()
        rotations[:, 25:] = axis_angle_to_quaternion(quaternion_to_axis_angle(rotations[:, 25:]) + self.hands)
        motion = replace(motion, rotations=continuous(rotations))
        return on_neutral(motion, neutral_skeleton()).resampled(CORE_FPS)

    @cached_property
    def hands(self) -> Array:
        """(30, 3) rotation vectors of the hand from which the files turn the fingers."""
        relaxed = neutral_skeleton().relaxed_hands
        means: list[Array] = []
        for path in self.files[:: max(1, len(self.files) // _LOOKED_AT)]:
            try:
                means.append(quaternion_to_axis_angle(Motion.load(path, up_axis="y").rotations[:, 25:]).mean(0))
            except InputError:
                continue  # its own turn will tell
        curled = float((np.mean(means, axis=0) * relaxed).sum() / np.square(relaxed).sum()) if means else 1.0
        return np.zeros_like(relaxed) if curled > _CURLED else relaxed
