# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion to keys on pose bones: the one place that writes F-curves.

Motion is Y up, facing +Z; a Blender scene is Z up, and a character faces -Y.
"""

from typing import Any, TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.motion import Motion
from . import compat
from .rigs import armature as rig

Array: TypeAlias = NDArray[np.float64]

Z_UP: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""C, from motion's axes to Blender's: x stays, y becomes z, z becomes -y."""

_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


def new_action(name: str, motion: Motion, armature: bpy.types.Object, first_frame: float) -> tuple[Any, Any]:
    """A new Action with a key of every driven bone on every frame of `motion`, from `first_frame` on: (action, slot).

    Raises InputError where the armature has no bone map that fits.
    """
    curves = rig.curves(motion, armature)
    frames = first_frame + np.arange(len(motion), dtype=np.float64)
    action, slot, bag = compat.new_action(name, armature.name)
    for path, index, group, values in curves:
        write_keys(compat.new_curve(bag, path, index, group), frames[: len(values)], values)
    return action, slot


def write_keys(curve: bpy.types.FCurve, frames: Array, values: Array) -> None:
    """Replace the keys of a curve by straight lines through (frame, value)."""
    points = curve.keyframe_points
    points.clear()
    points.add(len(frames))
    points.foreach_set("co", np.column_stack((frames, values)).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(len(frames), _LINEAR, np.int32))
    curve.update()


def read_keys(curve: bpy.types.FCurve) -> Array:
    """(frame, value) of a curve's keys, (N, 2)."""
    keys = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", keys)
    return keys.reshape(-1, 2).astype(np.float64)


def flatten(strip: bpy.types.NlaStrip, name: str, slot_name: str) -> tuple[Any, Any]:
    """A new Action that plays on the scene's frames as the strip plays its own: (action, slot).

    What was trimmed, moved, scaled, repeated or reversed is so in the keys. Curves are read as straight lines
    between their keys, as `new_action` writes them.
    """
    source = compat.channelbag(strip.action, strip.action_slot)
    first, last = round(strip.frame_start), round(strip.frame_end)
    frames = np.arange(first, last + 1, dtype=np.float64)  # (T,)
    action, slot, bag = compat.new_action(name, slot_name)
    times = _action_times(strip, frames)
    for curve in source.fcurves if source is not None else ():
        keys = read_keys(curve)
        group = curve.group.name if curve.group else ""
        values = np.interp(times, keys[:, 0], keys[:, 1])
        write_keys(compat.new_curve(bag, curve.data_path, curve.array_index, group), frames, values)
    return action, slot


def _action_times(strip: bpy.types.NlaStrip, frames: Array) -> Array:
    """The action's own time at each frame of the scene, (T,)."""
    start, end = strip.action_frame_start, strip.action_frame_end
    played = (frames - strip.frame_start) / strip.scale  # (T,) in frames of the action
    length = max(end - start, 1e-6)
    turn = np.minimum(np.floor(played / length + 1e-6), np.ceil(strip.repeat) - 1)
    within = np.clip(played - turn * length, 0.0, length)
    return end - within if strip.use_reverse else start + within
