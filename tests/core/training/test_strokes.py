# SPDX-License-Identifier: GPL-3.0-or-later
"""Strokes fall on the accents of speech."""

import numpy as np

from core.training.strokes import choose_strokes


def test_strokes_fall_on_accents_and_never_in_pauses():
    strength = np.full(200, 0.1)
    strength[[30, 60, 130]] = 2.0
    spans = [(1.0, 4.0), (6.0, 8.0)]
    for seed in range(20):
        strokes = choose_strokes(strength, spans, np.random.default_rng(seed))
        assert all(any(start <= stroke <= end for start, end in spans) for stroke in strokes)
        assert np.diff(strokes).min() >= 1.1
        assert {1.5, 6.5} <= set(strokes)
