# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of speech on made-up hands and voices."""

import numpy as np
import pytest

from core.evaluation import speech
from core.motion.clip import rest_motion
from core.motion.skeleton import INDEX, neutral_skeleton

SKELETON = neutral_skeleton()


def hands_moving(distance):
    """Standing positions with both wrists moved by distance (T,) meters upwards."""
    positions = rest_motion(len(distance), SKELETON).positions(SKELETON)
    for side in ("left", "right"):
        positions[:, INDEX[f"{side}_wrist"], 1] += distance
    return positions


def test_strokes_are_counted_where_the_hands_are_fast():
    seconds = np.arange(200) / 20
    positions = hands_moving(0.2 * np.sin(np.pi * seconds))  # fastest at 0, 1, 2 ... seconds: 0.63 m/s
    times = speech.stroke_times(positions, 20)
    np.testing.assert_allclose(times, np.arange(1, 10), atol=0.051)
    everywhere, first_half = np.ones(200, bool), np.arange(200) < 90
    assert speech.rate(times, everywhere, 20) == pytest.approx(54)
    assert speech.rate(times, first_half, 20) == pytest.approx(4 / 4.5 * 60)
    assert not speech.stroke_times(hands_moving(np.zeros(200)), 20).size


def test_the_speed_of_a_hand_in_steady_motion():
    speeds = speech.joint_speeds(hands_moving(0.01 * np.arange(40)), 20)
    np.testing.assert_allclose(speeds, 0.2)


def test_beats_are_where_moving_joints_slow_down():
    seconds = np.arange(200) / 20
    beats = speech.motion_beats(hands_moving(0.2 * np.sin(np.pi * seconds)), 20, np.full(13, 0.3))
    wrist = beats[speech.UPPER_BODY.index(INDEX["left_wrist"])]
    np.testing.assert_allclose(wrist, np.arange(10)[: len(wrist)] + 0.5, atol=0.051)
    assert not beats[speech.UPPER_BODY.index(INDEX["head"])].size


def test_beat_consistency_is_one_on_the_beat_and_falls_with_distance():
    onsets = np.array([1.0, 2.0])
    assert speech.beat_consistency(onsets, np.array([1.0, 1.5, 2.0])) == 1
    assert speech.beat_consistency(onsets, onsets + 0.3) == pytest.approx(np.exp(-0.5))
    assert speech.beat_consistency(np.array([1.0, 1.5, 2.0]), onsets) == pytest.approx((2 + np.exp(-(0.25 / 0.18))) / 3)
    assert speech.beat_consistency(onsets, np.zeros(0)) == 0


def test_pauses_are_frames_well_away_from_the_voice():
    level = np.where((np.arange(200) >= 60) & (np.arange(200) < 120), 70.0, 20.0)  # dB, loud from 3 to 6 s
    spoken, paused = speech.speech_and_pause(np.log(level) - 3, 200, 20)
    assert spoken[65:115].all()
    assert not spoken[:55].any()
    assert not (spoken & paused).any()
    assert paused[:50].all()
    assert paused[140:].all()
    assert not paused[54:130].any()
