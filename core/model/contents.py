# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model folder contains: weights.safetensors, normalizer.safetensors, config.json and card.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..assets import MODEL_CONFIG, MODEL_NORMALIZER, MODEL_WEIGHTS, MODELS
from ..errors import InputError
from ..motion.features import Normalizer
from ..networks.tensors import read_tensors
from .classifier_config import RENAMED_TENSORS
from .config import ModelConfig, read_config
from .layout import Shapes, check_tensors, classifier_shapes, denoiser_shapes

Tensors = Mapping[str, NDArray[np.float32]]

CARD = "card.md"
CLASSIFIER = "classifier."
"""Prefix of the classifier's tensors, beside the denoiser's."""
_RENAMED_TENSORS = {f"aligner.{old}": CLASSIFIER + new for old, new in RENAMED_TENSORS.items()} | {
    "aligner.": CLASSIFIER
}


@dataclass(frozen=True)
class Contents:
    """A model folder as read.

    Attributes:
        config: its config.json.
        normalizer: of motion features.
        speech_normalizer: of speech features.
        denoiser: the tensors of the denoiser.
        classifier: those of the prompt classifier, empty where there is none.
        card: the model card, Markdown.
    """

    config: ModelConfig
    normalizer: Normalizer
    speech_normalizer: Normalizer
    denoiser: Tensors
    classifier: Tensors
    card: str


def find_folder(name_or_path: str | Path, search: Path = MODELS) -> Path:
    """The model folder called that within `search`, or at that path.

    Raises:
        InputError: there is none.
    """
    for path in (search / name_or_path, Path(name_or_path)):
        if (path / MODEL_CONFIG).is_file():
            return path
    known = sorted(path.parent.name for path in search.glob(f"*/{MODEL_CONFIG}"))
    raise InputError(f"There is no model {str(name_or_path)!r}; choose from {', '.join(known) or 'none'}.")


def read_contents(folder: Path, config: ModelConfig | None = None) -> Contents:
    """Read a model folder.

    Args:
        folder: the folder.
        config: its config.json, where that is read already.

    Raises:
        InputError: a file is missing, damaged or does not fit the others; one sentence that names it.
    """
    config = config or read_config(folder / MODEL_CONFIG)
    statistics = _read(folder / MODEL_NORMALIZER, _statistics_shapes(config))
    shapes = denoiser_shapes(config.denoiser)
    if config.captions:
        own = classifier_shapes(config.denoiser.text_width, config.captions, config.styles)
        shapes |= {CLASSIFIER + name: shape for name, shape in own.items()}
    weights = _read(folder / MODEL_WEIGHTS, shapes)
    card = folder / CARD
    arrays = {name: value.astype(np.float64) for name, value in statistics.items()}
    return Contents(
        config,
        Normalizer(arrays["feature_mean"], arrays["feature_std"], arrays.get("feature_basis")),
        Normalizer(arrays["speech_mean"], arrays["speech_std"]),
        {name: value for name, value in weights.items() if not name.startswith(CLASSIFIER)},
        {name.removeprefix(CLASSIFIER): value for name, value in weights.items() if name.startswith(CLASSIFIER)},
        card.read_text(encoding="utf-8") if card.is_file() else "",
    )


def _statistics_shapes(config: ModelConfig) -> Shapes:
    """What the normalizer's file holds."""
    features = config.projected_from or config.denoiser.features
    widths = {"feature": features, "speech": config.denoiser.speech_width}
    shapes: dict[str, tuple[int, ...]] = {
        f"{kind}_{what}": (width,) for kind, width in widths.items() for what in ("mean", "std")
    }
    return shapes | {"feature_basis": (features, config.denoiser.features)} if config.projected_from else shapes


def _read(path: Path, shapes: Shapes) -> Tensors:
    """The tensors of a file as float32, which must be exactly those of `shapes` and finite."""
    tensors = {_current_name(name): value for name, value in read_tensors(path).items()}
    check_tensors(path, tensors, shapes, f"does not fit its {MODEL_CONFIG}", "download it again")
    return {name: value.astype(np.float32) for name, value in tensors.items()}


def _current_name(name: str) -> str:
    """The name that a tensor of an earlier version has now."""
    for old, new in _RENAMED_TENSORS.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
