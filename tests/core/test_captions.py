# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clip is called: actions by name, sides and turns by what the joints do."""

import numpy as np
import pytest

from core.motion import Motion, rest_motion
from core.rotation import axis_angle_to_quaternion, matrix_to_quaternion, quaternion_multiply, rotation_y
from core.skeleton import INDEX, neutral_skeleton
from core.training.captions import PHRASES, Caption, action_of, caption

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
    ("name", "action"),
    [
        ("ChrBrad@Idle01_BeatLowRt01", "beat"),
        ("ChrBrad@Walk01_ToIdle01", "stop_walk"),
        ("ChrBrad@Idle01_WeightShift01", "weight_shift"),
        ("ChrConnor@IdleStand01_NegateForwardLowBt01", "no"),
        ("Bow", "bow"),
        ("Greeting", "wave"),
        ("ChrHarmony_Relax001_HandGrasp2", ""),
        ("A_TPose", ""),
        ("slow walk", "walk"),
    ],
)
def test_actions_by_name(name, action):
    assert action_of(name) == action


@pytest.mark.parametrize(
    ("degrees", "action", "turn"),
    [(90, "turn_90", "left"), (-90, "turn_90", "right"), (180, "turn_180", "left"), (-350, "turn_360", "right")],
)
def test_turns_are_measured(degrees, action, turn):
    found = caption("ChrMarine@Turn01_Turn180", turning(degrees), SKELETON)
    assert found is not None
    assert (found.action, found.words["turn"]) == (action, turn)


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_the_raised_hand_is_measured_and_mirrors(side, sign):
    motion = standing()
    lift = np.linspace(0, 2.6, len(motion))[:, None] * [0, 0, sign]
    shoulder = INDEX[f"{side}_shoulder"]
    motion.rotations[:, shoulder] = quaternion_multiply(axis_angle_to_quaternion(lift), motion.rotations[:, shoulder])
    other = {"left": "right", "right": "left"}[side]
    assert caption("ArmReachHigh", motion, SKELETON).sentences()[0] == f"a person raises the {side} hand"
    assert caption("ArmReachHigh", motion.mirrored(), SKELETON).words["side"] == other


@pytest.mark.parametrize("action", PHRASES)
def test_every_phrase_can_be_filled_and_held_out_ones_are_new(action):
    words = dict.fromkeys(("direction", "turn", "side", "hands", "leg", "part", "direction_hand"), "left")
    item = Caption(action, words)
    seen, unseen = item.sentences(), item.sentences(held_out=True)
    assert len(seen) >= 12
    assert not set(seen) & set(unseen)
    assert all("{" not in sentence and "  " not in sentence for sentence in seen + unseen)


def test_pronouns_agree():
    sentences = Caption("raise_hand", {"side": "right"}).sentences()
    assert "he raises his right hand" in sentences
    assert "the woman raises her right hand" in sentences
    assert "someone raises their right hand" in sentences
