# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifier-free guidance, equation (2), with a scale and a mix of prompts for each frame, in few network rows.

| in code | in the paper |
|---|---|
| `Network.denoise` | D, which predicts x0 (the clean features) |
| `x` at `t` | x_t |
| `texts`, `speech` | c_t and c_s, the text and speech conditions |
| `weights` summed over the prompts | gamma, the guidance scale (section 2.3) |
| the last column of `weights` | 1 - gamma, the weight of the prediction without text |
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.network import Network
from .noise import Floats
from .samplers import Denoise
from .schedule import Schedule

MAX_ROWS = 64
"""Rows of one network call; bounds the memory of very long timelines."""
LARGEST_FEATURE = 10.0
"""Bound of x0 from a predicted noise: a small error of it, far up the schedule, would be beyond all bounds."""
_ROUNDING = 1e-6  # a smaller weight is an error of summation, not worth a row


@dataclass(frozen=True)
class Conditions:
    """The conditions of a batch of B windows of N frames.

    Attributes:
        texts: the vectors of P prompts, (P, Dt).
        weights: how much each frame follows each of them, (B, P, N): the guidance scale gamma shared out among them.
        speech: normalized speech features, (B, N, Ds).
        speech_present: whether there is speech, (B, N) bool.
        valid: False on padding, (B, N) bool; None where every frame counts.
    """

    texts: Floats
    weights: Floats
    speech: Floats
    speech_present: NDArray[np.bool_]
    valid: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class GuidanceInterval:
    """The timesteps at which guidance beyond 1 applies (Kynkaanniemi et al. 2024, "Applying guidance in a limited
    interval").

    What is done is decided in much noise; in little, a prediction pushed beyond what the network knows is a stride too
    long for its legs.

    Attributes:
        above: the timestep from which a gamma above 1 applies; below it, gamma counts as 1 at most.
        speech: from that timestep on, the guidance scale of speech where no text leads; 1 takes speech as it is.
    """

    above: int = 0
    speech: float = 1.0


ALWAYS = GuidanceInterval()


def guided(
    network: Network, schedule: Schedule, conditions: Conditions, interval: GuidanceInterval = ALWAYS
) -> Denoise:
    """The network under its conditions, as a function of (x_t, t) alone that predicts x0.

    x0 = sum_p w_p D(x, t, text_p, speech) + (1 - sum_p w_p) D(x, t, none, speech), for each frame; with one prompt of
    weight gamma this is equation (2). Only predictions of non-zero weight are computed, all in one batched call: with
    gamma 0 or 1 throughout, that is as many rows as windows. Where speech has a guidance scale s, x0 is pushed further
    from what the same rows predict without speech: x0 + (s - 1) (1 - gamma) (x0 - x0 without speech), not for gamma
    above 1.

    Args:
        network: the denoiser.
        schedule: its noise schedule; turns a predicted noise into x0.
        conditions: of B windows of N frames.
        interval: when guidance beyond 1 applies.

    Returns:
        (x_t (B, N, F), timestep) -> x0 (B, N, F).
    """
    early = _mixed(network, schedule, conditions, interval.speech)
    if not interval.above:
        return early
    gamma = conditions.weights.sum(axis=1, keepdims=True)  # (B, 1, N)
    late = _mixed(network, schedule, replace(conditions, weights=conditions.weights / np.maximum(gamma, 1)), 1.0)
    return lambda x, t: early(x, t) if t >= interval.above else late(x, t)


def _mixed(network: Network, schedule: Schedule, conditions: Conditions, speech_scale: float) -> Denoise:
    """The weighted sum of the predictions whose weight counts."""
    texts, weights = conditions.texts, conditions.weights  # (P, Dt), (B, P, N)
    gamma = weights.sum(axis=1, keepdims=True)  # (B, 1, N)
    further = np.float32(speech_scale - 1) * np.clip(1 - gamma, 0, 1) * conditions.speech_present[:, None]  # (B, 1, N)
    weights = np.concatenate([weights, 1 - gamma], axis=1)  # (B, P+1, N), the last is "none"
    weights = np.concatenate([weights * (1 + further), -weights * further], axis=1)  # with speech, and without
    if conditions.valid is not None:
        weights = weights * conditions.valid[:, None]
    texts = np.concatenate([texts, np.zeros((1, texts.shape[1]), np.float32)])  # (P+1, Dt)
    window, column = np.nonzero((np.abs(weights) > _ROUNDING).any(axis=2))  # (R,), (R,): the rows that count
    share = weights[window, column][..., None]  # (R, N, 1)
    prompt, heard = column % len(texts), column < len(texts)  # (R,), (R,)
    text, present = texts[prompt], prompt < len(texts) - 1  # (R, Dt), (R,)
    speech, speech_present = conditions.speech[window], conditions.speech_present[window] & heard[:, None]
    valid = None if conditions.valid is None else conditions.valid[window]

    def denoise(x: Floats, t: int) -> Floats:
        x0 = np.zeros_like(x)
        for first in range(0, len(window), MAX_ROWS):
            some = slice(first, first + MAX_ROWS)
            noisy = x[window[some]]
            masks = None if valid is None else valid[some]
            prediction = network.denoise(
                noisy, t, text[some], present[some], speech[some], speech_present[some], masks
            )  # (R, N, F)
            if network.config.prediction == "noise":
                prediction = schedule.x0_from_noise(noisy, prediction, t).clip(-LARGEST_FEATURE, LARGEST_FEATURE)
            for row, weight, one in zip(window[some], share[some], prediction, strict=True):
                x0[row] += weight * one
        return x0

    return denoise
