# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts: what became of each recording of a dataset, saved as soon as it is read.

So a run that was killed continues after the last recording and ends with the same clips.
"""

# pyright: reportUnknownMemberType=false

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...files import NotWrittenError, replacing
from ...motion.clip import CORE_FPS
from ...motion.features import FEATURES
from ...motion.skeleton import neutral_skeleton
from ..captions import Caption
from ..clip import CAPTIONED_ACTION, SPEECH_ACTION, Clip
from ..packing import Packer
from .cache import Conditions, digest, speech_of
from .recording import SHORTEST, DroppedError, Recording, cut_clips, read_spans, unbroken_stretches

Floats = npt.NDArray[np.float32]

_VERSION = 2  # of the parts; a new number remakes all of them
_UNLIKE = 0.1  # share by which motion and sound may differ in length, or 2 seconds


@dataclass(frozen=True)
class Part:
    """What became of a recording.

    Attributes:
        clips: Its clips with their sentences, rows counted from 0; empty if it was dropped.
        group: See `Recording.group`.
        license: See `Recording.license`.
        reason: Why it was dropped, or "".
        sentence: The same in a sentence for the user.
    """

    clips: list[tuple[Clip, list[str]]]
    group: str
    license: str
    reason: str
    sentence: str


def read_part(path: Path, key: str) -> Part | None:
    """Return a saved part made of the same files, or None."""
    try:
        with np.load(path) as file:
            data: dict[str, Any] = json.loads(str(file["meta"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if data.pop("key") != key:
        return None
    clips = [(Clip.from_row(row), list[str](words)) for row, words in data.pop("clips")]
    return Part(clips, **data)


def make_part(path: Path, kind: str, recording: Recording, conditions: Conditions, cache: Path) -> Part:
    """Read a recording, pack its clips and save them.

    Args:
        path: Where to save the part.
        kind: The dataset.
        recording: The recording.
        conditions: Sentence encoder and speech features.
        cache: Folder of cached speech features.
    """
    packer = Packer(neutral_skeleton())
    reason = sentence = ""
    try:
        _pack(packer, kind, recording, conditions, cache)
        if not packer.clips:
            raise DroppedError("glitch", f"{recording.name} contains no {SHORTEST} complete frames in a row.")
    except NotWrittenError:
        raise
    except InputError as error:
        reason, sentence = getattr(error, "reason", "unreadable"), str(error)
    rows = [np.zeros((0, FEATURES), np.float32), *packer.rows]
    speech = packer.speech or [np.zeros((0, 0), np.float32)]
    part = Part(packer.clips, recording.group, recording.license, reason, sentence)
    clips = [(clip.to_row(), words) for clip, words in part.clips]
    meta = json.dumps(asdict(part) | {"clips": clips, "key": part_key(kind, recording, conditions)})
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, features=np.concatenate(rows), speech=np.concatenate(speech), meta=meta)
    return part


def part_key(kind: str, recording: Recording, conditions: Conditions) -> str:
    """Return a digest of all that a part depends on."""
    files = [*recording.files, recording.sound, recording.words, recording.mirrored_words]
    state = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files if path and path.is_file()]
    return digest(repr((_VERSION, kind, recording.name, recording.style, recording.license, conditions.blocks, state)))


def _pack(packer: Packer, kind: str, recording: Recording, conditions: Conditions, cache: Path) -> None:
    """Add the clips of a recording: those with speech, or those that sentences are about.

    Raises:
        InputError: It has neither speech nor sentences, or a file cannot be read.
    """
    name, license = recording.name, recording.license
    if not (recording.sound or recording.words or recording.mirrored_words):
        what = "sound" if kind != "humanml3d" else "text"
        raise DroppedError(f"no {what}", f"{name} has no {what} of the same name; a recording needs both.")
    motion = recording.read()
    if recording.sound:
        motion = motion.resampled(CORE_FPS)
        speech = speech_of(recording.sound, conditions.blocks, cache)
        apart = abs(len(motion) - len(speech))
        if apart > max(2 * CORE_FPS, _UNLIKE * max(len(motion), len(speech))):
            raise DroppedError(
                "different lengths",
                f"{name} moves for {motion.seconds:.1f} s, but {recording.sound.name} lasts "
                f"{len(speech) / CORE_FPS:.1f} s; cut them to the same length.",
            )
        captioned = recording.words is not None
        words = _sentences(recording.words) if recording.words else Caption("talk", {}, recording.style).sentences()
        motion = motion.slice(0, len(speech))
        for start, stop in unbroken_stretches(motion):
            packer.add(
                motion.slice(start, stop), SPEECH_ACTION, words, name, kind, license, speech[start:stop], captioned
            )
        return
    sides = ((recording.words, motion), (recording.mirrored_words, motion.mirrored()))
    for path, side in sides:
        for motion, words in cut_clips(side, read_spans(path), name) if path else ():
            packer.add(motion, CAPTIONED_ACTION, list(words), name, kind, license)


def _sentences(path: Path) -> list[str]:
    """Return all sentences of a file."""
    return sorted({sentence for span in read_spans(path) for sentence in span.sentences})
