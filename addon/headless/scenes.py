# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes, films and motion files of one timeline or one .blend."""

import argparse
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ...core.console import Progress
from ...core.errors import InputError
from ...core.formats.bvh import save_bvh
from ...core.timeline.files import load_timeline
from ..character.active import is_character
from ..character.figure import new_character
from ..generation import session
from ..generation.memory import loaded_model
from ..generation.orders import Result, make_order
from ..setup.models import model_path
from ..takes import export
from ..timeline import convert, sequencer, strips
from . import stage


def render(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace) -> float:
    """Write the outputs of a timeline, all or none; returns the seconds of its motion."""
    if path.suffix.lower() == ".blend":
        return _render_blend(path, outputs, options)
    timeline = _with_options(load_timeline(path), options)  # before the packages that take seconds to import

    with _written_together(outputs) as files:
        motion = _motion(timeline, options.steps)
        if "npz" in files:
            motion.save(files["npz"])
        if "bvh" in files:
            save_bvh(motion, files["bvh"])
        if files.keys() - {"npz", "bvh"}:
            scene = scene_of(timeline, motion, options.steps)
            _write_scene(scene, motion, files, options.size)
            if "video" in files:
                scene.render.filepath = f"//{outputs['video'].name}"
            if "blend" in files:
                _save_blend(files["blend"])
    return motion.seconds


def _with_options(timeline: Any, options: argparse.Namespace) -> Any:
    """A timeline with the model and the seed of the options in place of its own."""
    seed = timeline.seed if options.seed is None else options.seed
    return replace(timeline, seed=seed, model=model_path(options.model or timeline.model))


def _motion(timeline: Any, steps: int | None) -> Any:
    """What a timeline becomes, at its own frame rate."""
    from ...core.generate import Settings, generate  # takes seconds to import

    settings = Settings() if steps is None else Settings(steps=steps)
    model = loaded_model(timeline.model)
    return generate(timeline, model, settings, on_step=Progress("Generating")).resampled(timeline.fps)


def _render_blend(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace) -> float:
    """Generate the strips of all characters of a .blend and write the outputs; returns the seconds of motion."""
    if not path.is_file():
        raise InputError(f"The file {path} does not exist: give a timeline, a .blend or a folder.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False)
    except RuntimeError as error:
        raise InputError(f"{path} cannot be opened as a .blend: {' '.join(str(error).split())}") from error
    scene: Any = bpy.context.scene
    found = [one for one in scene.objects if is_character(one)]
    found = [one for one in found if any(strips.find_strips(one, kind) for kind in ("TEXT", "SPEECH"))]
    exported = outputs.keys() & {"npz", "bvh", "fbx", "glb"}
    if not found:
        raise InputError(f"{path.name} has no character with a text or speech strip: add one in Blender.")
    if exported and len(found) > 1:
        raise InputError(
            f"{path.name} has {len(found)} characters, and --{min(exported)} holds one: export in Blender."
        )
    reason = next((reason for reason in map(strips.disabled_reason, found) if reason), "")
    if reason:
        raise InputError(f"{path.name} cannot be generated: {reason}.")
    strips.check_seed(options.seed)
    settings = scene.freetalker
    settings.model = model_path(options.model) if options.model else settings.model
    settings.seed = settings.seed if options.seed is None else options.seed
    settings.steps = settings.steps if options.steps is None else options.steps
    with _written_together(outputs) as files:
        seconds = 0.0
        for armature in found:
            progress = Progress("Generating")
            motion = session.make(scene, armature, lambda share, _, say=progress: say(round(100 * share), 100))
            seconds = max(seconds, motion.seconds)
        sequencer.mirror(scene)
        for kind in exported:
            export.write(scene, found[0], files[kind])
        if "sound" in files:
            stage.write_sound(files["sound"])
        if "blend" in files:  # before the film, whose settings are not the user's
            _save_blend(files["blend"])
        if "video" in files:
            stage.render_video(scene, files["video"], Progress("Rendering"))
    return seconds


def _write_scene(scene: Any, motion: Any, files: Mapping[str, Path], size: tuple[int, int]) -> None:
    """The outputs that Blender makes of a scene."""
    for kind in ("fbx", "glb"):
        if kind in files:
            export.write(scene, scene.freetalker.character, files[kind])
    if "sound" in files:
        stage.write_sound(files["sound"])
    if files.keys() & {"blend", "video"}:
        stage.build(scene, motion, size)
    if "video" in files:
        stage.render_video(scene, files["video"], Progress("Rendering"))


def _save_blend(path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


def scene_of(timeline: Any, motion: Any, steps: int | None) -> Any:
    """A new file with the character, the timeline's strips, and the motion as a take of them."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene: Any = bpy.context.scene
    scene.render.fps = math.ceil(timeline.fps)
    scene.render.fps_base = math.ceil(timeline.fps) / timeline.fps
    scene.frame_start, scene.frame_end = 1, len(motion)
    scene.sync_mode = "AUDIO_SYNC"
    armature = new_character(bpy.context)
    armature.show_in_front = False
    convert.add_timeline(scene, armature, timeline)
    for sound in bpy.data.sounds:
        sound.pack()  # the file can be moved and sent
    sequencer.mirror(scene)
    scene.freetalker.steps = steps or 0
    session.put(scene, armature, Result(motion, make_order(scene, armature)))
    return scene


@contextmanager
def _written_together(outputs: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    """Temporary files beside the outputs, by kind; all get their names at the end, or none does.

    Raises:
        InputError: a file cannot be written; of a folder that cannot it is told at the start.
    """
    files: dict[str, Path] = {}
    try:
        for kind, path in ((kind, path.absolute()) for kind, path in outputs.items()):
            if path.is_dir():
                raise InputError(f"{path} is a folder, and a file of that name is to be written: move it away.")
            path.parent.mkdir(parents=True, exist_ok=True)
            files[kind] = path.with_name(f".{os.getpid()}-{path.name}")
            files[kind].touch()
            files[kind].unlink()  # Blender would keep an old version of it
        yield files
        for kind, temporary in files.items():
            os.replace(temporary, outputs[kind])
            print(outputs[kind])
    except OSError as error:
        raise InputError(f"{error.filename or 'A file'} cannot be written: {error.strerror or error}.") from error
    finally:
        for temporary in files.values():
            temporary.unlink(missing_ok=True)
