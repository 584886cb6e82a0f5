# SPDX-License-Identifier: GPL-3.0-or-later
"""clips.json: what a folder of packed clips holds. Folders of earlier versions have a takes.json instead."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..files import replacing
from .clip import Clip

CLIPS_FILE = "clips.json"
_OLD_CLIPS_FILE = "takes.json"


@dataclass(frozen=True)
class ClipsHeader:
    """What clips.json says.

    Attributes:
        encoder: Name or folder of the sentence encoder.
        speech_blocks: Names of the blocks of speech features, in order.
        words: The sentence of each row of sentences.npy.
        clips: All clips.
    """

    encoder: str
    speech_blocks: tuple[str, ...]
    words: list[str]
    clips: list[Clip]


def find_clips_file(folder: Path) -> Path | None:
    """Return the clips.json or takes.json of a folder, or None if there is neither."""
    return next((path for name in (CLIPS_FILE, _OLD_CLIPS_FILE) if (path := folder / name).is_file()), None)


def parse_header(text: str | bytes) -> ClipsHeader:
    """Return the content of a clips.json or takes.json.

    Raises:
        ValueError, KeyError, TypeError: It is not such a file.
    """
    data = json.loads(text)
    clips = [Clip.from_row(row) for row in data["clips" if "clips" in data else "takes"]]
    return ClipsHeader(data["encoder"], tuple(data["speech_blocks"]), data["words"], clips)


def read_header(folder: Path) -> ClipsHeader:
    """Return what the folder's clips.json or takes.json says.

    Raises:
        OSError: There is none.
        ValueError, KeyError, TypeError: It is damaged.
    """
    return parse_header((find_clips_file(folder) or folder / CLIPS_FILE).read_bytes())


@contextmanager
def replacing_header(folder: Path, header: ClipsHeader) -> Generator[None, None, None]:
    """Write clips.json around the writing of the arrays that it describes.

    The new file takes its place when the block ends. The old one is removed by `remove_header`, or then.
    """
    with replacing(folder / CLIPS_FILE) as temporary:
        temporary.write_text(_to_json(header), encoding="utf-8")
        yield
    (folder / _OLD_CLIPS_FILE).unlink(missing_ok=True)


def remove_header(folder: Path) -> None:
    """Remove clips.json and takes.json: without them the folder counts as incomplete."""
    for name in (CLIPS_FILE, _OLD_CLIPS_FILE):
        (folder / name).unlink(missing_ok=True)


def write_header(folder: Path, header: ClipsHeader) -> None:
    """Write clips.json, and remove the takes.json of an earlier version."""
    with replacing_header(folder, header):
        pass


def _to_json(header: ClipsHeader) -> str:
    rows = [clip.to_row() for clip in header.clips]
    return json.dumps(
        {"encoder": header.encoder, "speech_blocks": header.speech_blocks, "words": header.words, "clips": rows}
    )
