# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames are stale, locked, being generated, or visible in the preview."""

import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

import bpy
from bpy.app.handlers import persistent

from ...core.errors import InputError
from ...core.runs import Bools, true_runs
from .. import job
from ..data import scene_settings
from ..takes import generated
from ..timeline import convert, guidance, strips
from ..timeline.strips import StripRef
from ..translations import tr
from ..units import frames_per_second
from . import session
from .orders import first_frame, locked_frames, with_recording_hashes

StretchKind: TypeAlias = Literal["STALE", "LOCKED", "RUNNING", "SEEN"]


@dataclass(frozen=True)
class Stretch:
    """A range of frames of the scene with the same state.

    Args:
        kind: STALE, LOCKED, RUNNING, or SEEN for running frames that are visible in the preview.
        start: First frame.
        stop: Frame after the last.
    """

    kind: StretchKind
    start: int
    stop: int


_cached: tuple[object, tuple[Stretch, ...]] = (None, ())
_checked: tuple[object, float] = (None, 0.0)  # what was compared last, and until when the comparison is valid
_VALID_SECONDS = 0.25  # because some changes are not notified


def find_stretches(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[Stretch, ...]:
    """Return the stretches of a character, recomputed only if a strip or a setting has changed.

    Nothing is written, so panels may call this. If the strips cannot be read, nothing is stale.
    """
    global _cached, _checked  # noqa: PLW0603 - kept from one redraw to the next
    now, preview = time.monotonic(), session.preview(armature)
    subject = (scene.session_uid, armature.session_uid, job.current() is None, id(preview))
    if subject == _checked[0] and now < _checked[1]:
        return _cached[1]
    key = _key(scene, armature)
    if key != _cached[0]:
        _cached = (key, tuple(_compute(scene, armature)))
    _checked = (subject, now + (0.0 if bpy.app.background else _VALID_SECONDS))
    return _cached[1]


@persistent
def _invalidate(*_: object) -> None:
    global _checked  # noqa: PLW0603
    _checked = (None, 0.0)


def describe(scene: bpy.types.Scene, kind: StretchKind, found: tuple[Stretch, ...]) -> str:
    """Return a text with the times of all stretches of a kind in seconds; empty if there are none."""
    fps = frames_per_second(scene)
    times = [(frame - scene.frame_start) / fps for one in found if one.kind == kind for frame in (one.start, one.stop)]
    spans = [f"{start:.1f}-{stop:.1f}" for start, stop in zip(times[::2], times[1::2], strict=True)]
    if len(spans) > 3:
        spans[3:] = ["..."]
    said = {
        "LOCKED": tr("Locked: {spans} s"),
        "SEEN": tr("Preview available: {spans} s"),
        "STALE": tr("Changed since this take: {spans} s"),
    }[kind]
    return said.format(spans=", ".join(spans)) if spans else ""


def _compute(scene: bpy.types.Scene, armature: bpy.types.Object) -> list[Stretch]:
    running, preview = session.running(armature), session.preview(armature)
    found = _of_take(scene, armature)
    if running is not None:
        found += _of("RUNNING", running.new, running.first_frame)
    if running is not None and preview is not None:
        found += _of("SEEN", running.new[: len(preview)], running.first_frame)
    return found


def _of_take(scene: bpy.types.Scene, armature: bpy.types.Object) -> list[Stretch]:
    """Return the stale and locked stretches of the active take."""
    take = generated.active_take(armature)
    if take is None:
        return []
    try:
        first, reset = first_frame(scene, armature)
        timeline = with_recording_hashes(convert.peek_timeline(scene, armature, first=first))
    except (InputError, OSError):
        return []
    stale = take.record.stale_in(timeline, scene_settings(scene).steps, scene.frame_start) | reset
    locked = locked_frames(armature, len(stale), first)
    return [*_of("LOCKED", locked, first), *_of("STALE", stale, first)]


def _of(kind: StretchKind, flags: Bools, first: int) -> list[Stretch]:
    return [Stretch(kind, first + start, first + stop) for start, stop in true_runs(flags)]


def _key(scene: bpy.types.Scene, armature: bpy.types.Object) -> tuple[object, ...]:
    """Return everything that the stretches depend on, as cheaply as possible."""
    settings, animation = scene_settings(scene), armature.animation_data
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


def _curve_key(curve: bpy.types.FCurve | None) -> tuple[object, ...]:
    if curve is None:
        return ()
    points = ((*one.co, *one.handle_left, *one.handle_right, one.interpolation) for one in curve.keyframe_points)
    return (curve.mute, curve.extrapolation, len(curve.modifiers), *points)


def _strip_key(one: StripRef) -> tuple[object, ...]:
    strip, data = one.strip, one.data
    times = strip.frame_start, strip.frame_end, strip.action_frame_start, strip.scale
    said = data.prompt, data.sound.filepath if data.sound is not None else ""
    how = data.use_guidance, data.guidance, data.guidance_keys, data.use_seed, data.seed, data.lock, data.scope
    return (one.audible, one.action.session_uid, times, said, how)


_HANDLERS = ("depsgraph_update_post", "undo_post", "redo_post", "load_post")


def register() -> None:
    """Compare the strips again after every change to the file."""
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_invalidate)


def unregister() -> None:
    """Remove the handlers."""
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_invalidate)
