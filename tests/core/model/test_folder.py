# SPDX-License-Identifier: GPL-3.0-or-later
"""A model folder is opened in numpy, and one that does not fit is refused with one sentence that names the file."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.model.config import DenoiserConfig, ModelConfig
from core.model.folder import open_model
from core.model.layout import classifier_shapes, denoiser_shapes
from core.model.numpy_classifier import NumpyPromptClassifier
from core.model.numpy_denoiser import NumpyDenoiser
from tests.core.networks.test_tensors import written

TINY = DenoiserConfig(features=7, text_width=5, speech_width=3, width=16, layers=1, heads=2, feedforward=24)
CAPTIONS, STYLES = ("bow", "walk", "walk"), ("", "", "sad")
CONFIG = ModelConfig(TINY, speech_blocks=("prosody",), captions=CAPTIONS, styles=STYLES)
Arrays = dict[str, np.ndarray]


def tensors() -> Arrays:
    rng = np.random.default_rng(0)
    shapes = denoiser_shapes(TINY)
    shapes |= {f"classifier.{name}": shape for name, shape in classifier_shapes(5, CAPTIONS, STYLES).items()}
    return {name: rng.normal(0, 0.3, shape).astype(np.float16) for name, shape in shapes.items()}


def statistics() -> Arrays:
    widths = {"feature": 7, "speech": 3}
    return {f"{kind}_{what}": np.ones(n, np.float32) for kind, n in widths.items() for what in ("mean", "std")}


def write(folder: Path, weights: Arrays, normalizer: Arrays, config: ModelConfig = CONFIG) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "weights.safetensors").write_bytes(written(weights))
    (folder / "normalizer.safetensors").write_bytes(written(normalizer))
    (folder / "config.json").write_text(json.dumps(asdict(config)))
    return folder


def test_a_folder_is_opened_by_name_and_by_path(tmp_path: Path):
    folder = write(tmp_path / "small", tensors(), statistics())
    (folder / "card.md").write_text("# A small model\n")
    for model in (open_model("small", tmp_path, "cpu"), open_model(folder, device="cpu")):
        assert isinstance(model.denoiser, NumpyDenoiser)
        assert isinstance(model.classifier, NumpyPromptClassifier)
        assert model.config == CONFIG
        assert model.card == "# A small model\n"
        assert model.network() is model.network("cpu") is model.denoiser
        assert model.reader is model.classifier
        np.testing.assert_array_equal(model.speech_normalizer.std, 1)


def test_names_of_earlier_versions_are_read(tmp_path: Path):
    now = open_model(write(tmp_path / "now", tensors(), statistics()), device="cpu")
    old = {
        name.replace("classifier.prototypes", "aligner.typical").replace("classifier.", "aligner."): value
        for name, value in tensors().items()
    }
    then = open_model(write(tmp_path / "then", old, statistics()), device="cpu")
    given = np.random.default_rng(1).normal(size=(2, 4, 5)).astype(np.float32)
    assert now.reader is not None
    assert then.reader is not None
    np.testing.assert_array_equal(now.reader(given), then.reader(given))


def test_without_a_classifier_and_with_components(tmp_path: Path):
    config = replace(CONFIG, captions=(), styles=(), projected_from=11)
    weights = {name: value for name, value in tensors().items() if not name.startswith("classifier.")}
    normalizer = statistics() | {"feature_mean": np.ones(11, np.float32), "feature_std": np.ones(11, np.float32)}
    normalizer["feature_basis"] = np.eye(11, 7, dtype=np.float32)
    model = open_model(write(tmp_path / "parts", weights, normalizer, config), device="cpu")
    assert model.reader is None
    assert model.normalizer.basis is not None
    normalizer["feature_basis"] = np.eye(7, 11, dtype=np.float32)
    with pytest.raises(InputError, match=r"normalizer\.safetensors .* 'feature_basis' has the shape \(7, 11\)"):
        open_model(write(tmp_path / "parts", weights, normalizer, config), device="cpu")


def refused(folder: Path, file: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        open_model(folder, device="cpu")
    assert str(folder / file) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [*tensors(), *statistics()])
def test_a_tensor_that_is_missing_or_odd_is_named(name: str, tmp_path: Path):
    """Every one of them: left out, of another shape, of another number of axes, and not finite."""
    changes: list[tuple[Callable[[np.ndarray], np.ndarray | None], str]] = [
        (lambda value: None, "has no tensor"),
        (lambda value: np.concatenate([value, value]), "has the shape"),
        (lambda value: value[None], "has the shape"),
        (lambda value: np.full_like(value, np.nan), "not finite"),
        (lambda value: np.full_like(value, np.inf), "not finite"),
    ]
    file = "weights.safetensors" if name in tensors() else "normalizer.safetensors"
    for change, message in changes:
        weights, normalizer = tensors(), statistics()
        given = weights if name in weights else normalizer
        value = change(given.pop(name))
        if value is not None:
            given[name] = value
        refused(write(tmp_path / "odd", weights, normalizer), file, f"{message}.*|.*{message}")


@pytest.mark.parametrize("file", ["weights.safetensors", "normalizer.safetensors"])
def test_an_unknown_tensor_is_named(file: str, tmp_path: Path):
    more = {"wheels": np.zeros(4, np.float32)}
    weights, normalizer = (tensors() | more, statistics()) if file.startswith("w") else (tensors(), statistics() | more)
    refused(write(tmp_path / "odd", weights, normalizer), file, "has an unknown tensor 'wheels'")


@pytest.mark.parametrize("file", ["weights.safetensors", "normalizer.safetensors", "config.json"])
@pytest.mark.parametrize("left", [0, 7, 60])
def test_a_file_cut_short_is_named(file: str, left: int, tmp_path: Path):
    folder = write(tmp_path / "cut", tensors(), statistics())
    (folder / file).write_bytes((folder / file).read_bytes()[:left])
    refused(folder, file, r"\S")


def test_a_missing_file_and_folder_are_named(tmp_path: Path):
    folder = write(tmp_path / "small", tensors(), statistics())
    with pytest.raises(InputError, match="no model 'large'; choose from small"):
        open_model("large", tmp_path, "cpu")
    for file in ("weights.safetensors", "normalizer.safetensors"):
        write(folder, tensors(), statistics())
        (folder / file).unlink()
        refused(folder, file, "is missing")


def test_a_device_without_torch_is_an_input_error(tmp_path: Path):
    model = open_model(write(tmp_path / "small", tensors(), statistics()), device="cpu")
    with pytest.raises(InputError, match="device 'cuda' needs PyTorch"):
        model.network("cuda")


def test_torch_is_used_where_it_is_installed_and_asked_for(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("safetensors")
    torch = pytest.importorskip("torch")
    assert isinstance(open_model("open", torch_if_installed=True).denoiser, torch.nn.Module)
    assert isinstance(open_model("open").denoiser, NumpyDenoiser)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert isinstance(open_model("open", torch_if_installed=True).denoiser, NumpyDenoiser)


def test_a_torch_that_does_not_load_is_done_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "core.model.checkpoint", None)  # importing it fails
    assert isinstance(open_model("open", torch_if_installed=True).denoiser, NumpyDenoiser)
