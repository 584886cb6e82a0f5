# SPDX-License-Identifier: GPL-3.0-or-later
"""Make wooden.npz from the package mannequin-x, if it is installed: `python tools/make_wooden.py OUT.npz`."""

import sys

import numpy as np
from mannequin import Mannequin  # pyright: ignore[reportMissingImports]

HANDS = {"L_Hand": "L_Wrist", "R_Hand": "R_Wrist"}  # zero-length joints that SMPL-X lacks
INFLUENCES = 4


def main(path: str) -> None:
    """Write the file."""
    figure = Mannequin("wooden", flat_hand_mean=True)
    weights = figure._weights
    pose = figure.rest_pose()
    pelvis = figure.joint_transforms(pose)[0, :3, 3]
    vertices = figure.vertices(pose) - pelvis  # (V, 3) meters, Y up, relative to the pelvis

    names = list(figure.joint_names)
    bones = [name for name in names if name not in HANDS]
    to_bone = np.array([bones.index(HANDS.get(name, name)) for name in names])
    dense = np.zeros((len(vertices), len(bones)))
    np.add.at(
        dense,
        (np.arange(len(vertices))[:, None], to_bone[weights.skin_joint_indices]),
        weights.skin_weights,
    )
    strongest = np.argsort(-dense, axis=1)[:, :INFLUENCES]  # (V, 4)
    values = np.take_along_axis(dense, strongest, axis=1)
    values = np.rint(255 * values / values.sum(axis=1, keepdims=True)).astype(np.uint8)

    low, high = vertices.min(axis=0), vertices.max(axis=0)
    joint_faces = np.zeros(len(weights.faces), bool)
    for name, start, count in zip(
        weights.skin_part_names, weights.skin_part_face_starts, weights.skin_part_face_counts, strict=True
    ):
        joint_faces[start : start + count] = name.startswith("joint")
    np.savez_compressed(
        path,
        low=low.astype(np.float32),
        high=high.astype(np.float32),
        vertices=np.rint(65535 * (vertices - low) / (high - low)).astype(np.uint16),
        faces=weights.faces.astype(np.uint16),
        joint_faces=np.packbits(joint_faces),
        bones=np.array(
            [
                name.lower().replace("l_", "left_", 1).replace("r_", "right_", 1) if name[1] == "_" else name.lower()
                for name in bones
            ]
        ),
        bone_indices=np.where(values > 0, strongest, 0).astype(np.uint8),
        bone_weights=values,
    )


if __name__ == "__main__":
    main(sys.argv[1])
