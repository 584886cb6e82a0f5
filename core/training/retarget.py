# SPDX-License-Identifier: GPL-3.0-or-later
"""Retargeting: recorded motion of other skeletons to Motion on the neutral SMPL-X skeleton.

The world rotation of a target joint is D * A. D is how far its source joint has turned from the source's rest pose; A
takes the SMPL-X rest bone to the source's rest bone. A keeps the trunk upright, swings each limb by the smallest
rotation that aligns the bones (inherited down the limb, so an A-pose causes no trouble), turns feet about the vertical
only (both rest poses stand on flat feet), and aligns the palm by the finger and the line of the knuckles.

The SMPL-X rest pose has its elbows and knees off the line of the straight limb (by 21 and 14 degrees of bend), other
rigs have them on it. The line from shoulder to wrist, or hip to ankle, therefore stands for both bones of a limb;
otherwise elbows and knees would always bend sideways.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..formats import SourceClip
from ..motion.clip import Motion
from ..motion.rotation import (
    Array,
    axis_angle_to_matrix,
    continuous,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_matrix,
    rotation_between,
    rotation_y,
    slerp,
)
from ..motion.skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton
from .anatomy import mended
from .joint_maps import SIDES, JointMap, joint_map

_UPRIGHT = ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "left_collar", "right_collar")
BONE_END = {
    name: JOINT_NAMES[PARENTS.index(i)] if i in PARENTS else None
    for i, name in enumerate(JOINT_NAMES)
    if name not in _UPRIGHT
} | {f"{side}_wrist": f"{side}_middle1" for side in SIDES}
"""SMPL-X joint -> the joint at the far end of its bone; None if there is none."""
_LIMBS = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))


def rest_bones(skeleton: Skeleton) -> dict[str, Array]:
    """Return the rest vector of each limb bone, in meters, by the joint that turns it.

    Arms and legs run along the line of the limb, as in other rigs.
    """
    rest = skeleton.rest_positions
    bones = {joint: rest[INDEX[end]] - rest[INDEX[joint]] for joint, end in BONE_END.items() if end is not None}
    for side in SIDES:
        for limb in _LIMBS:
            root, middle, end = (f"{side}_{joint}" for joint in limb)
            line = rest[INDEX[end]] - rest[INDEX[root]]
            line = line / np.linalg.norm(line)
            bones |= {joint: line * np.linalg.norm(bones[joint]) for joint in (root, middle)}
    return bones


@dataclass(frozen=True)
class _Plan:
    """What depends on the two rest poses alone.

    Attributes:
        sources: SMPL-X joint -> index of the source joint that orients it.
        align: (55, 3, 3) A of the module's docstring.
        scale: Target lengths per source length.
        hips: The source joints of the left and right hip.
    """

    sources: Mapping[int, int]
    align: Array
    scale: float
    hips: tuple[int, int]


def _plan(clip: SourceClip, skeleton: Skeleton, names: JointMap) -> _Plan:
    here = {name: i for i, name in enumerate(clip.names)}
    place = {joint: here[chain[0]] for joint, chain in names.items() if chain[0] in here}
    sources = {
        INDEX[joint]: here[[name for name in chain if name in here][-1]]
        for joint, chain in names.items()
        if chain[0] in here
    }
    rest, _ = clip.rest_world()  # (J, 3)
    target, bones = skeleton.rest_positions, rest_bones(skeleton)  # (55, 3)

    def end_of(joint: str) -> Array | None:
        """Rest position of the far end of a source bone: the mapped child, or an end site."""
        child = BONE_END[joint]
        if child in place:
            return rest[place[child]]
        site = here.get(f"{clip.names[place[joint]]}_end")
        return None if site is None else rest[site]

    across = rest[place["left_hip"]] - rest[place["right_hip"]]
    # rest poses face along an axis: hips that are slightly off it must not turn the body
    quarters = round(float(np.arctan2(-across[2], across[0])) / (np.pi / 2))
    facing = rotation_y(quarters * np.pi / 2)
    align = np.tile(facing, (len(JOINT_NAMES), 1, 1))  # (55, 3, 3)
    for i, joint in enumerate(JOINT_NAMES):
        if joint in _UPRIGHT:
            continue
        inherited = align[PARENTS[i]]
        end = end_of(joint) if joint in place else None
        if end is None or joint not in bones:
            align[i] = facing if joint.endswith("_foot") else inherited
            continue
        bone, wanted = bones[joint], end - rest[place[joint]]
        if joint.endswith(("_hip", "_knee")):  # sources stand on straight legs with their knees slightly off the line
            root, _, tip = (f"{joint.split('_')[0]}_{part}" for part in _LIMBS[0])
            wanted = rest[place[tip]] - rest[place[root]]
        if joint.endswith("_ankle"):
            flat = np.array([1.0, 0.0, 1.0])
            align[i] = rotation_between(facing @ (bone * flat), wanted * flat) @ facing
        elif joint.endswith("_wrist") and {f"{joint[:-5]}{finger}1" for finger in ("index", "pinky")} <= place.keys():
            knuckles = [f"{joint[:-5]}{finger}1" for finger in ("index", "pinky")]
            ours = target[INDEX[knuckles[1]]] - target[INDEX[knuckles[0]]]
            theirs = rest[place[knuckles[1]]] - rest[place[knuckles[0]]]
            align[i] = _frame(wanted, theirs) @ _frame(bone, ours).T
        else:
            align[i] = rotation_between(inherited @ bone, wanted) @ inherited
    for side in SIDES:
        align[INDEX[f"{side}_foot"]] = align[INDEX[f"{side}_ankle"]]
    ours = np.linalg.norm(bones["left_hip"]) + np.linalg.norm(bones["left_knee"])
    theirs = sum(np.linalg.norm(rest[place[f"left_{b}"]] - rest[place[f"left_{a}"]]) for a, b in pairwise(_LIMBS[0]))
    return _Plan(sources, align, float(ours / theirs), (place["left_hip"], place["right_hip"]))


def rest_alignment(clip: SourceClip, skeleton: Skeleton, names: JointMap) -> Array:
    """Return (55, 3, 3) A of the module's docstring."""
    return _plan(clip, skeleton, names).align


