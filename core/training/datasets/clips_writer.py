# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts, or folders of packed clips, written as one folder of packed clips."""

# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...files import replacing
from ...motion.features import FEATURES
from ..clip import Clip
from ..clips_file import ClipsHeader, remove_header, replacing_header
from .cache import Conditions

Floats = npt.NDArray[np.float32]


class Arrays:
    """The arrays of a saved part or of a folder of packed clips, read on demand."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> Floats:
        if self._path.is_dir():
            return np.load(self._path / f"{name}.npy", mmap_mode="r")
        with np.load(self._path) as file:
            return file[name]


def write_clips(
    folder: Path,
    arrays: Sequence[Arrays],
    parts: Sequence[Sequence[tuple[Clip, list[str]]]],
    conditions: Conditions,
    speech_width: int,
    vectors: Callable[[Sequence[str]], Floats],
) -> None:
    """Join parts into the folder that `ClipSet` opens.

    Rows are written to disk as they are read, and existing files are replaced when everything is written.

    Args:
        folder: Where to write.
        arrays: The arrays of each part.
        parts: The clips of each part with their sentences; rows count from the beginning of the part.
        conditions: Sentence encoder and speech features of all parts.
        speech_width: Number of speech features.
        vectors: Returns the vectors (n, D) of sentences.
    """
    words = sorted({sentence for part in parts for _, sentences in part for sentence in sentences})
    index = {sentence: i for i, sentence in enumerate(words)}
    word_vectors = vectors(words)
    lengths = [(max((clip.stop for clip, _ in part), default=0), _speech_length(part)) for part in parts]
    clips: list[Clip] = []
    first, first_speech = 0, 0
    for part, (length, speech_length) in zip(parts, lengths, strict=True):
        for clip, sentences in part:
            clips.append(
                replace(
                    clip, start=clip.start + first, stop=clip.stop + first,
                    speech=clip.speech + first_speech if clip.speech >= 0 else -1,
                    sentences=tuple(index[sentence] for sentence in sentences),
                )
            )  # fmt: skip
        first, first_speech = first + length, first_speech + speech_length

    def blocks(name: str, column: int) -> Iterator[Floats]:
        return (array[name][: length[column]] for array, length in zip(arrays, lengths, strict=True) if length[column])

    with ExitStack() as stack:  # what is entered first is replaced last
        stack.enter_context(replacing_header(folder, ClipsHeader(conditions.encoder, conditions.blocks, words, clips)))
        for name, shape, rows in (
            ("features", (first, FEATURES), blocks("features", 0)),
            ("speech", (first_speech, speech_width), blocks("speech", 1)),
            ("sentences", word_vectors.shape, [word_vectors]),
        ):
            _stream(stack.enter_context(replacing(folder / f"{name}.npy")), shape, rows)
        remove_header(folder)


def _stream(path: Path, shape: tuple[int, ...], blocks: Iterable[Floats]) -> None:
    """Write the rows of an array (N, D) to an .npy file as they come."""
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, "<f4").data)


def _speech_length(part: Sequence[tuple[Clip, list[str]]]) -> int:
    return max((clip.speech + clip.stop - clip.start for clip, _ in part if clip.speech >= 0), default=0)
