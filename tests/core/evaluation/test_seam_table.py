# SPDX-License-Identifier: GPL-3.0-or-later
"""Seams are compared with recordings of the same actions."""

from dataclasses import replace

import numpy as np
import pytest

from core.evaluation.evaluated_clip import EvaluatedClip, windows
from core.evaluation.seam_table import REACH, seam_figures, stretch, stretches_of
from core.motion.clip import rest_motion
from core.motion.skeleton import neutral_skeleton

SKELETON = neutral_skeleton()


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
