# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes on pose bones: writing motion as F-curves, and flattening strips to ordinary Actions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.motion.rotation import axis_angle_to_quaternion, euler_to_matrix, matrix_to_quaternion
from .. import compat
from ..data import animation_data, armature_data, current_context, pose_bones, strip_action
from ..rigs import armature as rig
from ..units import Array
from . import reduction

_ENUMS: Any = bpy.types.Keyframe.bl_rna.properties
_LINEAR, _BEZIER, _CONSTANT = (
    _ENUMS["interpolation"].enum_items[kind].value for kind in ("LINEAR", "BEZIER", "CONSTANT")
)
_FREE = _ENUMS["handle_left_type"].enum_items["FREE"].value
_CHANNELS = {"location": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4, "scale": 3}
_ROTATION_CHANNELS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
_SCALE_LIMIT = 1e-3  # largest error of a bone's scale, for which the user sets no limit


@dataclass(frozen=True)
class Limits:
    """Largest error of a bone's own rotation and own location at any frame when keys are reduced."""

    degrees: float = 0.25
    meters: float = 0.001


@dataclass(frozen=True)
class Reduced:
    """Number of keys before and after, and the largest errors of a bone as Blender evaluates the curves."""

    before: int
    after: int
    degrees: float = 0.0
    meters: float = 0.0


def new_action(name: str, motion: Motion, armature: bpy.types.Object, first_frame: float) -> bpy.types.Action:
    """Create an Action with a key on every frame for every driven bone.

    Args:
        name: Name of the Action.
        motion: Motion at the scene's frame rate.
        armature: The character.
        first_frame: Scene frame of the first key.

    Raises:
        InputError: The armature has no bone map that fits.
    """
    curves = rig.curves(motion, armature)
    frames = first_frame + np.arange(len(motion), dtype=np.float64)
    action, _, bag = compat.new_action(name, armature.name)
    _write(bag, frames, curves)
    return action


def write_keys(
    curve: bpy.types.FCurve, frames: Array, values: Array, handles: tuple[Array, Array] | None = None
) -> None:
    """Replace all keys of a curve.

    Args:
        curve: The F-curve.
        frames: (N,) increasing.
        values: (N,).
        handles: Values (N,) of the left and right handles, a third of the way to the next key, for cubic
            interpolation; linear by default.
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


def replace_keys(curve: bpy.types.FCurve, first: int, values: Array, hold: bool) -> None:
    """Replace the keys in a range of frames by linear ones; all other keys stay.

    Args:
        curve: The F-curve.
        first: First frame of the range.
        values: (N,), one per frame.
        hold: Use constant interpolation after the last one.
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
    """Return (frame, value) of a curve's keys, (N, 2)."""
    keys = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", keys)
    return keys.reshape(-1, 2).astype(np.float64)


def flatten(
    strip: bpy.types.NlaStrip, name: str, armature: bpy.types.Object, all_bones: bool, limits: Limits | None
) -> tuple[bpy.types.Action, bpy.types.ActionSlot, Reduced]:
    """Create an Action with the keys that a strip plays, on the frames of the scene.

    Trimming, offset, scale, repetition and reversal of the strip are applied to the keys.

    Args:
        strip: The strip.
        name: Name of the Action.
        armature: The character.
        all_bones: Key every bone as the current scene evaluates it, other tracks and constraints included.
        limits: Reduce the keys within these errors, instead of one key per frame.

    Returns:
        (action, slot, key counts and errors).

    Raises:
        InputError: All bones are wanted and the armature is in Rest Position.
    """
    frames = np.arange(round(strip.frame_start), round(strip.frame_end) + 1, dtype=np.float64)  # (T,)
    curves = _strip_curves(strip, frames)
    if all_bones:
        evaluated = _evaluated_curves(armature, frames)
        paths = {path for path, _, _, _ in evaluated}
        curves = [*(curve for curve in curves if curve[0] not in paths), *evaluated]
    action, slot, bag = compat.new_action(name, armature.name)
    groups: dict[str, list[rig.Curve]] = {}
    for curve in sorted(curves, key=lambda curve: curve[:2]):
        groups.setdefault(curve[0], []).append(curve)
    if limits is not None:
        return action, slot, _write_reduced(bag, armature, frames, groups, limits)
    _write(bag, frames, curves)
    return action, slot, Reduced(_count(curves), _count(curves))


def _strip_curves(strip: bpy.types.NlaStrip, frames: Array) -> list[rig.Curve]:
    """Return a strip's curves at scene frames (T,), interpolated linearly, as `new_action` writes them.

    A curve with a single key has a single value.
    """
    source = compat.channelbag(strip_action(strip), strip.action_slot)
    times = _action_times(strip, frames)
    result: list[rig.Curve] = []
    for curve in source.fcurves if source is not None else ():
        keys = read_keys(curve)
        values = np.interp(times if len(keys) > 1 else times[:1], keys[:, 0], keys[:, 1])
        result.append((curve.data_path, curve.array_index, curve.group.name if curve.group else "", values))
    return result


