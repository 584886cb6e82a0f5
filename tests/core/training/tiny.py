# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny network, a short recipe, and a stand-in for the sentence encoder."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.model.denoiser import DenoiserConfig
from core.training import card
from core.training.components import component_weights
from core.training.recipes import Recipe

CONFIG = DenoiserConfig(
    features=len(component_weights()),
    text_width=6,
    speech_width=5,
    width=16,
    layers=1,
    heads=2,
    feedforward=16,
    norm_first=True,
    absence="learned",
)


def encode_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each sentence two tokens, and a vector, that hold its length."""

    def vectors(words: Sequence[str], _: str) -> np.ndarray:
        return np.stack([np.full(6, len(word), np.float32) for word in words])

    def tokens(words: Sequence[str], encoder: str) -> np.ndarray:
        return vectors(words, encoder)[:, None].repeat(2, 1)

    monkeypatch.setattr("core.training.packing.encode_texts", vectors)
    monkeypatch.setattr("core.training.prompt_conditioning.encode_tokens", tokens)
    monkeypatch.setattr(card, "encode_tokens", tokens)


def recipe(steps: int) -> Recipe:
    """A recipe of so many steps."""
    return Recipe(steps=steps, batch=4, warmup=2, save_seconds=1e9, classifier_steps=5)
