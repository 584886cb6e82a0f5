# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts generation and places its result on the character."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.planning.segments import frames_of
from ...core.runs import Bools, true_runs
from ...core.timeline.strips import SEED_MAX
from .. import job
from ..character.active import is_character, require_character
from ..data import Context, current_context, scene_settings
from ..takes import generated
from ..timeline import sequencer, strips
from ..translations import tr
from . import worker
from .orders import Order, Result, first_frame, for_this_computer, make_order


@dataclass(frozen=True)
class Message:
    """A message for the Generate panel."""

    level: Literal["INFO", "WARNING", "ERROR"]
    text: str


@dataclass(frozen=True)
class Running:
    """What is being generated.

    Args:
        armature_uid: The session_uid of the character.
        new: (T,) frames that are generated.
        first_frame: Scene frame of the first of them.
    """

    armature_uid: int
    new: Bools
    first_frame: int


@dataclass
class _State:
    message: Message | None = None
    unplaced: Result | None = None  # generated, but not placed yet, for example because its character was removed
    running: Running | None = None


_state = _State()


def message() -> Message | None:
    """Return how the last generation ended."""
    return _state.message


def running(armature: bpy.types.Object) -> Running | None:
    """Return what is being generated for a character, or None."""
    now = _state.running
    return None if job.current() is None or now is None or now.armature_uid != armature.session_uid else now


def preview(armature: bpy.types.Object) -> Motion | None:
    """Return the preview of the motion that is being generated for a character; None if there is none."""
    now = job.current()
    return None if now is None or now.stop.is_set() or running(armature) is None else now.preview


def unplaced() -> Motion | None:
    """Return motion that was generated but could not be placed on its character."""
    return None if _state.unplaced is None else _state.unplaced.motion


def start(context: Context, wait: bool, everything: bool = False, reroll: str = "") -> Message | None:
    """Generate motion for the active character.

    Args:
        context: Gives the character and the scene.
        wait: Generate in the calling thread instead of the worker.
        everything: See `make_order`.
        reroll: See `make_order`.

    Returns:
        How generation ended; None if it is running in the worker.

    Raises:
        InputError: The strips cannot be used, or another job is running.
    """
    armature, scene = require_character(context), context.scene
    settings = scene_settings(scene)
    if settings.new_seed and not reroll:
        settings.seed = (settings.seed + 1) % (SEED_MAX + 1)
    wanted = for_this_computer(make_order(scene, armature, everything, reroll))
    if wanted.changed is not None and not wanted.changed.any():
        locked = tr("All changes are in locked strips; unlock one, re-roll another, or choose another seed")
        unchanged = tr("Nothing has changed since this take; re-roll a strip, or choose another seed")
        _state.message = Message("INFO", locked if wanted.record.left_stale else unchanged)
        return _state.message
    sequencer.mirror(scene)
    begun = time.monotonic()
    scene_uid, armature_uid = scene.session_uid, armature.session_uid

    def generate(report: job.Report, cancelled: job.Cancelled) -> Result:
        return Result(worker.work(wanted, report, cancelled), wanted)

    def done(outcome: job.Outcome) -> None:
        _state.running = None
        finish(outcome, scene_uid, armature_uid, time.monotonic() - begun)

    _state.message = None
    if wait:
        finish(job.run("Generate", generate), scene_uid, armature_uid, time.monotonic() - begun, undo=False)
        return _state.message
    everything_new = np.ones(frames_of(wanted.record.timeline), bool)
    new = everything_new if wanted.changed is None else wanted.changed
    _state.running = Running(armature_uid, new, first_frame(scene, armature)[0])
    job.start("Generate", generate, done)
    return None


def make(scene: bpy.types.Scene, armature: bpy.types.Object, report: job.Report) -> Motion:
    """Generate all frames that are not locked in the calling thread, and place them as a new take.

    Returns:
        The motion.

    Raises:
        InputError: The strips or the model cannot be used.
    """
    wanted = for_this_computer(make_order(scene, armature, everything=True))
    if wanted.base is not None and wanted.changed is not None and not wanted.changed.any():
        return wanted.base
    motion = worker.work(wanted, report, lambda: False)
    put(scene, armature, Result(motion, wanted))
    return motion


