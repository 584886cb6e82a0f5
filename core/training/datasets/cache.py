# SPDX-License-Identifier: GPL-3.0-or-later
"""OUT/cache: speech features and sentence vectors, kept by what they were computed from."""

# pyright: reportUnknownMemberType=false

import hashlib
import json
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...conditions.speech import features_width, load_audio, speech_features
from ...conditions.text import encode_texts
from ...console import Progress
from ...errors import InputError
from ...files import replacing

Floats = npt.NDArray[np.float32]

_AT_ONCE = 8192  # sentences encoded between two saves


@dataclass(frozen=True)
class Conditions:
    """What conditions a model.

    Attributes:
        encoder: Name or folder of the sentence encoder.
        blocks: Blocks of speech features; see `core.conditions.speech`.
    """

    encoder: str
    blocks: tuple[str, ...]


def speech_of(sound: Path, blocks: Sequence[str], cache: Path) -> Floats:
    """Return the speech features (N, D) of a sound, from the cache if the same sound was seen before.

    WavLM takes hours, so its columns are cached apart from those that cost little.

    Raises:
        InputError: The sound cannot be read.
    """
    try:
        content = hashlib.sha1(sound.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"'{sound.name}' cannot be read: {error.strerror or error}.") from error
    light = tuple(block for block in blocks if not block.startswith("wavlm"))
    columns: dict[str, Floats] = {}
    for group in (light, *((block,) for block in blocks if block not in light)):
        if not group:
            continue
        path = cache / f"speech-{content[:20]}-{digest(repr(group))}.npy"
        rows = _cached(path)
        if rows is None:
            rows = speech_features(load_audio(sound), group)
            with replacing(path) as temporary, open(temporary, "wb") as file:
                np.save(file, rows)
        first = 0
        for block in group:
            width = features_width([block])
            columns[block] = rows[:, first : first + width]
            first += width
    return np.concatenate([columns[block] for block in blocks], axis=1)


def _cached(path: Path) -> Floats | None:
    """Return a saved array, or None if it is missing or damaged."""
    try:
        return np.load(path)
    except (OSError, ValueError, EOFError):
        return None


def sentence_vectors(words: Sequence[str], encoder: str, cache: Path) -> Floats:
    """Return the vectors (n, D) of sentences, from the cache as far as they are known."""
    path = cache / f"text-{digest(encoder)}.npz"
    known: dict[str, Floats] = {}
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), np.load(path) as file:
        known = dict(zip(json.loads(str(file["words"])), file["vectors"], strict=True))
    new = [sentence for sentence in words if sentence not in known]
    progress = Progress("Encoding sentences")
    for first in range(0, len(new), _AT_ONCE):
        some = new[first : first + _AT_ONCE]
        known |= dict(zip(some, encode_texts(some, encoder), strict=True))
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, words=json.dumps(list(known)), vectors=np.stack(list(known.values())))
        progress(min(first + _AT_ONCE, len(new)), len(new))
    return np.stack([known[sentence] for sentence in words]).astype(np.float32)


def digest(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.sha1(text.encode()).hexdigest()[:20]
