# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recording shows: its action by name, sides and turns by the movement of the joints."""

import numpy as np
import pytest

from core.motion.clip import Motion, rest_motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
    matrix_to_quaternion,
    quaternion_multiply,
    rotation_y,
)
from core.motion.skeleton import INDEX, neutral_skeleton
from core.training.captioning import caption_clip

SKELETON = neutral_skeleton()


def standing(frames: int = 40) -> Motion:
    """Arms hanging, at 20 fps."""
    motion = rest_motion(frames, SKELETON)
    for side, sign in (("left", -1), ("right", 1)):
        motion.rotations[:, INDEX[f"{side}_shoulder"]] = axis_angle_to_quaternion([0, 0, sign * 1.3])
    return motion


def turning(degrees: float) -> Motion:
    motion = standing()
    turn = matrix_to_quaternion(rotation_y(np.radians(degrees) * np.linspace(0, 1, len(motion))))
    motion.rotations[:, 0] = quaternion_multiply(turn, motion.rotations[:, 0])
    return motion


@pytest.mark.parametrize(
    ("degrees", "action", "turn"),
    [(90, "turn_90", "left"), (-90, "turn_90", "right"), (180, "turn_180", "left"), (-350, "turn_360", "right")],
)
def test_turns_are_measured(degrees, action, turn):
    found = caption_clip("ChrMarine@Turn01_Turn180", turning(degrees), SKELETON)
    assert found is not None
    assert (found.action, found.words["turn"]) == (action, turn)


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_the_raised_hand_is_measured_and_mirrors(side, sign):
    motion = standing()
    lift = np.linspace(0, 2.6, len(motion))[:, None] * [0, 0, sign]
    shoulder = INDEX[f"{side}_shoulder"]
    motion.rotations[:, shoulder] = quaternion_multiply(axis_angle_to_quaternion(lift), motion.rotations[:, shoulder])
    other = {"left": "right", "right": "left"}[side]
    assert caption_clip("ArmReachHigh", motion, SKELETON).sentences()[0] == f"a person raises the {side} hand"
    assert caption_clip("ArmReachHigh", motion.mirrored(), SKELETON).words["side"] == other


@pytest.mark.parametrize(("mirrored", "side"), [(False, "left"), (True, "right")])
def test_the_hand_that_the_name_tells_mirrors(mirrored, side):
    found = caption_clip("dataset-2_wave-left-hand_sad_001", standing(), SKELETON, mirrored)
    assert found is not None
    assert (found.words["side"], found.words["hands"]) == (side, f"the {side} hand")


def test_turning_walks_have_a_side_and_straight_parts_are_walking():
    name = "dataset-2_walk-turn-left_normal_001"
    found = [caption_clip(name, turning(degrees), SKELETON, degrees < 0) for degrees in (90, -90, 10)]
    assert [item and (item.action, item.words["turn"]) for item in found[:2]] == [
        ("walk_turn", "left"),
        ("walk_turn", "right"),
    ]
    assert found[2] is not None
    assert found[2].action == "walk"


@pytest.mark.parametrize(
    ("step", "action"), [((0.03, 0, 0), "strafe"), ((0, 0, -0.03), "walk_back"), ((0, 0, 0.03), "walk")]
)
def test_ways_of_walking_are_measured(step, action):
    motion = standing()
    moving = Motion(motion.translation + np.arange(len(motion))[:, None] * step, motion.rotations)
    for mirrored in (False, True):
        found = caption_clip(
            "dataset-1_walk-left_happy_001", moving.mirrored() if mirrored else moving, SKELETON, mirrored
        )
        assert found is not None
        assert found.action == action
        if action == "strafe":
            assert found.words["turn"] == ("right" if mirrored else "left")


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("dataset-2_wave-left-hand_elderly_001", "elderly"),
        ("dataset-1_bow_old_001", "elderly"),
        ("dataset-1_walk-back_not-confident_001", "not-confident"),
        ("dataset-1_bow_masculinity_001", "masculine"),
        ("dataset-1_bow_normal_001", ""),
        ("Bow", ""),
    ],
)
def test_styles_by_name(name, style):
    found = caption_clip(name, standing(), SKELETON)
    assert found is not None
    assert found.style == style
