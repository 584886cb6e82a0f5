# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up recordings of a standing speaker who raises an arm."""

import numpy as np

from core.motion.clip import Motion
from core.motion.rotation import axis_angle_to_quaternion
from core.motion.skeleton import JOINT_NAMES, neutral_skeleton

ELBOW, SHOULDER = JOINT_NAMES.index("left_elbow"), JOINT_NAMES.index("left_shoulder")
EMPHASIS = 1.0
"""Seconds of the stroke of `raising`."""


def standing(frames, elbow=0.0):
    """Arms hanging; elbow: (frames,) radians by which the left forearm is raised."""
    turns = np.zeros((frames, 55, 3))
    turns[:, SHOULDER, 2] = -1.2
    turns[:, JOINT_NAMES.index("right_shoulder"), 2] = 1.2
    turns[:, ELBOW, 1] = -np.asarray(elbow)
    height = neutral_skeleton().rest_positions[0, 1]
    return Motion(np.tile([0.0, height, 0.0], (frames, 1)), axis_angle_to_quaternion(turns))


def raising(size=1.5):
    """The left forearm goes up from 0.4 s to 1.0 s, is held to 1.4 s, and is down at 2.0 s."""
    times = np.arange(50) / 20
    level = np.interp(times, [0.4, 1.0, 1.4, 2.0], [0, 1, 1, 0])
    return standing(50, size * level * level * (3 - 2 * level))
