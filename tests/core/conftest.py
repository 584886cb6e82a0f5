# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up voice whose pauses and accents are known."""

import numpy as np
import pytest

from core.conditions.speech import SAMPLE_RATE


@pytest.fixture(scope="session")
def accented_voice():
    """Two phrases of four syllables a second, 1.5 s apart; (samples, accents in seconds)."""
    rng = np.random.default_rng(1)
    times = np.arange(int(9.5 * SAMPLE_RATE)) / SAMPLE_RATE
    accents = [1.0, 2.75, 6.0, 7.75]
    loud = sum(np.exp(-0.5 * ((times - a) / 0.08) ** 2) for a in accents)
    hertz = 110 * (1 + 0.5 * loud)
    buzz = sum(np.sin(k * 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE) / k for k in range(1, 8))
    syllables = 0.3 + 0.7 * np.abs(np.sin(np.pi * 4 * times))
    speaking = ((times > 0.3) & (times < 3.8)) | ((times > 5.3) & (times < 9.0))
    samples = buzz * syllables * (0.05 + 0.3 * loud) * speaking + 1e-4 * rng.standard_normal(len(times))
    return samples.astype(np.float32), accents
