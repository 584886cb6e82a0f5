# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of sets, of speech and of seams, on made-up data whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation import speech
from core.evaluation.report import Aim
from core.evaluation.rows import REACH, EvaluatedClip, seam_figures, stretch, stretches_of, windows
from core.evaluation.statistics import (
    diversity,
    frechet_distance,
    joint_frechet_distance,
    matching_score,
    mean_and_interval,
    mismatched,
    multimodality,
    preference,
    r_precision,
)
from core.motion.clip import rest_motion
from core.motion.skeleton import INDEX, neutral_skeleton

SKELETON = neutral_skeleton()
RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(200, 6))
LABELS = [f"action {i % 50}" for i in range(200)]


def test_equal_sets_have_no_frechet_distance():
    assert frechet_distance(POINTS, POINTS[::-1]) == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_of_moved_and_widened_sets():
    assert frechet_distance(POINTS, np.array([3, 4, 0, 0, 0, 0]) + POINTS) == pytest.approx(25)
    doubled = (POINTS - POINTS.mean(0)) * 2 + POINTS.mean(0)
    assert frechet_distance(POINTS, doubled) == pytest.approx(POINTS.var(0).sum())  # (2 s - s)^2 in each direction


def test_the_joint_distance_sees_samples_and_conditions_told_apart():
    order = mismatched(LABELS)
    assert joint_frechet_distance(POINTS, POINTS, POINTS, POINTS) == pytest.approx(0, abs=1e-6)
    assert joint_frechet_distance(POINTS[order], POINTS, POINTS, POINTS) > 1


def test_texts_that_lie_on_their_motions_are_always_retrieved():
    assert r_precision(POINTS, POINTS, LABELS, 0) == [1, 1, 1]
    assert matching_score(POINTS, POINTS) == 0


def test_unrelated_texts_are_retrieved_by_chance():
    rng = np.random.default_rng(1)
    labels = [str(i) for i in range(2000)]
    shares = r_precision(rng.normal(size=(2000, 8)), rng.normal(size=(2000, 8)), labels, 0)
    np.testing.assert_allclose(shares, np.array([1, 2, 3]) / 32, atol=0.02)


def test_a_tie_is_not_a_hit():
    assert r_precision(np.zeros((40, 3)), np.zeros((40, 3)), [str(i) for i in range(40)], 0) == [0, 0, 0]


def test_the_second_nearest_counts_from_top_two_on():
    motions = np.array([[0.0], [10.0]])
    texts = np.array([[9.0], [1.0]])  # each motion is nearer to the other's text
    assert r_precision(texts, motions, ["a", "b"], 0) == [0, 1, 1]


def test_spread_within_and_across_prompts():
    samples = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]])
    assert multimodality(samples, ["a", "a", "b", "b"]) == pytest.approx(2.5)
    assert multimodality(samples, ["a", "b", "c", "d"]) == 0
    assert diversity(np.ones((10, 3)), 0) == 0
    assert diversity(np.array([[0.0], [5.0]]), 0) == 5
    line = np.arange(1000.0)[:, None]
    drawn = {diversity(line, seed, pairs=3) for seed in range(20)}
    assert len(drawn) == 20
    assert all(np.isclose(3 * value, round(3 * value)) for value in drawn)  # means of three whole numbers
    assert diversity(line, 0, pairs=600) == diversity(line, 0)


def test_the_interval_of_rounds_is_the_fields():
    mean, interval = mean_and_interval([1.0, 2.0, 3.0, 6.0])
    assert mean == 3
    assert interval == pytest.approx(1.96 * np.sqrt(14 / 4) / 2)
    assert mean_and_interval([0.25] * 20) == (0.25, 0.0)
    assert mean_and_interval([0.7]) == (0.7, None)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=40))
def test_a_mismatch_is_a_permutation_without_own_labels_where_that_can_be(labels):
    order = mismatched(labels)
    assert sorted(order) == list(range(len(labels)))
    meets_own = sum(labels[k] == labels[int(order[k])] for k in range(len(labels)))
    most = max(labels.count(label) for label in labels)
    assert meets_own == 0 or 2 * most > len(labels)


def test_preference_counts_wins_and_half_of_ties():
    assert preference(np.array([1.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.0, 2.0, 1.0])) == pytest.approx(0.625)
    assert preference(np.zeros(0), np.zeros(0)) == 0.5


def hands_moving(distance):
    """Standing positions with both wrists moved by distance (T,) metres upwards."""
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


def standing(frames, path=None):
    positions = rest_motion(frames, SKELETON).positions(SKELETON)
    return positions if path is None else positions + np.asarray(path)[:, None, None] * [0, 0, 1]


def clip(positions):
    return EvaluatedClip(np.zeros((len(positions), 659), np.float32), positions, np.zeros((len(positions), 55, 4)))


def test_a_stretch_needs_a_second_to_both_sides():
    assert stretch(standing(100), 10) is None
    assert stretch(standing(100), 95) is None
    found = stretch(standing(100), 50)
    assert found is not None
    assert found.profile.shape == (2 * REACH + 2,)
    assert found.peak == pytest.approx(0, abs=1e-9)


def test_a_jump_at_the_seam_is_its_peak():
    jump = stretch(standing(100, np.where(np.arange(100) < 50, 0, 0.5)), 50)
    assert jump is not None
    assert jump.peak == pytest.approx(1.0)  # 0.5, -1, 0.5


def test_seams_are_compared_with_the_usual_peak_of_their_actions():
    rng = np.random.default_rng(3)
    clips = [clip(standing(100, rng.normal(0, 0.01, 100).cumsum())) for _ in range(30)]
    own = stretches_of(clips)
    assert len(own) >= 30
    figures = seam_figures(own, own, 0)
    assert figures["worst_to_median"] == pytest.approx(max(item.peak for item in own))
    halved = [replace(item, usual=2.0) for item in own]
    assert seam_figures(halved, own, 0)["worst_to_median"] == pytest.approx(figures["worst_to_median"] / 2)
    assert figures["p95_to_median"] <= figures["worst_to_median"]
    assert figures["area_under_jerk"] == pytest.approx(0, abs=0.5 * figures["peak_jerk"] * 42)
    worse = [replace(item, profile=item.profile * 4) for item in own]
    assert seam_figures(worse, own, 0)["peak_jerk"] == pytest.approx(4 * figures["peak_jerk"])
    assert seam_figures(worse, own, 0)["worst_to_median"] == pytest.approx(4 * figures["worst_to_median"])


def test_windows_are_spread_over_all_clips():
    clips = [clip(standing(150)) for _ in range(4)]
    assert len(windows(clips, 1000)) == 4 * 3
    assert len(windows(clips, 5)) == 5
    assert {len(part) for part in windows(clips, 1000)} == {100}


def test_an_aim_is_reached_between_its_bounds():
    assert Aim("ratio", 1.0, 0.8, 1.25).reached
    assert not Aim("ratio", 1.3, 0.8, 1.25).reached
    assert not Aim("at least", 0.79, low=0.8).reached
    assert Aim("at most", 2.9, high=3).wanted == "<= 3"
