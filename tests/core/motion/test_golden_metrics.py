# SPDX-License-Identifier: GPL-3.0-or-later
"""Our measures beside the field's usual code, on stored samples; where definitions differ the test says how."""

from pathlib import Path

import numpy as np
import pytest

from core.evaluation.statistics import distances, frechet_distance, matching_score, r_precision
from core.motion import metrics

GOLDEN = dict(np.load(Path(__file__).parents[2] / "golden" / "f_metrics.npz"))
SAMPLES, OTHERS, TEXTS = (GOLDEN[name].astype(np.float64) for name in ("E1", "E2", "text_emb"))  # (400, 24) each


def test_frechet_distance():
    def widened(samples: np.ndarray) -> np.ndarray:
        """The usual code divides a covariance by N - 1, ours by N."""
        mean = samples.mean(0)
        return mean + np.sqrt(len(samples) / (len(samples) - 1)) * (samples - mean)

    assert frechet_distance(widened(SAMPLES), widened(OTHERS)) == pytest.approx(float(GOLDEN["fid"]), abs=2e-6)


def test_r_precision_and_matching_score():
    """The usual code ranks motions for a text, ours texts for a motion: their places are exchanged here."""

    def hits(rows: slice) -> list[float]:
        labels = [str(i) for i in range(32)]
        return r_precision(SAMPLES[rows], TEXTS[rows], labels, seed=0)

    np.testing.assert_allclose(np.multiply(hits(slice(32)), 32), GOLDEN["rprec_counts_first32"])
    batches = [hits(slice(32 * k, 32 * k + 32)) for k in range(12)]
    np.testing.assert_allclose(np.mean(batches, axis=0), GOLDEN["rprec_mean_12batches"])
    total = 32 * matching_score(TEXTS[:32], SAMPLES[:32])
    assert total == pytest.approx(float(GOLDEN["matching_sum_first32"]), abs=1e-4)


def test_distances_diversity_and_multimodality():
    """The usual code draws its pairs with replacement; the stored pairs are those it drew."""
    np.testing.assert_allclose(distances(SAMPLES[:5], TEXTS[:7]), GOLDEN["dist_5x7"], atol=2e-6)
    pairs = GOLDEN["diversity_first"], GOLDEN["diversity_second"]
    diversity = distances(SAMPLES, SAMPLES)[pairs].mean()
    assert diversity == pytest.approx(float(GOLDEN["diversity_seed10_300"]), abs=2e-6)
    first, second = (GOLDEN[f"mm_{name}"].astype(np.float64).reshape(-1, 24) for name in ("first", "second"))
    multimodality = np.diagonal(distances(first, second)).mean()
    assert multimodality == pytest.approx(float(GOLDEN["multimodality_seed11_10"]), abs=2e-6)


def test_jerk_and_acceleration():
    for k in range(len(GOLDEN["joints"])):
        positions = GOLDEN["jerk_joints"][:, [k]]  # (80, 1, 3)
        assert metrics.jerk(positions, 30) == pytest.approx(GOLDEN["jerk"][k], rel=1e-9)
        assert metrics.acceleration(positions, 30) == pytest.approx(GOLDEN["acc"][k], rel=1e-9)


def test_ssim():
    a, b = (GOLDEN[f"ssim_{name}"].astype(np.float64) for name in "ab")  # (60, 165) each
    assert metrics.ssim(a, b) == pytest.approx(float(GOLDEN["ssim"]), abs=1e-8)
