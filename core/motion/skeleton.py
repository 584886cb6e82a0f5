# SPDX-License-Identifier: GPL-3.0-or-later
"""The 55 SMPL-X joints: names, parents, rest pose and forward kinematics.

Lengths are in meters, Y is up, the body faces +Z and its left is +X. The rest pose is a T-pose with flat hands in
which the axes of every joint are the world's, so the rotation vectors of SMPL-X files are local rotations
(Pavlakos et al. 2019).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..assets import SKELETON
from ..errors import InputError
from .rotation import Array

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
JOINT_NAMES: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "jaw", "left_eye", "right_eye",
    *(f"left_{finger}{i}" for finger in _FINGERS for i in (1, 2, 3)),
    *(f"right_{finger}{i}" for finger in _FINGERS for i in (1, 2, 3)),
)  # fmt: skip
_BODY_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15)


def _finger_parents(wrist: int, first: int) -> tuple[int, ...]:
    return tuple(wrist if i % 3 == 0 else first + i - 1 for i in range(15))


PARENTS: tuple[int, ...] = (*_BODY_PARENTS, *_finger_parents(20, 25), *_finger_parents(21, 40))
JOINTS = len(JOINT_NAMES)
INDEX: dict[str, int] = {name: i for i, name in enumerate(JOINT_NAMES)}
MIRRORED: tuple[int, ...] = tuple(
    INDEX[name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")]
    for name in JOINT_NAMES
)
"""For each joint its counterpart on the other side of the body; joints on the midline map to themselves."""


@dataclass(frozen=True)
class Skeleton:
    """Rest pose of the 55 joints.

    Attributes:
        rest_positions: (55, 3) in meters, with the soles at y = 0.
        root_offset: (3,) the pelvis in the SMPL-X model's own coordinates; AMASS's `trans` is the pelvis minus this.
        relaxed_hands: (30, 3) rotation vectors of joints 25..54 that relax the fingers.
    """

    rest_positions: Array
    root_offset: Array
    relaxed_hands: Array

    @cached_property
    def offsets(self) -> Array:
        """Rest position (55, 3) of each joint relative to its parent in meters; zero for the pelvis."""
        parents = np.array(PARENTS)
        offsets = self.rest_positions - self.rest_positions[parents]
        offsets[0] = 0.0
        return offsets

    @property
    def standing_height(self) -> float:
        """Height of the pelvis above the floor in the rest pose, in meters."""
        return float(self.rest_positions[0, 1])

    def forward_kinematics(self, matrices: npt.ArrayLike, root: npt.ArrayLike) -> tuple[Array, Array]:
        """Compute world positions and rotations of all joints.

        Args:
            matrices: (T, 55, 3, 3) local rotations.
            root: (T, 3) world positions of the pelvis in meters.

        Returns:
            World positions (T, 55, 3) and world rotations (T, 55, 3, 3).
        """
        local = np.asarray(matrices, np.float64)  # (T, 55, 3, 3)
        world = np.empty_like(local)  # (T, 55, 3, 3)
        positions = np.empty(local.shape[:-1])  # (T, 55, 3)
        world[:, 0], positions[:, 0] = local[:, 0], np.asarray(root, np.float64)
        for joint, parent in enumerate(PARENTS[1:], start=1):
            world[:, joint] = world[:, parent] @ local[:, joint]
            positions[:, joint] = positions[:, parent] + world[:, parent] @ self.offsets[joint]
        return positions, world


def neutral_skeleton(betas: npt.ArrayLike | None = None) -> Skeleton:
    """Return the neutral SMPL-X rest pose, without needing the licensed model file.

    Args:
        betas: up to 10 SMPL-X shape coefficients.

    Raises:
        InputError: more than 10 betas are given, and one beyond the tenth is not 0.
    """
    with np.load(SKELETON, allow_pickle=False) as asset:
        shape = np.zeros(10)
        given = np.zeros(0) if betas is None else np.asarray(betas, np.float64).ravel()
        if len(np.trim_zeros(given, "b")) > len(shape):
            raise InputError(f"The neutral skeleton takes up to 10 betas, not {len(given)}.")
        shape[: min(len(given), 10)] = given[:10]
        rest = asset["joint_rest"].astype(np.float64) + asset["joint_directions"].astype(np.float64) @ shape
        floor = float(asset["sole_y"]) + asset["sole_y_directions"].astype(np.float64) @ shape
        hands = asset["hand_mean"].astype(np.float64)
    return Skeleton(rest - [0.0, floor, 0.0], rest[0].copy(), hands)
