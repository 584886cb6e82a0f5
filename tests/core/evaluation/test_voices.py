# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices have a pause where the recording is quiet."""

import numpy as np
import pytest

from core.conditions.speech import SAMPLE_RATE
from core.evaluation import voices
from tests.core.evaluation.sounds import tones


def test_a_pause_is_put_where_it_is_quiet():
    samples = voices.with_pause(tones(4.3, 0.4))
    loud = np.abs(samples).reshape(-1, 160).max(1) > 0.1  # hundredths of a second
    edges = np.flatnonzero(np.diff(loud.astype(int))) / 100
    np.testing.assert_allclose(edges, [0.5, 4.8, 7.2, 11.5], atol=0.3)
    assert edges[2] - edges[1] >= 2


def test_the_two_stretches_can_be_exchanged():
    samples = voices.with_pause(tones(4.3, 0.4), swapped=True)
    first = samples[SAMPLE_RATE : 3 * SAMPLE_RATE]
    assert np.abs(np.fft.rfft(first)).argmax() / 2 == pytest.approx(330, abs=2)


def test_a_recording_shorter_than_the_stretches_is_used_whole():
    assert len(voices.with_pause(tones(0.5, 0.1))) == pytest.approx((1.1 + 3.5) * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    assert len(voices.with_pause(np.zeros(10, np.float32))) == pytest.approx(3.5 * SAMPLE_RATE, abs=10)
