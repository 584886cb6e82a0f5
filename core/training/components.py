# SPDX-License-Identifier: GPL-3.0-or-later
"""The 163 components per frame that our networks learn, of the 659 features: what `decode` reads, the fingers reduced.

Positions, velocities and contacts follow from the root and the rotations. Learning them as well would cost the network
capacity; and since they repeat under noise what the rotations say, it would depend less on the text.
"""

# pyright: reportUnknownMemberType=false

import numpy as np
import numpy.typing as npt

from ..motion.features import FEATURES, HEIGHT, POSITIONS, ROOT_VELOCITY, ROTATIONS, YAW, Normalizer
from ..motion.rotation import Array
from ..motion.skeleton import INDEX, JOINT_NAMES

SIGNAL_STD = 0.4
"""Standard deviation that the components are scaled to.

Neighboring frames are almost equal, so at unit variance a motion would remain readable until the last few of the 1000
noise steps. With a smaller scale it is lost in the noise sooner, and the network has to rely on the text (as for images
in Chen 2023, "On the importance of noise scheduling").
"""
_AT_ONCE = 1_000_000  # frames, 14 hours; of more, statistics are computed in parts of 100,000
HAND_COMPONENTS = 12
"""Principal components per hand, whose 15 joints of 6 numbers move together."""
_BODY = range(1, 22)
_HANDS = (
    range(INDEX["left_index1"], INDEX["left_index1"] + 15),
    range(INDEX["right_index1"], INDEX["right_index1"] + 15),
)
_PELVIS_CHILDREN = ("left_hip", "right_hip", "spine1")  # their positions determine the orientation of the pelvis
_FLOORS = ((YAW, 0.01), (ROOT_VELOCITY, 0.005), (HEIGHT, 0.01), (POSITIONS, 0.02), (ROTATIONS, 0.05))
# weights of errors: the root determines the whole path, the arms show what the prompt asks for
_ROOT_WEIGHT, _PELVIS_WEIGHT, _HAND_WEIGHT = 5.0, 2.0, 0.4
_JOINT_WEIGHTS = {"collar": 1.5, "shoulder": 3.0, "elbow": 2.5, "wrist": 1.2, "hip": 2.0, "knee": 1.5, "spine": 1.5}


def fit_components(features: npt.NDArray[np.float32]) -> Normalizer:
    """Fit the normalizer that maps features to components of standard deviation `SIGNAL_STD`.

    Root, pelvis and the 6D rotations of the body are kept; the fingers are reduced to principal components.

    Args:
        features: (frames, 659).

    Returns:
        A normalizer with a basis, from 659 features to 163 components.
    """
    mean = features.mean(0, dtype=np.float64)
    floor = np.full(FEATURES, 0.05)  # keeps meters and matrix entries that hardly vary from being amplified
    for block, value in _FLOORS:
        floor[block] = value
    std = np.maximum(_spread(features, mean), floor)
    own = body_columns()
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
    """Return the standard deviation of each feature; of many hours of motion in parts, to save memory."""
    if len(features) <= _AT_ONCE:
        return features.std(0, dtype=np.float64)
    parts = np.array_split(features, len(features) // 100_000 + 1)
    return np.sqrt(np.sum([np.square(part - mean).sum(0) for part in parts], axis=0) / len(features))


def component_weights() -> Array:
    """Return the weight (163,) of each component in the loss; their mean is 1."""
    weights = [_ROOT_WEIGHT] * 4 + [_PELVIS_WEIGHT] * 9
    for joint in _BODY:
        name = JOINT_NAMES[joint]
        weights += [next((value for part, value in _JOINT_WEIGHTS.items() if part in name), 1.0)] * 6
    weights += [_HAND_WEIGHT] * (2 * HAND_COMPONENTS)
    return np.array(weights) / np.mean(weights)


def body_columns() -> list[int]:
    """Return the columns of the features that are components themselves: root, pelvis and the rotations of the body."""
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
