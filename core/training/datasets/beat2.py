# SPDX-License-Identifier: GPL-3.0-or-later
"""BEAT2 (Liu et al., CVPR 2024): smplxflame_30/NAME.npz, SMPL-X with Y up at 30 fps, and wave16k/NAME.wav."""

from functools import partial
from pathlib import Path

from ...motion import CORE_FPS, Motion
from ...skeleton import neutral_skeleton
from ..retarget import on_neutral
from .beat import speaker
from .recording import Options, Recording, by_stem, files_below

EXPECTED = "folders smplxflame_30 with files such as 2_scott_0_1_1.npz and wave16k with 2_scott_0_1_1.wav"
LICENCE = "LicenseRef-BEAT2-NC-research"


def find(source: Path, options: Options) -> list[Recording]:
    """The recordings of all or the chosen speakers, in every language's folder below."""
    files = [path for path in files_below(source, ".npz") if speaker(path) and path.parent.name.startswith("smplx")]
    if options.speakers:
        files = [path for path in files if speaker(path) in options.speakers]
    sound_of = by_stem(files_below(source, ".wav"))
    return [
        Recording(stem, stem, LICENCE, partial(_motion, path), (path,), sound_of.get(stem))
        for stem, path in by_stem(files).items()
    ]


def _motion(path: Path) -> Motion:
    return on_neutral(Motion.load(path, up_axis="y"), neutral_skeleton()).resampled(CORE_FPS)
