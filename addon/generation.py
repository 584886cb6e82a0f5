# SPDX-License-Identifier: GPL-3.0-or-later
"""From the strips of a character to generated motion on it: prepares the job, and places what it brings."""

import dataclasses
import hashlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np

from ..core.errors import InputError
from ..core.motion import Motion
from ..core.runs import Bools, runs, true_runs
from ..core.segments import frames_of, stale_frames, with_seams
from ..core.skeleton import neutral_skeleton
from ..core.timeline import Timeline
from . import character, export, generated, job, preferences, sequencer, strips, takes
from .properties import SEED_MAX
from .translations import tr


@dataclass(frozen=True)
class Message:
    """What the Result panel says; level is INFO, WARNING or ERROR."""

    level: Literal["INFO", "WARNING", "ERROR"]
    text: str


@dataclass(frozen=True)
class Order:
    """What is to be generated: a timeline, or where there is a take to go on from, its `changed` frames (T,).

    record: what the take is said to be made of. base: the motion of the take before. seeds: what the own seeds of
    strips become with it, by the session_uid of their Action. begin, end: of one frame, where the character stands
    and faces before it, and the pose that it is to end in. back: the generated strip was moved, and is to go back to
    where the timeline's frames are. moved: where root and legs are made anew too (T,).
    """

    timeline: Timeline
    steps: int
    record: takes.Record
    base: Motion | None = None
    changed: Bools | None = None
    follow: bool = False
    seeds: Mapping[int, int] = field(default_factory=dict)
    begin: Motion | None = None
    end: Motion | None = None
    back: bool = False
    moved: Bools | None = None


@dataclass(frozen=True)
class Result:
    """Motion that was generated, and what it was made of."""

    motion: Motion
    order: Order


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
    device: str = "auto"  # that the preferences say; the worker cannot ask them
    online: bool = False  # whether Blender lets add-ons use the network


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


def work(order: Order, report: job.Report, cancelled: job.Cancelled) -> Motion:
    """Generate motion; runs in the worker, so it must not touch bpy."""
    report(0.0, "Loading")
    from ..core.conditions import hub
    from ..core.generate import Kept, Settings, generate

    model = _model(order.timeline.model)
    settings = Settings(steps=order.steps or None, device=_state.device)
    kept = None
    if order.base is not None and order.changed is not None:
        kept = Kept(order.base, order.changed, order.follow, order.moved)
    show = job.viewer()

    def on_preview(motion: Motion) -> None:
        if show is not None:
            show(between(dataclasses.replace(order, end=None), motion))  # it may not reach to the end yet

    with hub.access(_state.online):
        motion = generate(
            order.timeline,
            model,
            settings,
            on_step=lambda done, total: report(done / total, f"Step {done} of {total}"),
            cancelled=cancelled,
            kept=kept,
            on_preview=None if show is None else on_preview,
        )
    return between(order, motion)


def between(order: Order, motion: Motion) -> Motion:
    """The motion from where the order says that it begins to where it says that it ends.

    Of a motion that goes on from a take, the beginning stays, and the end is led there only if it was made anew.
    """
    from ..core.splice import led, replaced, standing

    skeleton = neutral_skeleton()
    if order.begin is not None and order.base is None:
        motion = standing(motion, order.begin, skeleton)
    if order.end is None or (order.changed is not None and not order.changed[-1]):
        return motion
    first = 0 if order.changed is None else max(runs(order.changed)[-1][0] - 1, 0)
    part = led(motion.slice(first), motion.slice(first, first + 1), order.end, skeleton)
    return replaced(motion, part, first, len(motion))


@lru_cache(maxsize=1)
def _model(name: str) -> Any:
    from ..core.model.checkpoint import load_model

    return load_model(name)


