# SPDX-License-Identifier: GPL-3.0-or-later
"""BEAT (Liu et al., ECCV 2022): SPEAKER/SPEAKER_NAME_TYPE_FIRST_LAST.bvh and .wav, 120 fps with fingers."""

from pathlib import Path

from .bvh import speech_recordings
from .recording import Options, Recording, files_below

EXPECTED = "folders of speakers with files such as 2/2_scott_0_1_1.bvh and 2/2_scott_0_1_1.wav"
LICENSE = "LicenseRef-BEAT-NC-research"


def speaker(path: Path) -> str:
    """Return the speaker's number, or "" if the name is not BEAT's."""
    parts = path.stem.split("_")
    return parts[0] if len(parts) == 5 and parts[0].isdigit() and not parts[1].isdigit() else ""


def find(source: Path, options: Options) -> list[Recording]:
    """Return the recordings of the chosen speakers, in all languages."""
    files = [path for path in files_below(source, ".bvh") if speaker(path)]
    if options.speakers:
        files = [path for path in files if speaker(path) in options.speakers]
    return speech_recordings(files, files_below(source, ".wav"), LICENSE)
