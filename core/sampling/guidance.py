# SPDX-License-Identifier: GPL-3.0-or-later
"""Guidance, equation (2), with a scale and a mix of prompts for each frame, in as few network rows as will do."""

# pyright: reportUnknownMemberType=false

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..model.denoiser import Denoiser
from .samplers import Denoise
from .schedule import Schedule

MAX_ROWS = 64  # of one network call; bounds the memory of very long timelines
LARGEST = (
    10.0  # normalised feature; x0 from a noise that is a little off, far up the schedule, would be beyond all bounds
)
ROUNDING = 1e-6  # a smaller weight is an error of summation, not worth a row


@dataclass(frozen=True)
class Conditions:
    """What a batch of B windows of N frames is told.

    texts (P, Dt): the prompts. weights (B, P, N): how much each frame follows each of them, the guidance scale gamma
    shared out among the prompts. speech (B, N, Ds), speech_present (B, N) bool. valid (B, N) bool: False on padding,
    None where every frame counts.
    """

    texts: Tensor
    weights: Tensor
    speech: Tensor
    speech_present: Tensor
    valid: Tensor | None = None


@dataclass(frozen=True)
class GuidanceInterval:
    """How far beyond its conditions a network is led, in much noise alone.

    above: the time step from which a gamma beyond 1 counts as such; under it, it counts as 1 (Kynkaanniemi et al. 2024,
    "Applying guidance in a limited interval"). What is done is decided in much noise; in little, an answer that is led
    beyond what the network knows is a stride too long for its legs. speech: from that time step on, the guidance scale
    of speech where no text leads; 1 takes speech as it is.
    """

    above: int = 0
    speech: float = 1.0


PLAIN = GuidanceInterval()


def guided(
    denoiser: Denoiser, schedule: Schedule, conditions: Conditions, strength: GuidanceInterval = PLAIN
) -> Denoise:
    """The network under its conditions as a function of (x_t, t) alone that answers x0.

    x0 = sum_p w_p D(x, t, text_p, speech) + (1 - sum_p w_p) D(x, t, none, speech), for each frame; with one prompt of
    weight gamma this is equation (2). Only answers of non-zero weight are computed, all in one batched call: with gamma
    0 or 1 throughout, that is as many rows as windows. Where speech has a guidance scale s, x0 is led as far again from
    what the same rows answer without speech: x0 + (s - 1) (1 - gamma) (x0 - x0 without speech), not for gamma beyond 1.
    """
    early = _mixed(denoiser, schedule, conditions, strength.speech)
    if not strength.above:
        return early
    gamma = conditions.weights.sum(dim=1, keepdim=True)  # (B, 1, N)
    late = _mixed(denoiser, schedule, replace(conditions, weights=conditions.weights / gamma.clamp(min=1.0)), 1.0)
    return lambda x, t: early(x, t) if t >= strength.above else late(x, t)


def _mixed(denoiser: Denoiser, schedule: Schedule, conditions: Conditions, speech_scale: float) -> Denoise:
    """The answers of the network's rows that count, by their weights."""
    texts, weights = conditions.texts, conditions.weights  # (P, Dt), (B, P, N)
    gamma = weights.sum(dim=1, keepdim=True)  # (B, 1, N)
    further = (speech_scale - 1.0) * (1.0 - gamma).clamp(0.0, 1.0) * conditions.speech_present[:, None]  # (B, 1, N)
    weights = torch.cat([weights, 1.0 - gamma], dim=1)  # (B, P+1, N), the last is "none"
    weights = torch.cat([weights * (1.0 + further), -weights * further], dim=1)  # with speech, and without
    if conditions.valid is not None:
        weights = weights * conditions.valid[:, None]
    texts = torch.cat([texts, texts.new_zeros(1, texts.shape[1])])  # (P+1, Dt)
    window, column = (weights.abs() > ROUNDING).any(dim=2).nonzero(as_tuple=True)  # (R,), (R,): the rows that count
    share = weights[window, column][..., None]  # (R, N, 1)
    prompt, heard = column % len(texts), column < len(texts)  # (R,), (R,)
    text, present = texts[prompt], prompt < len(texts) - 1  # (R, Dt), (R,)
    speech, speech_present = conditions.speech[window], conditions.speech_present[window] & heard[:, None]
    valid = None if conditions.valid is None else conditions.valid[window]
    # Rows are added up by their rank within their window: index_add would sum in an order that a GPU does not repeat.
    rank = torch.arange(len(window), device=window.device) - torch.searchsorted(window, window)
    ranks = [(rank == k).nonzero()[:, 0] for k in range(int(rank.max()) + 1)]

    def denoise(x: Tensor, t: int) -> Tensor:
        answers: list[Tensor] = []
        for some in torch.arange(len(window), device=x.device).split(MAX_ROWS):
            answer = denoiser(
                x[window[some]],
                torch.full((len(some),), t, device=x.device),
                text[some],
                present[some],
                speech[some],
                speech_present[some],
                None if valid is None else valid[some],
            )
            answers.append(answer)
        answer = torch.cat(answers)  # (R, N, F)
        if denoiser.config.prediction == "noise":
            answer = schedule.x0_from_noise(x[window], answer, t).clamp(-LARGEST, LARGEST)
        x0 = torch.zeros_like(x)
        for rows in ranks:
            x0[window[rows]] += share[rows] * answer[rows]
        return x0

    return denoise
