# SPDX-License-Identifier: GPL-3.0-or-later
"""When a voice speaks and what it stresses: pauses and accents from loudness, pitch and onsets at 20 rows a second."""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, uniform_filter1d

from ..motion.clip import CORE_FPS

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

PAUSE = 0.6  # seconds of silence after which the hands rest
_NEAR = 0.3  # seconds by which the hands know of speech to come, and of its end


def voice_columns(prosody: Floats, onset: Floats, fps: float) -> Floats:
    """(N, 3): whether the frame lies in speech, the same blurred by 0.3 s, and how much the frame is stressed.

    prosody (N, 4) and onset (N, 1) are the blocks of `core.conditions.speech`. Pauses of up to 0.6 s are speech.
    """
    energy_db = decibels(prosody[:, 0])
    speaking = np.zeros(len(prosody))
    for first, end in speech_spans(energy_db, fps):
        speaking[round(first * fps) : round(end * fps) + 1] = 1
    near = gaussian_filter1d(speaking, _NEAR * fps, mode="nearest")
    strength = accent_strength(energy_db, prosody[:, 2].astype(np.float64), onset[:, 0].astype(np.float64))
    return np.stack([speaking, near, strength * speaking], axis=1).astype(np.float32)


def decibels(energy: Floats) -> Array:
    """Loudness in dB from the first column of the prosody block, which is max(ln(dB) - 3, 0)."""
    return np.exp(energy.astype(np.float64) + 3)


def speech_spans(energy_db: Array, fps: float = CORE_FPS, pause: float = PAUSE) -> list[tuple[float, float]]:
    """Start and end seconds of the stretches of speech that lie more than `pause` apart; energy_db: (T,)."""
    quiet, loud = np.percentile(energy_db, [2, 95])
    threshold = max(loud - 28, quiet + 0.3 * (loud - quiet), 30.0)  # noisy recordings: nearer to the speech
    speaking = uniform_filter1d(energy_db, 3, mode="nearest") > threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speaking, [False]]).astype(int)))
    spans: list[tuple[float, float]] = []
    for first, end in zip(edges[::2] / fps, edges[1::2] / fps, strict=True):
        if spans and first - spans[-1][1] <= pause:
            spans[-1] = (spans[-1][0], float(end))
        else:
            spans.append((float(first), float(end)))
    return [(first, end) for first, end in spans if end - first >= 0.15]


def accent_strength(energy_db: Array, pitch: Array, onset: Array) -> Array:
    """(T,) how much each frame stands out of the 2 s around it in loudness and pitch, at syllables that set in."""
    voiced = pitch > 0
    mean = pitch[voiced].mean() if voiced.any() else 0.0
    curve = np.where(voiced, pitch, mean)  # unvoiced frames stand out neither way

    def stand_out(values: Array) -> Array:
        deviation = values - uniform_filter1d(values, 41, mode="nearest")
        return deviation / max(float(deviation.std()), 1e-6)

    started = maximum_filter1d(onset, 5)  # an accent's peak comes up to 0.1 s after its onset
    rise = np.maximum(stand_out(energy_db), 0) + np.maximum(stand_out(gaussian_filter1d(curve, 1)), 0)
    return gaussian_filter1d(rise * (0.5 + 0.5 * started), 1)
