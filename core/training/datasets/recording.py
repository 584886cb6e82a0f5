# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording of a dataset: where its motion, sound and sentences are, and how they are read and cut."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...motion.clip import CORE_FPS, Motion
from ..faults import FASTEST_TURN, LEAP, POP

SHORTEST, LONGEST = 40, 180
"""Frames at 20 fps of a clip with sentences: shorter ones are dropped, longer ones cropped (FreeTalker, sec. 3.1)."""


class DroppedError(InputError):
    """A recording is left out.

    Attributes:
        reason: What the report counts it under.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Options:
    """Options of a dataset besides its folder.

    Attributes:
        amass: Folder of the AMASS subsets, for HumanML3D.
        speakers: Numbers of the speakers, for BEAT and BEAT2; all if empty.
        license: License of your own recordings.
    """

    amass: Path | None = None
    speakers: frozenset[str] = frozenset()
    license: str = "own"


@dataclass(frozen=True)
class Span:
    """Sentences about a stretch of a recording.

    Attributes:
        sentences: The sentences.
        start: Beginning in seconds.
        stop: End in seconds; 0 for the whole recording.
    """

    sentences: tuple[str, ...]
    start: float = 0.0
    stop: float = 0.0


@dataclass(frozen=True)
class Recording:
    """A recording of a dataset.

    Attributes:
        name: Unique in its dataset.
        group: Shared by all recordings of the same performance, which go to the same split.
        license: The dataset's license.
        read: Returns the motion on the neutral skeleton, at the frame rate at which `words` count 20 frames per second;
            raises InputError.
        files: The files that `read` reads.
        sound: Recording of the speech.
        words: File of sentences about the motion.
        mirrored_words: File of sentences about the mirrored motion.
        style: The style of the speaker, a key of `STYLES`, or "".
    """

    name: str
    group: str
    license: str
    read: Callable[[], Motion]
    files: tuple[Path, ...]
    sound: Path | None = None
    words: Path | None = None
    mirrored_words: Path | None = None
    style: str = ""


def files_below(folder: Path, suffix: str) -> list[Path]:
    """Return the files below a folder with a suffix, upper or lower case, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == suffix and path.is_file())


def by_stem(files: Iterable[Path]) -> Mapping[str, Path]:
    """Return the files by their names without suffix; of several with the same name, the first."""
    found: dict[str, Path] = {}
    for path in files:
        found.setdefault(path.stem, path)
    return found


def read_spans(path: Path) -> tuple[Span, ...]:
    """Read the lines `caption#tokens#start#end` of HumanML3D, or plain sentences.

    Returns:
        A span for each stretch, with all sentences about it.

    Raises:
        DroppedError: The file has no caption, or one that cannot be read.
    """
    spans: dict[tuple[float, float], list[str]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            words, *more = line.strip().split("#")
            start, stop = (float(more[-2]), float(more[-1])) if len(more) >= 2 else (0.0, 0.0)
            if not np.isfinite([start, stop]).all():  # as published; counts as no time
                start = stop = 0.0
            if words.strip():
                spans.setdefault((start, stop), []).append(" ".join(words.split()))
    except (OSError, ValueError) as error:
        raise DroppedError(
            "unreadable", f"{path.name} cannot be read; it must be a text file with lines 'caption#tokens#start#end'."
        ) from error
    if not spans:
        raise DroppedError("no words", f"{path.name} contains no caption; write one sentence per line.")
    return tuple(Span(tuple(words), *time) for time, words in spans.items())


def find_breaks(motion: Motion) -> npt.NDArray[np.bool_]:
    """Find steps of a motion at 20 fps that no body makes: too fast a turn or leap, or a jump of one frame.

    Returns:
        (T - 1,) bool.
    """
    body = motion.rotations[:, :22]
    turns = 2 * np.arccos(np.abs((body[1:] * body[:-1]).sum(-1)).clip(0, 1))  # (T - 1, 22)
    broken = (turns.max(1) > FASTEST_TURN) | (np.abs(np.diff(motion.translation, axis=0)).max(1) > LEAP)
    adjacent = np.maximum(turns[:-2], turns[2:])
    broken[1:-1] |= (turns[1:-1] > np.maximum(POP, 6 * adjacent)).any(1)
    return broken


def unbroken_stretches(motion: Motion) -> list[tuple[int, int]]:
    """Return first and last frame (exclusive) of the stretches without a break that are long enough for training."""
    cuts = [0, *(np.flatnonzero(find_breaks(motion)) + 1), len(motion)]
    return [(int(a), int(b)) for a, b in pairwise(cuts) if b - a >= SHORTEST]


def cut_clips(motion: Motion, spans: Sequence[Span], name: str) -> list[tuple[Motion, tuple[str, ...]]]:
    """Cut the stretches that sentences are about out of a motion, at 20 fps and cropped to 180 frames.

    Args:
        motion: The recording.
        spans: The sentences.
        name: The recording's name.

    Raises:
        DroppedError: None is unbroken and at least 40 frames long.
    """
    found: list[tuple[Motion, tuple[str, ...]]] = []
    broken = False
    for span in spans:
        start, stop = (int(seconds * CORE_FPS) for seconds in (span.start, span.stop))
        part = motion.slice(start, stop or len(motion))
        if not len(part):
            continue
        part = part.resampled(CORE_FPS).slice(0, LONGEST)
        if len(part) < SHORTEST:
            continue
        if find_breaks(part).any():
            broken = True
            continue
        found.append((part, span.sentences))
    if not found and broken:
        raise DroppedError("glitch", f"{name} turns or jumps faster than a body can.")
    if not found:
        raise DroppedError("short", f"{name} has no {SHORTEST} captioned frames in a row at 20 fps.")
    return found
