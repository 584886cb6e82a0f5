# SPDX-License-Identifier: GPL-3.0-or-later
"""The 163 numbers a frame that our networks learn, of the 659: what `decode` reads, with the fingers in few numbers.

Positions, velocities and contacts follow from the root and the rotations. To learn them too costs the network its room
and, because they repeat under noise what the rotations say, its need to ask the text.
"""

# pyright: reportUnknownMemberType=false

import numpy as np
import numpy.typing as npt

from ..motion.features import FEATURES, HEIGHT, POSITIONS, ROOT_VELOCITY, ROTATIONS, YAW, Normalizer
from ..motion.rotation import Array
from ..motion.skeleton import INDEX, JOINT_NAMES

SIGNAL_STD = 0.4
"""What the numbers are scaled to.

Neighbouring frames say nearly the same, so that under noise of its own size a motion stays readable until the last few
of the 1000 noise steps. Smaller numbers are lost in the noise sooner, and the network has to ask the text (Chen 2023,
"On the importance of noise scheduling", scales images so).
"""
_AT_ONCE = 1_000_000  # frames, 14 hours: of more, statistics are taken of parts of 100,000
HAND_COMPONENTS = 12  # a hand; 15 joints of 6 numbers move together
_BODY = range(1, 22)
_HANDS = (
    range(INDEX["left_index1"], INDEX["left_index1"] + 15),
    range(INDEX["right_index1"], INDEX["right_index1"] + 15),
)
_PELVIS_CHILDREN = ("left_hip", "right_hip", "spine1")  # whose positions carry the pelvis' orientation
_FLOORS = ((YAW, 0.01), (ROOT_VELOCITY, 0.005), (HEIGHT, 0.01), (POSITIONS, 0.02), (ROTATIONS, 0.05))

# how much an error counts: the root carries the whole path, the arms what is told
_ROOT_WEIGHT, _PELVIS_WEIGHT, _HAND_WEIGHT = 5.0, 2.0, 0.4
_JOINT_WEIGHTS = {"collar": 1.5, "shoulder": 3.0, "elbow": 2.5, "wrist": 1.2, "hip": 2.0, "knee": 1.5, "spine": 1.5}


def fit_components(features: npt.NDArray[np.float32]) -> Normalizer:
    """The normalizer from features (frames, 659) to components (frames, 163) of spread SIGNAL_STD.

    Root, pelvis and the 6D rotations of the body are taken as they are, the fingers by their principal components.
    """
    mean = features.mean(0, dtype=np.float64)
    floor = np.full(FEATURES, 0.05)  # metres and matrix entries that hardly move must not be blown up
    for block, value in _FLOORS:
        floor[block] = value
    std = np.maximum(_spread(features, mean), floor)
    own = own_columns()
    basis = np.zeros((FEATURES, len(own) + 2 * HAND_COMPONENTS))
    basis[own, np.arange(len(own))] = 1
    for hand, joints in enumerate(_HANDS):
        columns = [column for joint in joints for column in _rotation(joint)]
        rows = (features[:, columns] - mean[columns]) / std[columns]
        values, vectors = np.linalg.eigh(rows.T.astype(np.float64) @ rows / len(rows))
        first = len(own) + hand * HAND_COMPONENTS
        for k in range(HAND_COMPONENTS):
            basis[columns, first + k] = vectors[:, -1 - k] / np.sqrt(max(values[-1 - k], 1e-3))
    return Normalizer(mean, std, basis * SIGNAL_STD)


def _spread(features: npt.NDArray[np.float32], mean: Array) -> Array:
    """The standard deviation of each feature; of tens of hours of motion a part at a time, for want of memory."""
    if len(features) <= _AT_ONCE:
        return features.std(0, dtype=np.float64)
    parts = np.array_split(features, len(features) // 100_000 + 1)
    return np.sqrt(np.sum([np.square(part - mean).sum(0) for part in parts], axis=0) / len(features))


def component_weights() -> Array:
    """(163,) weight of each component in the loss, mean 1."""
    weights = [_ROOT_WEIGHT] * 4 + [_PELVIS_WEIGHT] * 9
    for joint in _BODY:
        name = JOINT_NAMES[joint]
        weights += [next((value for part, value in _JOINT_WEIGHTS.items() if part in name), 1.0)] * 6
    weights += [_HAND_WEIGHT] * (2 * HAND_COMPONENTS)
    return np.array(weights) / np.mean(weights)


def own_columns() -> list[int]:
    """The features that are components by themselves."""
    columns = list(range(4))
    for name in _PELVIS_CHILDREN:
        first = POSITIONS.start + 3 * (INDEX[name] - 1)
        columns += range(first, first + 3)
    for joint in _BODY:
        columns += _rotation(joint)
    return columns


def _rotation(joint: int) -> range:
    first = ROTATIONS.start + 6 * (joint - 1)
    return range(first, first + 6)
