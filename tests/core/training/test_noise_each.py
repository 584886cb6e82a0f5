# SPDX-License-Identifier: GPL-3.0-or-later
"""Noising a batch for training meets the released code's numbers."""

from pathlib import Path

import numpy as np
import torch

from core.sampling.schedule import cosine_schedule
from core.training.losses import noise_each

GOLDEN = dict(np.load(Path(__file__).parents[2] / "golden" / "c_diffusion.npz"))
SCHEDULE = cosine_schedule()


def test_each_sample_is_noised_to_its_own_step():
    x0, noise, t = (torch.from_numpy(GOLDEN[name]) for name in ("x0", "noise", "t"))
    np.testing.assert_allclose(noise_each(SCHEDULE, x0, noise, t), GOLDEN["q_sample"], atol=1e-6)


def test_it_is_what_sampling_calls_adding_noise():
    x0, noise = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    steps = [0, 7, 400, 998, 999]
    each = noise_each(SCHEDULE, torch.from_numpy(x0), torch.from_numpy(noise), torch.tensor(steps))
    for row, step in enumerate(steps):
        np.testing.assert_allclose(each[row], SCHEDULE.add_noise(x0[row], noise[row], step), atol=1e-6)
