# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion to the channels of a rig's bones, all frames at once, in numpy. No bpy.

For a joint s and its bone t, at frame f, in the armature's space:

    D_s(f) = R_s(f)                               how far the joint has turned in the world; its rest is the identity
    R_t(f) = W D_s(f) A_s W^-1 R_t_rest           W from motion's axes to the armature's, A_s aligns the rest poses
    B_t(f) = (R_p(f) R_p_rest^-1 R_t_rest)^-1 R_t(f)        the channel of the bone, p the bone that carries it

A keeps the trunk upright, turns feet about the vertical only (both rest poses stand on flat soles), aligns the palm by
its fingers and knuckles, and swings arms, legs and fingers by the smallest rotation, handed down the limb: an A-pose,
or any roll of the bones, is no trouble.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Literal

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
from . import legs
from .maps import FINGERS, SIDES, BoneMap, IkLeg, family
from .pose import Channels, Posed, Rest

Match = Literal["LIMBS", "JOINTS", "KEEP"]
"""The line of a whole limb is matched, or each joint's direction, or nothing: rest poses count as the same."""

Travel = Literal["HIPS", "ROOT", "IN_PLACE"]
"""What carries the path over the floor: the hips, the root bone, or nothing."""

_SNAP_DEGREES = 15.0  # a rest pose that leans less than this has the armature's own axes
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
    """The channels of the bones in the map, by name.

    foot_lock: feet that stand do so on the rig's own legs too. ik_legs: those of the legs' IK controls, where such are
    known, instead of the legs' own.

    Raises InputError where the map does not fit the bones, or the path is to go on a root bone that there is not.
    """
    bones.check(rest.names)
    if travel == "ROOT" and not bones.root:
        raise InputError("The bone map has no root bone: choose one there, or let the hips carry the path.")
    skeleton = neutral_skeleton(motion.betas)
    world = axes(rest, bones)  # W
    align = alignment(rest, bones, skeleton, match)
    positions, turns = motion.forward_kinematics(skeleton)  # D: (T, 55, 3, 3)
    hips = positions[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1)  # (T, 3)
    scale, height = _stance(rest, bones, skeleton, align)
    middle = _middle_of_hips(skeleton)
    whole = scale * (hips - middle) * [1.0, 0.0, 1.0]  # (T, 3)
    path = np.zeros_like(whole) if travel == "IN_PLACE" else whole
    lift = scale * (hips[:, 1] - middle[1]) + height  # (T,)

    wanted = {bone: world @ turn @ world.T @ rest.axes[rest.index[bone]] for bone, turn in _turns(bones, turns, align)}
    moved: dict[str, Array] = {}  # where a bone's head is put (T, 3), by its name
    if travel == "ROOT":
        left = turns[:, 0, :, 0]  # (T, 3) the pelvis' own left; a bow does not turn it
        yaw = rotation_y(np.arctan2(-left[:, 2], left[:, 0]))
        wanted[bones.root] = world @ yaw @ world.T @ rest.axes[rest.index[bones.root]]
        moved[bones.root] = rest.head(bones.root) + path @ world.T
    posed = Posed(rest, bones, wanted, moved)
    reached = np.mean([posed.head(bones.bones[f"{side}_hip"][0]) for side in SIDES], axis=0)  # with the carrier at rest
    start = _start(rest, bones, world)
    goal = start + (path + lift[:, None] * [0.0, 1.0, 0.0]) @ world.T
    moved[bones.carrier] = posed.head(bones.carrier) + goal - reached
    if foot_lock:
        body = legs.Body(skeleton, positions, turns, motion.fps, scale)
        legs.lock(posed, bones, world, body, (whole - path) @ world.T)
    left_out: set[str] = set()
    poles: set[str] = set()
    for side, leg in known_ik_legs(rest.names, bones).items() if ik_legs else ():
        left_out |= set(legs.lead(posed, bones, side, leg, turns[:, INDEX[f"{side}_hip"], :, 2] @ world.T))
        poles.add(leg.pole)
    made = {bone: posed.channels(bone) for bone in wanted if bone not in left_out}
    return {bone: replace(one, basis=None) if bone in poles else one for bone, one in made.items()}


def known_ik_legs(names: Iterable[str], bones: BoneMap) -> Mapping[str, IkLeg]:
    """The IK controls of each leg of a rig with bones of these names; empty where they are not known."""
    here, known = set(names), family(bones.family).ik
    return known if all({leg.foot, leg.pole, leg.toe} <= here for leg in known.values()) else {}


