# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of axes, frames and seconds between Blender and core."""

from dataclasses import dataclass
from typing import TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray


def frames_per_second(scene: bpy.types.Scene) -> float:
    """Return the frame rate of a scene."""
    return scene.render.fps / scene.render.fps_base


@dataclass(frozen=True)
class Clock:
    """Converts frames of the scene to seconds.

    Args:
        first: Frame at time 0.
        fps: Frames per second.
    """

    first: int
    fps: float

    def seconds(self, frame: float) -> float:
        """Return the time of a frame in seconds."""
        return (frame - self.first) / self.fps


Array: TypeAlias = NDArray[np.float64]

Z_UP: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotation (3, 3) from the axes of motion (Y up) to Blender's (Z up): x stays, y becomes z, z becomes -y."""
