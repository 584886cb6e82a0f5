# SPDX-License-Identifier: GPL-3.0-or-later
"""The 659 features as computed by the released FreeTalker code, including its mistakes; for its checkpoint only.

The columns are those of `core.motion.features`, but their values differ (method section 6):

- The released data are Z up but are processed as Y up, so "heights" are depths.
- The hips enter the facing direction with the wrong sign. It is smoothed over 20 frames, and set to +Z in the first.
- Rotations are of bones, without twist, and every chain of bones restarts at the root.
- Yaw velocity is half an angle per frame, computed by an arcsine.

Decoding uses positions only. Apart from the up axis and the contact threshold, this is the representation of HumanML3D
(Guo et al. 2022), whose 263 features are these of the first 22 joints.
"""

# pyright: reportUnknownMemberType=false

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .features import CONTACT_JOINTS, FEATURES, POSITIONS
from .filters import gaussian_kernel
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

_FACING_SIGMA = 20.0  # frames
_CONTACT = 0.02  # squared meters per frame
_FINGERS = tuple(
    (wrist, first, first + 1, first + 2)
    for wrist, start in ((21, 40), (20, 25))
    for first in range(start, start + 15, 3)
)
CHAINS = (
    (0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20), *_FINGERS,
)  # fmt: skip
"""Chains of joints along which bone rotations are computed; jaw and eyes are in none and keep a zero quaternion."""
_UP, _FORWARD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def rest_directions() -> Array:
    """Return the rest directions (55, 3), from each joint's parent to it, that the released rotations refer to."""
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


def canonicalize(positions: npt.ArrayLike) -> Array:
    """Move positions (T, J, 3): the lowest joint to y = 0, the first pelvis above the origin, facing +Z."""
    moved = np.array(positions, np.float64)
    moved[..., 1] -= moved[..., 1].min()
    moved -= moved[0, 0] * [1.0, 0.0, 1.0]
    across = moved[0, 2] - moved[0, 1] + moved[0, 17] - moved[0, 16]
    return moved @ rotation_between(np.cross(_UP, across), _FORWARD).T


def bone_rotations(positions: Array, sigma: float = _FACING_SIGMA) -> Array:
    """Compute the rotations of bones from positions.

    Args:
        positions: (T, J, 3) world positions.
        sigma: standard deviation in frames of the filter of the facing direction, 0 for no filter.

    Returns:
        (T, J, 4) quaternions: rotation from world to facing frame for joint 0, and of bones for the others.
    """
    across = positions[:, 1] - positions[:, 2] + positions[:, 17] - positions[:, 16]
    forward = np.cross(_UP, across / np.linalg.norm(across, axis=-1, keepdims=True))
    if sigma:
        radius = round(4 * sigma)
        kernel = gaussian_kernel(sigma, radius)  # only the direction of the sum matters
        padded = np.pad(forward, ((radius, radius), (0, 0)), mode="edge")
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
    """Convert world positions to features as the released code does.

    Args:
        positions: (T, 55, 3) at 20 fps, T >= 2.
        contact: squared displacement in meters per frame below which a foot counts as in contact.

    Returns:
        (T - 1, 659) features.
    """
    where = canonicalize(positions)
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
    """Convert features (T, 659) to world positions (T, 55, 3), with the data's up axis: Z for the released checkpoint.

    Raises:
        InputError: the features have another shape.
    """
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or rows.shape[1] != FEATURES:
        raise InputError(f"Features have {FEATURES} numbers per frame, not {rows.shape}.")
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
    """Convert positions (..., 3) of the checkpoint, Z up and facing -Y, to Y up and facing +Z."""
    return np.stack([positions[..., 0], positions[..., 2], -positions[..., 1]], -1)
