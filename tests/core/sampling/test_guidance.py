# SPDX-License-Identifier: GPL-3.0-or-later
"""Equation (2): the right mixture for every frame, from no more network rows than it needs."""

from dataclasses import replace

import numpy as np
import pytest

from core.model.config import DenoiserConfig
from core.sampling import guidance
from core.sampling.guidance import Conditions, GuidanceInterval, guided
from core.sampling.noise import Floats, Generator
from core.sampling.schedule import cosine_schedule
from tests.core.random_networks import CountingDenoiser

SCHEDULE = cosine_schedule()
TINY = DenoiserConfig(features=7, text_width=5, speech_width=3, width=16, layers=1, heads=2, feedforward=24)
FRAMES = 9


@pytest.fixture
def network() -> CountingDenoiser:
    return CountingDenoiser(TINY)


@pytest.fixture
def rows(network: CountingDenoiser) -> list[int]:
    """The number of rows of each network call."""
    return network.rows


def conditions(weights: Floats) -> Conditions:
    batch, prompts, frames = weights.shape
    return Conditions(
        texts=Generator(4).normal(prompts, 5),
        weights=weights.astype(np.float32),
        speech=Generator(5).normal(batch, frames, 3),
        speech_present=np.random.default_rng(4).random((batch, frames)) > 0.3,
    )


def plain(network: CountingDenoiser, x: Floats, t: int, given: Conditions, prompt: int | None) -> Floats:
    """One answer of the network, every window under the same prompt or none."""
    batch = len(x)
    text = np.zeros((batch, 5), np.float32) if prompt is None else np.repeat(given.texts[prompt][None], batch, axis=0)
    present = np.full(batch, prompt is not None)
    return network.denoise(x, t, text, present, given.speech, given.speech_present)


def lerp(start: Floats, end: Floats, share: Floats) -> Floats:
    return start + share * (end - start)


def assert_close(found: Floats, expected: Floats, rtol: float = 1.3e-6, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


X = Generator(0).normal(2, FRAMES, 7)


@pytest.mark.parametrize(("gamma", "prompt"), [(0.0, None), (1.0, 0)])
def test_gamma_0_and_1_are_one_plain_call(network: CountingDenoiser, rows: list[int], gamma: float, prompt: int | None):
    given = conditions(np.full((2, 1, FRAMES), gamma))
    answer = guided(network, SCHEDULE, given)(X, 500)
    assert rows == [2]
    assert_close(answer, plain(network, X, 500, given, prompt), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("gamma", [-0.5, 0.3, 2.5])
def test_any_other_gamma_is_one_call_of_twice_the_rows(network: CountingDenoiser, rows: list[int], gamma: float):
    given = conditions(np.full((2, 1, FRAMES), gamma))
    answer = guided(network, SCHEDULE, given)(X, 20)
    assert rows == [4]
    expected = gamma * plain(network, X, 20, given, 0) + (1 - gamma) * plain(network, X, 20, given, None)
    assert_close(answer, expected)


def test_gamma_may_differ_by_frame(network: CountingDenoiser, rows: list[int]):
    gamma = np.stack([np.linspace(0, 1, FRAMES), np.ones(FRAMES)])[:, None]
    given = conditions(gamma)
    answer = guided(network, SCHEDULE, given)(X, 20)
    assert rows == [3]  # the second window needs no answer without text
    with_text, without = plain(network, X, 20, given, 0), plain(network, X, 20, given, None)
    assert_close(answer, lerp(without, with_text, gamma.swapaxes(1, 2)))


def test_prompts_cross_fade(network: CountingDenoiser, rows: list[int]):
    fade = np.tile(np.linspace(0, 1, FRAMES), (2, 1))
    given = conditions(np.stack([1.5 * (1 - fade), 1.5 * fade], axis=1))
    answer = guided(network, SCHEDULE, given)(X, 20)
    assert rows == [6]
    first, second, none = (plain(network, X, 20, given, prompt) for prompt in (0, 1, None))
    assert_close(answer, 1.5 * lerp(first, second, fade[..., None]) - 0.5 * none)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 3.0])
def test_in_little_noise_a_gamma_beyond_1_counts_as_1(network: CountingDenoiser, rows: list[int], gamma: float):
    given = conditions(np.stack([np.full((2, FRAMES), gamma / 3), np.full((2, FRAMES), gamma * 2 / 3)], axis=1))
    capped = replace(given, weights=given.weights * min(1.0, 1.0 / gamma))
    limited = guided(network, SCHEDULE, given, GuidanceInterval(above=400))
    for t, told in ((999, given), (400, given), (399, capped), (0, capped)):
        assert_close(limited(X, t), guided(network, SCHEDULE, told)(X, t))
    assert rows[4] == rows[6] == (6 if gamma < 1 else 4)  # without rows of no text where gamma counts as 1


def test_speech_is_led_as_far_again_from_silence_where_no_text_leads(network: CountingDenoiser, rows: list[int]):
    gamma = np.stack([np.linspace(0, 2, FRAMES), np.zeros(FRAMES)])  # (2, N)
    given = conditions(gamma[:, None])
    silent = replace(given, speech_present=np.zeros_like(given.speech_present))
    answer = guided(network, SCHEDULE, given, GuidanceInterval(speech=1.75))(X, 20)
    assert rows == [6]  # of the second window no answer with text
    heard, unheard = guided(network, SCHEDULE, given)(X, 20), guided(network, SCHEDULE, silent)(X, 20)
    further = 0.75 * np.maximum(1 - gamma, 0) * given.speech_present
    assert_close(answer, heard + further[..., None] * (heard - unheard))
    late = guided(
        network, SCHEDULE, replace(given, weights=given.weights / 2), GuidanceInterval(above=400, speech=1.75)
    )(X, 20)
    assert_close(late, guided(network, SCHEDULE, replace(given, weights=given.weights / 2))(X, 20))


def test_padding_asks_for_nothing(network: CountingDenoiser, rows: list[int]):
    valid = np.tile(np.arange(FRAMES) < 5, (2, 1))
    given = Conditions(**{**vars(conditions(valid[:, None])), "valid": valid})
    guided(network, SCHEDULE, given)(X, 20)
    assert rows == [2]  # weight 0 on padding alone is no reason to ask without text


def test_a_network_that_predicts_noise_is_understood(network: CountingDenoiser):
    given = conditions(np.full((2, 1, FRAMES), 1.5))
    noise = guided(network, SCHEDULE, given)(X, 300)
    network.config = DenoiserConfig(**{**vars(TINY), "prediction": "noise"})
    x0 = guided(network, SCHEDULE, given)(X, 300)
    assert_close(SCHEDULE.add_noise(x0, noise, 300), X)


def test_many_rows_are_split(network: CountingDenoiser, rows: list[int], monkeypatch: pytest.MonkeyPatch):
    given = conditions(np.full((2, 1, FRAMES), 0.5))
    whole = guided(network, SCHEDULE, given)(X, 20)
    monkeypatch.setattr(guidance, "MAX_ROWS", 3)
    assert_close(guided(network, SCHEDULE, given)(X, 20), whole)
    assert rows == [4, 3, 1]
