# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions by the names of recordings."""

import pytest

from core.training.clip_names import action_of


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
