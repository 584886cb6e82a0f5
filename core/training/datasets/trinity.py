# SPDX-License-Identifier: GPL-3.0-or-later
"""Trinity Speech-Gesture (Ferstl, McDonnell 2018) as BVH and WAV cut alike: Motion/NAME.bvh and Audio/NAME.wav."""

from pathlib import Path

from ...errors import InputError
from .bvh import speech_recordings
from .recording import Options, Recording, files_below

EXPECTED = "files such as Motion/Recording_001.bvh and Audio/Recording_001.wav, in any folders"
LICENSE = "LicenseRef-Trinity-NC-research"


def find(source: Path, options: Options) -> list[Recording]:
    """Return every BVH with the WAV of the same name, as in the GENEA Challenge 2020.

    Raises:
        InputError: There are only FBX files, as the authors publish them.
    """
    files = files_below(source, ".bvh")
    if not files and files_below(source, ".fbx"):
        raise InputError(
            f"{source} contains .fbx files but no .bvh; export them as BVH, cut to the times of their .wav files."
        )
    return speech_recordings(files, files_below(source, ".wav"), LICENSE)
