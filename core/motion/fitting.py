# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint positions alone -> Motion, fingers included: bones where they were, twists as bodies make them.

Positions say where every bone points, and not how it is turned about its own line. Where a joint carries several
bones (pelvis, chest, wrists, head) they tell its whole rotation. Elbows and knees are hinges: the plane of a bent limb
tells the turn of shoulder and hip, weighed over time by how bent it is, so that a straight arm keeps the turn it had.
What turn is left is shared: a hand's by the forearm, the chest's by the spine, the head's by the neck.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .clip import Motion
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

KNOWN: dict[int, tuple[int, ...]] = {
    22: tuple(range(22)),
    52: (*range(22), *range(25, JOINTS)),
    JOINTS: tuple(range(JOINTS)),
}
"""Which of the 55 joints a set of so many positions has: SMPL's body, SMPL-H, SMPL-X."""

_SIDES = ("left", "right")


@dataclass(frozen=True)
class _Limb:
    """Three joints, and the axis in the rest pose about which the middle one bends."""

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
_SHARED = (
    *((INDEX[f"{side}_wrist"], 1.0) for side in _SIDES),
    (INDEX["spine3"], 2 / 3),
    (INDEX["spine2"], 1 / 2),
    (INDEX["head"], 1 / 2),
)
"""Joints, and how much of their turn about their parent's bone the parent takes over."""
_HINGE_SECONDS = 0.25  # over which the plane of a limb is averaged
_UNDECIDED = 0.01  # weight of no turn at all beside that of the plane of a limb bent by 90 degrees
_LAST_KNUCKLE = 0.7  # of the bend of the knuckle before it


def fit(positions: npt.ArrayLike, fps: float, skeleton: Skeleton) -> Motion:
    """The motion on `skeleton` whose joints are at world positions (T, J, 3) in metres, Y up; J is 22, 52 or 55.

    A body of other proportions keeps the directions of its bones; its path is scaled by the legs. Fingers that are not
    known are relaxed, toes, jaw and eyes at rest.

    Raises InputError for other numbers of joints and values that are not finite.
    """
    given = np.asarray(positions, np.float64)
    if given.ndim != 3 or given.shape[2] != 3 or given.shape[1] not in KNOWN or not len(given):
        raise InputError(
            f"Positions of {', '.join(map(str, KNOWN))} joints can be fitted, (T, J, 3), not {given.shape}."
        )
    if not np.isfinite(given).all():
        raise InputError("Positions with values that are not finite cannot be fitted.")
    known = KNOWN[given.shape[1]]
    where = np.zeros((len(given), JOINTS, 3))
    where[:, known] = given
    bones = where - where[:, list(PARENTS)]  # (T, 55, 3) from the parent
    children = [[child for child in known if PARENTS[child] == joint] for joint in range(JOINTS)]
    world = np.empty((len(given), JOINTS, 3, 3))
    for joint in range(JOINTS):
        world[:, joint] = _turned(joint, children[joint], world, bones, skeleton)
        for limb in _LIMBS:
            if joint == limb.upper:
                world[:, joint] = _hinged(limb, world[:, joint], bones, skeleton, fps)
    inverse = np.swapaxes(world[:, list(PARENTS[1:])], -1, -2)
    local = continuous(matrix_to_quaternion(np.concatenate([world[:, :1], inverse @ world[:, 1:]], 1)))
    for joint, share in _SHARED:
        _pass_up(local, joint, share, skeleton)
    if INDEX["left_index1"] in known:
        for last in range(INDEX["left_index3"], JOINTS, 3):
            local[:, last] = axis_angle_to_quaternion(_LAST_KNUCKLE * quaternion_to_axis_angle(local[:, last - 1]))
    else:
        local[:, 25:] = axis_angle_to_quaternion(skeleton.relaxed_hands)
    return Motion(_scale(bones, skeleton) * where[:, 0], continuous(local), fps)


def on_floor(motion: Motion, skeleton: Skeleton) -> Motion:
    """The motion raised or lowered until its lower sole is on the floor in all but the lowest twentieth of frames."""
    soles = sole_heights(motion.positions(skeleton), skeleton).min(-1)  # (T,)
    return motion.moved([0.0, -float(np.percentile(soles, 5)), 0.0])


