# SPDX-License-Identifier: GPL-3.0-or-later
"""Armature objects as rigs: rest pose, bone map, and motion as F-curves of pose bones."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.motion.rotation import Array, continuous, matrix_to_euler, matrix_to_quaternion, quaternion_to_axis_angle
from ..data import armature_data, pose_bones, rig_data
from ..translations import tr
from . import maps, retarget
from .maps import BoneMap
from .pose import Channels, Rest
from .recognize import align_spine_to_chest, recognize

Curve = tuple[str, int, str, Array]
"""Data path, index, group, and values: one per frame (T,), or a constant (1,)."""


def bone_map(armature: bpy.types.Object) -> BoneMap | None:
    """Return the map stored on the object, else the recognized one; None if the rig is not recognized.

    It may not fit the bones: see `mapping_error`.
    """
    if len(rig_data(armature).bones):
        return stored_map(armature)
    return recognized_map(armature)


def recognized_map(armature: bpy.types.Object) -> BoneMap | None:
    """Return the map given by the armature's VRM data or by its bones' names; None if neither gives one."""
    return _vrm(armature.data) or recognize(tuple(armature_data(armature).bones.keys()))


def stored_map(armature: bpy.types.Object) -> BoneMap:
    """Return the map stored on the object, edited by the user or loaded from a file."""
    kept = rig_data(armature)
    bones = {row.name: tuple(bone for bone in (row.bone, row.second) if bone) for row in kept.bones}
    return BoneMap(kept.family, {joint: here for joint, here in bones.items() if here}, kept.mover, kept.root)


def store(armature: bpy.types.Object, bones: BoneMap) -> None:
    """Store a map on the object, with a row for each joint, to be edited by the user."""
    kept = rig_data(armature)
    kept.family, kept.mover, kept.root = bones.family, bones.mover, bones.root
    kept.bones.clear()
    for joint in maps.JOINT_NAMES:
        row = kept.bones.add()
        row.name = joint
        row.bone, row.second = (*bones.bones.get(joint, ()), "", "")[:2]


def mapping_error(armature: bpy.types.Object) -> str:
    """Return why motion cannot drive this armature, as a sentence without its full stop; empty if it can."""
    found = bone_map(armature)
    if found is None:
        said = tr("The bone names of '{name}' match no known rig; press Use This Rig and map the bones")
        return said.format(name=armature.name)
    try:
        found.check(armature_data(armature).bones.keys())
    except InputError as error:
        return str(error).removesuffix(".")
    return ""


def is_rig(armature: bpy.types.Object) -> bool:
    """Whether motion can drive this armature."""
    return not mapping_error(armature)


def rest(armature: bpy.types.Object) -> Rest:
    """Return the rest pose of all bones, in armature space."""
    bones = list(armature_data(armature).bones)
    number = {bone.name: i for i, bone in enumerate(bones)}
    matrices = np.array([bone.matrix_local for bone in bones], np.float64)  # (N, 4, 4)
    return Rest(
        names=tuple(number),
        parents=tuple(number[bone.parent.name] if bone.parent else -1 for bone in bones),
        axes=matrices[:, :3, :3],
        heads=matrices[:, :3, 3],
        tails=np.array([bone.tail_local for bone in bones], np.float64),
        inherits=tuple(bone.use_inherit_rotation for bone in bones),
        local=tuple(bone.use_local_location for bone in bones),
    )


def curves(motion: Motion, armature: bpy.types.Object) -> list[Curve]:
    """Convert motion to curves of the mapped bones, each in its own rotation mode, and of the rig's FK/IK switches.

    Raises:
        InputError: The armature has no bone map that fits.
    """
    found = bone_map(armature)
    if found is None:
        raise InputError(f"{mapping_error(armature)}.")
    kept = rig_data(armature)
    ik = kept.legs == "IK" and has_ik_legs(armature)
    solved = retarget.solve(motion, rest(armature), found, kept.travel, kept.match, kept.foot_lock, ik)
    return [*_switches(armature, maps.family(found.family), ik), *_pose_curves(armature, solved)]


def settings(armature: bpy.types.Object) -> str:
    """Return a fingerprint of everything that decides how motion becomes curves on this armature.

    Curves made with different settings cannot be joined.
    """
    kept = rig_data(armature)
    return repr((bone_map(armature), kept.travel, kept.match, kept.foot_lock, kept.legs))


def has_ik_legs(armature: bpy.types.Object) -> bool:
    """Whether the rig has known IK controls for its legs."""
    found = bone_map(armature)
    return found is not None and bool(retarget.known_ik_legs(armature_data(armature).bones.keys(), found))


def joints(motion: Motion, armature: bpy.types.Object) -> Array:
    """Estimate the positions (T, 55, 3) of the joints of motion on the armature, in armature space.

    Raises:
        InputError: The armature has no bone map that fits.
    """
    found = bone_map(armature)
    if found is None:
        raise InputError(f"{mapping_error(armature)}.")
    kept = rig_data(armature)
    return retarget.joints(motion, rest(armature), found, kept.travel, kept.match)


def reset_bones(armature: bpy.types.Object, paths: Iterable[str]) -> None:
    """Reset the bones of these data paths to the rest pose; without curves they would keep their last pose."""
    for path in paths:
        if not path.endswith("]"):  # a custom property, which has no rest value
            with contextlib.suppress(ValueError):  # the bone was renamed or deleted meanwhile
                bone: Any = armature.path_resolve(path.rpartition(".")[0])
                bone.matrix_basis.identity()


def _pose_curves(armature: bpy.types.Object, solved: Mapping[str, Channels]) -> list[Curve]:
    result: list[Curve] = []
    for name, channels in solved.items():
        path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
        mode = pose_bones(armature)[name].rotation_mode
        if channels.basis is not None:
            channel, values = _rotation(channels.basis, mode)
            result += [(f"{path}.{channel}", i, name, values[:, i]) for i in range(values.shape[1])]
        if channels.location is not None:
            result += [(f"{path}.location", i, name, channels.location[:, i]) for i in range(3)]
    return result


def _switches(armature: bpy.types.Object, family: maps.Family, ik_legs: bool) -> list[Curve]:
    """Return keys of the rig's switches that let the mapped bones, or the IK legs, drive it.

    They are keyed so that they end with the strip.
    """
    result: list[Curve] = []
    values = {(name, key): value for name, key, value in family.switches}
    for leg in family.ik.values() if ik_legs else ():
        values |= {(name, key): value for name, key, value in leg.switches}
    for (name, key), value in values.items():
        bone = pose_bones(armature).get(name)
        if bone is not None and key in bone.keys():  # noqa: SIM118 - a bone is no mapping
            path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]["{bpy.utils.escape_identifier(key)}"]'
            result.append((path, 0, name, np.array([value])))
    return result


def _rotation(basis: Array, mode: str) -> tuple[str, Array]:
    """Convert rotations (T, 3, 3) to (channel, values) of a rotation mode, continuous from frame to frame."""
    if mode == "QUATERNION":
        return "rotation_quaternion", continuous(matrix_to_quaternion(basis))
    if mode == "AXIS_ANGLE":
        turns = quaternion_to_axis_angle(matrix_to_quaternion(basis))  # (T, 3)
        angles = np.linalg.norm(turns, axis=-1, keepdims=True)
        still = np.where(angles < 1e-9, [0.0, 1.0, 0.0], turns / np.maximum(angles, 1e-9))
        return "rotation_axis_angle", np.concatenate([angles, still], axis=-1)
    # Blender's XYZ turns about X first, in the parent's axes: about its own axes that is Z, Y, X
    order = ["XYZ".index(axis) for axis in mode]
    angles = np.empty((len(basis), 3))
    angles[:, order[::-1]] = matrix_to_euler(basis, mode[::-1])
    return "rotation_euler", _smooth_euler(angles, order[1])


def _smooth_euler(angles: Array, middle: int) -> Array:
    """Choose the equivalent Euler angles (T, 3) nearest to those of the previous frame."""
    out = angles.copy()
    other = angles + np.pi
    other[:, middle] = np.pi - angles[:, middle]
    for frame in range(1, len(out)):
        both = np.stack([angles[frame], other[frame]])
        both -= 2 * np.pi * np.round((both - out[frame - 1]) / (2 * np.pi))
        out[frame] = both[np.abs(both - out[frame - 1]).sum(axis=1).argmin()]
    return out


def _vrm(data: Any) -> BoneMap | None:
    """Return the map of the humanoid bones that the VRM add-on stores on the armature; None if it does not."""
    extension = getattr(data, "vrm_addon_extension", None)
    if extension is None:
        return None
    try:
        if str(extension.spec_version).startswith("1"):
            human = extension.vrm1.humanoid.human_bones
            found = {
                word: getattr(human, _snake(word)).node.bone_name
                for (word,) in maps.VRM_HUMANOID.values()
                if hasattr(human, _snake(word))
            }
            named = maps.VRM_HUMANOID
        else:
            found = {one.bone: one.node.bone_name for one in extension.vrm0.humanoid.human_bones}
            named = maps.family("VRM 0.x humanoid").bones
    except AttributeError:  # another version of that add-on: the names remain
        return None
    here = set(data.bones.keys())
    bones = {joint: (found[word],) for joint, (word,) in named.items() if found.get(word) in here}
    result = BoneMap(maps.VRM, align_spine_to_chest(bones), root="Root" if "Root" in here else "")
    return None if result.missing else result


def _snake(word: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in word)
