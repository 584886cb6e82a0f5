# SPDX-License-Identifier: GPL-3.0-or-later
"""Training losses: ours on components, and the Huber and squared errors of the papers."""

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
"""(network, batch) -> scalar loss; draws time steps and noise from torch's global generator."""


def make_loss(recipe: Recipe, schedule: Schedule, normalizer: Normalizer, device: torch.device) -> Loss:
    """Return the loss of a recipe.

    Args:
        recipe: The recipe.
        schedule: Noise schedule.
        normalizer: Of the motion; for our loss one that `fit_components` returned.
        device: Where to compute.
    """
    kind = recipe.loss
    if kind != "ours":
        return lambda denoiser, batch: paper_loss(denoiser, schedule, batch, kind)
    weights = torch.from_numpy(component_weights()).float().to(device)
    feet = Feet(normalizer, neutral_skeleton(), device)
    return lambda denoiser, batch: our_loss(denoiser, schedule, batch, weights, feet, recipe)


def paper_loss(
    denoiser: Denoiser, schedule: Schedule, batch: dict[str, Tensor], kind: Literal["huber", "mse"]
) -> Tensor:
    """Return the error of the predicted x0 (FreeTalker, eq. 1) or noise (DiffMotion-v2); all steps count alike."""
    predicted, noise, _ = _predict(denoiser, schedule, batch)
    target = noise if denoiser.config.prediction == "noise" else batch["x"]
    return masked_error(predicted, target, batch["valid"], kind).mean()


def masked_error(predicted: Tensor, target: Tensor, valid: Tensor, kind: Literal["huber", "mse"]) -> Tensor:
    """Return the mean error of each sample over its valid frames.

    Args:
        predicted: (B, N, F).
        target: (B, N, F).
        valid: (B, N) bool.
        kind: "huber", quadratic below 1 in normalized units, or "mse".

    Returns:
        (B,).
    """
    error = functional.smooth_l1_loss if kind == "huber" else functional.mse_loss
    each = error(predicted, target, reduction="none").mean(-1) * valid  # (B, N)
    return each.sum(1) / valid.sum(1)


def our_loss(
    denoiser: Denoiser, schedule: Schedule, batch: dict[str, Tensor], weights: Tensor, feet: Feet, recipe: Recipe
) -> Tensor:
    """Return the masked Huber loss of the predicted x0, of its first and third time difference, and of the feet.

    The first part is FreeTalker's eq. 1. The third difference responds almost only to errors faster than people move,
    5 Hz and above: small next to the others, but visible as jitter. Positions of the feet are in units of 5 cm, their
    velocities in units of 1 cm per frame, and the other errors in units of the components' standard deviation. All of
    them weigh more where there is little noise (`noise_weights`).
    """
    x0, valid = batch["x"], batch["valid"]
    predicted, _, timesteps = _predict(denoiser, schedule, batch)
    feet_of = feet(predicted), feet(x0)
    predicted, x0 = predicted / SIGNAL_STD, x0 / SIGNAL_STD
    weight_of = noise_weights(schedule).to(x0.device)[timesteps, None, None] * valid[..., None]  # (B, N, 1)
    total = torch.zeros((), device=x0.device)
    for order, weight in ((0, 1.0), (1, recipe.smooth_weight), (3, recipe.jerk_weight)):
        predicted_now, x0_now = (value.diff(dim=1, n=order) for value in (predicted, x0))
        error = functional.smooth_l1_loss(predicted_now, x0_now, reduction="none") * weights
        total = total + weight * (error * weight_of[:, order:]).sum()
    total = total / len(weights)
    for order, unit in ((0, 0.05), (1, 0.01)):  # meters; meters per frame
        error = functional.smooth_l1_loss(feet_of[0][order] / unit, feet_of[1][order] / unit, reduction="none")
        total = total + recipe.feet_weight * (error.mean((2, 3)) * weight_of[:, order:, 0]).sum()
    return total / valid.sum()


def noise_each(schedule: Schedule, x0: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """Return the features after a noising step of their own for each sample.

    Args:
        schedule: Of the noise.
        x0: (B, ...).
        noise: Of the same shape.
        timesteps: (B,).

    Returns:
        (B, ...).
    """
    table = torch.as_tensor(schedule.signal).to(timesteps.device)
    signal = table[timesteps].view(-1, *(1,) * (x0.dim() - 1))  # (B, 1, ...)
    return signal.sqrt().to(x0.dtype) * x0 + (1.0 - signal).sqrt().to(x0.dtype) * noise


def _predict(denoiser: Denoiser, schedule: Schedule, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the prediction for the batch with random noise at random time steps, the noise, and the steps (B,)."""
    x0 = batch["x"]
    timesteps = torch.randint(0, len(schedule), (len(x0),), device=x0.device)
    noise = torch.randn_like(x0)
    noisy = noise_each(schedule, x0, noise, timesteps)
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
    """Return the weight (T,) of each noise step.

    It is 0.5 plus 0.4 times the root of the signal-to-noise ratio, at most 4, then scaled to mean 1.

    Errors are small where there is little noise, and small fast movements such as waving are decided there. Weighting
    by the full ratio (min-SNR, Hang et al. 2023) would leave almost nothing for the steps that depend on the text.
    """
    ratio = schedule.signal / (1 - schedule.signal)
    weights = np.minimum(0.5 + SIGNAL_STD * np.sqrt(ratio), 4.0)
    return torch.from_numpy(weights / weights.mean()).float()
