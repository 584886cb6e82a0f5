# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert between a `Motion` and the 659 features of FreeTalker (paper section 2.1, method section 1).

A frame has 659 = 4 + 54*3 + 54*6 + 55*3 + 4 features, expressed in the *facing frame*: its origin is the pelvis
projected onto the floor, Y is up, and +Z is the direction that hips and shoulders face.

| columns  | feature                                                                              |
|----------|--------------------------------------------------------------------------------------|
| 0        | yaw velocity of the facing frame, radians per frame                                  |
| 1..2     | x and z velocity of the pelvis, meters per frame                                     |
| 3        | height of the pelvis, meters                                                         |
| 4..165   | positions of joints 1..54, meters                                                    |
| 166..489 | local rotations of joints 1..54, 6D (Zhou et al. 2019)                               |
| 490..654 | velocities of all 55 joints, meters per frame                                        |
| 655..658 | contact of left ankle, left foot, right ankle and right foot with the floor, 0 or 1  |

Velocities point to the next frame; the last row repeats those of the row before. Encoding loses nothing but the
placement of the first frame: `decode` restores the motion. Unlike `released_features`, which reproduces the released
code, the layout here stores true SMPL-X rotations.
"""

# pyright: reportUnknownMemberType=false

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .clip import CORE_FPS, Motion
from .filters import gaussian_filter
from .rotation import (
    Array,
    continuous,
    matrix_from_6d,
    matrix_to_6d,
    matrix_to_quaternion,
    nearest_rotation,
    quaternion_to_matrix,
    rotation_y,
)
from .skeleton import INDEX, JOINT_NAMES, JOINTS, Skeleton

YAW = slice(0, 1)
ROOT_VELOCITY = slice(1, 3)
HEIGHT = slice(3, 4)
POSITIONS = slice(4, 166)
ROTATIONS = slice(166, 490)
VELOCITIES = slice(490, 655)
CONTACTS = slice(655, 659)
FEATURES = 659
BLOCKS: dict[str, slice] = {
    "yaw": YAW,
    "root_velocity": ROOT_VELOCITY,
    "height": HEIGHT,
    "positions": POSITIONS,
    "rotations": ROTATIONS,
    "velocities": VELOCITIES,
    "contacts": CONTACTS,
}

CONTACT_JOINTS = (INDEX["left_ankle"], INDEX["left_foot"], INDEX["right_ankle"], INDEX["right_foot"])
CONTACT_SPEED = 0.15  # meters per second
CONTACT_HEIGHT = 0.10  # meters above the joint's height in the rest pose
_FACING_SIGMA = 1.0  # frames; a wider filter would lag behind quick turns
_FACING_RADIUS = 3  # frames
_PELVIS_CHILDREN = (INDEX["left_hip"], INDEX["right_hip"], INDEX["spine1"])


def _upper_body() -> npt.NDArray[np.bool_]:
    """Mask (659,) of the features of spine, head, arms and fingers; spine1's position belongs to the pelvis."""
    placed = UPPER_JOINTS & (np.arange(JOINTS) != INDEX["spine1"])
    upper = np.zeros(FEATURES, bool)
    upper[POSITIONS] = np.repeat(placed[1:], 3)
    upper[ROTATIONS] = np.repeat(UPPER_JOINTS[1:], 6)
    upper[VELOCITIES] = np.repeat(placed, 3)
    return upper


UPPER_JOINTS = np.array([not re.search("pelvis|hip|knee|ankle|foot", name) for name in JOINT_NAMES])
"""Mask (55,) of the joints that a text strip of scope "upper body" controls."""
UPPER_BODY = _upper_body()
"""Mask (659,) of the features that a text strip of scope "upper body" controls."""


