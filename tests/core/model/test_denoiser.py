# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoiser reproduces the released one, ignores padding and absent conditions, and is causal if asked to be."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.model.denoiser import Denoiser, DenoiserConfig, TemporalFilter, sinusoids
from core.model.released import released_name

GOLDEN = Path(__file__).parents[2] / "golden"
TINY = DenoiserConfig(features=7, text_width=5, speech_width=3, width=16, layers=2, heads=2, feedforward=24)


def inputs(batch: int = 2, frames: int = 12) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        "x": torch.randn(batch, frames, 7, generator=generator),
        "timesteps": torch.tensor([999, 0][:batch]),
        "text": torch.randn(batch, 5, generator=generator),
        "text_present": torch.ones(batch, dtype=torch.bool),
        "speech": torch.randn(batch, frames, 3, generator=generator),
        "speech_present": torch.ones(batch, frames, dtype=torch.bool),
    }


@pytest.mark.parametrize("version", ["v3_0", "v3_5"])
@torch.no_grad()
def test_meets_the_released_network(version: str):
    # The weights before the network's first sums are folded into the inputs, and 32 or 64 outputs kept, to stay small.
    golden = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN / f"b_denoiser_tiny_{version}.npz").items()}
    width = golden["w::embed_text.weight"].shape[0]
    config = DenoiserConfig(
        features=width,
        text_width=width,
        speech_width=width,
        width=width,
        layers=2,
        heads=4,
        feedforward=48,
        local_attention=version == "v3_5",
    )
    network = Denoiser(config).eval()
    network.load_state_dict({name: golden[f"w::{released_name(name)}"] for name in network.state_dict()})
    x = golden["x"][:, :, 0].transpose(1, 2)  # (B, N, F)
    frames = torch.ones(x.shape[:2], dtype=torch.bool)
    arguments = golden["t"], golden["text"], torch.tensor([True, True]), golden["audio"], frames
    without_text = golden["t"], golden["text"], torch.tensor([False, False]), golden["audio"], frames

    tokens, conditioning = network.tokens(x, *arguments)
    without_positions = tokens - sinusoids(torch.arange(tokens.shape[1]), width)
    torch.testing.assert_close(without_positions.transpose(0, 1), golden["act_after_input_process2"], atol=1e-5, rtol=0)
    torch.testing.assert_close(tokens.transpose(0, 1), golden["act_after_pos_enc"], atol=1e-5, rtol=0)
    for block in network.blocks:
        tokens = block(tokens, None, conditioning)
    torch.testing.assert_close(tokens.transpose(0, 1), golden["act_after_encoder"], atol=1e-5, rtol=0)
    for valid in (None, frames):
        answer = network(x, *arguments, valid)
        torch.testing.assert_close(answer.transpose(1, 2)[:, :, None], golden["out"], atol=1e-5, rtol=0)
    answer = network(x, *without_text)
    torch.testing.assert_close(answer.transpose(1, 2)[:, :, None], golden["out_uncond"], atol=1e-5, rtol=0)


