# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit a `Motion`, fingers included, to joint positions: the bones keep their directions, twists follow a body prior.

Positions determine where a bone points but not its twist about its own axis (method section 7):

1. A joint with several children (pelvis, chest, wrists, head) has its whole rotation determined by them.
2. Elbows and knees are hinges: the plane of a bent limb determines the twist of shoulder or hip. It is averaged over
   time, weighted by how far the limb is bent, so that a straight arm keeps the twist it had.
3. The remaining twist is distributed: part of the hand's goes to the forearm, the chest's to the spine and the head's
   to the neck.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .clip import Motion
from .filters import gaussian_filter
from .metrics import sole_heights
from .rotation import (
    Array,
    axis_angle_to_quaternion,
    continuous,
    matrix_to_quaternion,
    nearest_rotation,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    rotation_between,
)
from .skeleton import INDEX, JOINTS, PARENTS, Skeleton

JOINT_SUBSETS: dict[int, tuple[int, ...]] = {
    22: tuple(range(22)),
    52: (*range(22), *range(25, JOINTS)),
    JOINTS: tuple(range(JOINTS)),
}
"""Number of positions -> which of the 55 joints they are: SMPL's body (22), SMPL-H (52) or SMPL-X (55)."""

_SIDES = ("left", "right")


@dataclass(frozen=True)
class _Limb:
    """Three joints, and the axis in the rest pose about which the middle one flexes."""

    upper: int
    middle: int
    end: int
    hinge: tuple[float, float, float]


_LIMBS = tuple(
    _Limb(INDEX[f"{side}_{upper}"], INDEX[f"{side}_{middle}"], INDEX[f"{side}_{end}"], hinge)
    for upper, middle, end, hinges in (
        ("shoulder", "elbow", "wrist", ((0.0, -1.0, 0.0), (0.0, 1.0, 0.0))),
        ("hip", "knee", "ankle", ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0))),
    )
    for side, hinge in zip(_SIDES, hinges, strict=True)
)
_TWIST_SHARES = (
    *((INDEX[f"{side}_wrist"], 1.0) for side in _SIDES),
    (INDEX["spine3"], 2 / 3),
    (INDEX["spine2"], 1 / 2),
    (INDEX["head"], 1 / 2),
)
"""Joints, and the share of their twist about their parent's bone that moves to the parent."""
_HINGE_SECONDS = 0.25  # standard deviation of the filter of a limb's plane
_NO_TWIST_WEIGHT = 0.01  # prior for no twist, relative to the weight of a limb bent by 90 degrees
_LAST_KNUCKLE = 0.7  # flexion of a fingertip relative to the knuckle before it


def fit(positions: npt.ArrayLike, fps: float, skeleton: Skeleton) -> Motion:
    """Compute the motion of a skeleton from world joint positions.

    Bone directions are kept even if the proportions differ; the path is scaled by the ratio of leg lengths. Joints
    that are not given stay at rest, except fingers, which are relaxed.

    Args:
        positions: (T, J, 3) world positions in meters, Y up, with the J = 22, 52 or 55 joints of `JOINT_SUBSETS`.
        fps: frame rate of the positions and of the result.
        skeleton: the body to pose.

    Raises:
        InputError: another number of joints, no frames, or values that are not finite.
    """
    given = np.asarray(positions, np.float64)
    if given.ndim != 3 or given.shape[2] != 3 or given.shape[1] not in JOINT_SUBSETS or not len(given):
        raise InputError(
            f"Positions of {', '.join(map(str, JOINT_SUBSETS))} joints can be fitted, (T, J, 3), not {given.shape}."
        )
    if not np.isfinite(given).all():
        raise InputError("Positions with values that are not finite cannot be fitted.")
    known = JOINT_SUBSETS[given.shape[1]]
    where = np.zeros((len(given), JOINTS, 3))
    where[:, known] = given
    bones = where - where[:, list(PARENTS)]  # (T, 55, 3) from the parent
    children = [[child for child in known if PARENTS[child] == joint] for joint in range(JOINTS)]
    world = np.empty((len(given), JOINTS, 3, 3))
    for joint in range(JOINTS):
        world[:, joint] = _joint_rotation(joint, children[joint], world, bones, skeleton)
        for limb in _LIMBS:
            if joint == limb.upper:
                world[:, joint] = _align_hinge(limb, world[:, joint], bones, skeleton, fps)
    inverse = np.swapaxes(world[:, list(PARENTS[1:])], -1, -2)
    local = continuous(matrix_to_quaternion(np.concatenate([world[:, :1], inverse @ world[:, 1:]], 1)))
    for joint, share in _TWIST_SHARES:
        _move_twist_to_parent(local, joint, share, skeleton)
    if INDEX["left_index1"] in known:
        for last in range(INDEX["left_index3"], JOINTS, 3):
            local[:, last] = axis_angle_to_quaternion(_LAST_KNUCKLE * quaternion_to_axis_angle(local[:, last - 1]))
    else:
        local[:, 25:] = axis_angle_to_quaternion(skeleton.relaxed_hands)
    return Motion(_leg_scale(bones, skeleton) * where[:, 0], continuous(local), fps)


