# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes, videos and motion files of one timeline or one .blend file."""

import argparse
import math
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import bpy

from ...core.console import Progress
from ...core.errors import InputError
from ...core.formats.bvh import save_bvh
from ...core.motion.clip import Motion
from ...core.timeline.files import load_timeline
from ...core.timeline.strips import Timeline
from ..character.active import is_character
from ..character.figure import new_character
from ..data import current_context, scene_settings
from ..generation import session
from ..generation.memory import loaded_model
from ..generation.orders import Result, make_order
from ..setup.models import model_path
from ..takes import export
from ..timeline import convert, sequencer, strips
from . import stage


def render(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace) -> float:
    """Generate a timeline or the strips of a .blend file and write the outputs, all or none.

    Args:
        path: A timeline (.json, .srt) or a .blend file.
        outputs: Kind -> path.
        options: See `options.parse`.

    Returns:
        The duration of the motion in seconds.

    Raises:
        InputError: The timeline cannot be used or an output cannot be written.
    """
    if path.suffix.lower() == ".blend":
        return _render_blend(path, outputs, options)
    timeline = _with_options(load_timeline(path), options)  # before packages that take seconds to import

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


def _with_options(timeline: Timeline, options: argparse.Namespace) -> Timeline:
    """Replace a timeline's model and seed by those of the options."""
    seed = timeline.seed if options.seed is None else options.seed
    return replace(timeline, seed=seed, model=model_path(options.model or timeline.model))


def _motion(timeline: Timeline, steps: int | None) -> Motion:
    """Generate a timeline, at its own frame rate."""
    from ...core.generate import Settings, generate  # slow to import

    settings = Settings() if steps is None else Settings(steps=steps)
    model = loaded_model(timeline.model)
    return generate(timeline, model, settings, on_step=Progress("Generating")).resampled(timeline.fps)


def _render_blend(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace) -> float:
    """Generate the strips of all characters of a .blend file and write the outputs. Returns the seconds of motion."""
    if not path.is_file():
        raise InputError(f"The file {path} does not exist; give a timeline, a .blend file or a folder.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False)
    except RuntimeError as error:
        raise InputError(f"{path} cannot be opened as a .blend file: {' '.join(str(error).split())}") from error
    scene = current_context().scene
    found = [one for one in scene.objects if is_character(one) and strips.strips_of(one)]
    exported = outputs.keys() & {"npz", "bvh", "fbx", "glb"}
    if not found:
        raise InputError(f"{path.name} has no character with a text or speech strip; add one in Blender.")
    if exported and len(found) > 1:
        raise InputError(
            f"{path.name} has {len(found)} characters, but --{min(exported)} can hold only one; export them in Blender."
        )
    reason = next((reason for reason in map(strips.disabled_reason, found) if reason), "")
    if reason:
        raise InputError(f"{path.name} cannot be generated: {reason}.")
    strips.check_seed(options.seed)
    settings = scene_settings(scene)
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
        if "blend" in files:  # before the video, which changes the render settings
            _save_blend(files["blend"])
        if "video" in files:
            stage.render_video(scene, files["video"], Progress("Rendering"))
    return seconds


def _write_scene(scene: bpy.types.Scene, motion: Motion, files: Mapping[str, Path], size: tuple[int, int]) -> None:
    """Write the outputs that Blender exports or renders, after adding a stage if needed."""
    character = scene_settings(scene).character
    for kind in ("fbx", "glb"):
        if kind in files and character is not None:
            export.write(scene, character, files[kind])
    if "sound" in files:
        stage.write_sound(files["sound"])
    if files.keys() & {"blend", "video"}:
        stage.build(scene, motion, size)
    if "video" in files:
        stage.render_video(scene, files["video"], Progress("Rendering"))


def _save_blend(path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


def scene_of(timeline: Timeline, motion: Motion, steps: int | None) -> bpy.types.Scene:
    """Start a new .blend file with a character, the strips of a timeline, and motion as its take.

    Args:
        timeline: The timeline.
        motion: Generated from it.
        steps: Denoising steps that were used; None for the model's default.
    """
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    context = current_context()
    scene = context.scene
    scene.render.fps = math.ceil(timeline.fps)
    scene.render.fps_base = math.ceil(timeline.fps) / timeline.fps
    scene.frame_start, scene.frame_end = 1, len(motion)
    scene.sync_mode = "AUDIO_SYNC"
    armature = new_character(context)
    armature.show_in_front = False
    convert.add_timeline(scene, armature, timeline)
    for sound in bpy.data.sounds:
        sound.pack()  # so that the file can be moved
    sequencer.mirror(scene)
    scene_settings(scene).steps = steps or 0
    session.put(scene, armature, Result(motion, make_order(scene, armature)))
    return scene


@contextmanager
def _written_together(outputs: Mapping[str, Path]) -> Generator[dict[str, Path]]:
    """Provide temporary files next to the outputs, by kind, and rename all of them at the end, or none.

    Raises:
        InputError: A file cannot be written; for folders this is checked at the start.
    """
    files: dict[str, Path] = {}
    try:
        for kind, path in ((kind, path.absolute()) for kind, path in outputs.items()):
            if path.is_dir():
                raise InputError(
                    f"{path} is a folder, but a file with that name must be written; move the folder away."
                )
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
