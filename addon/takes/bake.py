# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion to keys on pose bones: the one place that writes F-curves.

Motion is Y up, facing +Z; a Blender scene is Z up, and a character faces -Y.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.motion.rotation import axis_angle_to_quaternion, euler_to_matrix, matrix_to_quaternion
from .. import compat
from ..rigs import armature as rig
from ..units import Array
from . import reduction

_ENUMS = bpy.types.Keyframe.bl_rna.properties
_LINEAR, _BEZIER, _CONSTANT = (
    _ENUMS["interpolation"].enum_items[kind].value for kind in ("LINEAR", "BEZIER", "CONSTANT")
)
_FREE = _ENUMS["handle_left_type"].enum_items["FREE"].value
_CHANNELS = {"location": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4, "scale": 3}
_TURNS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
_SCALE_LIMIT = 1e-3  # of a bone's scale, which nobody asks degrees or metres of


@dataclass(frozen=True)
class Limits:
    """How far a bone may be off at any frame where keys are reduced: its own rotation, its own location."""

    degrees: float = 0.25
    metres: float = 0.001


@dataclass(frozen=True)
class Reduced:
    """How many keys there were and are, and the largest errors of a bone, as Blender plays the curves."""

    before: int
    after: int
    degrees: float = 0.0
    metres: float = 0.0


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


def write_keys(
    curve: bpy.types.FCurve, frames: Array, values: Array, handles: tuple[Array, Array] | None = None
) -> None:
    """Replace the keys of a curve by straight lines through (frame, value).

    handles: heights on both sides of each key, a third of the way to the next one; then the lines are cubic.
    """
    points = curve.keyframe_points
    points.clear()
    points.add(len(frames))
    points.foreach_set("co", np.column_stack((frames, values)).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(len(frames), _LINEAR if handles is None else _BEZIER, np.int32))
    if handles is not None:
        steps = np.diff(frames) / 3
        outer = steps[:1] if len(steps) else np.ones(1)
        before = frames - np.concatenate([outer, steps])
        after = frames + np.concatenate([steps, outer])
        for side, times, heights in (("left", before, handles[0]), ("right", after, handles[1])):
            points.foreach_set(f"handle_{side}_type", np.full(len(frames), _FREE, np.int32))
            points.foreach_set(f"handle_{side}", np.column_stack((times, heights)).astype(np.float32).ravel())
    curve.update()


def put_keys(curve: bpy.types.FCurve, first: int, values: Array, hold: bool) -> None:
    """Straight lines through values (N,) on the frames from `first` on, in place of the keys there; others stay.

    hold: the last of them holds until the key after it.
    """
    points = curve.keyframe_points
    keys = read_keys(curve)
    inside = (keys[:, 0] > first - 0.5) & (keys[:, 0] < first + len(values) - 0.5)
    frames = first + np.arange(len(values), dtype=np.float64)
    if not np.array_equal(keys[inside, 0], frames):
        for index in np.flatnonzero(inside)[::-1]:
            points.remove(points[int(index)], fast=True)
        inside = np.arange(len(points) + len(values)) >= len(points)
        points.add(len(values))
    co, kinds = np.empty((len(points), 2), np.float32), np.empty(len(points), np.int32)
    points.foreach_get("co", co.ravel())
    points.foreach_get("interpolation", kinds)
    co[inside] = np.column_stack((frames, values))
    kinds[inside] = _LINEAR
    kinds[np.flatnonzero(inside)[-1]] = _CONSTANT if hold else _LINEAR
    points.foreach_set("co", co.ravel())
    points.foreach_set("interpolation", kinds)
    curve.update()


def read_keys(curve: bpy.types.FCurve) -> Array:
    """(frame, value) of a curve's keys, (N, 2)."""
    keys = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", keys)
    return keys.reshape(-1, 2).astype(np.float64)


