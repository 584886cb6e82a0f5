# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up recordings."""

import numpy as np

from core.conditions.speech import SAMPLE_RATE


def tones(seconds, gap):
    """Return a tone of `seconds`, silence of `gap` seconds, and another tone."""
    at = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(int(gap * SAMPLE_RATE))
    parts = [0.3 * np.sin(2 * np.pi * 220 * at), quiet, 0.3 * np.sin(2 * np.pi * 330 * at)]
    return np.concatenate(parts).astype(np.float32)
