# SPDX-License-Identifier: GPL-3.0-or-later
"""The packed takes as an evaluation reads them: rows on demand, no statistics, no batches."""

# pyright: reportUnknownMemberType=false

import json
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
from ..training.dataset import Clip

Floats = npt.NDArray[np.float32]

HEARD = ("prosody", "onset")
"""The speech blocks that measures read: energy, its change, pitch, its change, and onsets."""
BODY_JOINTS = 21
SEEN = 4 + 3 * BODY_JOINTS
"""Features that the judging networks see: root velocity and height, and where the joints of the body are (T, 67)."""


@dataclass(frozen=True)
class Library:
    """The folder that `core prepare` wrote.

    features (frames, 659) on disk; speech (frames, D) with its blocks; sentences (S, text width) and their words.
    """

    encoder: str
    speech_blocks: tuple[str, ...]
    words: list[str]
    takes: list[Clip]
    features: Floats
    speech: Floats
    sentences: Floats
    fingerprint: int

    @staticmethod
    def open(folder: Path) -> "Library":
        """Raises InputError where there are no takes, or their files do not fit together."""
        header_file = folder / "takes.json"
        if not header_file.is_file():
            raise InputError(f"{folder} holds no takes: run `python -m core prepare --out {folder}` first.")
        try:
            text = header_file.read_bytes()
            header = json.loads(text)
            takes = [Clip(**row | {"sentences": tuple(row["sentences"])}) for row in header["takes"]]
            features, speech, sentences = (
                np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "speech", "sentences")
            )
            last = max(take.stop for take in takes)
            whole = len(features) >= last and len(sentences) == len(header["words"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"The takes in {folder} are cut short or damaged; prepare them again.") from error
        if not whole:
            raise InputError(f"The takes in {folder} do not fit together; prepare them again.")
        blocks = tuple(header["speech_blocks"])
        return Library(header["encoder"], blocks, header["words"], takes, features, speech, sentences, zlib.crc32(text))

    @cached_property
    def known(self) -> frozenset[str]:
        """All sentences that training reads."""
        return frozenset(self.words)

    def rows(self, take: Clip) -> Floats:
        """(T, 659) features of a take."""
        return self.features[take.start : take.stop]

    def heard(self, take: Clip) -> Floats:
        """(T, 5) energy, its change, pitch, its change and onsets of a speech take."""
        rows = self.speech[take.speech : take.speech + take.stop - take.start]
        columns: list[Floats] = []
        for block in HEARD:
            if block not in self.speech_blocks:
                raise InputError(f"The takes have no speech block {block!r}: prepare them with it.")
            first = sum(BLOCK_WIDTHS[name] for name in self.speech_blocks[: self.speech_blocks.index(block)])
            columns.append(rows[:, first : first + BLOCK_WIDTHS[block]])
        return np.concatenate(columns, axis=1)


def seen(rows: Floats | Array) -> Floats:
    """What the judging networks see of features (T, 659): (T, 67)."""
    return np.asarray(rows[:, : POSITIONS.start + 3 * BODY_JOINTS], np.float32)
