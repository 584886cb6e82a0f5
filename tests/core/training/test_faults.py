# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion that no body makes is recognized."""

from dataclasses import replace

import numpy as np
import pytest

from core.motion.clip import rest_motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
    quaternion_multiply,
)
from core.motion.skeleton import INDEX
from core.training.faults import fault_of, largest_twist
from tests.core.training.rigs import LEFT, SKELETON


def test_faults() -> None:
    held = rest_motion(30, SKELETON)
    assert fault_of(held.slice(0, 9)) == "short"
    assert fault_of(held) == "T-pose"
    arms = held.rotations.copy()
    arms[:, LEFT[0]] = axis_angle_to_quaternion([0, 0, -1.2])
    assert fault_of(replace(held, rotations=arms)) == "still"
    swing = np.zeros((30, 55, 3))
    swing[:, 4, 0] = np.sin(np.arange(30) / 5)
    moving = replace(held, rotations=axis_angle_to_quaternion(swing))
    assert fault_of(moving) is None
    swing[12, 4, 0] += 3.0
    assert fault_of(replace(held, rotations=axis_angle_to_quaternion(swing))) == "glitch"
    jump = moving.translation.copy()
    jump[15:, 0] += 2.0
    assert fault_of(replace(moving, translation=jump)) == "glitch"
    swing[12, 4, 0] -= 3.0
    swing[13:, 4, 0] += np.radians(85)  # from one frame to the next; a fast joint is on its way for longer
    assert fault_of(replace(held, rotations=axis_angle_to_quaternion(swing))) == "pop"
    swing[12, 4, 0] += np.radians(20)
    assert fault_of(replace(held, rotations=axis_angle_to_quaternion(swing))) is None


@pytest.mark.parametrize(("side", "degrees"), [("left", 60.0), ("right", -150.0)])
def test_twist_of_a_forearm(side: str, degrees: float) -> None:
    """Measured about the forearm alone, however the elbow is bent."""
    elbow, wrist = INDEX[f"{side}_elbow"], INDEX[f"{side}_wrist"]
    motion = rest_motion(5, SKELETON)
    bone = SKELETON.offsets[wrist] / np.linalg.norm(SKELETON.offsets[wrist])
    across = np.cross(bone, [0.0, 0.0, 1.0])
    bend = axis_angle_to_quaternion(across / np.linalg.norm(across) * 0.9)
    motion.rotations[:, elbow] = quaternion_multiply(bend, axis_angle_to_quaternion(bone * np.radians(degrees)))
    assert np.degrees(largest_twist(motion, SKELETON)) == pytest.approx(abs(degrees))
