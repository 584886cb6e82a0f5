# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clip is called: actions by name, sides and turns by what the joints do."""

import numpy as np
import pytest

from core.motion.clip import Motion, rest_motion
from core.motion.rotation import axis_angle_to_quaternion, matrix_to_quaternion, quaternion_multiply, rotation_y
from core.motion.skeleton import INDEX, neutral_skeleton
from core.prompts.actions import ARMS, LEGS
from core.training.captions import HELD_OUT_SUBJECTS, STYLES, SUBJECTS, Caption, action_of, by_style, caption
from core.training.phrases import MORE_PHRASES, PHRASES

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
        ("dataset-1_walk_not-confident_002", "walk"),
        ("dataset-2_walk-turn-left_normal_001", "walk_turn"),
        ("dataset-1_dash_angry_001", "run"),
        ("dataset-2_raise-up-right-hand_youthful_012", "raise_hand"),
        ("dataset-2_raise-up-both-hands_active_003", "raise_hands"),
        ("dataset-2_wave-both-hands_active_003", "wave_hands"),
        ("dataset-1_byebye_giant_001", "bye"),
        ("dataset-1_dance-short_normal_001", "dance"),
        ("HDM_bk_squat1Reps_003_120", "squat"),
        ("HDM_bd_kickLFront1Reps_001_120", "kick"),
        ("HDM_tr_grabHighR_001_120", "grab_high"),
        ("jump up to grab, reach for, tiptoe", ""),
        ("Start Hop Stop", "hop"),
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


@pytest.mark.parametrize("action", PHRASES)
def test_every_action_has_many_phrasings(action):
    assert len(PHRASES[action]) >= 20


@pytest.mark.parametrize("phrases", [PHRASES, MORE_PHRASES])
def test_no_phrase_is_there_twice(phrases):
    for said in phrases.values():
        assert len(set(said)) == len(said)


@pytest.mark.parametrize("action", MORE_PHRASES)
def test_more_phrases_are_read_in_training_and_none_of_them_is_a_test(action):
    words = dict.fromkeys(("direction", "turn", "side", "hands", "leg", "part", "direction_hand"), "left")
    item = Caption(action, words)
    assert not set(MORE_PHRASES[action]) & set(PHRASES[action])
    seen, unseen = set(item.sentences()), set(item.sentences(held_out=True))
    for phrase in MORE_PHRASES[action]:
        bare = " ".join(phrase.format(their="their", themself="themself", **words).split())
        assert bare in seen
        assert "their" in bare or "themself" in bare or sum(f"{subject} {bare}" in seen for subject in SUBJECTS) >= 2
        assert not {f"{subject} {bare}" for subject in HELD_OUT_SUBJECTS} & unseen


def test_phrases_held_out_before_are_held_out_still():
    """New phrases come last: the every-fifth ones stay as they were."""
    assert PHRASES["walk"][4::5][:3] == (
        "paces {direction}",
        "keeps walking {direction}",
        "wanders {direction}",
    )
    assert PHRASES["bow"][4::5][:3] == ("makes a bow", "bows respectfully", "bows to say thank you")
    assert PHRASES["wave"][4::5][:3] == ("waves to the audience", "waves goodbye", "makes a greeting")
    assert PHRASES["turn_180"][4::5][:2] == ("turns around completely", "faces backward")


@pytest.mark.parametrize(("direction", "just"), [("straight ahead", True), ("in a circle to the left", False)])
def test_who_goes_straight_just_goes(direction, just):
    sentences = Caption("walk", {"direction": direction}).sentences()
    assert f"a person walks {direction}" in sentences
    assert ("walks" in sentences) == just
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("held_out", [False, True])
def test_styles_are_adverbs(held_out):
    sentences = Caption("bow", {}, "proud").sentences(held_out)
    plain = set(Caption("bow", {}).sentences(held_out))
    for adverb in STYLES["proud"]:
        told = [sentence for sentence in sentences if sentence.endswith(f" {adverb}")]
        assert told
        assert {sentence.removesuffix(f" {adverb}") for sentence in told} <= plain
    assert plain.isdisjoint(sentences)
    assert len(sentences) == len(plain)


@pytest.mark.parametrize(("styles", "parts"), [("", []), ("--", ["--"]), ("ab", ["ab"]), ("a-b-c", ["--", "abc"])])
def test_the_plain_and_the_styled(styles, parts):
    assert ["".join(part) for part in by_style(styles, lambda item: item.strip("-"))] == parts


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
    found = caption(name, standing(), SKELETON)
    assert found is not None
    assert found.style == style


@pytest.mark.parametrize(("mirrored", "side"), [(False, "left"), (True, "right")])
def test_the_hand_that_the_name_tells_mirrors(mirrored, side):
    found = caption("dataset-2_wave-left-hand_sad_001", standing(), SKELETON, mirrored)
    assert found is not None
    assert (found.words["side"], found.words["hands"]) == (side, f"the {side} hand")


def test_turning_walks_are_told_by_side_and_straight_parts_as_walking():
    name = "dataset-2_walk-turn-left_normal_001"
    found = [caption(name, turning(degrees), SKELETON, degrees < 0) for degrees in (90, -90, 10)]
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
        found = caption("dataset-1_walk-left_happy_001", moving.mirrored() if mirrored else moving, SKELETON, mirrored)
        assert found is not None
        assert found.action == action
        if action == "strafe":
            assert found.words["turn"] == ("right" if mirrored else "left")


def test_pronouns_agree():
    sentences = Caption("raise_hand", {"side": "right"}).sentences()
    assert "he raises his right hand" in sentences
    assert "the woman raises her right hand" in sentences
    assert "someone raises their right hand" in sentences


def test_the_deeds_of_legs_and_arms_are_actions_that_models_learn():
    assert PHRASES.keys() >= LEGS | ARMS
    assert not LEGS & ARMS
