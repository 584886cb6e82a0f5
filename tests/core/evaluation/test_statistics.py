# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of sets on made-up numbers whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.statistics import (
    diversity,
    frechet_distance,
    joint_frechet_distance,
    matching_score,
    mean_and_interval,
    mismatched,
    multimodality,
    precision_in_batches,
    preference,
    r_precision,
)

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(200, 6))
LABELS = [f"action {i % 50}" for i in range(200)]


def test_equal_sets_have_no_frechet_distance():
    assert frechet_distance(POINTS, POINTS[::-1]) == pytest.approx(0, abs=1e-9)


def test_the_frechet_distance_of_moved_and_widened_sets():
    assert frechet_distance(POINTS, np.array([3, 4, 0, 0, 0, 0]) + POINTS) == pytest.approx(25)
    doubled = (POINTS - POINTS.mean(0)) * 2 + POINTS.mean(0)
    assert frechet_distance(POINTS, doubled) == pytest.approx(POINTS.var(0).sum())  # (2 s - s)^2 in each direction


def test_the_joint_distance_sees_mismatched_conditions():
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


def test_the_frechet_distance_of_two_normal_distributions_is_the_closed_form():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(50, 4))
    covariance = np.cov(a, rowvar=False)
    moved = np.array([1.0, -2.0, 0.0, 3.0])
    b = (a - a.mean(0)) * 3 + a.mean(0) + moved  # tr(C + 9 C - 2 (9 C C)^(1/2)) = 4 tr C
    expected = moved @ moved + 4 * np.trace(covariance)
    assert frechet_distance(a, b, biased=False) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(a, a, biased=False) == pytest.approx(0, abs=1e-9)


def test_a_perfect_embedding_is_always_retrieved_and_an_unrelated_one_by_chance():
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(32 * 40 + 7, 16))
    assert precision_in_batches(texts, texts, 0) == [1.0, 1.0, 1.0]
    chance = precision_in_batches(texts, rng.normal(size=texts.shape), 0)
    np.testing.assert_allclose(chance, [1 / 32, 2 / 32, 3 / 32], atol=0.02)


def test_a_text_asks_for_its_motion_and_not_the_other_way_round():
    """Every motion has its own text nearest, two of four texts have the first motion nearer."""
    motions = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [-5.0, 0.0]])
    texts = np.array([[0.0, 0.1], [3.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    assert precision_in_batches(texts, motions, 0, size=4) == [0.5, 1.0, 1.0]