def _evaluated_curves(armature: bpy.types.Object, frames: Array) -> list[rig.Curve]:
    """Return the channels of all bones as the scene evaluates them; constant channels have a single value.

    Channels with drivers are left out, because the drivers stay in effect.
    """
    bones = list(pose_bones(armature))
    tracks = {name: np.empty((len(frames), len(bones), width), np.float32) for name, width in _CHANNELS.items()}
    for row, posed in enumerate(pose_bones_at(armature, frames)):
        for name, values in tracks.items():
            posed.foreach_get(name, values[row].reshape(-1))
    driven = {driver.data_path for driver in animation_data(armature).drivers}
    result: list[rig.Curve] = []
    for number, bone in enumerate(bones):
        for name in ("location", _ROTATION_CHANNELS.get(bone.rotation_mode, "rotation_euler"), "scale"):
            path = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"].{name}'
            values = tracks[name][:, number].astype(np.float64)  # (T, width)
            if path not in driven:
                values = values if np.ptp(values, axis=0).any() else values[:1]
                result += [(path, i, bone.name, values[:, i]) for i in range(values.shape[1])]
    return result


def check_posed(armature: bpy.types.Object) -> None:
    """Check that the armature shows its pose.

    Raises:
        InputError: It is in Rest Position.
    """
    if armature_data(armature).pose_position == "REST":
        raise InputError(f"'{armature.name}' is in Rest Position; choose Pose Position in the armature properties.")


def pose_bones_at(
    armature: bpy.types.Object, frames: Iterable[float]
) -> "Iterator[bpy.types.bpy_prop_collection[bpy.types.PoseBone]]":
    """Yield the evaluated pose bones at each of these frames of the current scene, then restore its frame.

    Raises:
        InputError: The armature is in Rest Position.
    """
    check_posed(armature)
    context = current_context()
    scene = context.scene
    now = scene.frame_current, scene.frame_subframe
    try:
        for frame in frames:
            scene.frame_set(int(frame))
            yield pose_bones(armature.evaluated_get(context.evaluated_depsgraph_get()))
    finally:
        scene.frame_set(now[0], subframe=now[1])


def _write(bag: bpy.types.ActionChannelbag, frames: Array, curves: Iterable[rig.Curve]) -> None:
    for path, index, group, values in curves:
        write_keys(compat.new_curve(bag, path, index, group), frames[: len(values)], values)


def _count(curves: Iterable[rig.Curve]) -> int:
    return sum(len(values) for _, _, _, values in curves)


def _write_reduced(
    bag: bpy.types.ActionChannelbag,
    armature: bpy.types.Object,
    frames: Array,
    groups: dict[str, list[rig.Curve]],
    limits: Limits,
) -> Reduced:
    """Write the curves of each data path with few keys; constants, and curves of other properties, as they are."""
    unit = float(np.linalg.norm(np.array(armature.matrix_world)[:3, :3], 2))  # meters
    bones = pose_bones(armature)
    modes = {f'pose.bones["{bpy.utils.escape_identifier(one.name)}"]': one.rotation_mode for one in bones}
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
    after, degrees, meters = _count(rest), 0.0, 0.0
    for (channel, mode), paths in kinds.items():
        measure = _Error(mode)
        limit = limits.degrees if mode else limits.meters / unit if channel == "location" else _SCALE_LIMIT
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
        meters = max(meters, error * unit if channel == "location" else 0.0)
    return Reduced(_count(curve for curves in groups.values() for curve in curves), after, degrees, meters)


@dataclass(frozen=True)
class _Error:
    """Error (N, T) between values (N, T, C) of a channel: degrees for a rotation mode, else a distance.

    Args:
        mode: Rotation mode of the bone; empty for locations and scales.
    """

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
        order = ["XYZ".index(axis) for axis in self.mode[::-1]]  # the first letter is applied first, about fixed axes
        return matrix_to_quaternion(euler_to_matrix(values[..., order], self.mode[::-1]))


def _action_times(strip: bpy.types.NlaStrip, frames: Array) -> Array:
    """Return the time (T,) in the strip's Action at scene frames (T,)."""
    start, end = strip.action_frame_start, strip.action_frame_end
    played = (frames - strip.frame_start) / strip.scale  # (T,) in frames of the action
    length = max(end - start, 1e-6)
    turn = np.minimum(np.floor(played / length + 1e-6), np.ceil(strip.repeat) - 1)
    within = np.clip(played - turn * length, 0.0, length)
    return end - within if strip.use_reverse else start + within
