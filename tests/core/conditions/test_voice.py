# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses and accents are where a made-up voice has them, in noise as well."""

import numpy as np
import pytest

from core.conditions.speech import SAMPLE_RATE, speech_features
from core.conditions.voice import accent_strength, decibels, speech_spans


def test_spans_join_over_short_pauses_only():
    energy = np.full(200, 20.0)
    energy[20:60] = energy[66:100] = energy[130:160] = 70.0
    np.testing.assert_allclose(speech_spans(energy), [(1.0, 5.0), (6.5, 8.0)], atol=0.11)
    assert speech_spans(np.full(100, 14.0)) == []


def test_accents_stand_out(accented_voice):
    samples, accents = accented_voice
    features = speech_features(samples, ("prosody", "onset"))
    strength = accent_strength(decibels(features[:, 0]), features[:, 2], features[:, 4])
    strongest = np.sort(np.argsort(strength)[-4:]) / 20
    assert np.abs(strongest[:, None] - accents).min(1).max() <= 0.15


@pytest.mark.parametrize("noise", [1e-4, 1e-2])
def test_the_voice_block_tells_pauses_and_stress(accented_voice, noise):
    samples, accents = accented_voice
    hiss = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    voice = speech_features(samples + np.float32(noise) * hiss, ("voice",))
    times = np.arange(len(voice)) / 20
    speaking, near, stress = voice.T
    assert speaking[(times > 0.5) & (times < 3.6)].min() == 1
    assert speaking[(times > 4.1) & (times < 5.0)].max() == 0
    assert 0 < near[round(3.8 * 20)] < 1  # the end is felt before and after
    assert not stress[speaking == 0].any()
    at_accents = stress[np.round(np.array(accents) * 20).astype(int)]
    assert at_accents.min() > 2 * stress[speaking == 1].mean()


def test_the_voice_block_of_silence_is_nothing():
    assert not speech_features(np.zeros(SAMPLE_RATE, np.float32), ("voice",)).any()
