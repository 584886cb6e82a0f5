# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders: what to generate, determined from a character's strips and its active take."""

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
from ..data import rig_data, scene_settings
from ..setup import preferences
from ..takes import export, generated
from ..takes.storage import Record
from ..timeline import convert, names, strips


@dataclass(frozen=True)
class Order:
    """A request to generate a timeline, or the changed frames of a take.

    Args:
        timeline: What to generate.
        steps: Denoising steps; 0 for the model's default.
        record: What the resulting take is generated from.
        base: Motion of the take to regenerate in part; None to generate everything.
        changed: (T,) frames to regenerate.
        follow: Move the motion after a regenerated part to its new end, instead of leading the part to its old end.
        seeds: New seeds of strips by the session_uid of their Action, stored on them when the take is placed.
        begin: One frame with the character's position and facing before the motion.
        end: One frame with the pose to end in.
        reset_position: Place the generated strip where the timeline's frames are, not where the user moved it.
        legs_changed: (T,) frames in which root and legs are regenerated too.
        device: What the network runs on; set by `for_this_computer`.
        online: Whether model hubs may be accessed; set by `for_this_computer`.
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
    reset_position: bool = False
    legs_changed: Bools | None = None
    device: str = "auto"
    online: bool = False


@dataclass(frozen=True)
class Result:
    """Generated motion and the order that it fulfills."""

    motion: Motion
    order: Order


def make_order(scene: bpy.types.Scene, armature: bpy.types.Object, everything: bool = False, reroll: str = "") -> Order:
    """Determine what Generate has to do: the frames that are stale in the active take, without locked strips.

    Args:
        scene: The scene.
        armature: The character.
        everything: Regenerate all frames, except locked strips.
        reroll: Key of a strip that gets a new seed; only its frames are regenerated.

    Returns:
        An order without changed frames if there is nothing to do.

    Raises:
        InputError: The strips cannot be used.
    """
    settings = scene_settings(scene)
    names.adopt_names(armature)
    first, reset = first_frame(scene, armature)
    timeline = convert.timeline(scene, armature, first=first)
    hashed = with_recording_hashes(timeline)
    base = generated.active_take(armature)
    total, fps = frames_of(hashed), hashed.fps
    kept = base is not None and base.record.timeline.fps == fps and not reset
    stale = stale_legs = np.ones(total, bool)
    if base is not None and kept:
        stale, stale_legs = (
            base.record.stale_in(hashed, settings.steps, scene.frame_start, legs) for legs in (False, True)
        )
    want, legs_changed, seeds = stale | everything, stale_legs | everything, {}
    if reroll:
        one = strips.strip_by_key(armature, reroll)
        if one.data.lock:
            raise InputError(f"The strip '{one.strip.name}' is locked; unlock it to re-roll it.")
        strips.make_single(one)
        seeds = {one.action.session_uid: random.randrange(SEED_MAX)}
        timeline = convert.timeline(scene, armature, seeds, first)
        before, hashed = hashed, with_recording_hashes(timeline)
        if base is not None and kept:
            want, legs_changed = (stale_frames(before, hashed, legs) for legs in (False, True))
    begin, end = _surroundings(scene, armature, total, first)
    if base is None or not kept:
        record = Record(hashed, settings.steps, scene.frame_start)
        return Order(timeline, settings.steps, record, seeds=seeds, begin=begin, end=end, reset_position=reset)
    free = ~locked_frames(armature, total, first)
    changed = with_seams(want & free, fps) & free
    changed[len(base.motion) :] = True
    legs_changed = with_seams(legs_changed & free, fps) & free
    left_stale = tuple(true_runs((stale | want) & ~changed))
    record = Record(hashed, settings.steps, scene.frame_start, left_stale)
    order = Order(timeline, settings.steps, record, seeds=seeds, begin=begin, end=end)
    if changed.all() and legs_changed.any():
        return order
    follow = settings.follow == "FOLLOWS"
    return dataclasses.replace(order, base=base.motion, changed=changed, follow=follow, legs_changed=legs_changed)


def first_frame(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[int, bool]:
    """Determine which frame of the scene is time 0 of the active take.

    Usually it is the scene's first frame. If the user moved the generated strip together with its text and speech
    strips, time 0 moves with them, unless a strip was added before them: then the take has to be generated again in its
    original place. If the generated strip alone was moved, that is the user's timing, and time 0 stays.

    Returns:
        (frame, whether the generated strip has to go back to its original place).

    Raises:
        InputError: The strips cannot be used.
    """
    take, offset, start = generated.active_take(armature), generated.user_offset(armature), scene.frame_start
    if take is None or not offset:
        return start, False
    now = _contents(with_recording_hashes(convert.peek_timeline(scene, armature)))
    before = _contents(take.record.timeline)
    if sum((content, frame + offset) in now for content, frame in before) <= len(before & now):
        return start, False
    ahead = any(frame < offset for _, frame in now)
    return (start, True) if ahead else (start + offset, False)


def _contents(timeline: Timeline) -> set[tuple[object, int]]:
    """Return the (prompt or recording, first frame) of each strip."""
    text = [(strip.prompt, strip.start) for strip in timeline.text]
    speech = [((strip.audio, strip.offset), strip.start) for strip in timeline.speech]
    return {(content, round(start * timeline.fps)) for content, start in (*text, *speech)}


def _surroundings(
    scene: bpy.types.Scene, armature: bpy.types.Object, total: int, first: int
) -> tuple[Motion | None, Motion | None]:
    """Sample the character's other animation at `first`, and where its next strip begins after the `total` frames.

    Returns:
        (begin, end) of one frame each; None if nothing else moves the character. The end is also None if it is not
        wanted or no strip follows.
    """
    others = generated.other_animation(armature)
    if not others or rig_data(armature).travel == "IN_PLACE":
        return None, None
    last = first + total - 1
    later = [strip.frame_start for strip in others if strip is not None and strip.frame_start >= last]
    with generated.muted(armature):
        begin = export.sample_animation(scene, armature, range(first, first + 1))
        if not scene_settings(scene).meet or not later:
            return begin, None
        return begin, export.sample_animation(scene, armature, range(round(min(later)), round(min(later)) + 1))


def locked_frames(armature: bpy.types.Object, total: int, first: int) -> Bools:
    """Return which frames (total,) of the timeline that begins at frame `first` are under a locked strip."""
    locked = np.zeros(total, bool)
    for one in strips.strips_of(armature):
        if one.data.lock and one.audible:
            start, stop = (max(0, round(frame) - first) for frame in (one.strip.frame_start, one.strip.frame_end))
            locked[start : stop + (stop == total - 1)] = True
    return locked


def with_recording_hashes(timeline: Timeline) -> Timeline:
    """Replace the paths of recordings, which differ between computers, by hashes of their content."""
    return dataclasses.replace(
        timeline,
        speech=tuple(dataclasses.replace(strip, audio=_content_hash(strip.audio)) for strip in timeline.speech),
    )


def _content_hash(path: Path) -> Path:
    status = path.stat()
    return Path(_digest(path, status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=256)
def _digest(path: Path, _modified: int, _size: int) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def for_this_computer(order: Order) -> Order:
    """Add what the worker cannot ask Blender for: the model's absolute path, the device and online access.

    The record keeps the model's path as in the .blend file, which may be moved to another computer.
    """
    model = bpy.path.abspath(order.timeline.model)
    timeline = dataclasses.replace(order.timeline, model=model)
    return dataclasses.replace(order, timeline=timeline, device=preferences.device(), online=bpy.app.online_access)
