# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures as other makers build them: names, rests, rolls, units and axes, at the joints of the neutral body."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

Y_UP_CENTIMETERS = Matrix.Rotation(np.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4)  # how Mixamo's FBX files come in


def make(
    ft: SimpleNamespace,
    family: str,
    *,
    rename: Callable[[str], str] = str,
    arms_down: float = 0.0,
    straight: bool = True,
    rolls: bool = False,
    shins: float = 1.0,
    wide: float = 1.0,
    to_world: Matrix | None = None,
    euler: bool = False,
) -> Any:
    """An armature of a family's names on the neutral joints, active.

    arms_down: degrees that the arms rest below the horizontal. straight: elbows and knees rest on their limb's line.
    rolls: bones with random axes. shins: their length for that of the neutral body, on the same thighs. wide: the same
    of the hips. to_world: the object's matrix; the bones rest where they are in the world.
    """
    skeleton = ft.skeleton.neutral_skeleton()
    rest = _legs(ft, _rest(ft, skeleton.rest_positions, arms_down, straight), shins, wide)
    rest = np.column_stack([rest[:, 0], -rest[:, 2], rest[:, 1]])  # Z up
    matrix = to_world or Matrix.Identity(4)
    inverse_matrix = matrix.inverted()
    inverse = np.array(inverse_matrix)
    places = rest @ inverse[:3, :3].T + inverse[:3, 3]  # (55, 3) in the armature's space
    found = ft.maps.family(family)
    data = bpy.data.armatures.new(family)
    armature = bpy.data.objects.new(family, data)
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    armature.matrix_world = matrix
    random = np.random.default_rng(5)
    bpy.ops.object.mode_set(mode="EDIT")
    root = data.edit_bones.new(rename(found.root or "root"))
    root.head, root.tail = inverse_matrix @ Vector((0, 0, 0)), inverse_matrix @ Vector((0, -0.2, 0))
    last: dict[str, Any] = {}
    for joint, name in enumerate(ft.skeleton.JOINT_NAMES):
        bones = found.bones.get(name, ())
        parent = joint
        above = root
        while parent:
            parent = ft.skeleton.PARENTS[parent]
            if ft.skeleton.JOINT_NAMES[parent] in last:
                above = last[ft.skeleton.JOINT_NAMES[parent]]
                break
        start, end = places[joint], _end(ft, places, joint)
        for i, bone in enumerate(bones):
            made = data.edit_bones.new(rename(bone))
            made.head = start + (end - start) * i / len(bones)
            made.tail = start + (end - start) * (i + 1) / len(bones)
            made.parent = above
            made.roll = random.uniform(-3, 3) if rolls else 0.0
            above = last[name] = made
    bpy.ops.object.mode_set(mode="OBJECT")
    if euler:
        for number, bone in enumerate(armature.pose.bones):
            bone.rotation_mode = ("XYZ", "YXZ", "ZXY", "XZY", "YZX", "ZYX", "AXIS_ANGLE", "QUATERNION")[number % 8]
    bpy.context.view_layer.update()
    return armature


def _legs(ft: SimpleNamespace, rest: Any, shins: float, wide: float) -> Any:
    """The rest positions (55, 3), Y up, on other legs; the soles stay where they are."""
    index = ft.skeleton.INDEX
    rest = rest.copy()
    longer = (shins - 1) * (rest[index["left_knee"]] - rest[index["left_ankle"]])[1]
    for side in ("left", "right"):
        hip, knee, ankle, foot = (index[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle", "foot"))
        shin = (shins - 1) * (rest[ankle] - rest[knee])
        apart = (wide - 1) * rest[hip] * [1.0, 0.0, 0.0]
        rest[[hip, knee]] += apart
        rest[[ankle, foot]] += shin + apart
    rest[:, 1] += longer
    return rest


def _end(ft: SimpleNamespace, places: Any, joint: int) -> Any:
    """Where a joint's bone ends: at its first child, or a little onward."""
    children = [child for child, parent in enumerate(ft.skeleton.PARENTS) if parent == joint]
    if ft.skeleton.JOINT_NAMES[joint].endswith("wrist"):
        children = [ft.skeleton.INDEX[ft.skeleton.JOINT_NAMES[joint].replace("wrist", "middle1")]]
    if children:
        middle = {"pelvis": "spine1", "spine3": "neck"}.get(ft.skeleton.JOINT_NAMES[joint])
        return places[ft.skeleton.INDEX[middle] if middle else children[0]]
    return places[joint] + 0.5 * (places[joint] - places[ft.skeleton.PARENTS[joint]])


def _rest(ft: SimpleNamespace, rest: Any, arms_down: float, straight: bool) -> Any:
    """The rest positions (55, 3), Y up, with straight limbs and lowered arms."""
    rest = rest - rest[0] * [1.0, 0.0, 1.0]
    index, parents = ft.skeleton.INDEX, ft.skeleton.PARENTS

    def below(joint: int) -> list[int]:
        found = [joint]
        for child in range(joint + 1, len(parents)):
            if parents[child] in found:
                found.append(child)
        return found

    for side, sign in (("left", -1.0), ("right", 1.0)):
        for chain in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")) if straight else ():
            start, middle, end = (index[f"{side}_{one}"] for one in chain)
            share = np.linalg.norm(rest[middle] - rest[start])
            share /= share + np.linalg.norm(rest[end] - rest[middle])
            rest[middle] = rest[start] + share * (rest[end] - rest[start])
        shoulder = index[f"{side}_shoulder"]
        turn = ft.rotation.axis_angle_to_matrix([0.0, 0.0, sign * np.radians(arms_down)])
        arm = below(shoulder)
        rest[arm] = (rest[arm] - rest[shoulder]) @ turn.T + rest[shoulder]
    return rest