def headings(positions: Array) -> Array:
    """Compute the direction that the body faces, smoothed over about one frame.

    Forward is across x up, where across runs from the right to the left hip and shoulder.

    Args:
        positions: (T, 55, 3) world positions.

    Returns:
        (T,) unwrapped headings in radians: 0 faces +Z, and positive angles turn left, toward +X.
    """
    left = positions[:, INDEX["left_hip"]] + positions[:, INDEX["left_shoulder"]]
    right = positions[:, INDEX["right_hip"]] + positions[:, INDEX["right_shoulder"]]
    across = (left - right)[:, [0, 2]]  # (T, 2)
    across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    angle: Array = np.unwrap(np.arctan2(-across[:, 1], across[:, 0]))  # across = (cos, -sin) at heading angle
    return gaussian_filter(angle, _FACING_SIGMA, _FACING_RADIUS)


def encode(motion: Motion, skeleton: Skeleton) -> Array:
    """Convert a motion to features.

    Args:
        motion: at least 2 frames at 20 fps.
        skeleton: the body that the positions are computed for.

    Returns:
        (T, 659) features.

    Raises:
        InputError: the motion has fewer than 2 frames, another frame rate, or values that are not finite.
    """
    if len(motion) < 2 or motion.fps != CORE_FPS:
        raise InputError(f"Features need 2 frames or more at {CORE_FPS:g} fps, not {len(motion)} at {motion.fps:g}.")
    if not (np.isfinite(motion.translation).all() and np.isfinite(motion.rotations).all()):
        raise InputError("Features cannot be computed from a motion with values that are not finite.")
    positions, _ = motion.forward_kinematics(skeleton)  # (T, 55, 3)
    heading = headings(positions)  # (T,)
    to_facing = rotation_y(-heading)  # (T, 3, 3)

    def facing(vectors: Array) -> Array:
        return np.einsum("tij,tkj->tki", to_facing, vectors)

    step = np.diff(positions, axis=0)
    step = np.concatenate([step, step[-1:]])  # (T, 55, 3)
    yaw = np.diff(heading)
    yaw = np.concatenate([yaw, yaw[-1:]])  # (T,)
    velocities = facing(step)  # (T, 55, 3)
    ground = positions[:, :1] * [1.0, 0.0, 1.0]  # (T, 1, 3)
    local = facing(positions - ground)[:, 1:]  # (T, 54, 3)
    rotations = matrix_to_6d(quaternion_to_matrix(motion.rotations[:, 1:]))  # (T, 54, 6)
    frames = len(motion)
    return np.concatenate(
        [
            yaw[:, None],
            velocities[:, 0, [0, 2]],
            positions[:, 0, 1:2],
            local.reshape(frames, -1),
            rotations.reshape(frames, -1),
            velocities.reshape(frames, -1),
            contacts(positions, skeleton, motion.fps),
        ],
        axis=1,
    )


def contacts(positions: Array, skeleton: Skeleton, fps: float) -> Array:
    """Detect which feet are on the floor.

    A joint is in contact while it is slower than 0.15 m/s and less than 0.10 m above its height in the rest pose.

    Args:
        positions: (T, 55, 3) world positions in meters.
        skeleton: provides the rest pose.
        fps: frame rate of the positions.

    Returns:
        (T, 4) contacts, 0 or 1, of left ankle, left foot, right ankle and right foot.
    """
    feet = positions[:, CONTACT_JOINTS]  # (T, 4, 3)
    step = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
    speed = np.concatenate([step, step[-1:]])  # (T, 4)
    height = feet[..., 1] - skeleton.rest_positions[list(CONTACT_JOINTS), 1]
    return ((speed < CONTACT_SPEED) & (height < CONTACT_HEIGHT)).astype(np.float64)


