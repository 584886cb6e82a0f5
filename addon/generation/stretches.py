# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames are stale, locked, being generated, or visible so far."""

import time
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...core.errors import InputError
from ...core.runs import Bools, true_runs
from .. import job
from ..takes import generated
from ..timeline import convert, guidance, strips
from ..timeline.strips import StripRef
from ..translations import tr
from ..units import frames_per_second
from . import session
from .orders import first_frame, locked_frames, with_recording_hashes


@dataclass(frozen=True)
class Stretch:
    """Frames start..stop of the scene, and what they are: STALE, LOCKED, RUNNING or, of these, SEEN in the viewport."""

    kind: str
    start: int
    stop: int


_known: tuple[Any, tuple[Stretch, ...]] = (None, ())
_looked: tuple[Any, float] = (None, 0.0)  # at what, and until when that holds where Blender tells of no change
_GOOD_FOR = 0.25  # seconds, for what changes without a word


def find_stretches(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[Stretch, ...]:
    """What there is to say of the character's frames; worked out again only where a strip or a setting has changed.

    Nothing is written, so panels may ask. Where the strips cannot be read now, nothing is stale.
    """
    global _known, _looked  # noqa: PLW0603 - remembered from one redraw to the next
    now, seen = time.monotonic(), session.preview(armature)
    about = (scene.session_uid, armature.session_uid, job.current() is None, id(seen))
    if about == _looked[0] and now < _looked[1]:
        return _known[1]
    key = _key(scene, armature)
    if key != _known[0]:
        _known = (key, tuple(_found(scene, armature)))
    _looked = (about, now + (0.0 if bpy.app.background else _GOOD_FOR))
    return _known[1]


@persistent
def _changed(*_: Any) -> None:
    """Something in the file has: look at the strips again."""
    global _looked  # noqa: PLW0603
    _looked = (None, 0.0)


def describe(scene: bpy.types.Scene, kind: str, found: tuple[Stretch, ...]) -> str:
    """Those of a kind in words, in seconds; empty where there are none."""
    fps = frames_per_second(scene)
    times = [(frame - scene.frame_start) / fps for one in found if one.kind == kind for frame in (one.start, one.stop)]
    spans = [f"{start:.1f}-{stop:.1f}" for start, stop in zip(times[::2], times[1::2], strict=True)]
    if len(spans) > 3:
        spans[3:] = ["..."]
    said = {
        "LOCKED": tr("Locked: {spans} s"),
        "SEEN": tr("To be seen so far: {spans} s"),
        "STALE": tr("Changed since this take: {spans} s"),
    }[kind]
    return said.format(spans=", ".join(spans)) if spans else ""


def _found(scene: bpy.types.Scene, armature: bpy.types.Object) -> list[Stretch]:
    running, seen = session.running(armature), session.preview(armature)
    found = _standing(scene, armature)
    if running is not None:
        found += _of("RUNNING", running.new, running.first_frame)
    if running is not None and seen is not None:
        found += _of("SEEN", running.new[: len(seen)], running.first_frame)
    return found


def _standing(scene: bpy.types.Scene, armature: bpy.types.Object) -> list[Stretch]:
    """What there is to say of the take that is shown."""
    take = generated.active_take(armature)
    if take is None:
        return []
    try:
        first, back = first_frame(scene, armature)
        told = with_recording_hashes(convert.peek_timeline(scene, armature, first=first))
    except (InputError, OSError):
        return []
    stale = take.record.stale_in(told, scene.freetalker.steps, scene.frame_start) | back
    locked = locked_frames(armature, len(stale), first)
    return [*_of("LOCKED", locked, first), *_of("STALE", stale, first)]


def _of(kind: str, flags: Bools, first: int) -> list[Stretch]:
    return [Stretch(kind, first + start, first + stop) for start, stop in true_runs(flags)]


def _key(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[Any, ...]:
    """All that the answer depends on, as cheaply as it can be had."""
    settings, animation = scene.freetalker, armature.animation_data
    placed = strips.find_strips(armature, "TEXT", "SPEECH", "GENERATED")
    rows = tuple(_strip_key(one) for one in placed)
    slider = guidance.slider(scene, armature)
    scenes = (
        scene.frame_start,
        scene.render.fps,
        scene.render.fps_base,
        settings.seed,
        slider.guidance,
        settings.model,
    )
    keys = _curve_key(guidance.guidance_curve(scene, slider))
    going = session.running(armature) is None, id(session.preview(armature))
    return (armature.session_uid, animation is None, rows, keys, scenes, settings.steps, going)


def _curve_key(curve: Any) -> tuple[Any, ...]:
    if curve is None:
        return ()
    points = ((*one.co, *one.handle_left, *one.handle_right, one.interpolation) for one in curve.keyframe_points)
    return (curve.mute, curve.extrapolation, len(curve.modifiers), *points)


def _strip_key(one: StripRef) -> tuple[Any, ...]:
    strip, data = one.strip, one.data
    times = strip.frame_start, strip.frame_end, strip.action_frame_start, strip.scale
    said = data.prompt, data.sound.filepath if data.sound is not None else ""
    how = data.use_guidance, data.guidance, data.guidance_keys, data.use_seed, data.seed, data.lock, data.scope
    return (one.heard, strip.action.session_uid, times, said, how)


_CHANGES = ("depsgraph_update_post", "undo_post", "redo_post", "load_post")


def register() -> None:
    for name in _CHANGES:
        getattr(bpy.app.handlers, name).append(_changed)


def unregister() -> None:
    for name in _CHANGES:
        getattr(bpy.app.handlers, name).remove(_changed)
