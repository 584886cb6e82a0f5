# SPDX-License-Identifier: GPL-3.0-or-later
"""Import and export of a character's strips: a complete timeline (.json), or the prompts as subtitles (.srt)."""

import dataclasses
from collections.abc import Sized
from pathlib import Path
from typing import cast

import bpy

from ...core.errors import InputError
from ...core.timeline.files import load_timeline, save_timeline
from ...core.timeline.strips import GUIDANCE_MAX, Timeline
from ..units import frames_per_second
from . import convert, sequencer, sounds, strips

SUBTITLES = ".srt"


def read(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, replace: bool) -> str:
    """Import strips from a file; a .json also sets the character's guidance, and the scene's seed and model.

    Args:
        scene: The scene.
        armature: The character.
        path: A .json or .srt file.
        replace: Remove the character's text and speech strips first.

    Returns:
        A message for the user, without a full stop.

    Raises:
        InputError: The file or one of its recordings cannot be used; then nothing has changed.
    """
    source = load_timeline(path)
    _check_guidance(source, path)
    prompts_alone = path.suffix.lower() == SUBTITLES
    convert.add_timeline(scene, armature, source, replace, settings=not prompts_alone)
    sequencer.mirror(scene)
    said = f"Imported {_count(source)} from {path.name}"
    fps = frames_per_second(scene)
    if not prompts_alone and abs(source.fps - fps) > 1e-3:
        said += f"; the scene's {fps:g} fps are used instead of the file's {source.fps:g} fps"
    return said


def write(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path) -> str:
    """Export the strips that are not muted. Recordings packed in the .blend are written next to the file.

    Args:
        scene: The scene.
        armature: The character.
        path: A .json or .srt file.

    Returns:
        A message for the user, without a full stop.

    Raises:
        InputError: There are no strips, one of them cannot be used, or the file cannot be written.
    """
    timeline = convert.timeline(scene, armature)
    timeline = dataclasses.replace(timeline, model=bpy.path.abspath(timeline.model))
    unpacked: list[Path] = []
    try:
        if path.suffix.lower() == SUBTITLES:
            timeline = dataclasses.replace(timeline, speech=()) if timeline.text else timeline
        else:
            timeline = _with_files(timeline, armature, path.resolve().parent, unpacked)
        save_timeline(timeline, path)
    except InputError:
        for file in unpacked:
            file.unlink()
        raise
    said = f"Exported {_count(timeline)} to {path.name}"
    silent = sum(not one.audible for kind in ("TEXT", "SPEECH") for one in strips.find_strips(armature, kind))
    return said + (f"; {silent} muted skipped" if silent else "")


def _with_files(timeline: Timeline, armature: bpy.types.Object, folder: Path, unpacked: list[Path]) -> Timeline:
    """Replace packed recordings by files written to `folder`; those files are appended to `unpacked`."""
    files: dict[Path, Path] = {}
    for one in strips.find_strips(armature, "SPEECH"):
        sound = one.data.sound
        if one.audible and sound is not None and sound.packed_file is not None:
            files[sounds.sound_file(sound)] = _unpacked(sound, folder, unpacked)
    return dataclasses.replace(
        timeline,
        speech=tuple(
            dataclasses.replace(strip, audio=files.get(strip.audio, strip.audio)) for strip in timeline.speech
        ),
    )


def _unpacked(sound: bpy.types.Sound, folder: Path, unpacked: list[Path]) -> Path:
    """Return a file with the content of a packed sound: its source if unchanged, else a new file in `folder`."""
    content = cast("bpy.types.PackedFile", sound.packed_file).data
    source = Path(bpy.path.abspath(sound.filepath))
    names = [folder / source.name, *(folder / f"{source.stem}-{number}{source.suffix}" for number in range(2, 100))]
    try:
        for file in (source, *names):
            if file.is_file() and file.read_bytes() == content:
                return file
        file = next(file for file in names if not file.exists())
        file.write_bytes(content)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    unpacked.append(file)
    return file


def _count(timeline: Timeline) -> str:
    def strips_of(kind: str, row: Sized) -> str:
        return f"{len(row)} {kind} strip" + ("" if len(row) == 1 else "s")

    rows = (("text", timeline.text), ("speech", timeline.speech))
    return " and ".join(strips_of(kind, row) for kind, row in rows if row)


def _check_guidance(source: Timeline, path: Path) -> None:
    for guidance in (source.guidance, *(text.guidance for text in source.text)):
        for value in (v for _, v in guidance) if isinstance(guidance, tuple) else [guidance]:
            if value is not None and not 0 <= value <= GUIDANCE_MAX:
                raise InputError(f"{path.name} has a guidance of {value:g}; use values from 0 to {GUIDANCE_MAX:g}.")
