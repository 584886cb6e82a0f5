# SPDX-License-Identifier: GPL-3.0-or-later
"""From the strips of a character to generated motion on it: prepares the job, and places what it brings."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import bpy

from ..core.errors import InputError
from ..core.motion import Motion
from ..core.timeline import Timeline
from . import character, generated, job, preferences, sequencer, strips


@dataclass(frozen=True)
class Message:
    """What the Result panel says; level is INFO, WARNING or ERROR."""

    level: Literal["INFO", "WARNING", "ERROR"]
    text: str


@dataclass
class _State:
    message: Message | None = None
    unplaced: Motion | None = None  # generated, and its character gone: kept until it is placed
    device: str = "auto"  # that the preferences say; the worker cannot ask them


_state = _State()


def message() -> Message | None:
    """How the last generation ended."""
    return _state.message


def unplaced() -> Motion | None:
    """Motion that was generated and has no character yet."""
    return _state.unplaced


def work(timeline: Timeline, steps: int, report: job.Report, cancelled: job.Cancelled) -> Motion:
    """Generate motion; runs in the worker, so it must not touch bpy."""
    report(0.0, "Loading")
    from ..core.generate import Settings, generate

    model = _model(timeline.model)
    settings = Settings(steps=steps or None, device=_state.device)
    return generate(
        timeline,
        model,
        settings,
        on_step=lambda done, total: report(done / total, f"Step {done} of {total}"),
        cancelled=cancelled,
    )


@lru_cache(maxsize=1)
def _model(name: str) -> Any:
    from ..core.model.checkpoint import load_model

    return load_model(name)


def start(context: Any, wait: bool) -> Message | None:
    """Generate for the character at hand: in a thread, or at once with `wait`; then it is told how that ended.

    Raises InputError where the strips cannot be used.
    """
    armature, scene = character.needed(context), context.scene
    settings = scene.freetalker
    if settings.new_seed:
        settings.seed = (settings.seed + 1) % 2**31
    timeline = strips.timeline(scene, armature)
    sequencer.mirror(scene)
    begun = time.monotonic()
    scene_uid, armature_uid, steps = scene.session_uid, armature.session_uid, settings.steps

    def generate(report: job.Report, cancelled: job.Cancelled) -> Motion:
        return work(timeline, steps, report, cancelled)

    def done(outcome: job.Outcome) -> None:
        finish(outcome, scene_uid, armature_uid, time.monotonic() - begun)

    _state.message, _state.device = None, preferences.device()
    if wait:
        finish(job.run("Generate", generate), scene_uid, armature_uid, time.monotonic() - begun, undo=False)
        return _state.message
    job.start("Generate", generate, done)
    return None


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
    if scene is None or armature is None or armature.name not in scene.objects or not character.is_character(armature):
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
        _say("INFO", f"Generated {outcome.result.seconds:.1f} s of motion in {seconds:.0f} s")


def place(scene: bpy.types.Scene, armature: bpy.types.Object, undo: bool) -> None:
    """Put the motion that waits on a character, as one undo step."""
    motion = _state.unplaced
    if motion is None:
        raise InputError("There is no generated motion to place: generate it first.")
    generated.place(scene, armature, motion)
    _state.unplaced = None
    hidden = generated.hidden_by(armature)
    _state.message = Message("WARNING", hidden) if hidden else None
    if undo:
        _with_window(lambda: bpy.ops.ed.undo_push(message="Generate Motion"))


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
