# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a model, and its config.json. Imports no torch."""

import json
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from ..assets import DEFAULT_ENCODER
from ..errors import InputError
from ..motion.clip import CORE_FPS
from .representation import Layout

_RENAMED_KEYS = {"licence": "license"}  # in files of earlier versions


@dataclass(frozen=True)
class DenoiserConfig:
    """Architecture of a `Denoiser`; the defaults are the paper's, except for MiniLM's text width.

    Attributes:
        features: width of a frame of motion.
        text_width: width of the text embedding; 0 for a network without text.
        speech_width: width of a frame of speech features.
        width: of the tokens.
        layers: number of transformer layers.
        heads: attention heads per layer.
        feedforward: width of the hidden layer of each feed-forward network.
        dropout: probability during training.
        norm_first: pre-norm layers and a final norm; the released network is post-norm.
        prediction: whether the output is the clean motion or the noise.
        absence: what represents an absent condition. "zero" feeds zeros through the condition's input layer, as in the
            released network; "learned" replaces the output of that layer with a trained vector.
        local_attention: apply `local_attention` to the speech before it is joined with the motion.
        conditioning: how text and time step reach the layers. "token", as in the released network: only by the first
            token. "every_layer": they also scale, shift and gate every layer (adaLN, Peebles & Xie 2023). "frames", as
            in DiffMotion-v2: there is no first token, and text, time step and each frame's speech modulate that frame
            in every layer, while the tokens contain motion only. Anything but "token" requires `norm_first`.
        causal: let frames attend only to themselves and earlier ones.
        skip: add the noisy input to the output, with a weight for each feature that is predicted from text and time
            step (Karras et al. 2022 use a formula).
        answer_filter: number of taps, odd, of a trained `TemporalFilter` of the output that removes frame-to-frame
            noise; 0 for none.

    Raises:
        InputError: the combination is not supported.
    """

    features: int = 659
    text_width: int = 384
    speech_width: int = 109
    width: int = 256
    layers: int = 8
    heads: int = 4
    feedforward: int = 1024
    dropout: float = 0.1
    norm_first: bool = False
    prediction: Literal["x0", "noise"] = "x0"
    absence: Literal["zero", "learned"] = "zero"
    local_attention: bool = False
    conditioning: Literal["token", "every_layer", "frames"] = "token"
    causal: bool = False
    skip: bool = False
    answer_filter: int = 0

    def __post_init__(self) -> None:
        if self.answer_filter and self.answer_filter % 2 == 0:
            raise InputError(f"The output filter must span an odd number of frames, not {self.answer_filter}.")
        if self.conditioning != "token" and not self.norm_first:
            raise InputError("Conditioning every layer requires a pre-norm network.")
        if not self.text_width and self.conditioning != "frames":
            raise InputError("A network without text requires the conditioning 'frames'.")


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


_Config = TypeVar("_Config", "ModelConfig", DenoiserConfig)


def read_config(path: Path) -> ModelConfig:
    """Read a config.json.

    Raises:
        InputError: it cannot be read, or is of another version.
    """
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