def decode(
    features: npt.ArrayLike, skeleton: Skeleton, start: tuple[float, float] = (0.0, 0.0), heading: float = 0.0
) -> Motion:
    """Convert features to a motion at 20 fps.

    The root follows by integrating its velocities and local rotations come from the 6D block. The orientation of the
    pelvis is the rotation that best maps the rest offsets of both hips and spine1 to their positions in the facing
    frame (Kabsch 1976), which is exact for encoded motion.

    Args:
        features: (T, 659).
        skeleton: the body to pose.
        start: x and z of the first pelvis in meters.
        heading: direction that the first frame faces, in radians; see `headings`.

    Raises:
        InputError: the features have another shape.
    """
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or rows.shape[1] != FEATURES:
        raise InputError(f"Features have {FEATURES} numbers per frame, not {rows.shape}.")
    frames = len(rows)
    angle = heading + np.concatenate([[0.0], np.cumsum(rows[:-1, 0])])  # (T,)
    from_facing = rotation_y(angle)  # (T, 3, 3)
    flat = np.stack([rows[:, 1], np.zeros(frames), rows[:, 2]], -1)  # (T, 3)
    step = np.einsum("tij,tj->ti", from_facing, flat)
    translation = np.concatenate([np.zeros((1, 3)), np.cumsum(step[:-1], axis=0)])
    translation += [start[0], 0.0, start[1]]
    translation[:, 1] = rows[:, 3]

    positions = rows[:, POSITIONS].reshape(frames, JOINTS - 1, 3)
    towards = positions[:, [joint - 1 for joint in _PELVIS_CHILDREN]] - np.stack(
        [np.zeros(frames), rows[:, 3], np.zeros(frames)], -1
    ).reshape(frames, 1, 3)  # (T, 3, 3)
    rest = skeleton.offsets[list(_PELVIS_CHILDREN)]  # (3, 3)
    pelvis = nearest_rotation(np.einsum("tki,kj->tij", towards, rest))  # Kabsch about the pelvis
    local = np.empty((frames, JOINTS, 3, 3))
    local[:, 0] = from_facing @ pelvis
    local[:, 1:] = matrix_from_6d(rows[:, ROTATIONS].reshape(frames, JOINTS - 1, 6))
    return Motion(translation, continuous(matrix_to_quaternion(local)), CORE_FPS)


def placement(motion: Motion, skeleton: Skeleton) -> tuple[tuple[float, float], float]:
    """Return start (x, z) in meters and heading in radians with which `decode` restores an encoded motion's place."""
    positions = motion.positions(skeleton)
    return (float(positions[0, 0, 0]), float(positions[0, 0, 2])), float(headings(positions)[0])


@dataclass(frozen=True)
class Normalizer:
    """Standardization (x - mean) / std of features, optionally followed by projection onto principal components.

    Attributes:
        mean: (D,) mean of each feature.
        std: (D,) standard deviation of each feature, positive.
        basis: (D, K) orthogonal columns that span the components a network works with, or None to use all D features.
            Denormalizing sets whatever lies outside the basis to the mean.

    Raises:
        InputError: mean and std are not (D,), or a std is not positive.
    """

    mean: Array
    std: Array
    basis: Array | None = None

    def __post_init__(self) -> None:
        if self.mean.shape != self.std.shape or self.mean.ndim != 1 or not (self.std > 0).all():
            raise InputError(f"Mean {self.mean.shape} and std {self.std.shape} must be (D,) with every std above 0.")

    def normalize(self, rows: npt.ArrayLike) -> Array:
        """Convert features (..., D) to components (..., K)."""
        scaled = (np.asarray(rows, np.float64) - self.mean) / self.std
        return scaled if self.basis is None else scaled @ self.basis

    def denormalize(self, rows: npt.ArrayLike) -> Array:
        """Convert components (..., K) to features (..., D)."""
        scaled = np.asarray(rows, np.float64)
        if self.basis is not None:
            scaled = scaled / (self.basis**2).sum(0) @ self.basis.T
        return scaled * self.std + self.mean

    def columns(self, features: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return the mask (K,) of components whose weight lies mostly on the features of a mask (D,)."""
        if self.basis is None:
            return features
        share = self.basis**2
        return share[features].sum(0) > share[~features].sum(0)

    @staticmethod
    def fit(rows: npt.ArrayLike, floor: float = 1e-3) -> "Normalizer":
        """Compute the statistics of rows (N, D); every std is at least floor, so constant features stay finite."""
        rows = np.asarray(rows, np.float64)
        return Normalizer(rows.mean(0), np.maximum(rows.std(0), floor))