def _frame(along: Array, toward: Array) -> Array:
    """Return a right-handed frame (3, 3), in columns: its first axis along one vector, its second close to another."""
    x = along / np.linalg.norm(along)
    z = np.cross(x, toward)
    z /= np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z], -1)


def retarget(clip: SourceClip, skeleton: Skeleton | None = None, names: JointMap | None = None) -> Motion:
    """Retarget a recording to the SMPL-X skeleton, at its own frame rate.

    Lengths are scaled by the legs, and the feet are put on the floor. Fingers that the source lacks are relaxed,
    hyperextended knees are straightened, and hands inside the hips are moved out (`anatomy`).

    Args:
        clip: The recording.
        skeleton: The target; the neutral skeleton by default.
        names: The joint map of the recording; by default the one of `JOINT_MAPS` that fits.

    Raises:
        InputError: No joint map fits.
    """
    skeleton = skeleton or neutral_skeleton()
    plan = _plan(clip, skeleton, names or joint_map(clip))
    positions, world = clip.world()  # (T, J, 3), (T, J, 3, 3)
    _, rest_world = clip.rest_world()  # (J, 3, 3)
    default = np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))  # (55, 3, 3)
    default[25:] = axis_angle_to_matrix(skeleton.relaxed_hands)
    joints = range(len(JOINT_NAMES))
    turned = np.empty((len(clip), len(JOINT_NAMES), 3, 3))
    local = np.empty_like(turned)
    for i in joints:
        parent = turned[:, PARENTS[i]] if i else np.eye(3)
        if i in plan.sources:
            source = plan.sources[i]
            turned[:, i] = world[:, source] @ rest_world[source].T @ plan.align[i]
        else:
            turned[:, i] = parent @ default[i]
        if i == INDEX["spine2"] and i not in plan.sources and INDEX["spine3"] in plan.sources:
            source = plan.sources[INDEX["spine3"]]  # a spine of two joints is distributed evenly over SMPL-X's three
            above = world[:, source] @ rest_world[source].T @ plan.align[INDEX["spine3"]]
            halves = slerp(matrix_to_quaternion(parent), matrix_to_quaternion(above), np.array(0.5))
            turned[:, i] = quaternion_to_matrix(halves)
        local[:, i] = np.swapaxes(parent, -1, -2) @ turned[:, i]
    rotations = mended(_twist_in_forearm(matrix_to_quaternion(local), skeleton), skeleton)
    hips = plan.scale * positions[:, list(plan.hips)].mean(1)  # (T, 3)
    ours = skeleton.rest_positions[[INDEX["left_hip"], INDEX["right_hip"]]].mean(0) - skeleton.rest_positions[0]
    root = hips - turned[:, 0] @ ours
    reached, _ = skeleton.forward_kinematics(quaternion_to_matrix(rotations), root)
    root[:, 1] += _floor_shift(reached, skeleton)
    return Motion(root, continuous(rotations), clip.fps)