def _turned(joint: int, children: Sequence[int], world: Array, bones: Array, skeleton: Skeleton) -> Array:
    """World rotation (T, 3, 3) of a joint by its bones: all of it by several, the least turn by one, none by none."""
    parent = world[:, PARENTS[joint]] if joint else np.broadcast_to(np.eye(3), world[:, 0].shape)
    if not children:
        return parent
    rest = skeleton.offsets[children]  # (C, 3)
    if len(children) == 1:
        return rotation_between(parent @ rest[0], bones[:, children[0]]) @ parent
    return nearest_rotation(np.einsum("tci,cj->tij", bones[:, children], rest))


def _hinged(limb: _Limb, upper: Array, bones: Array, skeleton: Skeleton, fps: float) -> Array:
    """World rotations (T, 3, 3) of a shoulder or hip, turned about its bone so that elbow or knee bends as a hinge.

    The hinge bends by the angle that the two bones tell. Their cross product at that angle, in the frame of the upper
    bone, is then turned to where it is in the world.
    """
    hinge = np.array(limb.hinge)
    rest_first, rest_second = (_unit(skeleton.offsets[joint]) for joint in (limb.middle, limb.end))
    first, second = _unit(bones[:, limb.middle]), _unit(bones[:, limb.end])  # (T, 3)
    # first . second = along + size * cos(bend) as the hinge turns: the two bones of the rest pose are not in line
    along = (rest_first @ hinge) * (rest_second @ hinge)
    parts = rest_first @ rest_second - along, rest_first @ np.cross(hinge, rest_second)
    cosine = ((first * second).sum(-1) - along) / np.hypot(*parts)
    bend = np.arccos(np.clip(cosine, -1.0, 1.0))  # (T,) from where the limb is straightest
    angle = bend + np.arctan2(parts[1], parts[0])
    turned = quaternion_to_matrix(axis_angle_to_quaternion(angle[:, None] * hinge)) @ rest_second
    ours = np.einsum("tij,tj->ti", upper, np.cross(rest_first, turned))  # (T, 3), at right angles to the bone
    theirs = np.cross(first, second)
    turn = np.arctan2((first * np.cross(ours, theirs)).sum(-1), (ours * theirs).sum(-1))
    weight = np.sin(np.minimum(bend, np.pi / 2)) ** 2
    reach = max(1, round(3 * _HINGE_SECONDS * fps))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (_HINGE_SECONDS * fps)) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(weight * [np.cos(turn), np.sin(turn)], ((0, 0), (reach, reach)), mode="edge")
    x, y = (np.convolve(axis, kernel, "valid") for axis in padded)
    turn = np.arctan2(y, x + _UNDECIDED)
    return quaternion_to_matrix(axis_angle_to_quaternion(turn[:, None] * first)) @ upper


def _pass_up(local: Array, joint: int, share: float, skeleton: Skeleton) -> None:
    """Give a share of a joint's turn about its parent's bone to the parent; local (T, 55, 4) is changed."""
    parent, axis = PARENTS[joint], _unit(skeleton.offsets[joint])
    angle = 2 * np.arctan2(local[:, joint, 1:] @ axis, local[:, joint, 0])  # (T,)
    angle = np.remainder(angle + np.pi, 2 * np.pi) - np.pi
    twist = axis_angle_to_quaternion(share * angle[:, None] * axis)
    local[:, parent] = quaternion_multiply(local[:, parent], twist)
    local[:, joint] = quaternion_multiply(quaternion_conjugate(twist), local[:, joint])


def _scale(bones: Array, skeleton: Skeleton) -> float:
    """Our leg's length over theirs."""
    legs = [INDEX[f"{side}_{joint}"] for side in _SIDES for joint in ("knee", "ankle")]
    theirs = float(np.median(np.linalg.norm(bones[:, legs], axis=-1).sum(-1)))
    return float(np.linalg.norm(skeleton.offsets[legs], axis=-1).sum()) / max(theirs, 1e-9)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
