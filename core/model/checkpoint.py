# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in torch: writes model folders, and loads them (`core.model.contents`) as torch networks."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import torch as _safetensors
from torch import Tensor

from ..assets import MODEL_CONFIG, MODEL_NORMALIZER, MODEL_WEIGHTS, MODELS
from ..files import write_whole
from .config import ModelConfig
from .contents import CARD, CLASSIFIER, Tensors, find_folder, read_contents
from .denoiser import Denoiser
from .model import Model
from .numpy_classifier import NumpyPromptClassifier
from .numpy_denoiser import NumpyDenoiser
from .prompt_classifier import PromptClassifier

_files: Any = _safetensors  # says nothing of its types

__all__ = ["Model", "ModelConfig", "load_model", "save_model", "torch_denoiser"]


def save_model(folder: str | Path, model: Model, dtype: torch.dtype = torch.float16) -> None:
    """Write a model folder.

    Args:
        folder: created if it does not exist; a file that is there is replaced whole or not at all.
        model: the model, in torch.
        dtype: of the weights.

    Raises:
        TypeError: it was loaded in numpy.
    """
    denoiser, classifier = model.denoiser, model.classifier
    if isinstance(denoiser, NumpyDenoiser) or isinstance(classifier, NumpyPromptClassifier):
        raise TypeError("A model that was loaded in numpy cannot be saved.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = dict(denoiser.state_dict())
    if classifier is not None:
        weights |= {CLASSIFIER + key: value for key, value in classifier.state_dict().items()}
    weights = {key: value.detach().to("cpu", dtype) for key, value in weights.items()}
    statistics = {
        "feature_mean": model.normalizer.mean,
        "feature_std": model.normalizer.std,
        "speech_mean": model.speech_normalizer.mean,
        "speech_std": model.speech_normalizer.std,
    }
    if model.normalizer.basis is not None:
        statistics["feature_basis"] = model.normalizer.basis
    _save_tensors(folder / MODEL_WEIGHTS, weights)
    _save_tensors(
        folder / MODEL_NORMALIZER,
        {key: torch.as_tensor(np.array(value, np.float32)) for key, value in statistics.items()},
    )
    write_whole(folder / CARD, model.card)
    write_whole(folder / MODEL_CONFIG, json.dumps(asdict(model.config), indent=2) + "\n")


def load_model(name_or_path: str | Path, search: Path = MODELS) -> Model:
    """Load a model folder in torch.

    Args:
        name_or_path: name of a folder within `search`, or path of a model folder.
        search: where named models lie.

    Raises:
        InputError: there is no such folder, or a file in it is missing, damaged or does not fit the others.
    """
    given = read_contents(find_folder(name_or_path, search))
    config, denoiser, classifier = given.config, Denoiser(given.config.denoiser), None
    if config.captions:
        classifier = PromptClassifier(config.denoiser.text_width, config.captions, config.styles)
        classifier.load_state_dict(_as_torch(given.classifier))
        classifier.eval().requires_grad_(False)
    denoiser.load_state_dict(_as_torch(given.denoiser))
    denoiser.eval().requires_grad_(False)
    return Model(denoiser, config, given.normalizer, given.speech_normalizer, given.card, classifier)


def torch_denoiser(model: Model) -> Denoiser:
    """The denoiser of a model that was loaded, or made, in torch."""
    assert isinstance(model.denoiser, Denoiser), "load_model, not open_model, loads a model to train"
    return model.denoiser


def _as_torch(tensors: Tensors) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in tensors.items()}


def _save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    # as bytes: a file that safetensors writes can be read by its owner alone
    write_whole(path, _files.save({key: value.contiguous() for key, value in tensors.items()}))
