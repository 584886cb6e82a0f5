# SPDX-License-Identifier: GPL-3.0-or-later
"""The 659 features as the released FreeTalker code makes and reads them, mistakes included, for its checkpoint alone.

The columns are those of `core.features`, their values are not. The released data are Z up and were taken for Y up, so
"heights" are depths; the hips enter the facing direction with the wrong sign, it is smoothed over 20 frames and set to
+Z in the first; the rotations are those of bones, without twist, and every chain of bones starts anew from the root;
the root turns by half an angle a frame, which an arcsine reads. Reading needs positions only. But for the up axis and
the threshold of the contacts all this is HumanML3D's, whose 263 numbers are these of the first 22 joints.
"""

# pyright: reportUnknownMemberType=false

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .features import CONTACT_JOINTS, FEATURES, POSITIONS
from .rotation import (
    Array,
    axis_angle_to_matrix,
    matrix_to_6d,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_matrix,
    rotation_between,
)
from .skeleton import JOINTS

_SIGMA = 20.0  # frames over which the facing direction is smoothed
_CONTACT = 0.02  # square metres a frame
_FINGERS = tuple(
    (wrist, first, first + 1, first + 2)
    for wrist, start in ((21, 40), (20, 25))
    for first in range(start, start + 15, 3)
)
CHAINS = (
    (0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20), *_FINGERS,
)  # fmt: skip
"""The chains of bones whose rotations are measured; jaw and eyes are in none and keep the rotation of no angle."""
_UP, _FORWARD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def rest_directions() -> Array:
    """(55, 3) the direction from each joint's parent to it that the released rotations are measured from."""
    directions = np.zeros((JOINTS, 3))
    for joints, direction in (
        ((1, 13, 23), (1, 0, 0)),
        ((2, 14, 24), (-1, 0, 0)),
        ((3, 6, 9, 12), (0, 1, 0)),
        ((4, 5, 7, 8, *range(16, 23), *range(25, JOINTS)), (0, -1, 0)),
        ((10, 11, 15), (0, 0, 1)),
    ):
        directions[list(joints)] = direction
    return directions


def placed(positions: npt.ArrayLike) -> Array:
    """Positions (T, J, 3) with the lowest joint at y = 0 and the first pelvis above the origin, facing +Z."""
    moved = np.array(positions, np.float64)
    moved[..., 1] -= moved[..., 1].min()
    moved -= moved[0, 0] * [1.0, 0.0, 1.0]
    across = moved[0, 2] - moved[0, 1] + moved[0, 17] - moved[0, 16]
    return moved @ rotation_between(np.cross(_UP, across), _FORWARD).T


def bone_rotations(positions: Array, sigma: float = _SIGMA) -> Array:
    """Quaternions (T, J, 4) of positions (T, J, 3): from world to facing frame in joint 0, of bones in the others.

    sigma: frames over which the facing direction is smoothed, 0 for not at all.
    """
    across = positions[:, 1] - positions[:, 2] + positions[:, 17] - positions[:, 16]
    forward = np.cross(_UP, across / np.linalg.norm(across, axis=-1, keepdims=True))
    if sigma:
        reach = round(4 * sigma)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        padded = np.pad(forward, ((reach, reach), (0, 0)), mode="edge")
        forward = np.stack([np.convolve(axis, kernel, "valid") for axis in padded.T], -1)
    joints = positions.shape[1]
    rotations = np.zeros((len(positions), joints, 4))
    rotations[:, 0] = matrix_to_quaternion(rotation_between(forward, _FORWARD))
    rotations[0, 0] = [1.0, 0.0, 0.0, 0.0]
    rest = rest_directions()
    for chain in (chain for chain in CHAINS if max(chain) < joints):
        above = rotations[:, 0]
        for parent, joint in pairwise(chain):
            bone = matrix_to_quaternion(rotation_between(rest[joint], positions[:, joint] - positions[:, parent]))
            rotations[:, joint] = quaternion_multiply(quaternion_conjugate(above), bone)
            above = bone
    return rotations


def encode(positions: npt.ArrayLike, contact: float = _CONTACT) -> Array:
    """World positions (T, 55, 3) at 20 fps, T >= 2 -> features (T - 1, 659) as the released code makes them.

    contact: squared metres a frame, under which a foot is taken to stand.
    """
    where = placed(positions)
    rotations = bone_rotations(where)
    heading = rotations[:, 0]  # (T, 4)
    to_facing = quaternion_to_matrix(heading)  # (T, 3, 3)
    turn = quaternion_multiply(heading[1:], quaternion_conjugate(heading[:-1]))  # (T-1, 4)
    step = np.diff(where, axis=0)  # (T-1, 55, 3)
    path = np.einsum("tij,tj->ti", to_facing[1:], step[:, 0])
    local = where - where[:, :1] * [1.0, 0.0, 1.0]
    local = np.einsum("tij,tkj->tki", to_facing, local)[:-1, 1:]  # (T-1, 54, 3)
    frames = len(step)
    return np.concatenate(
        [
            np.arcsin(turn[:, 2:3].clip(-1.0, 1.0)),
            path[:, [0, 2]],
            where[:-1, 0, 1:2],
            local.reshape(frames, -1),
            matrix_to_6d(quaternion_to_matrix(rotations[:-1, 1:])).reshape(frames, -1),
            np.einsum("tij,tkj->tki", to_facing[:-1], step).reshape(frames, -1),
            (step[:, CONTACT_JOINTS] ** 2).sum(-1) < contact,
        ],
        axis=1,
    )


def decode(features: npt.ArrayLike) -> Array:
    """Features (T, 659) -> world positions (T, 55, 3), up as in the data: Z up where the checkpoint made them."""
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or rows.shape[1] != FEATURES:
        raise InputError(f"Features have {FEATURES} numbers a frame, not {rows.shape}.")
    frames = len(rows)
    half = np.concatenate([[0.0], np.cumsum(rows[:-1, 0])])  # (T,)
    from_facing = axis_angle_to_matrix(-2.0 * half[:, None] * _UP)  # (T, 3, 3)
    step = np.zeros((frames, 3))
    step[1:, [0, 2]] = rows[:-1, 1:3]
    path = np.cumsum(np.einsum("tij,tj->ti", from_facing, step), axis=0)
    positions = np.zeros((frames, JOINTS, 3))
    positions[:, 1:] = rows[:, POSITIONS].reshape(frames, JOINTS - 1, 3)
    positions[:, 0, 1] = rows[:, 3]
    return np.einsum("tij,tkj->tki", from_facing, positions) + path[:, None]


def y_up(positions: Array) -> Array:
    """Positions (..., 3) of a Z-up world that faces -Y, as the checkpoint makes them, in ours: Y up, facing +Z."""
    return np.stack([positions[..., 0], positions[..., 2], -positions[..., 1]], -1)
