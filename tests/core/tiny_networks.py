# SPDX-License-Identifier: GPL-3.0-or-later
"""Random networks in the layouts of CLIP and WavLM, small enough to be made in a test, and a stand-in for one."""

import json
from pathlib import Path

import numpy as np
import torch
import transformers


def make_clip(folder: Path, letters: str, width: int) -> str:
    """A CLIP text network that answers `width` numbers, and a tokenizer that knows words of those letters."""
    folder.mkdir(parents=True, exist_ok=True)
    known = sorted(set(letters))
    tokens = [*known, *(f"{letter}</w>" for letter in known), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    end = len(tokens) - 1
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}')
    (folder / "special_tokens_map.json").write_text(
        '{"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", '
        '"unk_token": "<|endoftext|>"}'
    )
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        projection_dim=width,
        bos_token_id=end - 1,
        eos_token_id=end,
        pad_token_id=end,
    )
    transformers.CLIPTextModelWithProjection(config).save_pretrained(folder)
    return str(folder)


def make_wavlm(folder: Path, width: int, large: bool = True) -> str:
    """A WavLM of one layer that answers `width` numbers, in the layout of Large or of the Base networks."""
    torch.manual_seed(0)
    config = transformers.WavLMConfig(
        hidden_size=width,
        num_hidden_layers=1,
        intermediate_size=16,
        num_attention_heads=4,
        conv_dim=[16] * 7,
        feat_extract_norm="layer" if large else "group",
        do_stable_layer_norm=large,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    transformers.WavLMModel(config).save_pretrained(folder)
    return str(folder)


def vectors(words, _=None):
    """A sentence vector (6,) that knows the last word alone."""
    rows = np.zeros((len(words), 6), np.float32)
    for row, word in zip(rows, words, strict=True):
        row[sum(map(ord, word.split(" ")[-1])) % 6] = 1
    return rows
