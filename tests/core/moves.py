# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up motion for tests: smooth, whole-body, turning as far as wanted."""

import numpy as np

from core.motion.clip import Motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    rotation_y,
)


def wandering(frames: int = 90, turn: float = 0.0, seed: int = 0, heading: float = 0.0) -> Motion:
    """A body that moves every joint smoothly while it walks a curve and turns by turn radians, at 20 fps."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(frames) / 20.0
    wave = np.sin(seconds[:, None, None] * rng.uniform(1, 6, (55, 3)) + rng.uniform(0, 6, (55, 3)))
    rotations = axis_angle_to_quaternion(0.4 * wave)
    angle = heading + turn * np.linspace(0, 1, frames)
    rotations[:, 0] = quaternion_multiply(matrix_to_quaternion(rotation_y(angle)), rotations[:, 0])
    path = np.stack([np.sin(angle) * seconds, 0.95 + 0.05 * np.sin(3 * seconds), np.cos(angle) * seconds], -1)
    return Motion(path, rotations)


def largest_angle(a: Motion, b: Motion) -> float:
    """Largest angle in degrees between the local rotations of two motions."""
    between = quaternion_to_axis_angle(quaternion_multiply(quaternion_conjugate(a.rotations), b.rotations))
    return float(np.degrees(np.linalg.norm(between, axis=-1)).max())
