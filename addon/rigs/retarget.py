# SPDX-License-Identifier: GPL-3.0-or-later
"""Retargeting: motion to the channels of a rig's bones, all frames at once, in numpy. No bpy.

For a joint s and its bone t, at frame f, in armature space:

    D_s(f) = R_s(f)                               world rotation of the joint; its rest pose is the identity
    R_t(f) = W D_s(f) A_s W^-1 R_t_rest           W from the axes of motion to the armature's, A_s aligns the rest poses
    B_t(f) = (R_p(f) R_p_rest^-1 R_t_rest)^-1 R_t(f)        channel of the bone, p its driven ancestor

A leaves the trunk upright, rotates feet about the vertical only (both rest poses stand on flat soles), aligns the palm
by its fingers and knuckles, and swings arms, legs and fingers by the smallest rotation, accumulated along the limb.
Rest poses may therefore be A-poses, and bones may have any roll.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import CORE_FPS, Motion
from ...core.motion.rotation import (
    Array,
    continuous,
    matrix_to_quaternion,
    nearest_rotation,
    quaternion_to_matrix,
    rotation_between,
    rotation_y,
    slerp,
)
from ...core.motion.skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton
from ..data import Match, Travel
from . import legs
from .maps import FINGERS, SIDES, BoneMap, IkLeg, family
from .pose import Channels, Posed, Rest

_SNAP_DEGREES = 15.0  # a rest pose that leans less than this uses the armature's own axes
_LIMBS = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
_CHAINS = (*((f"{finger}1", f"{finger}2", f"{finger}3") for finger in FINGERS), *_LIMBS)


def solve(
    motion: Motion,
    rest: Rest,
    bones: BoneMap,
    travel: Travel = "HIPS",
    match: Match = "LIMBS",
    foot_lock: bool = False,
    ik_legs: bool = False,
) -> dict[str, Channels]:
    """Compute the channels of the bones in the map.

    Args:
        motion: T frames of motion.
        rest: Rest pose of the armature.
        bones: Its bone map.
        travel: What carries the path over the floor.
        match: How the rest poses are aligned.
        foot_lock: Keep planted feet still on the rig's own legs.
        ik_legs: Key the legs' IK controls, where they are known, instead of the FK bones.

    Returns:
        Bone name -> its channels.

    Raises:
        InputError: The map does not fit the bones, or has no root bone for the path.
    """
    bones.check(rest.names)
    if travel == "ROOT" and not bones.root:
        raise InputError("The bone map has no root bone; choose one there, or set Path to Hips.")
    skeleton = neutral_skeleton(motion.betas)
    world = axes(rest, bones)  # W
    align = alignment(rest, bones, skeleton, match)
    positions, rotations = motion.forward_kinematics(skeleton)  # D: (T, 55, 3, 3)
    hips = positions[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1)  # (T, 3)
    scale, height = _stance(rest, bones, skeleton, align)
    middle = _middle_of_hips(skeleton)
    whole = scale * (hips - middle) * [1.0, 0.0, 1.0]  # (T, 3)
    path = np.zeros_like(whole) if travel == "IN_PLACE" else whole
    lift = scale * (hips[:, 1] - middle[1]) + height  # (T,)

    bone_axes = {
        bone: world @ rotation @ world.T @ rest.axes[rest.index[bone]]
        for bone, rotation in _bone_rotations(bones, rotations, align)
    }
    heads: dict[str, Array] = {}
    if travel == "ROOT":
        left = rotations[:, 0, :, 0]  # (T, 3) the pelvis' own left, which a bow does not change
        yaw = rotation_y(np.arctan2(-left[:, 2], left[:, 0]))
        bone_axes[bones.root] = world @ yaw @ world.T @ rest.axes[rest.index[bones.root]]
        heads[bones.root] = rest.head(bones.root) + path @ world.T
    posed = Posed(rest, bones, bone_axes, heads)
    reached = np.mean([posed.head(bones.bones[f"{side}_hip"][0]) for side in SIDES], axis=0)  # with the carrier at rest
    start = _start(rest, bones, world)
    goal = start + (path + lift[:, None] * [0.0, 1.0, 0.0]) @ world.T
    heads[bones.carrier] = posed.head(bones.carrier) + goal - reached
    if foot_lock:
        body = legs.Body(skeleton, positions, rotations, motion.fps, scale)
        legs.lock_feet(posed, bones, world, body, (whole - path) @ world.T)
    return _channels(posed, bones, rotations[..., 2] @ world.T if ik_legs else None)


def _channels(posed: Posed, bones: BoneMap, fronts: Array | None) -> dict[str, Channels]:
    """Return the channels of all driven bones, with IK controls in place of FK legs if `fronts` are given.

    Args:
        posed: The rig's pose.
        bones: Its bone map.
        fronts: (T, 55, 3) front of each joint in armature space.
    """
    left_out: set[str] = set()
    poles: set[str] = set()
    if fronts is not None:
        for side, leg in known_ik_legs(posed.rest.names, bones).items():
            left_out |= set(legs.drive_ik_leg(posed, bones, side, leg, fronts[:, INDEX[f"{side}_hip"]]))
            poles.add(leg.pole)
    channels = {bone: posed.channels(bone) for bone in posed.axes if bone not in left_out}
    return {bone: replace(one, basis=None) if bone in poles else one for bone, one in channels.items()}


def known_ik_legs(names: Iterable[str], bones: BoneMap) -> Mapping[str, IkLeg]:
    """Return the IK controls of a rig's legs by side.

    Args:
        names: Names of the armature's bones.
        bones: Its bone map.

    Returns:
        Empty if the family's controls are unknown or missing.
    """
    here, known = set(names), family(bones.family).ik
    return known if all({leg.foot, leg.pole, leg.toe} <= here for leg in known.values()) else {}


def recover(
    posed: Mapping[str, Array], rest: Rest, bones: BoneMap, match: Match = "LIMBS", fps: float = CORE_FPS
) -> Motion:
    """Recover motion from a posed rig, the inverse of `solve`. Joints without a bone follow their parents.

    Args:
        posed: Bone name -> its matrices (T, 4, 4) in armature space.
        rest: Rest pose of the armature.
        bones: Its bone map.
        match: How the rest poses are aligned.
        fps: Frame rate of the result.

    Raises:
        InputError: The map does not fit the bones.
    """
    bones.check(rest.names)
    skeleton = neutral_skeleton()
    world, align = axes(rest, bones), alignment(rest, bones, skeleton, match)
    shown_by = {bone: shown for bone, shown in family(bones.family).shown.items() if shown in posed}
    rotations = np.empty((len(next(iter(posed.values()))), len(JOINT_NAMES), 3, 3))  # D
    for joint, name in enumerate(JOINT_NAMES):
        here = bones.bones.get(name, ())
        if here:
            shown = posed[shown_by.get(here[-1], here[-1])][:, :3, :3]
            shown = shown / np.linalg.norm(shown, axis=1, keepdims=True)
            rotation = shown @ rest.axes[rest.index[here[-1]]].T
            rotations[:, joint] = world.T @ rotation @ world @ align[joint].T
        else:
            rotations[:, joint] = rotations[:, PARENTS[joint]]
    local = rotations.copy()
    local[:, 1:] = np.swapaxes(rotations[:, list(PARENTS[1:])], -1, -2) @ rotations[:, 1:]
    scale, height = _stance(rest, bones, skeleton, align)
    thighs = [bones.bones[f"{side}_hip"][0] for side in SIDES]
    heads = [posed[shown_by.get(bone, bone)][:, :3, 3] for bone in thighs]
    offset_of_hips = (np.mean(heads, axis=0) - _start(rest, bones, world)) @ world
    hips = _middle_of_hips(skeleton) + (offset_of_hips - [0.0, height, 0.0]) / scale  # (T, 3)
    offset = skeleton.offsets[[INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0)
    return Motion(hips - rotations[:, 0] @ offset, continuous(matrix_to_quaternion(local)), fps)


def joints(motion: Motion, rest: Rest, bones: BoneMap, travel: Travel = "HIPS", match: Match = "LIMBS") -> Array:
    """Estimate where the joints of motion will be on a rig, without solving it.

    The result has the proportions of the neutral body, scaled to the rig's legs.

    Args:
        motion: T frames of motion.
        rest: Rest pose of the armature.
        bones: Its bone map.
        travel: What carries the path over the floor.
        match: How the rest poses are aligned.

    Returns:
        Positions (T, 55, 3) in armature space.

    Raises:
        InputError: The map does not fit the bones.
    """
    bones.check(rest.names)
    skeleton, world = neutral_skeleton(motion.betas), axes(rest, bones)
    scale, height = _stance(rest, bones, skeleton, alignment(rest, bones, skeleton, match))
    places = motion.positions(skeleton) - _middle_of_hips(skeleton)
    if travel == "IN_PLACE":
        hips = places[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1, keepdims=True)
        places -= hips * [1.0, 0.0, 1.0]
    return _start(rest, bones, world) + (scale * places + [0.0, height, 0.0]) @ world.T


def axes(rest: Rest, bones: BoneMap) -> Array:
    """Return W (3, 3), from the axes of motion (left, up, front) to those of the armature.

    They are derived from the hips and shoulders at rest, and snapped to the armature's axes if they nearly agree.
    """
    pairs = [(bones.bones[f"left_{one}"][0], bones.bones[f"right_{one}"][0]) for one in ("hip", "shoulder")]
    left = np.sum([_unit(rest.head(one) - rest.head(other)) for one, other in pairs], axis=0)
    hips, shoulders = (np.mean([rest.head(bone) for bone in pair], axis=0) for pair in pairs)
    up = _unit(shoulders - hips)
    left = _unit(left - (left @ up) * up)
    found = np.column_stack([left, up, np.cross(left, up)])
    snapped = np.zeros((3, 3))
    for column in range(2):
        largest = int(np.abs(found[:, column]).argmax())
        snapped[largest, column] = np.sign(found[largest, column])
    snapped[:, 2] = np.cross(snapped[:, 0], snapped[:, 1])
    near = np.cos(np.radians(_SNAP_DEGREES))
    return snapped if ((found * snapped).sum(axis=0) > near).all() else nearest_rotation(found)


def alignment(rest: Rest, bones: BoneMap, skeleton: Skeleton, match: Match) -> Array:
    """Return A of each joint, (55, 3, 3) in the axes of motion: the rotation from the rig's rest pose to SMPL-X's."""
    align = np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))
    if match == "KEEP":
        return align
    ours = dict(zip(JOINT_NAMES, skeleton.rest_positions, strict=True))
    theirs = _joints(rest, bones, axes(rest, bones))
    for joint, name in enumerate(JOINT_NAMES):
        parent = align[PARENTS[joint]] if joint else np.eye(3)
        side, _, part = name.rpartition("_")
        align[joint] = parent
        if not side or name not in theirs or part in {"collar", "eye"}:
            continue
        palm = [f"{side}_{one}" for one in ("wrist", "middle1", "index1", "pinky1")]
        if part == "ankle":
            sole = theirs.get(f"{side}_foot", theirs.get(f"{name} tail"))
            if sole is not None:
                align[joint] = _turn_on_floor(sole - theirs[name], ours[f"{side}_foot"] - ours[name])
        elif part == "wrist" and all(one in theirs for one in palm):
            align[joint] = _palm(*(ours[one] for one in palm)) @ _palm(*(theirs[one] for one in palm)).T
        else:
            there, here = (_direction(side, part, places, match) for places in (theirs, ours))
            if there is not None and here is not None:
                align[joint] = rotation_between(parent @ there, here) @ parent
    return align


def _direction(side: str, part: str, places: Mapping[str, Array], match: Match) -> Array | None:
    """Return the direction (3,) of a limb's bone: to the next joint or along the whole limb; None for other bones."""
    chain = next((chain for chain in _CHAINS if part in chain), ("wrist", "middle1"))
    if part not in chain[:-1]:
        return None
    whole = match == "LIMBS" and chain in _LIMBS
    start, end = (chain[0], chain[-1]) if whole else (part, chain[chain.index(part) + 1])
    if f"{side}_{start}" not in places or f"{side}_{end}" not in places:
        return None
    return places[f"{side}_{end}"] - places[f"{side}_{start}"]