def test_the_released_size_has_the_released_number_of_parameters():
    network = Denoiser(DenoiserConfig(text_width=512, speech_width=1133))
    assert sum(p.numel() for p in network.parameters()) == 7_340_947


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("special", [{}, {"local_attention": True}, {"answer_filter": 5}, {"causal": True}], ids=str)
@pytest.mark.parametrize("conditioning", ["token", "frames"])
@torch.no_grad()
def test_padding_changes_nothing(norm_first: bool, special: dict[str, object], conditioning: str):
    norm_first = norm_first or conditioning == "frames"
    config = DenoiserConfig(**{**vars(TINY), "norm_first": norm_first, "conditioning": conditioning, **special})
    network = Denoiser(config).eval()
    short = inputs(frames=12)
    answer = network(**short)
    padded = inputs(frames=20)
    for name in ("x", "speech"):
        padded[name][:, :12] = short[name]
        padded[name][:, 12:] = 1e3
    padded["text"] = short["text"]
    valid = torch.arange(20).expand(2, 20) < 12
    torch.testing.assert_close(network(**padded, valid=valid)[:, :12], answer, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("absence", ["zero", "learned"])
@torch.no_grad()
def test_an_absent_condition_is_not_read(absence: str):
    network = Denoiser(DenoiserConfig(**{**vars(TINY), "absence": absence})).eval()
    given = inputs()
    given["text_present"][0] = False
    given["speech_present"][1, 4:] = False
    answer = network(**given)
    given["text"][0] = torch.nan
    given["speech"][1, 4:] = torch.nan
    assert torch.equal(network(**given), answer)
    given["speech_present"][1, 4:] = True
    given["speech"][1, 4:] = 0.0
    is_zero = torch.allclose(network(**given), answer)
    assert is_zero == (absence == "zero")


OURS = {"absence": "learned", "norm_first": True, "conditioning": "every_layer", "skip": True, "answer_filter": 3}
MODULATED = DenoiserConfig(**{**vars(TINY), **OURS})


def test_modulation_and_skip_have_no_effect_initially():
    modulated = Denoiser(MODULATED).eval()
    plain = Denoiser(DenoiserConfig(**{**vars(MODULATED), "conditioning": "token", "skip": False})).eval()
    own = plain.state_dict()
    plain.load_state_dict({key: value for key, value in modulated.state_dict().items() if key in own})
    torch.testing.assert_close(modulated(**inputs()), plain(**inputs()))
    with pytest.raises(InputError, match="pre-norm"):
        DenoiserConfig(conditioning="every_layer")


DIFFMOTION = {"text_width": 0, "norm_first": True, "conditioning": "frames", "causal": True}


@torch.no_grad()
def randomised(config: DenoiserConfig) -> Denoiser:
    """A network with random parameters, so that no layer starts at zero."""
    network = Denoiser(config).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return network


@pytest.mark.parametrize("special", [{}, DIFFMOTION], ids=["freetalker", "diffmotion-v2"])
@torch.no_grad()
def test_a_causal_network_does_not_see_what_is_to_come(special: dict[str, object]):
    network = randomised(DenoiserConfig(**{**vars(TINY), **special, "causal": True}))
    given = inputs()
    answer = network(**given)
    for name in ("x", "speech"):
        given[name][:, 7:] += 1.0
    changed = network(**given)
    torch.testing.assert_close(changed[:, :7], answer[:, :7], atol=1e-6, rtol=1e-6)
    assert (changed[:, 7:] - answer[:, 7:]).abs().amax(-1).min() > 1e-3


@torch.no_grad()
def test_speech_scales_and_shifts_its_own_frame_and_text_is_not_read():
    network = randomised(DenoiserConfig(**{**vars(TINY), **DIFFMOTION}))
    given = inputs()
    answer = network(**given)
    given["speech"][0, 5] += 1.0
    changed = (network(**given) - answer).abs().amax(-1)  # (B, N)
    assert (changed[0, 5:] > 1e-4).all()  # that frame, and those that attend to it
    assert changed[0, :5].max() == changed[1].max() == 0
    given["speech"][0, 5] -= 1.0
    given["text"] += 1.0
    torch.testing.assert_close(network(**given), answer)
    assert not any(name.startswith(("text_in", "joint")) for name, _ in network.named_parameters())
    with pytest.raises(InputError, match="without text requires the conditioning 'frames'"):
        DenoiserConfig(text_width=0)


@pytest.mark.parametrize("conditioning", ["token", "every_layer", "frames"])
def test_every_parameter_learns(conditioning: str):
    network = randomised(DenoiserConfig(**{**vars(MODULATED), "conditioning": conditioning}))  # adaLN starts at zero
    given = inputs()
    given["text_present"][0] = False
    given["speech_present"][1, 4:] = False
    network(**given).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize("taps", [3, 5])
def test_answer_filter_takes_out_what_alternates_and_leaves_what_is_steady(taps):
    temporal_filter = TemporalFilter(2, taps)
    steady = torch.full((1, 12, 2), 3.0)
    torch.testing.assert_close(temporal_filter(steady, None), steady)
    alternating = torch.ones(12)
    alternating[1::2] = -1
    inside = temporal_filter(alternating[None, :, None].expand(1, 12, 2), None)[:, taps // 2 : -(taps // 2)]
    torch.testing.assert_close(inside, torch.zeros_like(inside))


def test_answer_filter_spans_an_odd_number_of_frames():
    with pytest.raises(InputError, match="odd number of frames, not 4"):
        DenoiserConfig(answer_filter=4)
