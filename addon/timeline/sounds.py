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
    """The recording of that path, which the file may know already. Raises InputError where there is no such file."""
    if not path.is_file():
        raise InputError(f"The sound file '{path}' does not exist: choose another.")
    return bpy.data.sounds.load(str(path), check_existing=True)


def sound_seconds(sound: bpy.types.Sound) -> float:
    """How long a recording is. Raises InputError where there is no such file or it is no sound."""
    aud: Any = importlib.import_module("aud")  # whose stubs say that its functions take nothing
    path = sound_file(sound)
    if not path.is_file():
        raise InputError(f"The sound file '{path}' does not exist: choose another or mend its path.")
    try:
        heard = aud.Sound(str(path))
        seconds = heard.length / heard.specs[0]
    except (aud.error, ZeroDivisionError) as error:
        raise InputError(f"'{path.name}' cannot be read as sound: convert it to WAV, FLAC, OGG or MP3.") from error
    if seconds <= 0:
        raise InputError(f"The sound file '{path.name}' is empty: choose one that holds speech.")
    return seconds


def sound_file(sound: bpy.types.Sound) -> Path:
    """The recording as a file; a packed one is written to Blender's temporary folder."""
    if sound.packed_file is None:
        return Path(bpy.path.abspath(sound.filepath))
    path = Path(bpy.app.tempdir, f"freetalker-{sound.session_uid}{Path(sound.filepath).suffix}")
    if not path.is_file() or path.stat().st_size != sound.packed_file.size:
        path.write_bytes(sound.packed_file.data)
    return path


def load_sounds(recordings: Iterable[tuple[Path, float]], scene: bpy.types.Scene) -> list[tuple[bpy.types.Sound, int]]:
    """The sound of each (path, offset in seconds), and how many frames of it come after the offset.

    Raises InputError where one cannot be used; no sound stays behind then.
    """
    known = set(bpy.data.sounds)
    found: list[tuple[bpy.types.Sound, int]] = []
    try:
        for path, offset in recordings:
            sound = load_sound(path)
            seconds = sound_seconds(sound)
            if offset >= seconds:
                raise InputError(
                    f"The speech strip '{path.name}' begins {offset:g} s into a recording of {seconds:.2f} s: lower "
                    "its offset."
                )
            found.append((sound, max(1, int((seconds - offset) * frames_per_second(scene) + 1e-6))))
    except InputError:
        for sound in set(bpy.data.sounds) - known:
            bpy.data.sounds.remove(sound)
        raise
    return found
