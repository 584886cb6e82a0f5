# SPDX-License-Identifier: GPL-3.0-or-later
"""A model as a folder: weights.safetensors, normalizer.safetensors, config.json and card.md."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors import torch as _safetensors
from torch import Tensor

from ..assets import DEFAULT_ENCODER, MODEL_CONFIG, MODEL_NORMALIZER, MODEL_WEIGHTS, MODELS
from ..errors import InputError
from ..files import write_whole
from ..motion.clip import CORE_FPS
from ..motion.features import Normalizer
from .denoiser import Denoiser, DenoiserConfig
from .prompt_classifier import PromptClassifier
from .representation import Layout, Representation, make_representation

_files: Any = _safetensors  # says nothing of its types
_Config = TypeVar("_Config", "ModelConfig", DenoiserConfig)
TensorLayout = Mapping[str, tuple[int, ...]]
"""Name -> shape of everything that a checkpoint holds."""

_CLASSIFIER = "classifier."  # prefix of its tensors' names, beside the denoiser's
_RENAMED_TENSORS = {"aligner.": _CLASSIFIER}  # in files of earlier versions
_RENAMED_KEYS = {"licence": "license"}  # likewise, in config.json
CARD = "card.md"


@dataclass(frozen=True)
class ModelConfig:
    """What a model needs beside its weights; `config.json` holds exactly these keys.

    Attributes:
        denoiser: the shape of the network.
        speech_blocks: names of the speech features, in order (`core.conditions.speech`).
        text_encoder: folder, hub name or short name of the encoder that the model was trained with.
        features: how the numbers describe motion (`core.model.representation`).
        projected_from: features in a frame where the network works with components of them (`Normalizer.basis`); 0
            where it takes them all.
        fps: frame rate of the features.
        window: frames of the longest stretch that the network was trained on.
        trained_steps: optimizer steps behind it.
        held_out_clips: recordings that were kept from it for evaluation.
        schedule: the noise schedule.
        noise_steps: T.
        sampler, steps, double_take: what works best with these weights.
        guidance_above, speech_guidance: likewise; see `core.sampling.guidance.GuidanceInterval`.
        captions, styles: action and style of each caption that the prompt classifier knows, if there is one.
        license: SPDX identifier of the weights' license.
    """

    denoiser: DenoiserConfig
    speech_blocks: tuple[str, ...]
    text_encoder: str = DEFAULT_ENCODER
    features: Layout = "smplx-659"
    projected_from: int = 0
    fps: float = CORE_FPS
    window: int = 120
    trained_steps: int = 0
    held_out_clips: int = 0
    schedule: Literal["cosine"] = "cosine"
    noise_steps: int = 1000
    sampler: str = "dpm"
    steps: int = 20
    double_take: Literal["corrected", "legacy"] = "corrected"
    guidance_above: int = 0
    speech_guidance: float = 1.0
    captions: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    license: str = ""


@dataclass(frozen=True)
class Model:
    """A network ready to run (float32, eval mode), with all that its inputs and outputs mean.

    Attributes:
        denoiser: the network.
        config: its config.json.
        normalizer: of motion features.
        speech_normalizer: of speech features.
        card: the model card, Markdown.
        classifier: reads prompts as captions of training; None where the denoiser takes sentence vectors.
    """

    denoiser: Denoiser
    config: ModelConfig
    normalizer: Normalizer
    speech_normalizer: Normalizer
    card: str = field(default="", repr=False)
    classifier: PromptClassifier | None = None

    @property
    def representation(self) -> Representation:
        """How its numbers describe motion."""
        return make_representation(self.config.features, self.normalizer, self.config.fps)


def save_model(folder: str | Path, model: Model, dtype: torch.dtype = torch.float16) -> None:
    """Write a model folder.

    Args:
        folder: created if it does not exist; a file that is there is replaced whole or not at all.
        model: the model.
        dtype: of the weights.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        key: value.detach().to("cpu", dtype) for key, value in _tensors(model.denoiser, model.classifier).items()
    }
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
    """Load a model folder.

    Args:
        name_or_path: name of a folder within `search`, or path of a model folder.
        search: where named models lie.

    Raises:
        InputError: there is no such folder, or a file in it is missing, damaged or does not fit the others.
    """
    folder = next(
        (path for path in (search / name_or_path, Path(name_or_path)) if (path / MODEL_CONFIG).is_file()), None
    )
    if folder is None:
        known = sorted(path.parent.name for path in search.glob(f"*/{MODEL_CONFIG}"))
        raise InputError(f"There is no model {str(name_or_path)!r}; choose from {', '.join(known) or 'none'}.")
    config = _read_config(folder / MODEL_CONFIG)
    denoiser = Denoiser(config.denoiser)
    classifier = (
        PromptClassifier(config.denoiser.text_width, config.captions, config.styles) if config.captions else None
    )
    features = config.projected_from or config.denoiser.features
    widths: dict[str, tuple[int, ...]] = {"feature": (features,), "speech": (config.denoiser.speech_width,)}
    statistics_shapes = {f"{kind}_{what}": shape for kind, shape in widths.items() for what in ("mean", "std")}
    if config.projected_from:
        statistics_shapes["feature_basis"] = (features, config.denoiser.features)
    statistics = _load_tensors(folder / MODEL_NORMALIZER, statistics_shapes)
    weights = _load_tensors(
        folder / MODEL_WEIGHTS, {key: tuple(value.shape) for key, value in _tensors(denoiser, classifier).items()}
    )
    if classifier is not None:
        own = [key for key in weights if key.startswith(_CLASSIFIER)]
        classifier.load_state_dict({key.removeprefix(_CLASSIFIER): weights.pop(key) for key in own})
        classifier.eval().requires_grad_(False)
    denoiser.load_state_dict(weights)
    arrays = {key: np.asarray(value, np.float64) for key, value in statistics.items()}
    card = folder / CARD
    return Model(
        denoiser.eval().requires_grad_(False),
        config,
        Normalizer(arrays["feature_mean"], arrays["feature_std"], arrays.get("feature_basis")),
        Normalizer(arrays["speech_mean"], arrays["speech_std"]),
        card.read_text(encoding="utf-8") if card.is_file() else "",
        classifier,
    )


