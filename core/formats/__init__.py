# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion files of other skeletons: what every reader returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..motion.rotation import Array, quaternion_to_matrix


@dataclass(frozen=True)
class SourceClip:
    """An animation on its own skeleton, in its own lengths; Y up.

    names, parents: J joints, each after its parent; -1 marks a root.
    offsets: (J, 3) rest position of each joint in its parent's frame.
    rest_rotations: (J, 4) rest rotation of each joint in its parent's frame, unit quaternions (w, x, y, z).
    translations: (T, J, 3) and rotations: (T, J, 4) the same for every frame.
    phases: named moments of a gesture in seconds, such as {"stroke": 1.2}.
    """

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    rest_rotations: Array
    translations: Array
    rotations: Array
    fps: float
    phases: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        if any(parent >= joint for joint, parent in enumerate(self.parents)):
            raise InputError(f"{self.name}: every joint has to come after its parent.")
        if not (np.isfinite(self.rotations).all() and np.isfinite(self.translations).all() and self.fps > 0):
            raise InputError(f"{self.name} holds values that are not finite numbers: export it again.")

    def __len__(self) -> int:
        return len(self.rotations)

    def index(self, name: str) -> int:
        return self.names.index(name)

    def world(self) -> tuple[Array, Array]:
        """World positions (T, J, 3) and rotations (T, J, 3, 3) of every frame."""
        return _chain(self.parents, self.translations, self.rotations)

    def rest_world(self) -> tuple[Array, Array]:
        """World positions (J, 3) and rotations (J, 3, 3) of the rest pose."""
        positions, rotations = _chain(self.parents, self.offsets[None], self.rest_rotations[None])
        return positions[0], rotations[0]


def _chain(parents: tuple[int, ...], translations: Array, rotations: Array) -> tuple[Array, Array]:
    local = quaternion_to_matrix(rotations)  # (T, J, 3, 3)
    world, positions = local.copy(), np.array(translations, np.float64)  # (T, J, 3, 3), (T, J, 3)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            world[:, joint] = world[:, parent] @ local[:, joint]
            moved = (world[:, parent] @ positions[:, joint, :, None])[..., 0]
            positions[:, joint] = positions[:, parent] + moved
    return positions, world
