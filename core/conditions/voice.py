# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect when a voice speaks and what it stresses, from loudness, pitch and onsets at 20 frames per second."""

import numpy as np
import numpy.typing as npt

from ..motion.clip import CORE_FPS
from .signal import gaussian_filter, maximum_filter, mean_filter

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

PAUSE = 0.6  # seconds; the hands rest during longer silence
_NEAR_SIGMA = 0.3  # seconds by which the gestures may anticipate the start and end of speech


def voice_features(prosody: Floats, onset: Floats, fps: float) -> Floats:
    """Compute the block "voice" of the speech features.

    Args:
        prosody: (N, 4) block of `core.conditions.speech`.
        onset: (N, 1) block of `core.conditions.speech`.
        fps: frames per second.

    Returns:
        (N, 3): whether the frame is in speech (pauses of up to 0.6 s are), the same blurred by a Gaussian of 0.3 s,
        and how strongly the frame is stressed.
    """
    energy_db = decibels(prosody[:, 0])
    speaking = np.zeros(len(prosody))
    for first, end in speech_spans(energy_db, fps):
        speaking[round(first * fps) : round(end * fps) + 1] = 1
    near = gaussian_filter(speaking, _NEAR_SIGMA * fps, "edge")
    strength = accent_strength(energy_db, prosody[:, 2].astype(np.float64), onset[:, 0].astype(np.float64))
    return np.stack([speaking, near, strength * speaking], axis=1).astype(np.float32)


def decibels(energy: Floats) -> Array:
    """Convert the first column of the prosody block, max(ln(dB) - 3, 0), to dB."""
    return np.exp(energy.astype(np.float64) + 3)


def speech_spans(energy_db: Array, fps: float = CORE_FPS, pause: float = PAUSE) -> list[tuple[float, float]]:
    """Find the spans of speech in a recording.

    Args:
        energy_db: (T,) loudness in dB.
        fps: frames per second.
        pause: seconds; spans separated by no more than this are merged.

    Returns:
        Start and end of each span in seconds.
    """
    quiet, loud = np.percentile(energy_db, [2, 95])
    threshold = max(loud - 28, quiet + 0.3 * (loud - quiet), 30.0)  # higher in noisy recordings
    speaking = mean_filter(energy_db, 3) > threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speaking, [False]]).astype(int)))
    spans: list[tuple[float, float]] = []
    for first, end in zip(edges[::2] / fps, edges[1::2] / fps, strict=True):
        if spans and first - spans[-1][1] <= pause:
            spans[-1] = (spans[-1][0], float(end))
        else:
            spans.append((float(first), float(end)))
    return [(first, end) for first, end in spans if end - first >= 0.15]


def accent_strength(energy_db: Array, pitch: Array, onset: Array) -> Array:
    """Measure how strongly each frame is stressed: it exceeds the 2 s around it in loudness and pitch near an onset.

    Args:
        energy_db: (T,) loudness in dB.
        pitch: (T,) third column of the prosody block, 0 where unvoiced.
        onset: (T,) 1 in frames where a syllable sets in, else 0.

    Returns:
        (T,) sum of both in standard deviations, halved away from onsets; 0 for unstressed frames.
    """
    voiced = pitch > 0
    mean = pitch[voiced].mean() if voiced.any() else 0.0
    curve = np.where(voiced, pitch, mean)  # unvoiced frames neither rise nor fall

    def stand_out(values: Array) -> Array:
        deviation = values - mean_filter(values, 41)
        return deviation / max(float(deviation.std()), 1e-6)

    near_onset = maximum_filter(onset, 5)  # an accent peaks up to 0.1 s after its onset
    rise = np.maximum(stand_out(energy_db), 0) + np.maximum(stand_out(gaussian_filter(curve, 1)), 0)
    return gaussian_filter(rise * (0.5 + 0.5 * near_onset), 1)
