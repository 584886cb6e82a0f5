# SPDX-License-Identifier: GPL-3.0-or-later
"""One recording of a dataset: where its motion, sound and words are, and how they are read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...motion.clip import CORE_FPS, Motion

SHORTEST, LONGEST = 40, 180
"""Frames at 20 fps of a clip with words: shorter ones are dropped, longer ones cropped (FreeTalker section 3.1)."""
_FASTEST_TURN = np.radians(100)  # a frame at 20 fps, as in `fault_of`
_POP = np.radians(60)
_LEAP = 0.5  # metres a frame


class DroppedError(InputError):
    """A recording that is left out; `reason` is what the report counts it under."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Options:
    """What a dataset may be told beside its folder.

    amass: the folder of the AMASS subsets, for HumanML3D. speakers: of BEAT, all where empty. licence: of one's own.
    """

    amass: Path | None = None
    speakers: frozenset[str] = frozenset()
    licence: str = "own"


@dataclass(frozen=True)
class Span:
    """Sentences of a stretch of a recording: from `start` to `stop` seconds, or all of it where stop is 0."""

    sentences: tuple[str, ...]
    start: float = 0.0
    stop: float = 0.0


@dataclass(frozen=True)
class Recording:
    """name: unlike all others of its dataset. group: that of all recordings of the same performance.

    read: gives the motion on the neutral skeleton, in frames of which `words` count 20 a second, or raises InputError.
    files: what it reads. sound: the recording of the speech. words: a file of what the motion shows, and
    mirrored_words of what its mirror image shows. style: in which the speaker talks, a key of `captions.STYLES`.
    """

    name: str
    group: str
    licence: str
    read: Callable[[], Motion]
    files: tuple[Path, ...]
    sound: Path | None = None
    words: Path | None = None
    mirrored_words: Path | None = None
    style: str = ""


def files_below(folder: Path, suffix: str) -> list[Path]:
    """The files below a folder whose names end so, upper or lower case, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() == suffix and path.is_file())


def by_stem(files: Iterable[Path]) -> Mapping[str, Path]:
    """The files by their names without ending; of several with one name the first."""
    found: dict[str, Path] = {}
    for path in files:
        found.setdefault(path.stem, path)
    return found


def read_spans(path: Path) -> tuple[Span, ...]:
    """The lines `caption#tokens#start#end` of HumanML3D, or plain sentences; captions of the same stretch together.

    Raises DroppedError naming the file where it holds no caption, or one that cannot be read.
    """
    spans: dict[tuple[float, float], list[str]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            words, *more = line.strip().split("#")
            start, stop = (float(more[-2]), float(more[-1])) if len(more) >= 2 else (0.0, 0.0)
            if not np.isfinite([start, stop]).all():  # as published: no time is told
                start = stop = 0.0
            if words.strip():
                spans.setdefault((start, stop), []).append(" ".join(words.split()))
    except (OSError, ValueError) as error:
        raise DroppedError(
            "unreadable", f"{path.name} cannot be read: a text file with lines 'caption#tokens#start#end' is needed."
        ) from error
    if not spans:
        raise DroppedError("no words", f"{path.name} holds no caption: a sentence a line is needed.")
    return tuple(Span(tuple(words), *time) for time, words in spans.items())


def breaks(motion: Motion) -> npt.NDArray[np.bool_]:
    """(T - 1,) which steps of a motion at 20 fps no body makes: a turn or leap too quick, a jump of one frame."""
    body = motion.rotations[:, :22]
    turns = 2 * np.arccos(np.abs((body[1:] * body[:-1]).sum(-1)).clip(0, 1))  # (T - 1, 22)
    broken = (turns.max(1) > _FASTEST_TURN) | (np.abs(np.diff(motion.translation, axis=0)).max(1) > _LEAP)
    beside = np.maximum(turns[:-2], turns[2:])
    broken[1:-1] |= (turns[1:-1] > np.maximum(_POP, 6 * beside)).any(1)
    return broken


def whole_stretches(motion: Motion) -> list[tuple[int, int]]:
    """First and last frame (exclusive) of the stretches without a break that are long enough to learn from."""
    cuts = [0, *(np.flatnonzero(breaks(motion)) + 1), len(motion)]
    return [(int(a), int(b)) for a, b in pairwise(cuts) if b - a >= SHORTEST]


def clips(motion: Motion, spans: Sequence[Span], name: str) -> list[tuple[Motion, tuple[str, ...]]]:
    """The stretches of a motion that sentences tell of, at 20 fps and cropped to 180 frames.

    Raises DroppedError where none is whole and of 40 frames at least.
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
        if breaks(part).any():
            broken = True
            continue
        found.append((part, span.sentences))
    if not found and broken:
        raise DroppedError("glitch", f"{name} turns or leaps as no body does.")
    if not found:
        raise DroppedError("short", f"{name} has no stretch of {SHORTEST} frames at 20 fps with words.")
    return found
