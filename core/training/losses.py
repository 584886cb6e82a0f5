# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network is trained to make small: our own loss on components, or the papers' Huber and squared errors."""

# pyright: reportUnknownMemberType=false

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..model.denoiser import Denoiser
from ..motion.features import Normalizer
from ..motion.skeleton import neutral_skeleton
from ..sampling.schedule import Schedule
from .components import SIGNAL_STD, component_weights
from .feet import Feet
from .recipes import Recipe

Loss = Callable[[Denoiser, dict[str, Tensor]], Tensor]
"""(network, batch) -> a number to make small; draws time steps and noise from torch's global generator."""


def make_loss(recipe: Recipe, schedule: Schedule, normalizer: Normalizer, device: torch.device) -> Loss:
    """The loss that a recipe asks for. normalizer: of the motion, for our own loss one that `fit_components` made."""
    kind = recipe.loss
    if kind != "ours":
        return lambda denoiser, batch: paper_loss(denoiser, schedule, batch, kind)
    weights = torch.from_numpy(component_weights()).float().to(device)
    feet = Feet(normalizer, neutral_skeleton(), device)
    return lambda denoiser, batch: our_loss(denoiser, schedule, batch, weights, feet, recipe)


def paper_loss(
    denoiser: Denoiser, schedule: Schedule, batch: dict[str, Tensor], kind: Literal["huber", "mse"]
) -> Tensor:
    """The error of the predicted x0 (FreeTalker, eq. 1) or of the predicted noise (DiffMotion-v2), every step alike."""
    predicted, noise, _ = _predict(denoiser, schedule, batch)
    target = noise if denoiser.config.prediction == "noise" else batch["x"]
    return masked_error(predicted, target, batch["valid"], kind).mean()


def masked_error(predicted: Tensor, target: Tensor, valid: Tensor, kind: Literal["huber", "mse"]) -> Tensor:
    """Mean error of each sample over its frames that count: (B, N, F), (B, N, F), (B, N) bool -> (B,).

    Huber has its corner at 1, in units of the normalised features.
    """
    error = functional.smooth_l1_loss if kind == "huber" else functional.mse_loss
    each = error(predicted, target, reduction="none").mean(-1) * valid  # (B, N)
    return each.sum(1) / valid.sum(1)


def our_loss(
    denoiser: Denoiser, schedule: Schedule, batch: dict[str, Tensor], weights: Tensor, feet: Feet, recipe: Recipe
) -> Tensor:
    """Masked Huber loss of the predicted x0 (paper eq. 1), of its first and third difference in time, and of the feet.

    The third difference sees hardly anything but errors quicker than people move, 5 Hz and more: small beside the
    others, but what an eye takes for jitter. Of the feet, places count in 5 cm and steps in 1 cm a frame. Other errors
    count in units of the components' own spread, and all more where there is little noise (`noise_weights`).
    """
    x0, valid = batch["x"], batch["valid"]
    predicted, _, timesteps = _predict(denoiser, schedule, batch)
    there = feet(predicted), feet(x0)
    predicted, x0 = predicted / SIGNAL_STD, x0 / SIGNAL_STD
    here = noise_weights(schedule).to(x0.device)[timesteps, None, None] * valid[..., None]  # (B, N, 1)
    total = torch.zeros((), device=x0.device)
    for order, weight in ((0, 1.0), (1, recipe.smooth_weight), (3, recipe.jerk_weight)):
        predicted_now, x0_now = (value.diff(dim=1, n=order) for value in (predicted, x0))
        error = functional.smooth_l1_loss(predicted_now, x0_now, reduction="none") * weights
        total = total + weight * (error * here[:, order:]).sum()
    total = total / len(weights)
    for order, unit in ((0, 0.05), (1, 0.01)):  # metres; metres a frame
        error = functional.smooth_l1_loss(there[0][order] / unit, there[1][order] / unit, reduction="none")
        total = total + recipe.feet_weight * (error.mean((2, 3)) * here[:, order:, 0]).sum()
    return total / valid.sum()


def _predict(denoiser: Denoiser, schedule: Schedule, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """What the network answers to the batch under random noise at random time steps, that noise, and those (B,)."""
    x0 = batch["x"]
    timesteps = torch.randint(0, len(schedule), (len(x0),), device=x0.device)
    noise = torch.randn_like(x0)
    noisy = schedule.add_noise_each(x0, noise, timesteps)
    predicted = denoiser(
        noisy,
        timesteps,
        batch["text"],
        batch["text_present"],
        batch["speech"],
        batch["speech_present"],
        batch["valid"],
    )
    return predicted, noise, timesteps


def noise_weights(schedule: Schedule) -> Tensor:
    """(T,) weight of each noise step: half and the root of the signal-to-noise ratio, at most 4, mean 1.

    Errors are small where there is little noise, and what is quick and small, as a wave of the hand, is decided there.
    The full ratio (min-SNR, Hang et al. 2023) would leave next to nothing for the steps that ask the text.
    """
    ratio = schedule.signal / (1 - schedule.signal)
    weights = np.minimum(0.5 + SIGNAL_STD * np.sqrt(ratio), 4.0)
    return torch.from_numpy(weights / weights.mean()).float()
