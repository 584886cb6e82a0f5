# SPDX-License-Identifier: GPL-3.0-or-later
"""The Text / Audio sliders of the scene and of single characters, and their keyframes."""

import math
from itertools import pairwise

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.timeline.strips import GUIDANCE_MAX, Guidance
from .. import compat
from ..data import GuidanceSlider, SliderRow, scene_settings
from ..units import Clock, frames_per_second


def guidance_keys(text: str) -> tuple[tuple[float, float], ...]:
    """Parse (seconds, value) pairs such as '0:1, 2.5:0.5'.

    Raises:
        InputError: The text has another form, a value is out of range, or the times do not increase.
    """
    pairs = [pair.split(":") for pair in text.split(",")]
    try:
        keys = tuple((float(seconds), float(value)) for seconds, value in pairs)
    except ValueError:
        keys = ()
    times = [seconds for seconds, _ in keys]
    numbers = all(math.isfinite(seconds) and 0 <= value <= GUIDANCE_MAX for seconds, value in keys)
    if not keys or not numbers or any(before >= after for before, after in pairwise(times)):
        raise InputError(
            f"'{text}' is not a list of times in order with values from 0 to {GUIDANCE_MAX:g}; write seconds:value, "
            "seconds:value, such as 0:1, 2.5:0.5."
        )
    return keys


def own_slider(scene: bpy.types.Scene, armature: bpy.types.Object) -> SliderRow | None:
    """Return a character's own slider in a scene, whether used or not; None if it never had one."""
    return next((one for one in scene_settings(scene).sliders if one.character == armature), None)


def slider(scene: bpy.types.Scene, armature: bpy.types.Object) -> GuidanceSlider:
    """Return the slider that applies to a character: its own if that is used, else the scene's."""
    own = own_slider(scene, armature)
    return own if own is not None and own.use_guidance else scene_settings(scene)


def use_own_slider(scene: bpy.types.Scene, armature: bpy.types.Object, use: bool) -> None:
    """Switch a character between its own slider, which starts with the scene's value, and that of the scene."""
    own, settings = own_slider(scene, armature), scene_settings(scene)
    if own is None:
        own = next((one for one in settings.sliders if one.character not in scene.objects.values()), None)
        if own is None:
            own = settings.sliders.add()  # rows are never removed, because keyframes refer to them by index
        set_guidance(scene, own, settings.guidance)
        own.character = armature
    own.use_guidance = use


def guidance_of(scene: bpy.types.Scene, owner: GuidanceSlider, clock: Clock) -> Guidance:
    """Return the value of a slider, or (seconds, value) keys with linear interpolation if it is animated."""
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


def guidance_curve(scene: bpy.types.Scene, owner: GuidanceSlider) -> bpy.types.FCurve | None:
    """Return the F-curve of a slider, or None if it is not animated."""
    curves = _curves(scene)
    return None if curves is None else curves.find(owner.path_from_id("guidance"))


def _curves(scene: bpy.types.Scene) -> "bpy.types.ActionChannelbagFCurves | None":
    """Return the F-curves of the scene's own Action."""
    animation = scene.animation_data
    if animation is None or animation.action is None:
        return None
    bag = compat.channelbag(animation.action, animation.action_slot)
    return None if bag is None else bag.fcurves


def _corners(keys: list[tuple[int, float]], tolerance: float = 1e-4) -> list[tuple[int, float]]:
    """Keep the keys whose straight lines pass all others within the tolerance, by splitting at the largest error."""
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


def set_guidance(scene: bpy.types.Scene, owner: GuidanceSlider, guidance: Guidance) -> None:
    """Set the value or the linear keys of a slider; its previous keys are removed."""
    if isinstance(guidance, tuple):
        owner.guidance = guidance[0][1]
        owner.keyframe_insert("guidance")  # Blender creates the action, slot and curve
    curves, curve = _curves(scene), guidance_curve(scene, owner)
    if not isinstance(guidance, tuple):
        if curves is not None and curve is not None:
            curves.remove(curve)
        owner.guidance = guidance
        return
    if curve is None:
        return
    points = curve.keyframe_points
    points.clear()
    points.add(len(guidance))
    fps = frames_per_second(scene)
    for point, (seconds, value) in zip(points, guidance, strict=True):
        point.co = scene.frame_start + seconds * fps, value
        point.interpolation = "LINEAR"
    curve.update()