def recover(
    posed: Mapping[str, Array], rest: Rest, bones: BoneMap, match: Match = "LIMBS", fps: float = CORE_FPS
) -> Motion:
    """The motion that a rig shows, the inverse of `solve`. Joints that the map lacks go with their parents.

    posed: the bones of the map in the armature's space, (T, 4, 4) each.
    """
    bones.check(rest.names)
    skeleton = neutral_skeleton()
    world, align = axes(rest, bones), alignment(rest, bones, skeleton, match)
    stands_for = {bone: shown for bone, shown in family(bones.family).shown.items() if shown in posed}
    turns = np.empty((len(next(iter(posed.values()))), len(JOINT_NAMES), 3, 3))  # D
    for joint, name in enumerate(JOINT_NAMES):
        here = bones.bones.get(name, ())
        if here:
            shown = posed[stands_for.get(here[-1], here[-1])][:, :3, :3]
            shown = shown / np.linalg.norm(shown, axis=1, keepdims=True)
            turned = shown @ rest.axes[rest.index[here[-1]]].T
            turns[:, joint] = world.T @ turned @ world @ align[joint].T
        else:
            turns[:, joint] = turns[:, PARENTS[joint]]
    local = turns.copy()
    local[:, 1:] = np.swapaxes(turns[:, list(PARENTS[1:])], -1, -2) @ turns[:, 1:]
    scale, height = _stance(rest, bones, skeleton, align)
    thighs = [bones.bones[f"{side}_hip"][0] for side in SIDES]
    heads = [posed[stands_for.get(bone, bone)][:, :3, 3] for bone in thighs]
    moved = (np.mean(heads, axis=0) - _start(rest, bones, world)) @ world
    hips = _middle_of_hips(skeleton) + (moved - [0.0, height, 0.0]) / scale  # (T, 3)
    offset = skeleton.offsets[[INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0)
    return Motion(hips - turns[:, 0] @ offset, continuous(matrix_to_quaternion(local)), fps)


def joints(motion: Motion, rest: Rest, bones: BoneMap, travel: Travel = "HIPS", match: Match = "LIMBS") -> Array:
    """Where the joints of a body with the rig's legs, else of motion's proportions, are: (T, 55, 3), as `solve` puts
    the hips. Raises InputError where the map does not fit the bones.
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
    """W, (3, 3): from motion's axes (left, up, front) to those of the armature, by how its bones stand.

    A rest pose that hardly leans has the axes of the armature's space themselves.
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
    """A of each joint, (55, 3, 3), in motion's axes: what turns the rig's rest into that of SMPL-X."""
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
    """Where a limb's bone points to, by where the joints are: to the next joint, or along the whole limb."""
    chain = next((chain for chain in _CHAINS if part in chain), ("wrist", "middle1"))
    if part not in chain[:-1]:
        return None
    whole = match == "LIMBS" and chain in _LIMBS
    start, end = (chain[0], chain[-1]) if whole else (part, chain[chain.index(part) + 1])
    if f"{side}_{start}" not in places or f"{side}_{end}" not in places:
        return None
    return places[f"{side}_{end}"] - places[f"{side}_{start}"]


def _joints(rest: Rest, bones: BoneMap, world: Array) -> dict[str, Array]:
    """Where the rig has the joints, in motion's axes, and the ends of its ankles' bones as "left_ankle tail"."""
    found = {joint: rest.head(here[0]) @ world for joint, here in bones.bones.items() if here}
    tails = {f"{side}_ankle tail": rest.index[bones.bones[f"{side}_ankle"][-1]] for side in SIDES}
    return found | {name: rest.tails[bone] @ world for name, bone in tails.items()}


def _turn_on_floor(a: Array, b: Array) -> Array:
    """The turn about the vertical (3, 3) from where a points to where b points."""
    return rotation_y(np.arctan2(b[0], b[2]) - np.arctan2(a[0], a[2]))


def _palm(wrist: Array, middle: Array, index: Array, pinky: Array) -> Array:
    """The axes of a palm, (3, 3): along the hand, across it, out of it."""
    along = _unit(middle - wrist)
    across = index - pinky
    across = _unit(across - (across @ along) * along)
    return np.column_stack([along, across, np.cross(along, across)])


def _middle_of_hips(skeleton: Skeleton) -> Array:
    """The point between the hips at rest, (3,), the pelvis above the origin."""
    rest = skeleton.rest_positions
    return rest[[INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=0) - rest[0] * [1.0, 0.0, 1.0]


def _start(rest: Rest, bones: BoneMap, world: Array) -> Array:
    """The point between the hips at rest, put down on the floor of the armature, (3,)."""
    middle = np.mean([rest.head(bones.bones[f"{side}_hip"][0]) for side in SIDES], axis=0)
    return middle - (middle @ world[:, 1]) * world[:, 1]


def _stance(rest: Rest, bones: BoneMap, skeleton: Skeleton, align: Array) -> tuple[float, float]:
    """(scale, height): lengths of the rig for one of motion, by the legs; how high its hips are when it stands.

    Standing is the rest of SMPL-X with the rig's ankles as high as they rest.
    """
    places = _joints(rest, bones, axes(rest, bones))
    ours = dict(zip(JOINT_NAMES, skeleton.rest_positions, strict=True))

    def drop(where: Mapping[str, Array], turns: Array) -> float:
        legs = [
            turns[INDEX[f"{side}_{one}"]] @ (where[f"{side}_{next_one}"] - where[f"{side}_{one}"])
            for side in SIDES
            for one, next_one in pairwise(_LIMBS[0])
        ]
        return float(sum(leg[1] for leg in legs)) / len(SIDES)

    theirs = drop(places, align)
    ankles = sum(float(places[f"{side}_ankle"][1]) for side in SIDES) / 2
    return theirs / drop(ours, np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))), ankles - theirs


def _turns(bones: BoneMap, turns: Array, align: Array) -> Iterator[tuple[str, Array]]:
    """D A of each bone in the map, (T, 3, 3). Of several bones of a joint each takes its share of the turn."""
    if bones.mover:
        yield bones.mover, turns[:, 0]
    for joint, names in bones.bones.items():
        own = INDEX[joint]
        before = PARENTS[own]
        while before > 0 and not bones.bones.get(JOINT_NAMES[before]):
            before = PARENTS[before]
        for i, name in enumerate(names, start=1):
            turn = turns[:, own]
            if i < len(names) and before >= 0:
                first, last = (matrix_to_quaternion(turns[:, one]) for one in (before, own))
                turn = quaternion_to_matrix(slerp(first, last, i / len(names)))
            yield name, turn @ align[own]


def _unit(v: Array) -> Array:
    return v / max(float(np.linalg.norm(v)), 1e-12)
