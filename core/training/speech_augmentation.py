# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation of recorded speech: longer pauses, echoes and noise."""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.signal import oaconvolve

from ..conditions.speech import SAMPLE_RATE, speech_features
from ..conditions.voice import decibels, speech_spans
from ..motion.clip import CORE_FPS

Floats = npt.NDArray[np.float32]


def add_room(samples: Floats, rng: np.random.Generator) -> Floats:
    """Add echoes and noise to two in three recordings, samples (n,) at 16 kHz.

    The reverberation time is 0.1 to 1 s, the noise is steady and 15 to 50 dB below the voice.
    """
    if rng.random() < 1 / 3:
        return samples
    seconds = rng.uniform(0.1, 1.0)  # reverberation time: the echoes fall by 60 dB
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(times)) * 10 ** (-3 * times / seconds)
    echoes *= rng.uniform(0.0, 0.7) / np.linalg.norm(echoes)
    echoes[0] = 1.0
    heard = oaconvolve(samples, echoes)[: len(samples)]
    hiss = gaussian_filter1d(rng.standard_normal(len(samples)), rng.uniform(0.0, 4.0))  # from white to low-pass
    voice = np.sqrt(np.percentile(np.square(heard), 95))
    return (heard + hiss / hiss.std() * voice * 10 ** (-rng.uniform(15, 50) / 20)).astype(np.float32)


def extend_pauses(samples: Floats, rng: np.random.Generator) -> Floats:
    """Add silence before and after a recording, samples (n,) at 16 kHz, and lengthen one or two of its pauses.

    The silence is the recording's own quietest stretch.
    """
    energy = decibels(speech_features(samples, ("prosody",), CORE_FPS)[:, 0])
    spans = speech_spans(energy, pause=0.2)
    step = int(SAMPLE_RATE / CORE_FPS)
    quietest = int(np.argmin(uniform_filter1d(energy, 5, mode="nearest")))
    middle = np.clip(quietest * step, 2 * step, max(2 * step, len(samples) - 2 * step))
    quiet = samples[middle - 2 * step : middle + 2 * step]  # 0.2 s
    if not len(quiet):
        return samples

    def silence(seconds: float) -> Floats:
        loop = np.concatenate([quiet, quiet[::-1]])
        return np.resize(loop, int(seconds * SAMPLE_RATE))

    cuts = [int((a[1] + b[0]) / 2 * SAMPLE_RATE) for a, b in pairwise(spans)]
    chosen = sorted(rng.choice(cuts, min(len(cuts), int(rng.integers(1, 3))), replace=False)) if cuts else []
    parts = [silence(rng.uniform(0.3, 1.8))]
    for start, end in zip([0, *chosen], [*chosen, len(samples)], strict=True):
        parts += [samples[start:end], silence(rng.uniform(0.8, 2.5))]
    return np.concatenate(parts).astype(np.float32)
