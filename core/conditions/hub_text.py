# SPDX-License-Identifier: GPL-3.0-or-later
"""Text encoders of the transformers library, such as CLIP and BERT, and the export of the default one."""

# transformers carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor

from ..assets import DEFAULT_ENCODER
from ..errors import InputError
from . import hub
from .encoder_files import find_encoder

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_MEAN_TOKENS = 256  # sentence-transformers' limit for all-MiniLM-L6-v2
_CLIP_TOKENS = 22  # start, 20 tokens and end (FreeTalker section 3.1)
_BATCH = 64  # prompts


class TextEncoder:
    """A text network with its tokenizer, which converts prompts to vectors.

    The sentence vector depends on `model_type` in the network's config.json:

    - CLIP: the projected end-of-text token, not normalized, with prompts truncated to 20 tokens (FreeTalker section
      3.1).
    - Others, such as BERT or MiniLM: the mean of the token states, normalized to length 1, with prompts truncated to
      256 tokens (the sentence-transformers convention).

    Prompts may be in any language that the network supports.

    Attributes:
        name: the folder or hub name that it was loaded by.
    """

    def __init__(self, encoder: str = DEFAULT_ENCODER) -> None:
        """Load a text encoder.

        Args:
            encoder: a folder, a hub name, or the default "all-MiniLM-L6-v2", which needs no network connection.

        Raises:
            InputError: there is no such encoder, or its files cannot be read.
        """
        self.name = encoder
        source = find_encoder(encoder)
        transformers.utils.logging.disable_progress_bar()
        try:
            config, self._tokenizer, self._network = hub.load(source, lambda local: _load(source, local))
        except Exception as error:  # transformers raises many kinds of errors
            raise InputError(
                f"The text encoder '{encoder}' cannot be loaded; give a folder with config.json, tokenizer and "
                "safetensors weights, or the name of a reachable hub model."
            ) from error
        self._is_clip = _is_clip(config)
        limit = _CLIP_TOKENS if self._is_clip else _MEAN_TOKENS
        positions = getattr(config, "text_config", config).max_position_embeddings
        self._tokens = min(limit, positions)

    @property
    def width(self) -> int:
        """Length D of a sentence vector."""
        config = self._network.config
        return config.projection_dim if self._is_clip else config.hidden_size

    @torch.inference_mode()
    def __call__(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Encode prompts as sentence vectors.

        Returns:
            (n, D) float32.

        Raises:
            InputError: a prompt is blank.
        """
        vectors = np.zeros((len(prompts), self.width), np.float32)
        for rows, tokens in self._encoded(prompts):
            mean = tokens.sum(1)  # normalized below, so a sum will do
            vectors[rows] = (mean if self._is_clip else torch.nn.functional.normalize(mean, dim=-1)).numpy()
        return vectors

    @torch.inference_mode()
    def tokens(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Encode the tokens of prompts.

        Returns:
            (n, L, D) float32 with L the largest number of tokens, zero after the last token of each prompt. For CLIP,
            L = 1 and the token is the sentence vector.

        Raises:
            InputError: a prompt is blank.
        """
        parts = list(self._encoded(prompts))
        longest = max((tokens.shape[1] for _, tokens in parts), default=1)
        vectors = np.zeros((len(prompts), longest, self.width), np.float32)
        for rows, tokens in parts:
            vectors[rows, : tokens.shape[1]] = tokens.numpy()
        return vectors

    def _encoded(self, prompts: Sequence[str]) -> Iterator[tuple[list[int], Tensor]]:
        """Yield batches of prompts of similar length: their indices, and their masked token states (n, L, D)."""
        for prompt in prompts:
            if not prompt.strip():
                raise InputError("A prompt is empty; describe what the character does, or remove the text strip.")
        order = sorted(range(len(prompts)), key=lambda k: len(prompts[k]))
        for rows in (order[at : at + _BATCH] for at in range(0, len(order), _BATCH)):
            batch = self._tokenizer(
                [prompts[k] for k in rows], padding=True, truncation=True, max_length=self._tokens, return_tensors="pt"
            )
            mask = batch["attention_mask"]  # (n, L)
            if self._is_clip:
                states = self._network(input_ids=batch["input_ids"], attention_mask=mask).text_embeds[:, None]
            else:
                states = self._network(**batch).last_hidden_state * mask[..., None]
            yield rows, states


def export_encoder(folder: Path | str) -> Path:
    """Write the default encoder with float16 weights to a folder, to be packaged with the add-on.

    Returns:
        The folder, which `TextEncoder` can load; it finds `core.assets.TEXT_ENCODER` by itself.
    """
    source, folder = Path(find_encoder(DEFAULT_ENCODER)), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    network: Any = transformers.AutoModel.from_pretrained(source, dtype=torch.float16, local_files_only=True)
    network.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # readable by the owner only before
    for name in _TOKENIZER_FILES:
        if (source / name).is_file() and source != folder:
            shutil.copyfile(source / name, folder / name)
    return folder


def _load(source: str, local: bool) -> tuple[Any, Any, Any]:
    """Load configuration, tokenizer and network of a folder or hub name."""
    config = transformers.AutoConfig.from_pretrained(source, local_files_only=local)
    network_class = transformers.CLIPTextModelWithProjection if _is_clip(config) else transformers.AutoModel
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=local)
    network = network_class.from_pretrained(source, dtype=torch.float32, local_files_only=local)
    return config, tokenizer, network.eval()


def _is_clip(config: Any) -> bool:
    return config.model_type in {"clip", "clip_text_model"}
