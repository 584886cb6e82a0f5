# SPDX-License-Identifier: GPL-3.0-or-later
"""The text conditioning of a training: the prompt classifier, and what it makes of the clips' sentences."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..conditions.text import encode_tokens
from ..console import Progress
from ..files import replacing
from ..model.prompt_classifier import PromptClassifier
from .clip_set import ClipSet, Floats
from .prompt_training import fit_classifier, restyle
from .recipes import Recipe
from .training_state import classifier_of

_FILE = "conditioning.npy"
_OLD_FILE = "told.npy"  # its name in earlier versions
_AT_ONCE = 4096  # sentences that are encoded or classified together


def set_conditioning(
    clips: ClipSet, recipe: Recipe, state: Mapping[str, Any], folder: Path, write: bool
) -> PromptClassifier | None:
    """Choose the text conditioning of the batches: the classifier's output, or the sentence vectors without one.

    Args:
        clips: Gets the conditioning.
        recipe: Says for how many steps to train a classifier; 0 for none.
        state: A saved training state, whose classifier is used; empty at the beginning of a training.
        folder: Keeps the classifier's output, for when the training continues.
        write: Whether this process writes it.

    Returns:
        The classifier; None if the recipe has none, or the clips have captions of their own.
    """
    classifier = classifier_of(state, clips)
    captions = clips.captions() if recipe.classifier_steps and not state else []
    if classifier is None and not captions:
        clips.set_conditioning()
        return None
    forms, rows = clips.canonical_sentences()
    texts = _read(folder) if classifier is not None else None
    if classifier is None or texts is None or len(texts) != len(forms):
        in_forms = [(action, style, rows[list(sentences)]) for action, style, sentences in captions]
        more = restyle(forms, in_forms, recipe.seed) if classifier is None else []
        tokens = _encode([*forms, *(one.text for one in more)], clips.encoder)
        if classifier is None:
            classifier = fit_classifier(tokens, in_forms, recipe.seed, recipe.classifier_steps, more)
        parts = np.array_split(tokens[: len(forms)], len(forms) // _AT_ONCE + 1)
        texts = np.concatenate([classifier(torch.from_numpy(part).float()).numpy() for part in parts])
        if write:
            with replacing(folder / _FILE) as temporary, temporary.open("wb") as file:
                np.save(file, texts)
    clips.set_conditioning(texts, rows)
    return classifier


def _read(folder: Path) -> Floats | None:
    path = next((folder / name for name in (_FILE, _OLD_FILE) if (folder / name).is_file()), None)
    return None if path is None else np.load(path)


def _encode(sentences: Sequence[str], encoder: str) -> npt.NDArray[np.float16]:
    """Return the tokens (P, L, text width) of many sentences, zeros behind the last one of each."""
    parts: list[npt.NDArray[np.float16]] = []
    progress = Progress("Encoding sentences")
    for at in range(0, len(sentences), _AT_ONCE):
        parts.append(encode_tokens(sentences[at : at + _AT_ONCE], encoder).astype(np.float16))
        progress(min(at + _AT_ONCE, len(sentences)), len(sentences))
    longest = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, longest - part.shape[1]), (0, 0))) for part in parts])