def order(scene: bpy.types.Scene, armature: bpy.types.Object, everything: bool = False, reroll: str = "") -> Order:
    """What Generate is to do: what has changed since the take that is shown, or `everything`, but no locked strip.

    reroll: the key of a strip that gets a new seed; then it alone is made anew. Where nothing is to be done no frame of
    the order is changed.

    Raises InputError where the strips cannot be used.
    """
    settings = scene.freetalker
    strips.take_names(armature)
    first, back = first_frame(scene, armature)
    timeline = strips.timeline(scene, armature, first=first)
    said = told(timeline)
    base = generated.shown(armature)
    total, fps = frames_of(said), said.fps
    kept = base is not None and base.record.timeline.fps == fps and not back
    stale = stale_legs = np.ones(total, bool)
    if base is not None and kept:
        stale, stale_legs = (
            base.record.stale_in(said, settings.steps, scene.frame_start, legs) for legs in (False, True)
        )
    want, moved, seeds = stale | everything, stale_legs | everything, {}
    if reroll:
        one = strips.named(armature, reroll)
        if one.data.lock:
            raise InputError(f"The strip '{one.strip.name}' is locked: unlock it to re-roll it.")
        strips.make_single(one)
        seeds = {one.strip.action.session_uid: random.randrange(SEED_MAX)}
        timeline = strips.timeline(scene, armature, seeds, first)
        before, said = said, told(timeline)
        if base is not None and kept:
            want, moved = (stale_frames(before, said, legs) for legs in (False, True))
    begin, end = _surroundings(scene, armature, total, first)
    if base is None or not kept:
        record = takes.Record(said, settings.steps, scene.frame_start)
        return Order(timeline, settings.steps, record, seeds=seeds, begin=begin, end=end, back=back)
    free = ~locked_frames(armature, total, first)
    changed = with_seams(want & free, fps) & free
    changed[len(base.motion) :] = True
    moved = with_seams(moved & free, fps) & free
    rest = (stale | want) & ~changed
    left = tuple(true_runs(rest))
    record = takes.Record(said, settings.steps, scene.frame_start, left)
    if changed.all() and moved.any():
        return Order(timeline, settings.steps, record, seeds=seeds, begin=begin, end=end)
    follow = settings.follow == "FOLLOWS"
    return Order(timeline, settings.steps, record, base.motion, changed, follow, seeds, begin, end, moved=moved)


