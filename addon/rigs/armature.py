# SPDX-License-Identifier: GPL-3.0-or-later
"""An armature as a rig: its rest pose, its bone map, and motion as curves for its bones."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.motion.rotation import Array, continuous, matrix_to_euler, matrix_to_quaternion, quaternion_to_axis_angle
from . import maps, retarget
from .maps import BoneMap
from .pose import Channels, Rest
from .recognise import lead_with_the_chest, recognise

Curve = tuple[str, int, str, Array]
"""Data path, index, group, and a value for each frame (T,), or one that holds (1,)."""


def bone_map(armature: bpy.types.Object) -> BoneMap | None:
    """The map stored on the object, else the one that its VRM data or its bones' names give; None where neither does.

    It may not fit the bones: see `why_not`.
    """
    if len(armature.freetalker_rig.bones):
        return stored(armature)
    return recognised(armature)


def recognised(armature: bpy.types.Object) -> BoneMap | None:
    """The map that the VRM data of the armature or its bones' names give."""
    return _vrm(armature.data) or recognise(tuple(armature.data.bones.keys()))


def stored(armature: bpy.types.Object) -> BoneMap:
    """The map in the object's own table."""
    kept = armature.freetalker_rig
    bones = {row.name: tuple(bone for bone in (row.bone, row.second) if bone) for row in kept.bones}
    return BoneMap(kept.family, {joint: here for joint, here in bones.items() if here}, kept.mover, kept.root)


def store(armature: bpy.types.Object, bones: BoneMap) -> None:
    """Write a map to the object's table, a row for each joint, to be edited."""
    kept = armature.freetalker_rig
    kept.family, kept.mover, kept.root = bones.family, bones.mover, bones.root
    kept.bones.clear()
    for joint in maps.JOINT_NAMES:
        row = kept.bones.add()
        row.name = joint
        row.bone, row.second = (*bones.bones.get(joint, ()), "", "")[:2]


def mapping_error(armature: bpy.types.Object) -> str:
    """Why no motion can be put on this armature, as one sentence without its full stop; empty where it can."""
    found = bone_map(armature)
    if found is None:
        return f"The bones of '{armature.name}' are named like no rig that is known: press Use This Rig and map them"
    try:
        found.check(armature.data.bones.keys())
    except InputError as error:
        return str(error).removesuffix(".")
    return ""


def is_rig(armature: bpy.types.Object) -> bool:
    """Whether motion can be put on this armature."""
    return not mapping_error(armature)


def rest(armature: bpy.types.Object) -> Rest:
    """The rest pose of all bones."""
    bones = list(armature.data.bones)
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
    """Motion as curves of the bones in the armature's map, each in its own rotation mode, and of its switches.

    Raises InputError where the armature has no map that fits.
    """
    found = bone_map(armature)
    if found is None:
        raise InputError(f"{mapping_error(armature)}.")
    kept = armature.freetalker_rig
    ik = kept.legs == "IK" and has_ik_legs(armature)
    solved = retarget.solve(motion, rest(armature), found, kept.travel, kept.match, kept.foot_lock, ik)
    return [*_switches(armature, maps.family(found.family), ik), *_pose_curves(armature, solved)]


def settings(armature: bpy.types.Object) -> str:
    """All that decides how motion becomes curves here, in a line: curves made with other settings do not join."""
    kept = armature.freetalker_rig
    return repr((bone_map(armature), kept.travel, kept.match, kept.foot_lock, kept.legs))


def has_ik_legs(armature: bpy.types.Object) -> bool:
    """Whether the legs have IK controls that are known."""
    found = bone_map(armature)
    return found is not None and bool(retarget.known_ik_legs(armature.data.bones.keys(), found))


def joints(motion: Motion, armature: bpy.types.Object) -> Array:
    """Where the joints of motion will be on the armature, roughly, in its own space: (T, 55, 3).

    Raises InputError where the armature has no map that fits.
    """
    found = bone_map(armature)
    if found is None:
        raise InputError(f"{mapping_error(armature)}.")
    kept = armature.freetalker_rig
    return retarget.joints(motion, rest(armature), found, kept.travel, kept.match)


def relax(armature: bpy.types.Object, paths: Iterable[str]) -> None:
    """Put the bones of these data paths to rest: without its curves a bone would stay as it was last seen."""
    for path in paths:
        if not path.endswith("]"):  # a custom property, whose rest nobody knows
            with contextlib.suppress(ValueError):  # the bone was renamed or deleted meanwhile
                armature.path_resolve(path.rpartition(".")[0]).matrix_basis.identity()


def _pose_curves(armature: bpy.types.Object, solved: Mapping[str, Channels]) -> list[Curve]:
    made: list[Curve] = []
    for name, channels in solved.items():
        path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
        mode = armature.pose.bones[name].rotation_mode
        if channels.basis is not None:
            channel, values = _rotation(channels.basis, mode)
            made += [(f"{path}.{channel}", i, name, values[:, i]) for i in range(values.shape[1])]
        if channels.location is not None:
            made += [(f"{path}.location", i, name, channels.location[:, i]) for i in range(3)]
    return made


def _switches(armature: bpy.types.Object, family: maps.Family, ik_legs: bool) -> list[Curve]:
    """What lets the bones of the map lead, or the IK legs, as far as the rig has it: a key, so that it ends with the
    strip.
    """
    made: list[Curve] = []
    values = {(name, key): value for name, key, value in family.switches}
    for leg in family.ik.values() if ik_legs else ():
        values |= {(name, key): value for name, key, value in leg.switches}
    for (name, key), value in values.items():
        bone = armature.pose.bones.get(name)
        if bone is not None and key in bone.keys():  # noqa: SIM118 - a bone is no mapping
            path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]["{bpy.utils.escape_identifier(key)}"]'
            made.append((path, 0, name, np.array([value])))
    return made


def _rotation(basis: Array, mode: str) -> tuple[str, Array]:
    """(channel, values) of rotations (T, 3, 3) in a bone's rotation mode, without jumps from frame to frame."""
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
    """The same rotations (T, 3) by the angles nearest to those of the frame before."""
    out = angles.copy()
    other = angles + np.pi
    other[:, middle] = np.pi - angles[:, middle]
    for frame in range(1, len(out)):
        both = np.stack([angles[frame], other[frame]])
        both -= 2 * np.pi * np.round((both - out[frame - 1]) / (2 * np.pi))
        out[frame] = both[np.abs(both - out[frame - 1]).sum(axis=1).argmin()]
    return out


def _vrm(data: Any) -> BoneMap | None:
    """The humanoid bones that the VRM add-on keeps on the armature, where it does."""
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
    made = BoneMap(maps.VRM, lead_with_the_chest(bones), root="Root" if "Root" in here else "")
    return None if made.missing else made


def _snake(word: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in word)
