# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion <-> the 659 features of FreeTalker (paper section 2.1), exactly both ways.

One row a frame, 659 = 4 + 54*3 + 54*6 + 55*3 + 4, everything seen in the *facing frame*: at the pelvis' place on the
floor, Y up, +Z where hips and shoulders face. Velocities are per frame, towards the next frame; the last row repeats
the one before it.
"""

# pyright: reportUnknownMemberType=false

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .clip import CORE_FPS, Motion
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
CONTACT_SPEED = 0.15  # metres a second
CONTACT_HEIGHT = 0.10  # metres above the joint's height in the rest pose
_FACING_SIGMA = 1.0  # frames; more would lag behind quick turns
_PELVIS_CHILDREN = (INDEX["left_hip"], INDEX["right_hip"], INDEX["spine1"])


def _upper_body() -> npt.NDArray[np.bool_]:
    """Which features (659,) are of spine, head, arms and fingers; spine1's place says how the pelvis is turned."""
    placed = UPPER_JOINTS & (np.arange(JOINTS) != INDEX["spine1"])
    upper = np.zeros(FEATURES, bool)
    upper[POSITIONS] = np.repeat(placed[1:], 3)
    upper[ROTATIONS] = np.repeat(UPPER_JOINTS[1:], 6)
    upper[VELOCITIES] = np.repeat(placed, 3)
    return upper


UPPER_JOINTS = np.array([not re.search("pelvis|hip|knee|ankle|foot", name) for name in JOINT_NAMES])
UPPER_BODY = _upper_body()


def headings(positions: Array) -> Array:
    """Unwrapped heading (T,) in radians of world positions (T, 55, 3): 0 faces +Z, positive turns to the left (+X).

    Across is left minus right of hips and of shoulders; forward is across x up. Smoothed over about a frame.
    """
    left = positions[:, INDEX["left_hip"]] + positions[:, INDEX["left_shoulder"]]
    right = positions[:, INDEX["right_hip"]] + positions[:, INDEX["right_shoulder"]]
    across = (left - right)[:, [0, 2]]  # (T, 2)
    across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    angle: Array = np.unwrap(np.arctan2(-across[:, 1], across[:, 0]))  # across = (cos, -sin) at heading angle
    return _smoothed(angle)


def _smoothed(values: Array) -> Array:
    """Gaussian of _FACING_SIGMA frames along time (T,), the ends held."""
    reach = np.arange(-3, 4)
    kernel = np.exp(-0.5 * (reach / _FACING_SIGMA) ** 2)
    padded = np.pad(values, 3, mode="edge")
    smooth: Array = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return smooth


def encode(motion: Motion, skeleton: Skeleton) -> Array:
    """Motion of T >= 2 frames at 20 fps -> features (T, 659).

    Raises InputError for one frame, another frame rate, or values that are not finite.
    """
    if len(motion) < 2 or motion.fps != CORE_FPS:
        raise InputError(f"Features need 2 frames or more at {CORE_FPS:g} fps, not {len(motion)} at {motion.fps:g}.")
    if not (np.isfinite(motion.translation).all() and np.isfinite(motion.rotations).all()):
        raise InputError("Features cannot be made of a motion with values that are not finite.")
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
    """Which feet are on the floor: (T, 4) of 0 and 1 for left ankle, left foot, right ankle, right foot.

    Slower than 0.15 m/s and less than 0.10 m above the joint's height in the rest pose.
    """
    feet = positions[:, CONTACT_JOINTS]  # (T, 4, 3)
    step = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
    speed = np.concatenate([step, step[-1:]])  # (T, 4)
    height = feet[..., 1] - skeleton.rest_positions[list(CONTACT_JOINTS), 1]
    return ((speed < CONTACT_SPEED) & (height < CONTACT_HEIGHT)).astype(np.float64)


def decode(
    features: npt.ArrayLike, skeleton: Skeleton, start: tuple[float, float] = (0.0, 0.0), heading: float = 0.0
) -> Motion:
    """Features (T, 659) -> Motion at 20 fps, from start (x, z) metres and heading radians of the first facing frame.

    Root by integration; local rotations from the 6D block; the pelvis' orientation is the rotation that best takes the
    rest directions of both hips and spine1 to their positions in the facing frame (exact for encoded motion).
    """
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or rows.shape[1] != FEATURES:
        raise InputError(f"Features have {FEATURES} numbers a frame, not {rows.shape}.")
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
    pelvis = nearest_rotation(np.einsum("tki,kj->tij", towards, rest))  # Kabsch without a centre: the pelvis is it
    local = np.empty((frames, JOINTS, 3, 3))
    local[:, 0] = from_facing @ pelvis
    local[:, 1:] = matrix_from_6d(rows[:, ROTATIONS].reshape(frames, JOINTS - 1, 6))
    return Motion(translation, continuous(matrix_to_quaternion(local)), CORE_FPS)


def placement(motion: Motion, skeleton: Skeleton) -> tuple[tuple[float, float], float]:
    """Where decode must start, (x, z) and heading, to put an encoded motion back in its place."""
    positions = motion.positions(skeleton)
    return (float(positions[0, 0, 0]), float(positions[0, 0, 2])), float(headings(positions)[0])


@dataclass(frozen=True)
class Normalizer:
    """(x - mean) / std for each feature, and of those the components that a network works with.

    mean, std: (D,). basis: (D, K) with columns at right angles to one another, or None where all D features are used;
    what lies outside it comes back as the mean.
    """

    mean: Array
    std: Array
    basis: Array | None = None

    def __post_init__(self) -> None:
        if self.mean.shape != self.std.shape or self.mean.ndim != 1 or not (self.std > 0).all():
            raise InputError(f"Mean {self.mean.shape} and std {self.std.shape} must be (D,) with every std above 0.")

    def normalize(self, rows: npt.ArrayLike) -> Array:
        """Features (..., D) -> components (..., K)."""
        scaled = (np.asarray(rows, np.float64) - self.mean) / self.std
        return scaled if self.basis is None else scaled @ self.basis

    def denormalize(self, rows: npt.ArrayLike) -> Array:
        """Components (..., K) -> features (..., D)."""
        scaled = np.asarray(rows, np.float64)
        if self.basis is not None:
            scaled = scaled / (self.basis**2).sum(0) @ self.basis.T
        return scaled * self.std + self.mean

    def columns(self, features: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which components (K,) are made of some of the features (D,), for the most part at least."""
        if self.basis is None:
            return features
        share = self.basis**2
        return share[features].sum(0) > share[~features].sum(0)

    @staticmethod
    def fit(rows: npt.ArrayLike, floor: float = 1e-3) -> "Normalizer":
        """From rows (N, D); a std is at least floor, so that constant features stay harmless."""
        rows = np.asarray(rows, np.float64)
        return Normalizer(rows.mean(0), np.maximum(rows.std(0), floor))
