# SPDX-License-Identifier: GPL-3.0-or-later
"""The cosine schedule meets the released tables, and its pieces fit each other."""

from pathlib import Path

import numpy as np
import pytest

from core.sampling.schedule import cosine_schedule

GOLDEN = dict(np.load(Path(__file__).parents[2] / "golden" / "c_diffusion.npz"))
SCHEDULE = cosine_schedule()


def test_tables_meet_the_released_ones():
    at = GOLDEN["at"]
    np.testing.assert_allclose(SCHEDULE.signal[at], GOLDEN["alphas_cumprod"], rtol=1e-12)
    x0_weight, x_weight, variance = np.transpose([SCHEDULE.posterior(t, t - 1) for t in at])
    np.testing.assert_allclose(x0_weight, GOLDEN["posterior_mean_coef1"], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(x_weight, GOLDEN["posterior_mean_coef2"], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(variance, GOLDEN["posterior_variance"], rtol=1e-9, atol=1e-15)


def test_noising_and_its_posterior_meet_the_released_ones():
    x0, x, noise = (GOLDEN[name] for name in ("x0", "xt", "noise"))
    for row, t in enumerate(GOLDEN["t"].tolist()):
        np.testing.assert_allclose(SCHEDULE.add_noise(x0[row], noise[row], t), GOLDEN["q_sample"][row], atol=1e-6)
        x0_weight, x_weight, variance = SCHEDULE.posterior(t, t - 1)
        np.testing.assert_allclose(x0_weight * x0[row] + x_weight * x[row], GOLDEN["q_post_mean"][row], atol=1e-6)
        np.testing.assert_allclose(variance, GOLDEN["q_post_var"][row].flat[0], rtol=1e-5, atol=1e-12)
        variance = SCHEDULE.posterior(max(t, 1), max(t, 1) - 1)[2]
        np.testing.assert_allclose(np.log(variance), GOLDEN["q_post_logvar"][row].flat[0], rtol=1e-6)


def test_tables_of_square_roots_and_logarithms_meet_the_released_ones():
    at = GOLDEN["at"]
    np.testing.assert_allclose(np.sqrt(SCHEDULE.signal[at]), GOLDEN["sqrt_alphas_cumprod"], rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(1 - SCHEDULE.signal[at]), GOLDEN["sqrt_one_minus_alphas_cumprod"], rtol=1e-9)
    np.testing.assert_allclose([SCHEDULE.signal_at(t - 1) for t in at], GOLDEN["alphas_cumprod_prev"], rtol=1e-12)
    betas = [1 - SCHEDULE.signal_at(t) / SCHEDULE.signal_at(t - 1) for t in at]
    np.testing.assert_allclose(betas, GOLDEN["betas"], rtol=1e-9)
    # before its first step the released code puts the second's variance, of which a logarithm can be taken
    variance = [SCHEDULE.posterior(t, t - 1)[2] for t in np.maximum(at, 1)]
    np.testing.assert_allclose(np.log(variance), GOLDEN["posterior_log_variance_clipped"], rtol=1e-9)


@pytest.mark.parametrize("name", ["50", "ddim50"])
def test_a_chain_of_fewer_steps_meets_the_released_one(name: str):
    """The released steps themselves: ours would begin with the noisiest (`trailing`)."""
    steps = GOLDEN[f"respaced_{name}_timestep_map"].tolist()
    np.testing.assert_allclose(SCHEDULE.signal[steps], GOLDEN[f"respaced_{name}_alphas_cumprod"], rtol=1e-9)
    for t, before, beta in zip(steps, [-1, *steps], GOLDEN[f"respaced_{name}_betas"], strict=False):
        assert 1 - SCHEDULE.signal_at(t) / SCHEDULE.signal_at(before) == pytest.approx(beta, rel=1e-9)
        # of the posterior: beta (1 - signal before) / (1 - signal)
        variance = beta * (1 - SCHEDULE.signal_at(before)) / (1 - SCHEDULE.signal_at(t))
        assert SCHEDULE.posterior(t, before)[2] == pytest.approx(variance, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("t", [0, 20, 500, 950])
def test_noise_and_x0_are_two_views_of_x(t: int):
    x0, noise = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    x = SCHEDULE.add_noise(x0, noise, t)
    np.testing.assert_allclose(SCHEDULE.noise_in(x, x0, t), noise, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(SCHEDULE.x0_from_noise(x, noise, t), x0, rtol=1e-7, atol=1e-7)


def test_trailing_steps_start_at_the_noisiest():
    assert SCHEDULE.trailing(4) == (999, 749, 499, 249)
    assert SCHEDULE.trailing(3, start=900) == (899, 599, 299)
    assert SCHEDULE.trailing(5000) == tuple(range(999, -1, -1))
    assert SCHEDULE.trailing(50, start=3) == (2, 1, 0)
    for steps in (1, 7, 20, 333, 999):
        timesteps = SCHEDULE.trailing(steps)
        assert len(set(timesteps)) == steps
        assert timesteps[0] == 999
        assert list(timesteps) == sorted(timesteps, reverse=True)
        assert timesteps[-1] >= 0
