# SPDX-License-Identifier: GPL-3.0-or-later
"""Our loss and the papers'."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.sampling.schedule import cosine_schedule
from core.training.losses import masked_error, noise_weights, paper_loss

GOLDEN = dict(np.load(Path(__file__).parents[2] / "golden" / "c_diffusion.npz"))


@pytest.mark.parametrize(("kind", "name"), [("huber", "smooth_l1"), ("mse", "l2")])
def test_masked_errors_are_the_released_ones(kind, name: str):
    target, predicted = (torch.from_numpy(GOLDEN[f"loss_{key}"])[:, :, 0].transpose(1, 2) for key in ("target", "pred"))
    valid = torch.from_numpy(GOLDEN["loss_mask"])[:, 0, 0]  # (B, N)
    error = masked_error(predicted, target, valid, kind)
    np.testing.assert_allclose(error, GOLDEN[f"loss_masked_{name}"], atol=2e-6)


def test_a_network_of_noise_is_measured_on_the_noise():
    class Right(torch.nn.Module):
        """Answers the noise in x under clean features of 0."""

        def __init__(self, prediction: str) -> None:
            super().__init__()
            self.config = type("Config", (), {"prediction": prediction})

        def forward(self, x: torch.Tensor, t: torch.Tensor, *conditioning: torch.Tensor) -> torch.Tensor:
            signal = torch.as_tensor(cosine_schedule().signal)[t].float()
            return x / (1 - signal).sqrt()[:, None, None]

    empty = torch.zeros(2, 5, 3)
    names = ("x", "text", "text_present", "speech", "speech_present")
    batch = dict.fromkeys(names, empty) | {"valid": torch.ones(2, 5, dtype=torch.bool)}
    assert paper_loss(Right("noise"), cosine_schedule(), batch, "mse") < 1e-6
    assert paper_loss(Right("x0"), cosine_schedule(), batch, "mse") > 0.1


def test_steps_with_little_noise_weigh_more_and_none_is_left_out():
    weights = noise_weights(cosine_schedule())
    assert weights.mean() == pytest.approx(1)
    assert (weights.diff() <= 0).all()
    assert weights[-1] > 0.3
    assert weights[0] < 4