def on_neutral(motion: Motion, skeleton: Skeleton) -> Motion:
    """Move a SMPL-X motion of any body to the neutral skeleton, its feet on the floor.

    The path is scaled by the legs, except for gendered bodies, whose betas do not apply to the neutral one.
    """
    legs = [INDEX[f"{side}_{joint}"] for side in SIDES for joint in ("knee", "ankle")]
    scale = 1.0
    if motion.gender == "neutral":
        theirs = neutral_skeleton(motion.betas).offsets[legs]
        ratio = float(np.linalg.norm(skeleton.offsets[legs], axis=-1).sum() / np.linalg.norm(theirs, axis=-1).sum())
        scale = ratio if 0.7 < ratio < 1.4 else 1.0  # else the betas are those of another model
    placed = Motion(motion.translation * scale, motion.rotations, motion.fps)
    return placed.moved([0.0, _floor_shift(placed.positions(skeleton), skeleton), 0.0])


def _twist_in_forearm(rotations: Array, skeleton: Skeleton) -> Array:
    """Move the twist of each wrist about the forearm to the elbow, in local rotations (T, 55, 4).

    The orientation of the hands does not change.

    Rigs disagree on which joint carries it: some turn the wrist by 50 degrees where others turn the forearm.
    """
    rotations = rotations.copy()
    for side in SIDES:
        elbow, wrist = INDEX[f"{side}_elbow"], INDEX[f"{side}_wrist"]
        axis = skeleton.offsets[wrist] / np.linalg.norm(skeleton.offsets[wrist])
        along = rotations[:, wrist, 1:] @ axis  # (T,)
        twist = np.concatenate([rotations[:, wrist, :1], along[:, None] * axis], -1)
        twist /= np.maximum(np.linalg.norm(twist, axis=-1, keepdims=True), 1e-9)
        rotations[:, elbow] = quaternion_multiply(rotations[:, elbow], twist)
        rotations[:, wrist] = quaternion_multiply(quaternion_conjugate(twist), rotations[:, wrist])
    return rotations


def sole_clearance(positions: Array, skeleton: Skeleton) -> Array:
    """Return the height (T,) of the lower sole above the floor, given positions (T, 55, 3)."""
    feet = [INDEX[f"{side}_{joint}"] for side in SIDES for joint in ("ankle", "foot")]
    return (positions[:, feet, 1] - skeleton.rest_positions[feet, 1]).min(1)


def _floor_shift(positions: Array, skeleton: Skeleton) -> float:
    """Return how far to lift the body so that the lower sole is on or above the floor in 95 % of the frames."""
    return -float(np.percentile(sole_clearance(positions, skeleton), 5))
