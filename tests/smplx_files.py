# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny files in the layout of the licensed SMPL-X body."""

from pathlib import Path
from typing import Any

import numpy as np

from core.motion.skeleton import PARENTS, neutral_skeleton

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
_FACES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
CENTER = np.array([0.01, 0.3, 0.02])  # of the pelvis, in the model's own coordinates


def arrays() -> dict[str, Any]:
    """A cube of 4 cm for each joint, at the joints of the neutral body; the pelvis stands at `CENTER`.

    Beta 0 makes it larger by a tenth, beta 1 lifts all of it by 10 cm, beta 2 brings the hips apart.
    """
    rest = neutral_skeleton().rest_positions
    joints = rest - rest[0] + CENTER
    vertices = (joints[:, None] + 0.02 * CORNERS).reshape(-1, 3)  # (440, 3)
    shapes = np.zeros((len(vertices), 3, 20))
    shapes[..., 0] = 0.1 * (vertices - CENTER)
    shapes[:, 1, 1] = 0.1
    for joint, way in ((1, 1.0), (2, -1.0)):
        shapes[8 * joint : 8 * joint + 8, 0, 2] = 0.05 * way
    faces = np.array([[face[i] for i in (0, k, k + 1)] for face in _FACES for k in (1, 2)])  # (12, 3)
    weights = np.kron(np.eye(55), np.ones((8, 1)))
    weights[8 * 4 : 8 * 5, [4, 1]] = [0.7, 0.3]  # the left knee, shared with the thigh
    tree = np.array([PARENTS, range(55)], np.int64).astype(np.uint32)  # the root's parent is the largest number
    return {
        "v_template": vertices, "shapedirs": shapes, "J_regressor": np.kron(np.eye(55), np.full((1, 8), 1 / 8)),
        "weights": weights, "kintree_table": tree, "f": (faces + 8 * np.arange(55)[:, None, None]).reshape(-1, 3),
        "posedirs": np.zeros((len(vertices), 3, 9), np.float32),
        "hands_meanl": np.full(45, 0.1), "hands_meanr": np.full(45, 0.2),
        "part2num": np.array({"a": 1}, dtype=object),
    }  # fmt: skip


def write(path: Path, **changed: Any) -> Path:
    """A file with some arrays changed; None leaves one out. As the licensed one it holds a pickle beside them."""
    np.savez(path, **{key: value for key, value in (arrays() | changed).items() if value is not None})
    return path
