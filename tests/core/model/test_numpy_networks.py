# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks in numpy answer what those in torch do, in every configuration and with the models we ship."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from core.assets import MODELS
from core.conditions.text import encode_tokens
from core.errors import InputError
from core.model.checkpoint import load_model, save_model
from core.model.config import DenoiserConfig
from core.model.denoiser import Denoiser
from core.model.folder import open_model
from core.model.layout import classifier_shapes, denoiser_shapes
from core.model.model import Model
from core.model.numpy_classifier import NumpyPromptClassifier
from core.model.numpy_denoiser import NumpyDenoiser
from core.model.prompt_classifier import PromptClassifier
from core.model.torch_network import TorchNetwork, TorchPromptReader
from core.prompts.canonical import canonical_prompt

TINY = DenoiserConfig(features=7, text_width=5, speech_width=3, width=16, layers=2, heads=2, feedforward=24)
SHIPPED = sorted(path.parent.name for path in MODELS.glob("*/config.json"))


def configurations() -> Iterator[DenoiserConfig]:
    flags = (False, True)
    kinds = product(flags, ("zero", "learned"), ("token", "every_layer", "frames"), flags, flags, (0, 3, 5), (0, 5))
    for norm_first, absence, conditioning, causal, skip, taps, text_width in kinds:
        if (norm_first or conditioning == "token") and (text_width or conditioning == "frames"):
            yield replace(
                TINY, norm_first=norm_first, absence=absence, conditioning=conditioning, causal=causal, skip=skip,
                answer_filter=taps, text_width=text_width,
            )  # fmt: skip


def randomised(config: DenoiserConfig) -> Denoiser:
    """A torch network with random parameters, so that no layer starts at zero."""
    network, generator = Denoiser(config).eval().requires_grad_(False), torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return network


def arrays(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in state.items()}


def batch(config: DenoiserConfig, seed: int, rows: int = 3, frames: int = 13) -> tuple[np.ndarray, ...]:
    """x, text, text_present, speech, speech_present and valid; conditions that are absent are NaN."""
    rng = np.random.default_rng(seed)
    x, text, speech = (
        rng.normal(size=(rows, *shape)).astype(np.float32)
        for shape in ((frames, config.features), (config.text_width,), (frames, config.speech_width))
    )
    text_present, speech_present = rng.random(rows) > 0.4, rng.random((rows, frames)) > 0.4
    text[~text_present] = np.nan
    speech[~speech_present] = np.nan
    valid = np.arange(frames) < rng.integers(1, frames + 1, (rows, 1))
    valid[0] = True
    return x, text, text_present, speech, speech_present, valid


def largest_difference(ours: NumpyDenoiser, theirs: TorchNetwork, seed: int, **size: int) -> float:
    x, text, text_present, speech, speech_present, valid = batch(ours.config, seed, **size)
    differences: list[float] = []
    for mask in (None, valid, np.ones_like(valid)):
        given = text, text_present, speech, speech_present, mask
        for t in (0, 417, 999):
            off = np.abs(ours.denoise(x, t, *given) - theirs.denoise(x, t, *given))
            differences.append(float(off.max() if mask is None else off[mask].max()))
    assert np.isfinite(differences).all()
    return max(differences)


def test_every_configuration_answers_alike():
    for config in configurations():
        network = randomised(config)
        ours = NumpyDenoiser(config, arrays(network.state_dict()))
        assert largest_difference(ours, TorchNetwork(network, "cpu"), seed=2) <= 1e-5, config


@pytest.mark.parametrize("special", [{}, {"answer_filter": 5, "skip": True, "absence": "learned"}], ids=str)
@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("frames", [1, 2, 40])
def test_any_number_of_rows_and_frames(special: dict[str, object], rows: int, frames: int):
    config = replace(TINY, norm_first=True, conditioning="every_layer", **special)
    network = randomised(config)
    ours = NumpyDenoiser(config, arrays(network.state_dict()))
    assert largest_difference(ours, TorchNetwork(network, "cpu"), 3, rows=rows, frames=frames) <= 1e-5


def test_inputs_are_left_as_they_are():
    network = randomised(TINY)
    given = batch(TINY, 0)
    before = [array.copy() for array in given]
    NumpyDenoiser(TINY, arrays(network.state_dict())).denoise(given[0], 5, *given[1:])
    for array, was in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, was)