def on_floor(motion: Motion, skeleton: Skeleton) -> Motion:
    """Return the motion shifted vertically so that the 5th percentile of its lower sole's height is on the floor."""
    soles = sole_heights(motion.positions(skeleton), skeleton).min(-1)  # (T,)
    return motion.moved([0.0, -float(np.percentile(soles, 5)), 0.0])


def _joint_rotation(joint: int, children: Sequence[int], world: Array, bones: Array, skeleton: Skeleton) -> Array:
    """World rotation (T, 3, 3) of a joint: from several children, the smallest one for one child, or its parent's."""
    parent = world[:, PARENTS[joint]] if joint else np.broadcast_to(np.eye(3), world[:, 0].shape)
    if not children:
        return parent
    rest = skeleton.offsets[children]  # (C, 3)
    if len(children) == 1:
        return rotation_between(parent @ rest[0], bones[:, children[0]]) @ parent
    return nearest_rotation(np.einsum("tci,cj->tij", bones[:, children], rest))


def _align_hinge(limb: _Limb, upper: Array, bones: Array, skeleton: Skeleton, fps: float) -> Array:
    """Twist the world rotations (T, 3, 3) of a shoulder or hip about its bone so that elbow or knee flexes as a hinge.

    The two bones determine the flexion angle. Their cross product at that angle, in the frame of the upper bone, is
    then rotated to their cross product in the world.
    """
    hinge = np.array(limb.hinge)
    rest_first, rest_second = (_unit(skeleton.offsets[joint]) for joint in (limb.middle, limb.end))
    first, second = _unit(bones[:, limb.middle]), _unit(bones[:, limb.end])  # (T, 3)
    # first . second = along + size * cos(bend) as the hinge flexes: the two bones of the rest pose are not collinear
    along = (rest_first @ hinge) * (rest_second @ hinge)
    parts = rest_first @ rest_second - along, rest_first @ np.cross(hinge, rest_second)
    cosine = ((first * second).sum(-1) - along) / np.hypot(*parts)
    bend = np.arccos(np.clip(cosine, -1.0, 1.0))  # (T,), 0 where the limb is straightest
    angle = bend + np.arctan2(parts[1], parts[0])
    turned = quaternion_to_matrix(axis_angle_to_quaternion(angle[:, None] * hinge)) @ rest_second
    ours = np.einsum("tij,tj->ti", upper, np.cross(rest_first, turned))  # (T, 3), at right angles to the bone
    theirs = np.cross(first, second)
    turn = np.arctan2((first * np.cross(ours, theirs)).sum(-1), (ours * theirs).sum(-1))
    weight = np.sin(np.minimum(bend, np.pi / 2)) ** 2
    radius = max(1, round(3 * _HINGE_SECONDS * fps))
    x, y = gaussian_filter(weight[:, None] * np.stack([np.cos(turn), np.sin(turn)], -1), _HINGE_SECONDS * fps, radius).T
    turn = np.arctan2(y, x + _NO_TWIST_WEIGHT)
    return quaternion_to_matrix(axis_angle_to_quaternion(turn[:, None] * first)) @ upper


def _move_twist_to_parent(local: Array, joint: int, share: float, skeleton: Skeleton) -> None:
    """Move a share of a joint's twist about its parent's bone to the parent, in place in local (T, 55, 4)."""
    parent, axis = PARENTS[joint], _unit(skeleton.offsets[joint])
    angle = 2 * np.arctan2(local[:, joint, 1:] @ axis, local[:, joint, 0])  # (T,)
    angle = np.remainder(angle + np.pi, 2 * np.pi) - np.pi
    twist = axis_angle_to_quaternion(share * angle[:, None] * axis)
    local[:, parent] = quaternion_multiply(local[:, parent], twist)
    local[:, joint] = quaternion_multiply(quaternion_conjugate(twist), local[:, joint])


def _leg_scale(bones: Array, skeleton: Skeleton) -> float:
    """Ratio of the skeleton's leg length to the median one of the bones (T, 55, 3)."""
    legs = [INDEX[f"{side}_{joint}"] for side in _SIDES for joint in ("knee", "ankle")]
    theirs = float(np.median(np.linalg.norm(bones[:, legs], axis=-1).sum(-1)))
    return float(np.linalg.norm(skeleton.offsets[legs], axis=-1).sum()) / max(theirs, 1e-9)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
