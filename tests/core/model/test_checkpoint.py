# SPDX-License-Identifier: GPL-3.0-or-later
"""A model folder comes back as it was, and one that does not fit is refused with one sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.errors import InputError
from core.model.checkpoint import Model, ModelConfig, load_model, save_model
from core.model.denoiser import Denoiser, DenoiserConfig
from core.model.prompt_classifier import PromptClassifier
from core.motion.features import Normalizer

TINY = DenoiserConfig(features=7, text_width=5, speech_width=3, width=16, layers=1, heads=2, feedforward=24)


ACTIONS = ("bow", "walk", "wave", "wave")
STYLED = ("", "", "", "proud")  # the styles of these


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    config = ModelConfig(TINY, speech_blocks=("prosody", "onset"), window=64, license="GPL-3.0-or-later")
    rng = np.random.default_rng(0)
    motion, speech = (Normalizer(rng.normal(size=n).astype(np.float32), rng.random(n, np.float32) + 1) for n in (7, 3))
    return Model(Denoiser(TINY).eval(), config, motion, speech, "# A small model\n")


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    save_model(tmp_path / "small", model)
    return tmp_path / "small"


def test_round_trip(model: Model, folder: Path):
    loaded = load_model("small", search=folder.parent)
    assert loaded.config == model.config
    assert loaded.card == model.card
    assert not loaded.denoiser.training
    for name in ("normalizer", "speech_normalizer"):
        for what in ("mean", "std"):
            np.testing.assert_array_equal(getattr(getattr(loaded, name), what), getattr(getattr(model, name), what))
    state = model.denoiser.state_dict()
    for key, value in loaded.denoiser.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, state[key].half().float(), atol=0, rtol=0)
    assert sorted(path.name for path in folder.iterdir()) == [
        "card.md",
        "config.json",
        "normalizer.safetensors",
        "weights.safetensors",
    ]


def test_a_network_of_components_keeps_their_basis(model: Model, tmp_path: Path):
    rng = np.random.default_rng(1)
    basis, _ = np.linalg.qr(rng.normal(size=(11, 7)))
    normalizer = Normalizer(rng.normal(size=11), rng.random(11) + 1, basis)
    save_model(
        tmp_path / "parts", replace(model, normalizer=normalizer, config=replace(model.config, projected_from=11))
    )
    loaded = load_model(tmp_path / "parts").normalizer
    rows = rng.normal(size=(5, 11))
    np.testing.assert_allclose(loaded.normalize(rows), normalizer.normalize(rows), atol=1e-5)
    np.testing.assert_allclose(loaded.denormalize(rows[:, :7]), normalizer.denormalize(rows[:, :7]), atol=1e-5)


def test_a_text_aligner_comes_back_with_its_model(model: Model, tmp_path: Path):
    aligner = PromptClassifier(TINY.text_width, ACTIONS, STYLED).eval()
    aligner.captions.copy_(torch.rand(4, TINY.text_width))
    config = replace(model.config, captions=ACTIONS, styles=STYLED)
    save_model(tmp_path / "told", replace(model, classifier=aligner, config=config))
    loaded = load_model(tmp_path / "told")
    tokens = torch.rand(3, 5, TINY.text_width)
    assert loaded.classifier is not None
    assert loaded.config.captions == ACTIONS
    assert loaded.config.styles == STYLED
    assert not loaded.classifier.training
    torch.testing.assert_close(loaded.classifier(tokens), aligner(tokens), atol=1e-3, rtol=0)
    torch.testing.assert_close(loaded.denoiser.joint.weight, model.denoiser.joint.weight.half().float(), atol=0, rtol=0)


@pytest.mark.parametrize("captions", [(), ACTIONS[1:]])
def test_an_aligner_of_another_size_is_refused(captions: tuple[str, ...], model: Model, tmp_path: Path):
    aligner = PromptClassifier(TINY.text_width, ACTIONS, STYLED)
    config = replace(model.config, captions=captions, styles=("",) * len(captions))
    save_model(tmp_path / "told", replace(model, classifier=aligner, config=config))
    with pytest.raises(InputError, match=r"weights\.safetensors does not fit its config\.json"):
        load_model(tmp_path / "told")


def test_captions_without_their_styles_are_refused(model: Model, tmp_path: Path):
    save_model(tmp_path / "told", replace(model, config=replace(model.config, captions=ACTIONS)))
    with pytest.raises(InputError, match=r"config\.json does not give a style for each caption"):
        load_model(tmp_path / "told")


def test_every_file_of_a_model_can_be_read_by_whom_the_others_can(folder: Path):
    modes = {path.name: path.stat().st_mode for path in folder.iterdir()}
    assert len(set(modes.values())) == 1, modes


def test_saving_again_replaces(model: Model, folder: Path):
    with torch.no_grad():
        model.denoiser.joint.bias.fill_(0.5)
    save_model(folder, model)
    assert load_model(folder).denoiser.joint.bias.unique().tolist() == [0.5]


def test_unknown_model_names_those_there_are(folder: Path):
    with pytest.raises(InputError, match="no model 'large'; choose from small"):
        load_model("large", search=folder.parent)


@pytest.mark.parametrize("name", ["weights.safetensors", "normalizer.safetensors", "config.json"])
@pytest.mark.parametrize("left", [0, 7, 60])
def test_a_file_cut_short_is_named(folder: Path, name: str, left: int):
    path = folder / name
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=name):
        load_model(folder)


@pytest.mark.parametrize("name", ["weights.safetensors", "normalizer.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"denoiser": {"wheels": 4}}, "unknown key 'denoiser.wheels'"),
        ({"denoiser": {"width": "wide"}}, "'denoiser.width' cannot be 'wide'"),
        ({"denoiser": {"width": 32}}, "weights.safetensors does not fit"),
        ({"denoiser": {"layers": 2}}, "has no tensor 'blocks.1"),
        ({"denoiser": {"layers": 0}}, "below 1"),
        ({"denoiser": {"heads": 3}}, "width 16 cannot be divided among 3 heads"),
        ({"denoiser": {"features": 8}}, "'feature_mean' has the shape"),
        ({"denoiser": {"prediction": "velocity"}}, "'denoiser.prediction' cannot be 'velocity'"),
        ({"denoiser": {"absence": "learned"}}, "has no tensor 'absent_speech'"),
        ({"denoiser": None}, "must be a JSON object"),
        ({"speech_blocks": [1]}, "'speech_blocks' cannot be"),
        ({"window": True}, "'window' cannot be True"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(folder: Path, change: dict[str, object], message: str):
    config = json.loads((folder / "config.json").read_text())
    for key, value in change.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) else value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=message):
        load_model(folder)


def test_a_missing_key_is_named(folder: Path):
    (folder / "config.json").write_text('{"speech_blocks": []}')
    with pytest.raises(InputError, match="has no key 'denoiser'"):
        load_model(folder)


def test_weights_that_are_not_finite_are_refused(folder: Path):
    weights = load_file(folder / "weights.safetensors")
    weights["joint.bias"][0] = torch.nan
    save_file(weights, folder / "weights.safetensors")
    with pytest.raises(InputError, match=r"'joint.bias' contains values that are not finite"):
        load_model(folder)
