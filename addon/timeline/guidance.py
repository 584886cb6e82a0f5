# SPDX-License-Identifier: GPL-3.0-or-later
"""The Text / Audio slider: the scene's, a character's own, and their keyframes."""

import math
from itertools import pairwise
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.timeline.strips import GUIDANCE_MAX, Guidance
from .. import compat
from ..units import Clock, frames_per_second


def guidance_keys(text: str) -> tuple[tuple[float, float], ...]:
    """(seconds, value) pairs written as '0:1, 2.5:0.5'. Raises InputError where they are not so, or out of order."""
    pairs = [pair.split(":") for pair in text.split(",")]
    try:
        keys = tuple((float(seconds), float(value)) for seconds, value in pairs)
    except ValueError:
        keys = ()
    times = [seconds for seconds, _ in keys]
    numbers = all(math.isfinite(seconds) and 0 <= value <= GUIDANCE_MAX for seconds, value in keys)
    if not keys or not numbers or any(before >= after for before, after in pairwise(times)):
        raise InputError(
            f"'{text}' is no row of times with values from 0 to {GUIDANCE_MAX:g}: write seconds:value, seconds:value, "
            "such as 0:1, 2.5:0.5."
        )
    return keys


def own_slider(scene: bpy.types.Scene, armature: bpy.types.Object) -> Any | None:
    """A character's own Text / Audio in a scene, used or not; None where it never had one."""
    return next((one for one in scene.freetalker.sliders if one.character == armature), None)


def slider(scene: bpy.types.Scene, armature: bpy.types.Object) -> Any:
    """Whose `guidance` counts for a character: its own where it is used, else the scene's settings."""
    own = own_slider(scene, armature)
    return own if own is not None and own.use_guidance else scene.freetalker


def use_own_slider(scene: bpy.types.Scene, armature: bpy.types.Object, use: bool) -> None:
    """Let a character follow its own Text / Audio or the scene's. Its first value is the scene's."""
    own = own_slider(scene, armature)
    if own is None:
        own = next((one for one in scene.freetalker.sliders if one.character not in scene.objects.values()), None)
        if own is None:
            own = scene.freetalker.sliders.add()  # none is ever taken away: keyframes know them by their number
        set_guidance(scene, own, scene.freetalker.guidance)
        own.character = armature
    own.use_guidance = use


def guidance_of(scene: bpy.types.Scene, owner: Any, clock: Clock) -> Guidance:
    """What a slider says; as (seconds, value) with straight lines between where it has keys."""
    curve = guidance_curve(scene, owner)
    if curve is None or curve.mute or not len(curve.keyframe_points):
        return owner.guidance
    points = curve.keyframe_points
    straight = all(point.interpolation == "LINEAR" for point in points) or len(points) == 1
    if straight and not len(curve.modifiers) and curve.extrapolation == "CONSTANT":
        keys = [(point.co[0], point.co[1]) for point in points]
    else:
        frames = range(clock.first, max(int(curve.range()[1]), clock.first) + 1)
        keys = _corners([(frame, curve.evaluate(frame)) for frame in frames])
    return tuple((round(clock.seconds(frame), 6), round(max(0.0, value), 6)) for frame, value in keys)


def guidance_curve(scene: bpy.types.Scene, owner: Any) -> Any | None:
    """The keys of a slider of the scene, where it has any."""
    animation = scene.animation_data
    if animation is None or animation.action is None:
        return None
    bag = compat.channelbag(animation.action, animation.action_slot)
    return None if bag is None else bag.fcurves.find(owner.path_from_id("guidance"))


def _corners(keys: list[tuple[int, float]], tolerance: float = 1e-4) -> list[tuple[int, float]]:
    """The fewest of the keys, by halving at the worst, whose straight lines pass all others within the tolerance."""
    times, values = np.array(keys).T
    kept, open_spans = {0, len(keys) - 1}, [(0, len(keys) - 1)]
    while open_spans:
        low, high = open_spans.pop()
        inner = slice(low, high + 1)
        off = np.abs(values[inner] - np.interp(times[inner], times[[low, high]], values[[low, high]]))
        worst = low + int(off.argmax())
        if off.max() > tolerance and low < worst < high:
            kept.add(worst)
            open_spans += [(low, worst), (worst, high)]
    return [keys[index] for index in sorted(kept)]


def set_guidance(scene: bpy.types.Scene, owner: Any, guidance: Guidance) -> None:
    """Give a slider a value, or keys with straight lines between; keys that it had go."""
    if isinstance(guidance, tuple):
        owner.guidance = guidance[0][1]
        owner.keyframe_insert("guidance")  # Blender makes action, slot and curve as it likes them
    curve = guidance_curve(scene, owner)
    if curve is None:
        owner.guidance = guidance
        return
    if not isinstance(guidance, tuple):
        bag = compat.channelbag(scene.animation_data.action, scene.animation_data.action_slot)
        bag.fcurves.remove(curve)
        owner.guidance = guidance
        return
    points = curve.keyframe_points
    points.clear()
    points.add(len(guidance))
    fps = frames_per_second(scene)
    for point, (seconds, value) in zip(points, guidance, strict=True):
        point.co = scene.frame_start + seconds * fps, value
        point.interpolation = "LINEAR"
    curve.update()
