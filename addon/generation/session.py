# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts generation, and places its result on the character."""

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
from .. import job
from ..character.active import is_character, require_character
from ..takes import generated
from ..timeline import sequencer, strips
from ..translations import tr
from . import worker
from .orders import Order, Result, first_frame, for_this_computer, make_order


@dataclass(frozen=True)
class Message:
    """What the Result panel says; level is INFO, WARNING or ERROR."""

    level: Literal["INFO", "WARNING", "ERROR"]
    text: str


@dataclass(frozen=True)
class Running:
    """For whom is being generated, and which frames: new (T,), from a frame of the scene on."""

    armature_uid: int
    new: Bools
    first_frame: int


@dataclass
class _State:
    message: Message | None = None
    unplaced: Result | None = None  # generated, and its character gone: kept until it is placed
    running: Running | None = None  # None once it has ended


_state = _State()


def message() -> Message | None:
    """How the last generation ended."""
    return _state.message


def running(armature: bpy.types.Object) -> Running | None:
    """What is being generated for a character; None where nothing is."""
    now = _state.running
    return None if job.current() is None or now is None or now.armature_uid != armature.session_uid else now


def preview(armature: bpy.types.Object) -> Motion | None:
    """How what is being generated looks so far, from its first frame on; None once that has ended or is canceled."""
    now = job.current()
    return None if now is None or now.stop.is_set() or running(armature) is None else now.seen


def unplaced() -> Motion | None:
    """Motion that was generated and has no character yet."""
    return None if _state.unplaced is None else _state.unplaced.motion


def start(context: Any, wait: bool, everything: bool = False, reroll: str = "") -> Message | None:
    """Generate for the character at hand: in a thread, or at once with `wait`; then it is told how that ended.

    everything, reroll: as for `order`. Raises InputError where the strips cannot be used or nothing is to be done.
    """
    armature, scene = require_character(context), context.scene
    settings = scene.freetalker
    if settings.new_seed and not reroll:
        settings.seed = (settings.seed + 1) % 2**31
    wanted = for_this_computer(make_order(scene, armature, everything, reroll))
    if wanted.changed is not None and not wanted.changed.any():
        why = "what has changed is locked" if wanted.record.left_stale else "nothing has changed since this take"
        _state.message = Message("INFO", f"Not generated, for {why}: re-roll a strip, or choose another seed")
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
    """Generate all that is not locked, here and now; returns the motion, which the character shows as another take.

    Raises InputError where the strips or the model cannot be used.
    """
    wanted = for_this_computer(make_order(scene, armature, everything=True))
    if wanted.base is not None and wanted.changed is not None and not wanted.changed.any():
        return wanted.base
    motion = worker.work(wanted, report, lambda: False)
    put(scene, armature, Result(motion, wanted))
    return motion


def finish(outcome: job.Outcome, scene_uid: int, armature_uid: int, seconds: float, undo: bool = True) -> None:
    """Take in how generation ended. The scene and the character are found anew, for both may be gone."""
    if outcome.cancelled:
        _say("INFO", "Generation was canceled; nothing was changed")
        return
    if outcome.error:
        _say("ERROR", outcome.error)
        return
    scene = next((one for one in bpy.data.scenes if one.session_uid == scene_uid), None)
    armature = next((one for one in bpy.data.objects if one.session_uid == armature_uid), None)
    _state.unplaced = outcome.result
    if scene is None or armature is None or armature.name not in scene.objects or not is_character(armature):
        _say("ERROR", "The character was removed during generation: add or select one, then press Place Result")
        return
    reason = strips.disabled_reason(armature)
    if reason:
        _say("ERROR", f"{reason}, then press Place Result")
        return
    try:
        place(scene, armature, undo)
    except (InputError, RuntimeError) as error:  # Blender refuses in words of its own
        _say("ERROR", f"The motion could not be placed: {error}. Mend that, then press Place Result")
        return
    if message() is None:
        changed = outcome.result.order.changed
        made = outcome.result.motion.seconds if changed is None else changed.sum() / outcome.result.motion.fps
        _say("INFO", f"Generated {made:.1f} s of motion in {seconds:.0f} s")


def place(scene: bpy.types.Scene, armature: bpy.types.Object, undo: bool) -> None:
    """Put the motion that waits on a character, as one undo step."""
    result = _state.unplaced
    if result is None:
        raise InputError("There is no generated motion to place: generate it first.")
    put(scene, armature, result)
    _state.unplaced = None
    hidden = generated.hidden_by(armature)
    _state.message = Message("WARNING", hidden) if hidden else None
    if undo:
        _with_window(lambda: bpy.ops.ed.undo_push(message="Generate Motion"))


def put(scene: bpy.types.Scene, armature: bpy.types.Object, result: Result) -> None:
    """Let a character show a result, as another take."""
    wanted, base = result.order, generated.active_take(armature)
    if base is None or wanted.base is None or not np.array_equal(base.motion.rotations, wanted.base.rotations):
        base = None  # another take than it was made from: the keys are made anew
    generated.place(scene, armature, result.motion, wanted.record, base, _note(wanted), wanted.back)
    for one in (*strips.find_strips(armature, "TEXT"), *strips.find_strips(armature, "SPEECH")):
        if one.strip.action.session_uid in wanted.seeds:
            strips.set_own_seed(one.data, wanted.seeds[one.strip.action.session_uid])


def _note(wanted: Order) -> str:
    """What was generated, in a few words: the seed of all, or the seconds."""
    if wanted.changed is None:
        return tr("seed {seed}").format(seed=wanted.timeline.seed)
    fps, spans = wanted.timeline.fps, true_runs(wanted.changed)
    return ", ".join(f"{start / fps:.1f}-{stop / fps:.1f} s" for start, stop in spans)


def _say(level: Literal["INFO", "ERROR"], text: str) -> None:
    _state.message = Message(level, text)
    if level == "ERROR" and not bpy.app.background:

        def draw(popup: Any, _: Any) -> None:
            popup.layout.label(text=text)

        _with_window(lambda: bpy.context.window_manager.popup_menu(draw, title="FreeTalker", icon="ERROR"))


def _with_window(action: Callable[[], Any]) -> None:
    """A timer has no window of its own, and operators and popups ask for one."""
    context: Any = bpy.context
    windows = context.window_manager.windows
    if context.window is None and len(windows):
        with context.temp_override(window=windows[0]):
            action()
    else:
        action()