def flatten(
    strip: bpy.types.NlaStrip, name: str, armature: bpy.types.Object, all_bones: bool, limits: Limits | None
) -> tuple[Any, Any, Reduced]:
    """A new Action that plays on the scene's frames as the strip plays its own: (action, slot, how many keys).

    What was trimmed, moved, scaled, repeated or reversed is so in the keys. all_bones: every bone of the armature as
    the scene at hand shows it, other tracks included. limits: few keys within these, instead of one at each frame.
    """
    frames = np.arange(round(strip.frame_start), round(strip.frame_end) + 1, dtype=np.float64)  # (T,)
    curves = _played(strip, frames)
    if all_bones:
        seen = _seen(armature, frames)
        paths = {path for path, _, _, _ in seen}
        curves = [*(curve for curve in curves if curve[0] not in paths), *seen]
    action, slot, bag = compat.new_action(name, armature.name)
    groups: dict[str, list[rig.Curve]] = {}
    for curve in sorted(curves, key=lambda curve: curve[:2]):
        groups.setdefault(curve[0], []).append(curve)
    if limits is not None:
        return action, slot, _write_reduced(bag, armature, frames, groups, limits)
    _write(bag, frames, curves)
    return action, slot, Reduced(_count(curves), _count(curves))


def _played(strip: bpy.types.NlaStrip, frames: Array) -> list[rig.Curve]:
    """The strip's curves at the scene's frames (T,), read as straight lines between keys, as `new_action` writes them.

    One that has a single key has a single value.
    """
    source = compat.channelbag(strip.action, strip.action_slot)
    times = _action_times(strip, frames)
    made: list[rig.Curve] = []
    for curve in source.fcurves if source is not None else ():
        keys = read_keys(curve)
        values = np.interp(times if len(keys) > 1 else times[:1], keys[:, 0], keys[:, 1])
        made.append((curve.data_path, curve.array_index, curve.group.name if curve.group else "", values))
    return made


def _seen(armature: bpy.types.Object, frames: Array) -> list[rig.Curve]:
    """The channels of all bones as the scene evaluates them at these frames; one value where a channel stays.

    Drivers and constraints act on them as before, so what they lead is left to them.
    """
    bones = list(armature.pose.bones)
    tracks = {name: np.empty((len(frames), len(bones), width), np.float32) for name, width in _CHANNELS.items()}
    for row, posed in enumerate(shown(armature, frames)):
        for name, values in tracks.items():
            posed.foreach_get(name, values[row].reshape(-1))
    driven = {driver.data_path for driver in armature.animation_data.drivers}
    made: list[rig.Curve] = []
    for number, bone in enumerate(bones):
        for name in ("location", _TURNS.get(bone.rotation_mode, "rotation_euler"), "scale"):
            path = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].{name}'
            values = tracks[name][:, number].astype(np.float64)  # (T, width)
            if path not in driven:
                values = values if np.ptp(values, axis=0).any() else values[:1]
                made += [(path, i, bone.name, values[:, i]) for i in range(values.shape[1])]
    return made


def check_posed(armature: bpy.types.Object) -> None:
    """Raises InputError where the armature is seen at rest, whatever moves it."""
    if armature.data.pose_position == "REST":
        raise InputError(f"'{armature.name}' is in Rest Position: choose Pose Position in its armature's properties.")


def shown(armature: bpy.types.Object, frames: Iterable[float]) -> Iterator[Any]:
    """The pose bones as the scene at hand shows them at each of these frames; then the scene is where it was.

    Raises InputError where the armature is in Rest Position.
    """
    check_posed(armature)
    scene: Any = bpy.context.scene
    now = scene.frame_current, scene.frame_subframe
    try:
        for frame in frames:
            scene.frame_set(int(frame))
            yield armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    finally:
        scene.frame_set(now[0], subframe=now[1])


def _write(bag: Any, frames: Array, curves: Iterable[rig.Curve]) -> None:
    for path, index, group, values in curves:
        write_keys(compat.new_curve(bag, path, index, group), frames[: len(values)], values)


def _count(curves: Iterable[rig.Curve]) -> int:
    return sum(len(values) for _, _, _, values in curves)


