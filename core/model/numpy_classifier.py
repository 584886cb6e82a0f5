# SPDX-License-Identifier: GPL-3.0-or-later
"""The prompt classifier in numpy: the network of `prompt_classifier.PromptClassifier`, from the same weights."""

from collections.abc import Hashable, Sequence

import numpy as np

from ..networks.layers import Floats, LayerNorm, Linear, Tensors, gelu, normalized, softmax
from .classifier_config import LAYER, LEAST_LOGIT, LEAST_PROBABILITY, PROTOTYPE_WEIGHT, SHARPNESS
from .numpy_denoiser import NumpyBlock


class NumpyPromptClassifier:
    """Reads prompts as captions of training; see `PromptClassifier`, whose attributes it has."""

    def __init__(self, actions: Sequence[str], styles: Sequence[str], tensors: Tensors) -> None:
        """Args: actions, styles: of each caption of training (C,), "" for no style; tensors: of a state dict."""
        kinds = list(zip(actions, styles, strict=True))
        self.actions, self.styles = list(dict.fromkeys(actions)), list(dict.fromkeys(("", *styles)))
        self._sizes = np.cumsum([len(self.actions), len(self.styles)])
        self._gist = Linear.of(tensors, "gist.0"), Linear.of(tensors, "gist.3")
        self._token_in = Linear.of(tensors, "token_in")
        self._layers = [NumpyBlock(LAYER, tensors, f"layers.{k}.") for k in range(LAYER.layers)]
        self._words = LayerNorm.of(tensors, "words.0"), Linear.of(tensors, "words.2")
        self.captions, self.prototypes = tensors["captions"], tensors["prototypes"]
        self.of_action, self._of_style = _one_hot(actions, self.actions), _one_hot(styles, self.styles)
        self._of_kind = _one_hot(kinds, list(dict.fromkeys(kinds)))
        known = np.minimum(self.of_action.T @ self._of_style, 1)  # (A, S)
        spread = known / np.maximum(known.sum(1, keepdims=True), 1e-12)
        self._known = known
        self._fallback = np.where(known[:, :1] > 0, _one_hot([""], self.styles), spread)  # (A, S)

    def caption_probabilities(self, tokens: Floats) -> Floats:
        """How likely each caption is: tokens (n, L, text_width), zeros behind the last, -> (n, C), rows of sum 1."""
        vectors = _unit(tokens.sum(1))
        action_logits, style_logits, captions = self._logits(vectors, tokens)
        actions = softmax(action_logits + self._prototype_logits(vectors))
        styles = softmax(style_logits)
        captions = np.exp(np.maximum(captions - captions.max(-1, keepdims=True), np.float32(LEAST_LOGIT)))
        captions = captions / (captions @ self._of_kind @ self._of_kind.T)
        styled = styles[:, None] * self._known
        styled = styled + (1 - styled.sum(-1, keepdims=True)) * self._fallback  # (n, A, S) of each action's style
        of_style = np.einsum("nas,ca,cs->nc", styled, self.of_action, self._of_style, optimize=True)
        sharpened = np.maximum(of_style * captions, np.float32(LEAST_PROBABILITY)) ** np.float32(SHARPNESS)
        actions = actions ** np.float32(SHARPNESS)
        actions /= actions.sum(-1, keepdims=True)
        return sharpened * (actions / (sharpened @ self.of_action) @ self.of_action.T)

    def __call__(self, tokens: Floats) -> Floats:
        """What the denoiser is conditioned on: tokens (n, L, text_width) -> (n, text_width) of length 1."""
        return _unit(self.caption_probabilities(tokens) @ self.captions)

    def _logits(self, vectors: Floats, tokens: Floats) -> list[Floats]:
        """Of actions (n, A), styles (n, S) and captions (n, C)."""
        present = tokens.any(-1)  # (n, L)
        x = self._token_in(normalized(tokens))  # (n, L, W)
        for layer in self._layers:
            x = layer(x, present[:, None, None, :], x)
        there = present[..., None]
        mean = (x * there).sum(1) / there.sum(1)
        largest = np.where(there, x, -np.inf).max(1).astype(np.float32)
        (hidden, gist), (norm, words) = self._gist, self._words
        outputs = gist(gelu(hidden(vectors))) + words(norm(np.concatenate([mean, largest], axis=1)))
        return np.split(outputs, self._sizes, axis=-1)

    def _prototype_logits(self, vectors: Floats) -> Floats:
        """What the nearest prototype adds to each action, (n, D) -> (n, A); the mean of it for those without."""
        nearest = np.einsum("nd,akd->nak", vectors, self.prototypes, optimize=True).max(-1)
        has = self.prototypes.any(-1).any(-1)
        mean = (nearest * has).sum(-1, keepdims=True) / max(has.sum(), 1)
        return np.float32(PROTOTYPE_WEIGHT) * np.where(has, nearest, mean)


def _unit(x: Floats) -> Floats:
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def _one_hot(values: Sequence[Hashable], among: Sequence[Hashable]) -> Floats:
    place = {value: k for k, value in enumerate(among)}
    return np.eye(len(among), dtype=np.float32)[[place[value] for value in values]]