def _tensors(denoiser: Denoiser, classifier: PromptClassifier | None) -> dict[str, Tensor]:
    """What the weights' file holds."""
    own = classifier.state_dict() if classifier is not None else {}
    return denoiser.state_dict() | {_CLASSIFIER + key: value for key, value in own.items()}


def _save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    # as bytes: a file that safetensors writes can be read by its owner alone
    write_whole(path, _files.save({key: value.contiguous() for key, value in tensors.items()}))


def check_tensors(
    path: Path, tensors: Mapping[str, Tensor], layout: TensorLayout, wrong: str, again: str, within: str = "it"
) -> None:
    """Raise InputError unless the tensors are exactly those of `layout`, and finite.

    wrong: what the file is or does where they are others; again: how to get it anew; within: what of it they are.
    """
    odd = sorted(tensors.keys() ^ layout.keys())
    if odd:
        what = "has no" if odd[0] in layout else "has an unknown"
        raise InputError(f"{path} {wrong}: {within} {what} tensor {odd[0]!r}.")
    for name, shape in layout.items():
        found = tuple(tensors[name].shape)
        if found != shape:
            raise InputError(f"{path} {wrong}: {name!r} has the shape {found} instead of {shape}.")
        if not tensors[name].isfinite().all():
            raise InputError(f"{path} is damaged: {name!r} contains values that are not finite; {again}.")


def _load_tensors(path: Path, shapes: TensorLayout) -> dict[str, Tensor]:
    """The tensors of a file as float32, which must be exactly those of `shapes` and finite."""
    try:
        tensors: dict[str, Tensor] = {_current_name(key): value for key, value in _files.load_file(path).items()}
    except FileNotFoundError:
        raise InputError(f"{path} is missing; copy or download the whole model folder again.") from None
    except (SafetensorError, OSError):
        raise InputError(f"{path} is incomplete or damaged; copy or download it again.") from None
    check_tensors(path, tensors, shapes, f"does not fit its {MODEL_CONFIG}", "download it again")
    return {key: value.float() for key, value in tensors.items()}


def _current_name(name: str) -> str:
    """The name that a tensor of a file has in this version."""
    for old, new in _RENAMED_TENSORS.items():
        if name.startswith(old):
            name = new + PromptClassifier.current_name(name.removeprefix(old))
    return name


def _read_config(path: Path) -> ModelConfig:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{path} is not valid JSON; copy or download the model folder again.") from None
    if isinstance(content, dict):
        content = {_RENAMED_KEYS.get(key, key): value for key, value in cast(dict[str, Any], content).items()}
    config = _from_json(ModelConfig, content, path, "")
    if len(config.captions) != len(config.styles):
        raise InputError(
            f"{path} does not give a style for each caption; the model needs another version of the program."
        )
    denoiser = config.denoiser
    sizes = [denoiser.features, denoiser.speech_width, denoiser.width, denoiser.layers, denoiser.text_width + 1]
    if min(*sizes, denoiser.heads, denoiser.feedforward, config.noise_steps, config.steps, config.window) < 1:
        raise InputError(f"{path} contains a size below 1; every size and count must be positive.")
    if denoiser.width % (2 * denoiser.heads):
        raise InputError(f"{path}: the width {denoiser.width} cannot be divided among {denoiser.heads} heads.")
    return config


def _from_json(kind: type[_Config], values: Any, path: Path, where: str) -> _Config:
    """A config dataclass from its JSON object; every key must be known and of its type."""
    if not isinstance(values, dict):
        raise InputError(f"{path}: {where or 'the file'} must be a JSON object.")
    content = cast(dict[str, Any], values)
    hints = get_type_hints(kind)
    for key in sorted(content.keys() - hints.keys()):
        raise InputError(f"{path} has the unknown key {where + key!r}; the model needs another version of the program.")
    needed = {entry.name for entry in fields(kind) if entry.default is MISSING}
    for key in sorted(needed - content.keys()):
        raise InputError(f"{path} has no key {where + key!r}; copy or download the model folder again.")
    return kind(**{key: _from_json_value(hints[key], value, path, where + key) for key, value in content.items()})


def _from_json_value(kind: Any, value: Any, path: Path, where: str) -> Any:
    if is_dataclass(kind):
        return _from_json(cast(type[DenoiserConfig], kind), value, path, where + ".")
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_from_json_value(str, entry, path, where) for entry in cast(list[Any], value))
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is float and type(value) in {int, float}:
        return float(value)
    if kind in (bool, int, str) and type(value) is kind:
        return value
    raise InputError(f"{path}: {where!r} cannot be {value!r}; the model needs another version of the program.")
