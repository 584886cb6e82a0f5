# SPDX-License-Identifier: GPL-3.0-or-later
"""ZeroEGGS (Ghorbani et al. 2022): clean/NUMBER_STYLE_TAKE_x_1_0.bvh and .wav, one speaker in 19 styles at 60 fps."""

from dataclasses import replace
from pathlib import Path

from .bvh import speech_recordings
from .recording import Options, Recording, files_below

EXPECTED = "files such as clean/001_Neutral_0_x_1_0.bvh and clean/001_Neutral_0_x_1_0.wav"
LICENSE = "CC-BY-NC-ND-4.0"
_STYLES = {"Angry": "angry", "Happy": "happy", "Old": "elderly", "Sad": "sad", "Tired": "tired"}
"""Style of the dataset -> key of `STYLES`; its other styles have no adverbs."""


def find(source: Path, options: Options) -> list[Recording]:
    """Return the recordings in the folder `clean`; in `original`, sound and motion begin at different times."""
    files = [path for path in files_below(source, ".bvh") if _parts(path.stem)[0].isdigit() and _aligned(path)]
    sounds = [path for path in files_below(source, ".wav") if _aligned(path)]
    found = speech_recordings(files, sounds, LICENSE, lambda stem: _parts(stem)[0])
    return [replace(recording, style=_STYLES.get(_parts(recording.name)[1], "")) for recording in found]


def _parts(stem: str) -> list[str]:
    return f"{stem}__".split("_")


def _aligned(path: Path) -> bool:
    return "original" not in (part.lower() for part in path.parent.parts[-1:])