def _write_reduced(
    bag: Any, armature: bpy.types.Object, frames: Array, groups: dict[str, list[rig.Curve]], limits: Limits
) -> Reduced:
    """Write the curves of each data path with few keys; those of one value, or of no channel of a bone, as they are."""
    unit = float(np.linalg.norm(np.array(armature.matrix_world)[:3, :3], 2))  # metres
    modes = {f'pose.bones["{bpy.utils.escape_identifier(one.name)}"]': one.rotation_mode for one in armature.pose.bones}
    kinds: dict[tuple[str, str], list[str]] = {}  # (channel, rotation mode) -> data paths
    rest: list[rig.Curve] = []
    for path, curves in groups.items():
        bone, _, channel = path.rpartition(".")
        whole = all(len(values) == len(frames) for _, _, _, values in curves)
        if bone in modes and _CHANNELS.get(channel) == len(curves) and whole:
            mode = modes[bone] if channel.startswith("rotation") else ""
            kinds.setdefault((channel, mode), []).append(path)
        else:
            rest += curves
    _write(bag, frames, rest)
    after, degrees, metres = _count(rest), 0.0, 0.0
    for (channel, mode), paths in kinds.items():
        measure = _Error(mode)
        limit = limits.degrees if mode else limits.metres / unit if channel == "location" else _SCALE_LIMIT
        values = np.stack([np.column_stack([curve[3] for curve in groups[path]]) for path in paths])  # (N, T, C)
        pieces = reduction.reduced(values, measure, limit)
        played = np.empty_like(values)
        for n, path in enumerate(paths):
            kept = pieces.kept[n]
            for c, (_, index, group, _) in enumerate(groups[path]):
                curve = compat.new_curve(bag, path, index, group)
                handles = pieces.before[n, kept, c], pieces.after[n, kept, c]
                write_keys(curve, frames[kept], values[n, kept, c], handles)
                played[n, :, c] = [curve.evaluate(frame) for frame in frames]
                after += int(kept.sum())
        error = float(measure(played, values).max())
        degrees = max(degrees, error if mode else 0.0)
        metres = max(metres, error * unit if channel == "location" else 0.0)
    return Reduced(_count(curve for curves in groups.values() for curve in curves), after, degrees, metres)


@dataclass(frozen=True)
class _Error:
    """How far values (N, T, C) of a channel are from others, (N, T): degrees of a rotation mode, else a distance."""

    mode: str

    def __call__(self, values: Array, others: Array) -> Array:
        if not self.mode:
            return np.linalg.norm(values - others, axis=-1)
        one, other = self._quaternion(values), self._quaternion(others)
        near = np.linalg.norm(one - other, axis=-1), np.linalg.norm(one + other, axis=-1)
        return np.degrees(4 * np.arctan2(np.minimum(*near), np.maximum(*near)))

    def _quaternion(self, values: Array) -> Array:
        if self.mode == "QUATERNION":
            return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)
        if self.mode == "AXIS_ANGLE":
            axis = values[..., 1:] / np.maximum(np.linalg.norm(values[..., 1:], axis=-1, keepdims=True), 1e-12)
            return axis_angle_to_quaternion(values[..., :1] * axis)
        order = ["XYZ".index(axis) for axis in self.mode[::-1]]  # the first of its letters turns first, in fixed axes
        return matrix_to_quaternion(euler_to_matrix(values[..., order], self.mode[::-1]))


def _action_times(strip: bpy.types.NlaStrip, frames: Array) -> Array:
    """The action's own time at each frame of the scene, (T,)."""
    start, end = strip.action_frame_start, strip.action_frame_end
    played = (frames - strip.frame_start) / strip.scale  # (T,) in frames of the action
    length = max(end - start, 1e-6)
    turn = np.minimum(np.floor(played / length + 1e-6), np.ceil(strip.repeat) - 1)
    within = np.clip(played - turn * length, 0.0, length)
    return end - within if strip.use_reverse else start + within
