# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as sound data-blocks and files."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from ...core.errors import InputError
from ..units import frames_per_second


def load_sound(path: Path) -> bpy.types.Sound:
    """Load a sound file as a data-block, or return the one that the .blend file already has.

    Raises:
        InputError: The file does not exist.
    """
    if not path.is_file():
        raise InputError(f"The sound file '{path}' does not exist; choose another.")
    return bpy.data.sounds.load(str(path), check_existing=True)


def sound_seconds(sound: bpy.types.Sound) -> float:
    """Return the length of a recording in seconds.

    Raises:
        InputError: The file does not exist, is not a sound, or is empty.
    """
    aud: Any = importlib.import_module("aud")  # its stubs declare no parameters
    path = sound_file(sound)
    if not path.is_file():
        raise InputError(f"The sound file '{path}' does not exist; choose another or correct its path.")
    try:
        recording = aud.Sound(str(path))
        seconds = recording.length / recording.specs[0]
    except (aud.error, ZeroDivisionError) as error:
        raise InputError(f"'{path.name}' cannot be read as audio; convert it to WAV, FLAC, OGG or MP3.") from error
    if seconds <= 0:
        raise InputError(f"The sound file '{path.name}' is empty; choose one that contains speech.")
    return seconds


def sound_file(sound: bpy.types.Sound) -> Path:
    """Return the path of a recording; a packed one is written to Blender's temporary folder."""
    if sound.packed_file is None:
        return Path(bpy.path.abspath(sound.filepath))
    path = Path(bpy.app.tempdir, f"freetalker-{sound.session_uid}{Path(sound.filepath).suffix}")
    if not path.is_file() or path.stat().st_size != sound.packed_file.size:
        path.write_bytes(sound.packed_file.data)
    return path


def load_sounds(recordings: Iterable[tuple[Path, float]], scene: bpy.types.Scene) -> list[tuple[bpy.types.Sound, int]]:
    """Load the recordings of speech strips.

    Args:
        recordings: (path, offset in seconds) of each.
        scene: Gives the frame rate.

    Returns:
        (sound, number of frames after the offset) of each.

    Raises:
        InputError: A recording cannot be used; then no sound is added to the file.
    """
    known = set(bpy.data.sounds)
    found: list[tuple[bpy.types.Sound, int]] = []
    try:
        for path, offset in recordings:
            sound = load_sound(path)
            seconds = sound_seconds(sound)
            if offset >= seconds:
                raise InputError(
                    f"The speech strip '{path.name}' begins {offset:g} s into a recording of {seconds:.2f} s; reduce "
                    "its offset."
                )
            found.append((sound, max(1, int((seconds - offset) * frames_per_second(scene) + 1e-6))))
    except InputError:
        for sound in set(bpy.data.sounds) - known:
            bpy.data.sounds.remove(sound)
        raise
    return found
