# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion files of other skeletons; every reader returns a `SourceClip`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..motion.rotation import Array, quaternion_to_matrix


@dataclass(frozen=True)
class SourceClip:
    """An animation on its own skeleton, Y up, in the file's own unit of length.

    Attributes:
        name: of the clip, usually the file's stem.
        names: of the J joints, each listed after its parent.
        parents: index of each joint's parent; -1 for a root.
        offsets: (J, 3) rest position of each joint in its parent's frame.
        rest_rotations: (J, 4) rest rotation of each joint in its parent's frame, unit quaternions (w, x, y, z).
        translations: (T, J, 3) positions of the joints in their parents' frames.
        rotations: (T, J, 4) rotations of the joints in their parents' frames, unit quaternions (w, x, y, z).
        fps: frames per second.
        phases: times of the phases of a gesture in seconds, such as {"stroke": 1.2}.

    Raises:
        InputError: a joint comes before its parent, or a value is not finite.
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
            raise InputError(f"{self.name}: every joint must come after its parent.")
        if not (np.isfinite(self.rotations).all() and np.isfinite(self.translations).all() and self.fps > 0):
            raise InputError(f"{self.name} contains values that are not finite numbers; export it again.")

    def __len__(self) -> int:
        return len(self.rotations)

    def index(self, name: str) -> int:
        """Return the index of the joint with this name; raises ValueError if there is none."""
        return self.names.index(name)

    def world(self) -> tuple[Array, Array]:
        """Compute world positions (T, J, 3) and rotations (T, J, 3, 3) of every frame."""
        return _forward_kinematics(self.parents, self.translations, self.rotations)

    def rest_world(self) -> tuple[Array, Array]:
        """Compute world positions (J, 3) and rotations (J, 3, 3) of the rest pose."""
        positions, rotations = _forward_kinematics(self.parents, self.offsets[None], self.rest_rotations[None])
        return positions[0], rotations[0]


def _forward_kinematics(parents: tuple[int, ...], translations: Array, rotations: Array) -> tuple[Array, Array]:
    local = quaternion_to_matrix(rotations)  # (T, J, 3, 3)
    world, positions = local.copy(), np.array(translations, np.float64)  # (T, J, 3, 3), (T, J, 3)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            world[:, joint] = world[:, parent] @ local[:, joint]
            moved = (world[:, parent] @ positions[:, joint, :, None])[..., 0]
            positions[:, joint] = positions[:, parent] + moved
    return positions, world
