# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be generated, worked out from a character's strips and its current take."""

import dataclasses
import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.planning.segments import frames_of, stale_frames, with_seams
from ...core.runs import Bools, true_runs
from ...core.timeline.strips import SEED_MAX, Timeline
from ..setup import preferences
from ..takes import export, generated
from ..takes.storage import Record
from ..timeline import convert, names, strips


@dataclass(frozen=True)
class Order:
    """What is to be generated: a timeline, or where there is a take to go on from, its `changed` frames (T,).

    record: what the take is said to be made of. base: the motion of the take before. seeds: what the own seeds of
    strips become with it, by the session_uid of their Action. begin, end: of one frame, where the character stands
    and faces before it, and the pose that it is to end in. back: the generated strip was moved, and is to go back to
    where the timeline's frames are. moved: where root and legs are made anew too (T,). device: what the
    network runs on. online: whether it may ask a hub. The last two are set by `for_this_computer`.
    """

    timeline: Timeline
    steps: int
    record: Record
    base: Motion | None = None
    changed: Bools | None = None
    follow: bool = False
    seeds: Mapping[int, int] = field(default_factory=dict)
    begin: Motion | None = None
    end: Motion | None = None
    back: bool = False
    moved: Bools | None = None
    device: str = "auto"
    online: bool = False


@dataclass(frozen=True)
class Result:
    """Motion that was generated, and what it was made of."""

    motion: Motion
    order: Order


def make_order(scene: bpy.types.Scene, armature: bpy.types.Object, everything: bool = False, reroll: str = "") -> Order:
    """What Generate is to do: what has changed since the take that is shown, or `everything`, but no locked strip.

    reroll: the key of a strip that gets a new seed; then it alone is made anew. Where nothing is to be done no frame of
    the order is changed.

    Raises InputError where the strips cannot be used.
    """
    settings = scene.freetalker
    names.adopt_names(armature)
    first, back = first_frame(scene, armature)
    timeline = convert.timeline(scene, armature, first=first)
    said = with_recording_hashes(timeline)
    base = generated.active_take(armature)
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
        timeline = convert.timeline(scene, armature, seeds, first)
        before, said = said, with_recording_hashes(timeline)
        if base is not None and kept:
            want, moved = (stale_frames(before, said, legs) for legs in (False, True))
    begin, end = _surroundings(scene, armature, total, first)
    if base is None or not kept:
        record = Record(said, settings.steps, scene.frame_start)
        return Order(timeline, settings.steps, record, seeds=seeds, begin=begin, end=end, back=back)
    free = ~locked_frames(armature, total, first)
    changed = with_seams(want & free, fps) & free
    changed[len(base.motion) :] = True
    moved = with_seams(moved & free, fps) & free
    rest = (stale | want) & ~changed
    left = tuple(true_runs(rest))
    record = Record(said, settings.steps, scene.frame_start, left)
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
    take, moved, start = generated.active_take(armature), generated.moved(armature), scene.frame_start
    if take is None or not moved:
        return start, False
    now, before = _places(with_recording_hashes(convert.peek_timeline(scene, armature))), _places(take.record.timeline)
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
        begin = export.sample_animation(scene, armature, range(first, first + 1))
        if not scene.freetalker.meet or not later:
            return begin, None
        return begin, export.sample_animation(scene, armature, range(round(min(later)), round(min(later)) + 1))


def locked_frames(armature: bpy.types.Object, total: int, first: int) -> Bools:
    """Which of the timeline's frames (total,), that begins at `first`, lie under a locked strip."""
    locked = np.zeros(total, bool)
    for one in (*strips.find_strips(armature, "TEXT"), *strips.find_strips(armature, "SPEECH")):
        if one.data.lock and one.heard:
            start, stop = (max(0, round(frame) - first) for frame in (one.strip.frame_start, one.strip.frame_end))
            locked[start : stop + (stop == total - 1)] = True
    return locked


def with_recording_hashes(timeline: Timeline) -> Timeline:
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


def for_this_computer(order: Order) -> Order:
    """The order with what the worker cannot ask Blender for: the model's absolute path, the device, and the network.

    The record keeps the model's path as the .blend has it, which may be moved to another computer.
    """
    model = bpy.path.abspath(order.timeline.model)
    timeline = dataclasses.replace(order.timeline, model=model)
    return dataclasses.replace(order, timeline=timeline, device=preferences.device(), online=bpy.app.online_access)