def first_frame(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[int, bool]:
    """Which frame of the scene is time 0 for the take that is shown, and whether that lies where it does not belong.

    It is the scene's first frame. But where the user moved the generated strip together with its text and speech
    strips, it moved with them; unless another strip came before it, for then the take, too short for that, belongs
    nowhere. Where the generated strip alone was moved, that is the user's timing, and what it was made for stays.

    Raises InputError where the strips cannot be used.
    """
    take, moved, start = generated.shown(armature), generated.moved(armature), scene.frame_start
    if take is None or not moved:
        return start, False
    now, before = _places(told(strips.peek(scene, armature))), _places(take.record.timeline)
    if sum((what, frame + moved) in now for what, frame in before) <= len(before & now):
        return start, False
    ahead = any(frame < moved for _, frame in now)
    return (start, True) if ahead else (start + moved, False)


def _places(timeline: Timeline) -> set[tuple[object, int]]:
    """What each strip says, with the frame that it begins at."""
    said = [(strip.prompt, strip.start) for strip in timeline.text]
    spoken = [((strip.audio, strip.offset), strip.start) for strip in timeline.speech]
    return {(what, round(start * timeline.fps)) for what, start in (*said, *spoken)}


def _surroundings(
    scene: bpy.types.Scene, armature: bpy.types.Object, total: int, first: int
) -> tuple[Motion | None, Motion | None]:
    """How other animation of the character stands at `first` of `total` frames, and at the next strip's after them.

    None where nothing else moves it; the second also where it is not asked for, or no strip follows.
    """
    others = generated.others(armature)
    if not others or armature.freetalker_rig.travel == "IN_PLACE":
        return None, None
    last = first + total - 1
    later = [strip.frame_start for strip in others if strip is not None and strip.frame_start >= last]
    with generated.without(armature):
        begin = export.seen(scene, armature, range(first, first + 1))
        if not scene.freetalker.meet or not later:
            return begin, None
        return begin, export.seen(scene, armature, range(round(min(later)), round(min(later)) + 1))


def locked_frames(armature: bpy.types.Object, total: int, first: int) -> Bools:
    """Which of the timeline's frames (total,), that begins at `first`, lie under a locked strip."""
    locked = np.zeros(total, bool)
    for one in (*strips.placed(armature, "TEXT"), *strips.placed(armature, "SPEECH")):
        if one.data.lock and one.heard:
            start, stop = (max(0, round(frame) - first) for frame in (one.strip.frame_start, one.strip.frame_end))
            locked[start : stop + (stop == total - 1)] = True
    return locked


def told(timeline: Timeline) -> Timeline:
    """The timeline with the content of its recordings in place of their paths, which may change with the computer."""
    return dataclasses.replace(
        timeline,
        speech=tuple(dataclasses.replace(strip, audio=_content(strip.audio)) for strip in timeline.speech),
    )


def _content(path: Path) -> Path:
    about = path.stat()
    return Path(_digest(path, about.st_mtime_ns, about.st_size))


@lru_cache(maxsize=256)
def _digest(path: Path, _modified: int, _size: int) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def start(context: Any, wait: bool, everything: bool = False, reroll: str = "") -> Message | None:
    """Generate for the character at hand: in a thread, or at once with `wait`; then it is told how that ended.

    everything, reroll: as for `order`. Raises InputError where the strips cannot be used or nothing is to be done.
    """
    armature, scene = character.needed(context), context.scene
    settings = scene.freetalker
    if settings.new_seed and not reroll:
        settings.seed = (settings.seed + 1) % 2**31
    wanted = _with_model_found(order(scene, armature, everything, reroll))
    if wanted.changed is not None and not wanted.changed.any():
        why = "what has changed is locked" if wanted.record.left_stale else "nothing has changed since this take"
        _state.message = Message("INFO", f"Not generated, for {why}: re-roll a strip, or choose another seed")
        return _state.message
    sequencer.mirror(scene)
    begun = time.monotonic()
    scene_uid, armature_uid = scene.session_uid, armature.session_uid

    def generate(report: job.Report, cancelled: job.Cancelled) -> Result:
        return Result(work(wanted, report, cancelled), wanted)

    def done(outcome: job.Outcome) -> None:
        _state.running = None
        finish(outcome, scene_uid, armature_uid, time.monotonic() - begun)

    _state.message = None
    _ask_blender()
    if wait:
        finish(job.run("Generate", generate), scene_uid, armature_uid, time.monotonic() - begun, undo=False)
        return _state.message
    everything_new = np.ones(frames_of(wanted.record.timeline), bool)
    new = everything_new if wanted.changed is None else wanted.changed
    _state.running = Running(armature_uid, new, first_frame(scene, armature)[0])
    job.start("Generate", generate, done)
    return None


def _with_model_found(wanted: Order) -> Order:
    """The same with the model's path from here; the record keeps that from the .blend, which may be moved."""
    model = bpy.path.abspath(wanted.timeline.model)
    return dataclasses.replace(wanted, timeline=dataclasses.replace(wanted.timeline, model=model))


def _ask_blender() -> None:
    """What the worker has to know of Blender, before it starts."""
    _state.device, _state.online = preferences.device(), bpy.app.online_access


def make(scene: bpy.types.Scene, armature: bpy.types.Object, report: job.Report) -> Motion:
    """Generate all that is not locked, here and now; returns the motion, which the character shows as another take.

    Raises InputError where the strips or the model cannot be used.
    """
    wanted = _with_model_found(order(scene, armature, everything=True))
    if wanted.base is not None and wanted.changed is not None and not wanted.changed.any():
        return wanted.base
    _ask_blender()
    motion = work(wanted, report, lambda: False)
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
    wanted, base = result.order, generated.shown(armature)
    if base is None or wanted.base is None or not np.array_equal(base.motion.rotations, wanted.base.rotations):
        base = None  # another take than it was made from: the keys are made anew
    generated.place(scene, armature, result.motion, wanted.record, base, _note(wanted), wanted.back)
    for one in (*strips.placed(armature, "TEXT"), *strips.placed(armature, "SPEECH")):
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