def finish(outcome: job.Outcome, scene_uid: int, armature_uid: int, seconds: float, undo: bool = True) -> None:
    """Handle the outcome of generation: place the motion, or set the message.

    Args:
        outcome: With a `Result`.
        scene_uid: The session_uid of the scene, which may have been removed.
        armature_uid: The session_uid of the character, which may have been removed.
        seconds: How long generation took.
        undo: Push an undo step.
    """
    if outcome.cancelled:
        _say("INFO", tr("Generation was canceled; nothing was changed"))
        return
    if outcome.error:
        _say("ERROR", outcome.error)
        return
    scene = next((one for one in bpy.data.scenes if one.session_uid == scene_uid), None)
    armature = next((one for one in bpy.data.objects if one.session_uid == armature_uid), None)
    _state.unplaced = outcome.result
    if scene is None or armature is None or armature.name not in scene.objects or not is_character(armature):
        _say("ERROR", tr("The character was removed during generation; add or select one, then press Place Result"))
        return
    reason = strips.disabled_reason(armature)
    if reason:
        _say("ERROR", tr("{reason}, then press Place Result").format(reason=tr(reason)))
        return
    try:
        place(scene, armature, undo)
    except (InputError, RuntimeError) as error:  # Blender refuses in words of its own
        said = tr("The motion could not be placed ({error}); correct this, then press Place Result")
        _say("ERROR", said.format(error=str(error).rstrip(".\n")))
        return
    if message() is None:
        changed = outcome.result.order.changed
        made = outcome.result.motion.seconds if changed is None else changed.sum() / outcome.result.motion.fps
        said = tr("Generated {made:.1f} s of motion in {seconds:.0f} s")
        _say("INFO", said.format(made=made, seconds=seconds))


def place(scene: bpy.types.Scene, armature: bpy.types.Object, undo: bool) -> None:
    """Place the motion that was generated last on a character.

    Args:
        scene: The scene.
        armature: The character.
        undo: Push an undo step.

    Raises:
        InputError: There is no such motion, or it cannot be placed.
    """
    result = _state.unplaced
    if result is None:
        raise InputError("There is no generated motion to place; generate it first.")
    put(scene, armature, result)
    _state.unplaced = None
    hidden = generated.hidden_reason(armature)
    _state.message = Message("WARNING", hidden) if hidden else None
    if undo:
        _with_window(lambda: bpy.ops.ed.undo_push(message="Generate Motion"))


def put(scene: bpy.types.Scene, armature: bpy.types.Object, result: Result) -> None:
    """Place a result on a character as a new take, and store the new seeds on its strips."""
    wanted, base = result.order, generated.active_take(armature)
    if base is None or wanted.base is None or not np.array_equal(base.motion.rotations, wanted.base.rotations):
        base = None  # the active take has changed meanwhile, so that its keys cannot be reused
    generated.place(scene, armature, result.motion, wanted.record, base, _note(wanted), wanted.reset_position)
    for one in strips.strips_of(armature):
        if one.action.session_uid in wanted.seeds:
            strips.set_own_seed(one.data, wanted.seeds[one.action.session_uid])


def _note(wanted: Order) -> str:
    """Describe what was generated: the seed, or the regenerated seconds."""
    if wanted.changed is None:
        return tr("seed {seed}").format(seed=wanted.timeline.seed)
    fps, spans = wanted.timeline.fps, true_runs(wanted.changed)
    return ", ".join(f"{start / fps:.1f}-{stop / fps:.1f} s" for start, stop in spans)


def _say(level: Literal["INFO", "ERROR"], text: str) -> None:
    _state.message = Message(level, text)
    if level == "ERROR" and not bpy.app.background:

        def draw(popup: Any, _: object) -> None:
            popup.layout.label(text=text)

        manager = current_context().window_manager
        _with_window(lambda: manager.popup_menu(draw, title="FreeTalker", icon="ERROR"))


def _with_window(action: Callable[[], object]) -> None:
    """Call a function with a window in the context, which operators and popups need and timers lack."""
    context = current_context()
    windows = context.window_manager.windows
    if context.window is None and len(windows):
        with context.temp_override(window=windows[0]):
            action()
    else:
        action()
