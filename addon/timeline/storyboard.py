# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's strips as a file and back: a timeline's .json whole, or the prompts alone as .srt subtitles."""

import dataclasses
from pathlib import Path
from typing import Any

import bpy

from ...core.errors import InputError
from ...core.timeline.files import load_timeline, save_timeline
from ...core.timeline.strips import GUIDANCE_MAX, Timeline
from ..units import frames_per_second
from . import convert, sequencer, sounds, strips

SUBTITLES = ".srt"


def read(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, replace: bool) -> str:
    """Lay a file's strips on the character's tracks, in place of those that are there or beside them.

    A .json also sets the scene's guidance, seed and model. Returns what was done, as one sentence.

    Raises InputError where the file or a recording it names cannot be used; then nothing has changed.
    """
    source = load_timeline(path)
    _check_guidance(source, path)
    prompts_alone = path.suffix.lower() == SUBTITLES
    convert.add_timeline(scene, armature, source, replace, settings=not prompts_alone)
    sequencer.mirror(scene)
    said = f"Imported {_count(source)} from {path.name}"
    fps = frames_per_second(scene)
    if not prompts_alone and abs(source.fps - fps) > 1e-3:
        said += f", at the scene's {fps:g} frames a second and not the file's {source.fps:g}"
    return said


def write(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path) -> str:
    """Write the strips that are heard. Returns what was done, as one sentence.

    A recording that is packed in the .blend is written beside the file.

    Raises InputError where there are none, one cannot be used, or the file cannot be written.
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
    silent = sum(not one.heard for kind in ("TEXT", "SPEECH") for one in strips.find_strips(armature, kind))
    return said + (f"; {silent} muted left out" if silent else "")


def _with_files(timeline: Timeline, armature: bpy.types.Object, folder: Path, unpacked: list[Path]) -> Timeline:
    """The same with every packed recording as a file, written to `folder` and told in `unpacked`."""
    files: dict[Path, Path] = {}
    for one in strips.find_strips(armature, "SPEECH"):
        sound = one.data.sound
        if one.heard and sound.packed_file is not None:
            files[sounds.sound_file(sound)] = _unpacked(sound, folder, unpacked)
    return dataclasses.replace(
        timeline,
        speech=tuple(
            dataclasses.replace(strip, audio=files.get(strip.audio, strip.audio)) for strip in timeline.speech
        ),
    )


def _unpacked(sound: bpy.types.Sound, folder: Path, unpacked: list[Path]) -> Path:
    """A file of what is packed: the one it was made from where that is the same, else one in `folder`."""
    content = sound.packed_file.data
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
    def strips_of(kind: str, row: tuple[Any, ...]) -> str:
        return f"{len(row)} {kind} strip" + ("" if len(row) == 1 else "s")

    rows = (("text", timeline.text), ("speech", timeline.speech))
    return " and ".join(strips_of(kind, row) for kind, row in rows if row)


def _check_guidance(source: Timeline, path: Path) -> None:
    for guidance in (source.guidance, *(text.guidance for text in source.text)):
        for value in (v for _, v in guidance) if isinstance(guidance, tuple) else [guidance]:
            if value is not None and not 0 <= value <= GUIDANCE_MAX:
                raise InputError(f"{path.name} has the guidance {value:g}; the slider goes from 0 to {GUIDANCE_MAX:g}.")
