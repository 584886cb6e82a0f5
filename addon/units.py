# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes, frame rate and seconds: the one place that converts between Blender and core."""

from dataclasses import dataclass
from typing import TypeAlias

import bpy
import numpy as np
from numpy.typing import NDArray


def frames_per_second(scene: bpy.types.Scene) -> float:
    return scene.render.fps / scene.render.fps_base


@dataclass(frozen=True)
class Clock:
    """Frames of the scene as seconds from the frame `first`."""

    first: int
    fps: float

    def seconds(self, frame: float) -> float:
        """When a frame is."""
        return (frame - self.first) / self.fps


Array: TypeAlias = NDArray[np.float64]

Z_UP: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""C, from motion's axes to Blender's: x stays, y becomes z, z becomes -y."""