def _joints(rest: Rest, bones: BoneMap, world: Array) -> dict[str, Array]:
    """Return the rig's joints in the axes of motion, and the tails of its ankle bones as "left_ankle tail"."""
    found = {joint: rest.head(here[0]) @ world for joint, here in bones.bones.items() if here}
    tails = {f"{side}_ankle tail": rest.index[bones.bones[f"{side}_ankle"][-1]] for side in SIDES}
    return found | {name: rest.tails[bone] @ world for name, bone in tails.items()}


def _turn_on_floor(a: Array, b: Array) -> Array:
    """Return the rotation (3, 3) about the vertical from direction a to direction b."""
    return rotation_y(np.arctan2(b[0], b[2]) - np.arctan2(a[0], a[2]))


def _palm(wrist: Array, middle: Array, index: Array, pinky: Array) -> Array:
    """Return the axes of a palm as columns (3, 3): along the hand, across it, out of it."""
    along = _unit(middle - wrist)
    across = index - pinky
    across = _unit(across - (across @ along) * along)
    return np.column_stack([along, across, np.cross(along, across)])


def _middle_of_hips(skeleton: Skeleton) -> Array:
    """Return the point (3,) between the hips at rest, with the pelvis above the origin."""
    rest = skeleton.rest_positions
    return rest[[INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0) - rest[0] * [1.0, 0.0, 1.0]


def _start(rest: Rest, bones: BoneMap, world: Array) -> Array:
    """Return the point (3,) between the rig's hips at rest, projected onto the armature's floor."""
    middle = np.mean([rest.head(bones.bones[f"{side}_hip"][0]) for side in SIDES], axis=0)
    return middle - (middle @ world[:, 1]) * world[:, 1]


def _stance(rest: Rest, bones: BoneMap, skeleton: Skeleton, align: Array) -> tuple[float, float]:
    """Return (scale, height): lengths of the rig per metre of motion, by its legs; height of its hips when standing.

    Standing is the rest pose of SMPL-X, with the rig's ankles as high as in its own rest pose.
    """
    places = _joints(rest, bones, axes(rest, bones))
    ours = dict(zip(JOINT_NAMES, skeleton.rest_positions, strict=True))

    def drop(where: Mapping[str, Array], rotations: Array) -> float:
        legs = [
            rotations[INDEX[f"{side}_{one}"]] @ (where[f"{side}_{next_one}"] - where[f"{side}_{one}"])
            for side in SIDES
            for one, next_one in pairwise(_LIMBS[0])
        ]
        return float(sum(leg[1] for leg in legs)) / len(SIDES)

    theirs = drop(places, align)
    ankles = sum(float(places[f"{side}_ankle"][1]) for side in SIDES) / 2
    return theirs / drop(ours, np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))), ankles - theirs


def _bone_rotations(bones: BoneMap, rotations: Array, align: Array) -> Iterator[tuple[str, Array]]:
    """Yield D A (T, 3, 3) of each bone in the map. Several bones of a joint share its rotation equally."""
    if bones.mover:
        yield bones.mover, rotations[:, 0]
    for joint, names in bones.bones.items():
        own = INDEX[joint]
        before = PARENTS[own]
        while before > 0 and not bones.bones.get(JOINT_NAMES[before]):
            before = PARENTS[before]
        for i, name in enumerate(names, start=1):
            rotation = rotations[:, own]
            if i < len(names) and before >= 0:
                first, last = (matrix_to_quaternion(rotations[:, one]) for one in (before, own))
                rotation = quaternion_to_matrix(slerp(first, last, i / len(names)))
            yield name, rotation @ align[own]


def _unit(v: Array) -> Array:
    return v / max(float(np.linalg.norm(v)), 1e-12)
