# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips as a recipe sees them: with components or all features, all speech blocks or one, its window."""

# pyright: reportUnknownMemberType=false

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..conditions.speech import features_width
from ..errors import InputError
from ..model.checkpoint import Model
from ..motion.features import Normalizer
from .clip_set import ClipSet
from .recipes import Recipe

_LEAST_STD = 1e-3  # of a feature that hardly varies


def open_clips(folder: Path, recipe: Recipe, start: Model | None) -> ClipSet:
    """Open packed clips for a recipe.

    Args:
        folder: The folder that `prepare` wrote.
        recipe: The recipe.
        start: A model whose training continues, whose normalizers are used; None to fit them to the clips.

    Raises:
        InputError: The clips have no speech, or not the block that the recipe needs.
    """
    clips = _open(folder, recipe, start)
    clips.set_window(recipe.window, text=recipe.speech_share < 1)
    return clips


def _open(folder: Path, recipe: Recipe, start: Model | None) -> ClipSet:
    if recipe.speech_block:
        return _OneBlock(folder, recipe.speech_block, start)
    if start is not None:
        return ClipSet(folder, (start.normalizer, start.speech_normalizer))
    if recipe.components:
        return ClipSet(folder)
    return ClipSet(folder, _plain_normalizers(folder))


class _OneBlock(ClipSet):
    """Clips with one block of their speech features only."""

    def __init__(self, folder: Path, block: str, start: Model | None) -> None:
        """Open the clips.

        Args:
            folder: The folder that `prepare` wrote.
            block: The block, without what follows "=" in its name.
            start: As in `open_clips`.

        Raises:
            InputError: The clips have no speech, or not exactly one such block.
        """
        super().__init__(folder, _plain_normalizers(folder))
        names = [name for name in self.speech_blocks if name.partition("=")[0] == block]
        if len(names) != 1 or not len(self.speech):
            raise InputError(
                f"The clips in {folder} must contain speech with one block {block!r}, but they have the blocks "
                f"{', '.join(self.speech_blocks) or 'none'} and {len(self.speech)} frames of speech."
            )
        first = features_width(self.speech_blocks[: self.speech_blocks.index(names[0])])
        columns = slice(first, first + features_width(names))
        self.speech_blocks, self.speech = tuple(names), self.speech[:, columns]
        whole = self.speech_normalizer
        self.speech_normalizer = Normalizer(whole.mean[columns], whole.std[columns])
        if start is not None:
            self.normalizer, self.speech_normalizer = start.normalizer, start.speech_normalizer
            self._rows = self.normalizer.normalize(self.features).astype(np.float32)
        self._speech = self.speech_normalizer.normalize(self.speech).astype(np.float32)


def _plain_normalizers(folder: Path) -> tuple[Normalizer, Normalizer]:
    """Return normalizers of the features and the speech in a folder, each column by itself."""
    features, speech = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "speech"))
    return _plain_normalizer(features), _plain_normalizer(speech)


def _plain_normalizer(rows: npt.NDArray[np.float32]) -> Normalizer:
    """Return mean and standard deviation of rows (N, D), computed in parts; 0 and 1 without any rows."""
    if not len(rows):
        return Normalizer(np.zeros(rows.shape[1]), np.ones(rows.shape[1]))
    parts = np.array_split(rows, len(rows) // 100_000 + 1)
    mean = np.sum([part.sum(0, dtype=np.float64) for part in parts], axis=0) / len(rows)
    variance = np.sum([np.square(part - mean).sum(0) for part in parts], axis=0) / len(rows)
    return Normalizer(mean, np.maximum(np.sqrt(variance), _LEAST_STD))
