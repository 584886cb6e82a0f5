# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds give the noise of torch's CPU generator."""

import math

import numpy as np
import pytest
import torch

from core.sampling.noise import Generator, noise_like

SHAPES = [(1,), (3,), (15,), (16,), (17,), (31,), (32,), (33,), (5, 7), (2, 3, 40), (1, 659, 61), (4, 659, 120), (0,)]


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 5, 9 * 2**31 + 4, 2**62 + 11])
def test_the_numbers_are_torchs(seed: int):
    """One generator draws shape after shape, as sampling does; below 16 numbers torch draws in doubles, of which we
    draw none."""
    ours, theirs = Generator(seed), torch.Generator().manual_seed(seed)
    for shape in SHAPES:
        if math.prod(shape) >= 16:
            expected = torch.randn(shape, generator=theirs).numpy()
            found = ours.normal(*shape)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(2, 5, 7), (3, 61, 659), (1, 5000, 2)])
def test_noise_of_windows_is_drawn_features_before_frames(shape: tuple[int, ...]):
    batch, frames, features = shape
    expected = torch.randn(batch, features, frames, generator=torch.Generator().manual_seed(3)).swapaxes(1, 2)
    found = noise_like(np.empty(shape, np.float32), Generator(3))
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)
    assert found.flags.c_contiguous


def test_few_numbers_are_normal_too_and_none_are_none():
    assert Generator(0).normal(0).shape == (0,)
    drawn = np.array([Generator(seed).normal(3) for seed in range(3000)])
    assert abs(drawn.mean()) < 0.05
    assert drawn.std() == pytest.approx(1, abs=0.03)
    assert np.isfinite(Generator(0).normal(10**6)).all()
