# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sampler runs a full loop to the right distribution, repeatably, and says so when a name is unknown."""

import math

import numpy as np
import pytest

from core.errors import InputError
from core.sampling.noise import Floats, Generator, noise_like
from core.sampling.samplers import DDIM, SAMPLERS, Ancestral, Sampler, make_sampler, sample
from core.sampling.schedule import cosine_schedule

SCHEDULE = cosine_schedule()
MEAN, SPREAD = 0.7, 0.4


def ideal(x: Floats, t: int) -> Floats:
    """The best denoiser there is for features that are normal with MEAN and SPREAD: E[x0 | x_t]."""
    signal = SCHEDULE.signal_at(t)
    gain = math.sqrt(signal) * SPREAD**2 / (signal * SPREAD**2 + 1.0 - signal)
    return MEAN + gain * (x - math.sqrt(signal) * MEAN)


def run(sampler: Sampler, steps: int, seed: int = 0) -> Floats:
    generator = Generator(seed)
    sampler.set_timesteps(steps)
    return sample(ideal, sampler, noise_like(np.empty((1, 5000, 2), np.float32), generator), generator)


@pytest.mark.parametrize(
    ("sampler", "steps"),
    [
        (Ancestral(SCHEDULE), 1000),
        (Ancestral(SCHEDULE), 100),
        (DDIM(SCHEDULE), 100),
        (DDIM(SCHEDULE, eta=1.0), 100),
        (make_sampler("dpm", SCHEDULE), 20),
    ],
)
def test_full_loop_reaches_the_distribution(sampler: Sampler, steps: int):
    features = run(sampler, steps)
    assert features.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert features.std().item() == pytest.approx(SPREAD, abs=0.03)


def test_second_order_is_nearer_than_first_at_few_steps():
    exact = run(DDIM(SCHEDULE), 1000)
    first, second = (abs(run(make_sampler(name, SCHEDULE), 15) - exact).mean() for name in ("ddim", "dpm"))
    assert second < 0.5 * first


@pytest.mark.parametrize("name", SAMPLERS)
def test_seed_decides_and_a_sampler_can_be_used_again(name: str):
    sampler = make_sampler(name, SCHEDULE)
    first = run(sampler, 8, seed=5)
    assert np.array_equal(run(sampler, 8, seed=5), first)
    assert not np.array_equal(run(sampler, 8, seed=6), first)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_perfect_denoiser_is_followed_exactly(name: str, steps: int):
    target = Generator(1).normal(2, 6, 3)
    sampler = make_sampler(name, SCHEDULE)
    sampler.set_timesteps(steps)
    seen: list[int] = []

    def denoise(x: Floats, t: int) -> Floats:
        seen.append(t)
        return target

    features = sample(denoise, sampler, Generator(2).normal(2, 6, 3), Generator())
    np.testing.assert_allclose(features, target, rtol=1.3e-6, atol=1e-5)
    assert tuple(seen) == SCHEDULE.trailing(steps)


@pytest.mark.parametrize(
    "sampler", [Ancestral(SCHEDULE), DDIM(SCHEDULE), DDIM(SCHEDULE, eta=0.5), make_sampler("dpm", SCHEDULE)]
)
def test_a_sampler_says_whether_it_draws_noise(sampler: Sampler):
    start = Generator(0).normal(1, 50, 2)
    ends: list[Floats] = []
    for seed in (1, 2):
        sampler.set_timesteps(6)
        ends.append(sample(ideal, sampler, start, Generator(seed)))
    assert np.array_equal(*ends) != sampler.draws_noise


def test_ddim_with_eta_1_is_ancestral():
    np.testing.assert_allclose(run(DDIM(SCHEDULE, eta=1.0), 50), run(Ancestral(SCHEDULE), 50), atol=1e-4, rtol=0)


def test_unknown_sampler_is_an_input_error():
    with pytest.raises(InputError, match="'euler'; choose one of ddpm, ddim, dpm"):
        make_sampler("euler", SCHEDULE)
