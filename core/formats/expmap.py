# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion as exponential maps, one frame a line of comma-separated numbers, as research code passes CMU takes around.

A line is the root's place, then a rotation vector in radians for each joint, end sites among them, in the order of the
take's .bvh. The vectors turn row vectors: seen on column vectors each one turns the other way. Lengths and axes are
those of the skeleton, which comes from a .bvh of the same joints.
"""

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..motion.rotation import axis_angle_to_quaternion, continuous
from . import SourceClip

_MOST_FRAMES = 200_000
_LONGEST_LINE = 100_000  # characters


def load_expmap(path: Path | str, skeleton: SourceClip, fps: float = 120.0, every: int = 1) -> SourceClip:
    """Read a motion.

    Args:
        path: The text file.
        skeleton: A clip of the same J joints in the same order, such as `load_bvh` returns; its bones are taken.
        fps: Frames per second of the file, which does not tell.
        every: Of how many frames one is kept.

    Returns:
        The clip, on the joints of the skeleton.

    Raises:
        InputError: A line has other than 3 + 3 J numbers, or there is none.
    """
    path = Path(path)
    width = 3 + 3 * len(skeleton.names)
    rows: list[list[float]] = []
    try:
        with open(path, encoding="ascii", errors="strict") as file:
            while line := file.readline(_LONGEST_LINE):
                if line.strip():
                    rows.append([float(word) for word in line.split(",")])
                    if len(rows[-1]) != width:
                        raise ValueError(f"line {len(rows)} has {len(rows[-1])} numbers and the skeleton needs {width}")
                if len(rows) > _MOST_FRAMES:
                    raise ValueError(f"it has more than {_MOST_FRAMES} frames")
        if not rows:
            raise ValueError("it has no frames")
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as exponential maps: {error}.") from error
    values = np.array(rows[::every])  # (T, 3 + 3 J)
    translations = np.tile(skeleton.offsets, (len(values), 1, 1))
    translations[:, 0] = values[:, :3]
    rotations = axis_angle_to_quaternion(-values[:, 3:].reshape(len(values), -1, 3))
    return SourceClip(
        path.stem, skeleton.names, skeleton.parents, skeleton.offsets, skeleton.rest_rotations, translations,
        continuous(rotations), fps / every,
    )  # fmt: skip
