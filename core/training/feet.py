# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions and velocities of the feet, computed from components in torch so that a loss can use them.

A small error in each joint of a leg and in the path of the body makes a foot slide, but hardly shows in the error of
the components (geometric losses: Petrovich et al. 2021, Tevet et al. 2023).
"""

# pyright: reportUnknownMemberType=false

import torch
from torch import Tensor
from torch.nn import functional

from ..motion.features import Normalizer
from ..motion.skeleton import INDEX, Skeleton
from .components import SIGNAL_STD, body_columns

_LEGS = (("left_hip", "left_knee", "left_ankle", "left_foot"), ("right_hip", "right_knee", "right_ankle", "right_foot"))
_HIP_POSITIONS = 4  # first column of the positions of left hip, right hip and spine1, three each
_ROTATIONS = 13  # first column of the rotation of joint 1, six for each joint


class Feet:
    """Forward kinematics of the legs."""

    def __init__(self, normalizer: Normalizer, skeleton: Skeleton, device: torch.device | None = None) -> None:
        """Prepare for components of a skeleton.

        Args:
            normalizer: The normalizer of the components; see `fit_components`.
            skeleton: The skeleton.
            device: Where to compute.
        """
        columns = body_columns()
        self._mean = torch.tensor(normalizer.mean[columns], dtype=torch.float32, device=device)
        self._scale = torch.tensor(normalizer.std[columns] / SIGNAL_STD, dtype=torch.float32, device=device)
        self._offsets = torch.tensor(skeleton.offsets, dtype=torch.float32, device=device)
        self._rest = _frame(self._offsets[[INDEX["left_hip"], INDEX["right_hip"], INDEX["spine1"]]])  # (3, 3)

    def __call__(self, components: Tensor) -> tuple[Tensor, Tensor]:
        """Return positions and velocities of ankles and balls of the feet, in the order of the contact features.

        Args:
            components: (B, N, 163).

        Returns:
            Positions (B, N, 4, 3) in the facing frame in meters, and the displacement (B, N - 1, 4, 3) to the next
            frame in the facing frame of the first of the two.
        """
        rows = components[..., : len(self._mean)] * self._scale + self._mean  # (B, N, K)
        places = self._places(rows)
        yaw, velocity = rows[:, :-1, 0], rows[:, :-1, 1:3]
        cos, sin = yaw.cos()[..., None], yaw.sin()[..., None]
        x, y, z = places[:, 1:].unbind(-1)  # each (B, N - 1, 4)
        following = torch.stack([cos * x + sin * z + velocity[..., :1], y, cos * z - sin * x + velocity[..., 1:]], -1)
        return places, following - places[:, :-1]

    def _places(self, rows: Tensor) -> Tensor:
        children = rows[..., _HIP_POSITIONS:_ROTATIONS].unflatten(-1, (3, 3))  # (B, N, 3, 3)
        pelvis = _frame(children - functional.pad(rows[..., 3:4], (1, 1))[..., None, :]) @ self._rest.T
        found: list[Tensor] = []
        for side, (hip, *lower) in enumerate(_LEGS):
            place, turn = children[..., side, :], pelvis
            before = hip
            for joint in lower:
                first = _ROTATIONS + 6 * (INDEX[before] - 1)
                turn = turn @ _from_6d(rows[..., first : first + 6])
                place = place + turn @ self._offsets[INDEX[joint]]
                found.append(place)
                before = joint
        order = [side * 3 + step for side in range(2) for step in (1, 2)]  # ankle and ball of each, not the knee
        return torch.stack([found[k] for k in order], -2)


def _frame(points: Tensor) -> Tensor:
    """Return axes (..., 3, 3), in columns, from left hip, right hip and spine1 (..., 3, 3) relative to the pelvis."""
    across = points[..., 0, :] - points[..., 1, :]
    return _from_6d(torch.cat([across, points[..., 2, :] - points[..., :2, :].mean(-2)], -1))


def _from_6d(v: Tensor) -> Tensor:
    """Like `core.motion.rotation.matrix_from_6d`."""
    x = functional.normalize(v[..., :3], dim=-1)
    y = functional.normalize(v[..., 3:] - (x * v[..., 3:]).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)
