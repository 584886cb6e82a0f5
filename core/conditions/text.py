# SPDX-License-Identifier: GPL-3.0-or-later
"""Encode prompts as vectors: MiniLM in numpy, CLIP or any other text encoder by transformers (method section 2)."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..assets import DEFAULT_ENCODER
from ..errors import InputError
from .encoder_files import find_encoder
from .minilm import MiniLM

Floats = NDArray[np.float32]


class Encoder(Protocol):
    """Converts prompts to vectors.

    Attributes:
        width: D, the length of a vector.
    """

    @property
    def width(self) -> int: ...
    def __call__(self, prompts: Sequence[str]) -> Floats: ...
    def tokens(self, prompts: Sequence[str]) -> Floats: ...


def encode_texts(prompts: Sequence[str], encoder: str = DEFAULT_ENCODER) -> Floats:
    """Encode prompts as sentence vectors (n, D), with a cached encoder.

    Raises:
        InputError: a prompt is blank, or there is no such encoder.
    """
    _check(prompts)
    return load_text_encoder(encoder)(prompts)


def encode_tokens(prompts: Sequence[str], encoder: str = DEFAULT_ENCODER) -> Floats:
    """Encode the tokens of prompts as vectors (n, L, D), zero after the last of each, with a cached encoder.

    Raises:
        InputError: a prompt is blank, or there is no such encoder.
    """
    _check(prompts)
    return load_text_encoder(encoder).tokens(prompts)


@lru_cache(maxsize=2)
def load_text_encoder(encoder: str = DEFAULT_ENCODER) -> Encoder:
    """Load an encoder, or return it from the cache.

    Args:
        encoder: the default's name, which needs neither torch nor a network connection; a folder, or a hub name.

    Raises:
        InputError: there is no such encoder, or its files cannot be read.
    """
    if encoder == DEFAULT_ENCODER:
        return MiniLM(Path(find_encoder(encoder)))
    from .hub_text import TextEncoder

    return TextEncoder(encoder)


def _check(prompts: Sequence[str]) -> None:
    if any(not prompt.strip() for prompt in prompts):
        raise InputError("A prompt is empty; describe what the character does, or remove the text strip.")