def test_the_layouts_are_those_of_the_torch_networks():
    for config in (*configurations(), replace(TINY, local_attention=True)):
        assert denoiser_shapes(config) == {k: tuple(v.shape) for k, v in Denoiser(config).state_dict().items()}
    for actions, styles in ((("bow", "walk", "walk"), ("", "", "sad")), (("bow",), ("proud",))):
        shapes = {k: tuple(v.shape) for k, v in PromptClassifier(5, actions, styles).state_dict().items()}
        assert classifier_shapes(5, actions, styles) == shapes


def test_local_attention_needs_torch():
    with pytest.raises(InputError, match="needs PyTorch"):
        NumpyDenoiser(replace(TINY, local_attention=True), {})


def test_an_unknown_device_is_an_input_error():
    with pytest.raises(InputError, match="device 'toaster' is not available; choose 'auto' or 'cpu'"):
        TorchNetwork(randomised(TINY), "toaster")


def test_a_model_loaded_in_numpy_cannot_be_saved(tmp_path: Path):
    with pytest.raises(TypeError, match="numpy"):
        save_model(tmp_path, both(SHIPPED[0])[0])


@cache
def both(name: str) -> tuple[Model, Model]:
    """A shipped model in numpy and in torch."""
    return open_model(name, device="cpu"), load_model(name)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_denoiser_answers_alike(name: str):
    ours, theirs = both(name)
    assert isinstance(ours.denoiser, NumpyDenoiser)
    network = theirs.network("cpu")
    for seed in range(10):
        assert largest_difference(ours.denoiser, network, seed, rows=2, frames=60) <= 1e-4


PROMPTS = [
    f"{who} {what}{how}"
    for what in ("walks forward", "waves", "bows deeply", "jumps over a fence", "plays the piano")
    for who in ("a person", "the old woman")
    for how in ("", " sadly", " like a robot", " while turning left", ", then stops")
]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_prompt_classifier_reads_alike(name: str):
    ours, theirs = (model.reader for model in both(name))
    assert isinstance(ours, NumpyPromptClassifier)
    assert isinstance(theirs, TorchPromptReader)
    assert len(PROMPTS) == 50
    tokens = encode_tokens([canonical_prompt(prompt) for prompt in PROMPTS])
    np.testing.assert_allclose(ours(tokens), theirs(tokens), atol=1e-5)
    np.testing.assert_allclose(ours.caption_probabilities(tokens), theirs.caption_probabilities(tokens), atol=1e-5)
    assert list(ours.actions) == list(theirs.actions)
    np.testing.assert_array_equal(ours.of_action, theirs.of_action)


@pytest.mark.parametrize(
    ("actions", "styles"),
    [
        (("bow", "walk", "walk", "walk"), ("", "", "sad", "sad")),
        (("bow", "bow"), ("proud", "sad")),
        (("walk",), ("",)),
    ],
)
def test_a_small_prompt_classifier_reads_alike(actions: tuple[str, ...], styles: tuple[str, ...]):
    """Also one without prototypes, and with actions that have styled captions alone."""
    torch.manual_seed(0)
    network = PromptClassifier(12, actions, styles).eval().requires_grad_(False)
    network.captions.copy_(torch.nn.functional.normalize(torch.randn(len(actions), 12), dim=1))
    tokens = np.random.default_rng(0).normal(size=(6, 5, 12)).astype(np.float32)
    tokens[np.arange(5) >= np.array([[5], [4], [3], [2], [1], [1]])] = 0
    for prototypes in (0, 1, len(network.actions)):
        network.prototypes.zero_()
        network.prototypes[:prototypes] = torch.nn.functional.normalize(torch.randn(prototypes, 48, 12), dim=-1)
        ours = NumpyPromptClassifier(actions, styles, arrays(network.state_dict()))
        expected = network.caption_probabilities(torch.from_numpy(tokens))
        np.testing.assert_allclose(ours.caption_probabilities(tokens), expected, atol=1e-5)
        np.testing.assert_allclose(ours(tokens), network(torch.from_numpy(tokens)), atol=1e-5)
