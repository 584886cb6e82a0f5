# SPDX-License-Identifier: GPL-3.0-or-later
"""The names and shapes of a network's tensors, from its configuration alone, and the check that a file has them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .classifier_config import HIDDEN, LAYER, PROTOTYPES
from .config import DenoiserConfig

Shapes = Mapping[str, tuple[int, ...]]
"""Name -> shape of everything that a checkpoint holds."""


def denoiser_shapes(config: DenoiserConfig) -> dict[str, tuple[int, ...]]:
    """The tensors of a denoiser."""
    width, features = config.width, config.features
    shapes = _linear("time_in.0", width, width) | _linear("time_in.2", width, width)
    shapes |= _linear("speech_in", config.speech_width, width) | _linear("motion_in", features, width)
    shapes |= _linear("motion_out", width, features)
    if config.text_width:
        shapes |= _linear("text_in", config.text_width, width)
    if config.conditioning != "frames":
        shapes |= _linear("joint", 2 * width, width)
    for k in range(config.layers):
        shapes |= _block(config, f"blocks.{k}.")
    if config.norm_first:
        shapes |= _norm("norm_out", width)
    if config.skip:
        shapes |= _linear("input_share", width, features)
    if config.answer_filter:
        shapes["answer_filter.kernel"] = (features, 1, config.answer_filter)
    if config.absence == "learned":
        shapes["absent_speech"] = (width,)
        if config.text_width:
            shapes["absent_text"] = (width,)
    return shapes


def classifier_shapes(text_width: int, actions: Sequence[str], styles: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The tensors of a prompt classifier; actions, styles: of each caption of training (C,), "" for no style."""
    distinct = len(set(actions))
    outputs = distinct + len({"", *styles}) + len(actions)
    shapes = _linear("gist.0", text_width, HIDDEN) | _linear("gist.3", HIDDEN, outputs)
    shapes |= _linear("token_in", text_width, LAYER.width)
    for k in range(LAYER.layers):
        shapes |= _block(LAYER, f"layers.{k}.")
    shapes |= _norm("words.0", 2 * LAYER.width) | _linear("words.2", 2 * LAYER.width, outputs)
    return shapes | {"captions": (len(actions), text_width), "prototypes": (distinct, PROTOTYPES, text_width)}


def check_tensors(
    path: Path, tensors: Mapping[str, NDArray[np.generic]], shapes: Shapes, wrong: str, again: str, within: str = "it"
) -> None:
    """Check that tensors have exactly the names and shapes of a layout and are finite.

    Args:
        path: the file, for error messages.
        tensors: its tensors.
        shapes: those it must have.
        wrong: what the file is or does where it has others.
        again: how to get it anew.
        within: what of it the tensors are.

    Raises:
        InputError: they do not; one sentence that names the file.
    """
    odd = sorted(tensors.keys() ^ shapes.keys())
    if odd:
        what = "has no" if odd[0] in shapes else "has an unknown"
        raise InputError(f"{path} {wrong}: {within} {what} tensor {odd[0]!r}.")
    for name, shape in shapes.items():
        found = tensors[name].shape
        if found != shape:
            raise InputError(f"{path} {wrong}: {name!r} has the shape {found} instead of {shape}.")
        if not np.isfinite(tensors[name]).all():
            raise InputError(f"{path} is damaged: {name!r} contains values that are not finite; {again}.")


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _block(config: DenoiserConfig, prefix: str) -> dict[str, tuple[int, ...]]:
    """A transformer layer."""
    width, hidden = config.width, config.feedforward
    shapes = _linear(f"{prefix}attention_in", width, 3 * width) | _linear(f"{prefix}attention_out", width, width)
    shapes |= _linear(f"{prefix}feedforward_in", width, hidden) | _linear(f"{prefix}feedforward_out", hidden, width)
    shapes |= _norm(f"{prefix}attention_norm", width) | _norm(f"{prefix}feedforward_norm", width)
    return shapes if config.conditioning == "token" else shapes | _linear(f"{prefix}modulation", width, 6 * width)
