# SPDX-License-Identifier: GPL-3.0-or-later
"""The packed clips as an evaluation reads them: rows on demand, no statistics, no batches."""

# pyright: reportUnknownMemberType=false

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..conditions.speech import BLOCK_WIDTHS
from ..errors import InputError
from ..motion.features import POSITIONS
from ..motion.rotation import Array
from ..training.clip import Clip
from ..training.clips_file import find_clips_file, parse_header

Floats = npt.NDArray[np.float32]

VOICE_BLOCKS = ("prosody", "onset")
"""The speech blocks that metrics read: energy, its change, pitch, its change, and onsets."""
BODY_JOINTS = 21
BODY_FEATURES = 4 + 3 * BODY_JOINTS
"""Number of features that the evaluator networks see: root velocity and height, and positions of the body's joints."""


@dataclass(frozen=True)
class Library:
    """A folder that `core prepare` wrote.

    Attributes:
        encoder: Name or folder of the sentence encoder.
        speech_blocks: Names of the blocks of speech features, in order.
        words: The sentence of each row of `sentences`.
        clips: All clips.
        features: (frames, 659) on disk.
        speech: (speech frames, D) on disk.
        sentences: (S, text width) sentence vectors on disk.
        fingerprint: Checksum of clips.json.
    """

    encoder: str
    speech_blocks: tuple[str, ...]
    words: list[str]
    clips: list[Clip]
    features: Floats
    speech: Floats
    sentences: Floats
    fingerprint: int

    @staticmethod
    def open(folder: Path) -> "Library":
        """Open a folder.

        Raises:
            InputError: There are no clips, or their files do not fit together.
        """
        header_file = find_clips_file(folder)
        if header_file is None:
            raise InputError(f"{folder} contains no prepared clips; run `python -m core prepare --out {folder}` first.")
        try:
            text = header_file.read_bytes()
            header = parse_header(text)
            features, speech, sentences = (
                np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "speech", "sentences")
            )
            last = max(clip.stop for clip in header.clips)
            whole = len(features) >= last and len(sentences) == len(header.words)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"The clips in {folder} are incomplete or damaged; prepare them again.") from error
        if not whole:
            raise InputError(f"The clips in {folder} do not fit together; prepare them again.")
        return Library(
            header.encoder, header.speech_blocks, header.words, header.clips, features, speech, sentences,
            zlib.crc32(text),
        )  # fmt: skip

    @cached_property
    def training_sentences(self) -> frozenset[str]:
        """All sentences of training."""
        return frozenset(self.words)

    def motion_features(self, clip: Clip) -> Floats:
        """Return the features (T, 659) of a clip."""
        return self.features[clip.start : clip.stop]

    def voice_features(self, clip: Clip) -> Floats:
        """Return the features (T, 5) of `VOICE_BLOCKS` of a clip with speech.

        Raises:
            InputError: The clips were prepared without one of the blocks.
        """
        rows = self.speech[clip.speech : clip.speech + clip.frames]
        columns: list[Floats] = []
        for block in VOICE_BLOCKS:
            if block not in self.speech_blocks:
                raise InputError(f"The clips have no speech block {block!r}; prepare them with it.")
            first = sum(BLOCK_WIDTHS[name] for name in self.speech_blocks[: self.speech_blocks.index(block)])
            columns.append(rows[:, first : first + BLOCK_WIDTHS[block]])
        return np.concatenate(columns, axis=1)


def body_features(rows: Floats | Array) -> Floats:
    """Return what the evaluator networks see of features (T, 659): (T, 67)."""
    return np.asarray(rows[:, : POSITIONS.start + 3 * BODY_JOINTS], np.float32)
