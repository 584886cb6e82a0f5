# SPDX-License-Identifier: GPL-3.0-or-later
"""The default text encoder, all-MiniLM-L6-v2 (Wang et al. 2020), in numpy: a BERT network and its tokenizer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..networks.layers import Floats, LayerNorm, Linear, Tensors, attention, gelu
from ..networks.tensors import read_tensors
from .wordpiece import WordPiece

_LONGEST = 256  # tokens; sentence-transformers' limit
_BATCH = 64  # prompts


class MiniLM:
    """Encodes the tokens of prompts.

    Attributes:
        width: D, of a token.
    """

    def __init__(self, folder: Path) -> None:
        """Load config.json, vocab.txt and model.safetensors.

        Raises:
            InputError: a file is missing or damaged, or of another kind of network.
        """
        try:
            config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
            tensors = {
                name: value.astype(np.float32) for name, value in read_tensors(folder / "model.safetensors").items()
            }
            self.width, self._heads = int(config["hidden_size"]), int(config["num_attention_heads"])
            self._epsilon, self._tokenize = float(config["layer_norm_eps"]), WordPiece(vocabulary)
            self._words = tensors["embeddings.word_embeddings.weight"]
            types = tensors["embeddings.token_type_embeddings.weight"]
            self._positions = tensors["embeddings.position_embeddings.weight"] + types[0]
            self._norm = LayerNorm.of(tensors, "embeddings.LayerNorm")
            self._layers = [_Layer(tensors, f"encoder.layer.{k}.") for k in range(int(config["num_hidden_layers"]))]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"The text encoder in '{folder}' cannot be read; install the add-on again.") from error

    def tokens(self, prompts: Sequence[str]) -> Floats:
        """The last layer's states of prompts.

        Args:
            prompts: n of them; what exceeds 256 tokens is cut off.

        Returns:
            (n, L, D) with L the largest number of tokens, zero after the last token of each prompt.
        """
        rows = [self._tokenize(prompt, min(_LONGEST, len(self._positions))) for prompt in prompts]
        states = np.zeros((len(rows), max(map(len, rows), default=1), self.width), np.float32)
        order = sorted(range(len(rows)), key=lambda k: len(rows[k]))
        for some in (order[at : at + _BATCH] for at in range(0, len(order), _BATCH)):
            part = self._states([rows[k] for k in some])
            states[some, : part.shape[1]] = part
        return states

    def __call__(self, prompts: Sequence[str]) -> Floats:
        """Sentence vectors of prompts: the mean of their tokens' states, (n, D) of length 1."""
        total = self.tokens(prompts).sum(1)
        return total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-12)

    def _states(self, rows: Sequence[list[int]]) -> Floats:
        """The states of prompts of token ids, (n, L, D)."""
        length = max(map(len, rows))
        present = np.array([[k < len(row) for k in range(length)] for row in rows], bool)
        ids = np.array([row + [0] * (length - len(row)) for row in rows], int)
        x = self._norm(self._words[ids] + self._positions[:length], self._epsilon)
        for layer in self._layers:
            x = layer(x, self._heads, present, self._epsilon)
        return x * present[..., None]


class _Layer:
    """A post-norm transformer layer of BERT."""

    def __init__(self, tensors: Tensors, prefix: str) -> None:
        parts = [Linear.of(tensors, f"{prefix}attention.self.{name}") for name in ("query", "key", "value")]
        self._attention_in = Linear(
            np.concatenate([part.weight for part in parts], axis=1), np.concatenate([part.bias for part in parts])
        )
        self._attention_out = Linear.of(tensors, f"{prefix}attention.output.dense")
        self._attention_norm = LayerNorm.of(tensors, f"{prefix}attention.output.LayerNorm")
        self._feedforward_in = Linear.of(tensors, f"{prefix}intermediate.dense")
        self._feedforward_out = Linear.of(tensors, f"{prefix}output.dense")
        self._feedforward_norm = LayerNorm.of(tensors, f"{prefix}output.LayerNorm")

    def __call__(self, x: Floats, heads: int, present: "np.ndarray[Any, np.dtype[np.bool_]]", epsilon: float) -> Floats:
        mixed = attention(x, self._attention_in, self._attention_out, heads, present[:, None, None, :])
        x = self._attention_norm(x + mixed, epsilon)
        return self._feedforward_norm(x + self._feedforward_out(gelu(self._feedforward_in(x))), epsilon)
