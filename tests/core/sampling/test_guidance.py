# SPDX-License-Identifier: GPL-3.0-or-later
"""Equation (2): the right mixture for every frame, from no more network rows than it needs."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.model.denoiser import Denoiser, DenoiserConfig
from core.sampling import guidance
from core.sampling.guidance import Conditions, GuidanceInterval, guided
from core.sampling.schedule import cosine_schedule

SCHEDULE = cosine_schedule()
TINY = DenoiserConfig(features=7, text_width=5, speech_width=3, width=16, layers=1, heads=2, feedforward=24)
FRAMES = 9


@pytest.fixture
def network() -> Denoiser:
    torch.manual_seed(2)
    return Denoiser(TINY).eval().requires_grad_(False)


@pytest.fixture
def rows(network: Denoiser) -> list[int]:
    """The number of rows of each network call."""
    counted: list[int] = []
    network.register_forward_pre_hook(lambda module, arguments: counted.append(len(arguments[0])))
    return counted


def conditions(weights: Tensor) -> Conditions:
    generator = torch.Generator().manual_seed(4)
    batch, prompts, frames = weights.shape
    return Conditions(
        texts=torch.randn(prompts, 5, generator=generator),
        weights=weights,
        speech=torch.randn(batch, frames, 3, generator=generator),
        speech_present=torch.rand(batch, frames, generator=generator) > 0.3,
    )


def plain(network: Denoiser, x: Tensor, t: int, given: Conditions, prompt: int | None) -> Tensor:
    """One answer of the network, every window under the same prompt or none."""
    batch = len(x)
    text = torch.zeros(batch, 5) if prompt is None else given.texts[prompt].expand(batch, -1)
    present = torch.full((batch,), prompt is not None)
    return network(x, torch.full((batch,), t), text, present, given.speech, given.speech_present)


X = torch.randn(2, FRAMES, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("gamma", "prompt"), [(0.0, None), (1.0, 0)])
def test_gamma_0_and_1_are_one_plain_call(network: Denoiser, rows: list[int], gamma: float, prompt: int | None):
    given = conditions(torch.full((2, 1, FRAMES), gamma))
    answer = guided(network, SCHEDULE, given)(X, 500)
    assert rows == [2]
    torch.testing.assert_close(answer, plain(network, X, 500, given, prompt), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("gamma", [-0.5, 0.3, 2.5])
def test_any_other_gamma_is_one_call_of_twice_the_rows(network: Denoiser, rows: list[int], gamma: float):
    given = conditions(torch.full((2, 1, FRAMES), gamma))
    answer = guided(network, SCHEDULE, given)(X, 20)
    assert rows == [4]
    expected = gamma * plain(network, X, 20, given, 0) + (1 - gamma) * plain(network, X, 20, given, None)
    torch.testing.assert_close(answer, expected)


def test_gamma_may_differ_by_frame(network: Denoiser, rows: list[int]):
    gamma = torch.stack([torch.linspace(0, 1, FRAMES), torch.ones(FRAMES)])[:, None]
    given = conditions(gamma)
    answer = guided(network, SCHEDULE, given)(X, 20)
    assert rows == [3]  # the second window needs no answer without text
    with_text, without = plain(network, X, 20, given, 0), plain(network, X, 20, given, None)
    torch.testing.assert_close(answer, torch.lerp(without, with_text, gamma.transpose(1, 2)))


def test_prompts_cross_fade(network: Denoiser, rows: list[int]):
    fade = torch.linspace(0, 1, FRAMES).expand(2, -1)
    given = conditions(torch.stack([1.5 * (1 - fade), 1.5 * fade], dim=1))
    answer = guided(network, SCHEDULE, given)(X, 20)
    assert rows == [6]
    first, second, none = (plain(network, X, 20, given, prompt) for prompt in (0, 1, None))
    torch.testing.assert_close(answer, 1.5 * torch.lerp(first, second, fade[..., None]) - 0.5 * none)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 3.0])
def test_in_little_noise_a_gamma_beyond_1_counts_as_1(network: Denoiser, rows: list[int], gamma: float):
    given = conditions(torch.stack([torch.full((2, FRAMES), gamma / 3), torch.full((2, FRAMES), gamma * 2 / 3)], dim=1))
    capped = replace(given, weights=given.weights * min(1.0, 1.0 / gamma))
    limited = guided(network, SCHEDULE, given, GuidanceInterval(above=400))
    for t, told in ((999, given), (400, given), (399, capped), (0, capped)):
        torch.testing.assert_close(limited(X, t), guided(network, SCHEDULE, told)(X, t))
    assert rows[4] == rows[6] == (6 if gamma < 1 else 4)  # without rows of no text where gamma counts as 1


def test_speech_is_led_as_far_again_from_silence_where_no_text_leads(network: Denoiser, rows: list[int]):
    gamma = torch.stack([torch.linspace(0, 2, FRAMES), torch.zeros(FRAMES)])  # (2, N)
    given = conditions(gamma[:, None])
    silent = replace(given, speech_present=torch.zeros_like(given.speech_present))
    answer = guided(network, SCHEDULE, given, GuidanceInterval(speech=1.75))(X, 20)
    assert rows == [6]  # of the second window no answer with text
    heard, unheard = guided(network, SCHEDULE, given)(X, 20), guided(network, SCHEDULE, silent)(X, 20)
    further = 0.75 * (1 - gamma).clamp(min=0) * given.speech_present
    torch.testing.assert_close(answer, heard + further[..., None] * (heard - unheard))
    late = guided(
        network, SCHEDULE, replace(given, weights=given.weights / 2), GuidanceInterval(above=400, speech=1.75)
    )(X, 20)
    torch.testing.assert_close(late, guided(network, SCHEDULE, replace(given, weights=given.weights / 2))(X, 20))


def test_padding_asks_for_nothing(network: Denoiser, rows: list[int]):
    valid = torch.arange(FRAMES).expand(2, -1) < 5
    given = Conditions(**{**vars(conditions(valid.float()[:, None])), "valid": valid})
    guided(network, SCHEDULE, given)(X, 20)
    assert rows == [2]  # weight 0 on padding alone is no reason to ask without text


def test_a_network_that_predicts_noise_is_understood(network: Denoiser):
    given = conditions(torch.full((2, 1, FRAMES), 1.5))
    noise = guided(network, SCHEDULE, given)(X, 300)
    network.config = DenoiserConfig(**{**vars(TINY), "prediction": "noise"})
    x0 = guided(network, SCHEDULE, given)(X, 300)
    torch.testing.assert_close(SCHEDULE.add_noise(x0, noise, 300), X)


def test_many_rows_are_split(network: Denoiser, rows: list[int], monkeypatch: pytest.MonkeyPatch):
    given = conditions(torch.full((2, 1, FRAMES), 0.5))
    whole = guided(network, SCHEDULE, given)(X, 20)
    monkeypatch.setattr(guidance, "MAX_ROWS", 3)
    torch.testing.assert_close(guided(network, SCHEDULE, given)(X, 20), whole)
    assert rows == [4, 3, 1]
