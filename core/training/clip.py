# SPDX-License-Identifier: GPL-3.0-or-later
"""One training clip: which packed rows it spans, what it shows and where it comes from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .styles import style_of

WINDOW = 100
"""Frames of the longest clip that `prepare` makes out of longer recordings: 5 s at 20 fps."""
SHORTEST_WINDOW = 40
"""Frames of the shortest training window, unless the clip itself is shorter."""

SPEECH_ACTION = "speech"
"""The action of clips with speech."""
CAPTIONED_ACTION = "told"
"""The action of clips that come with captions of their own, as clips.json stores it."""

_OLD_KEYS = {"licence": "license", "told": "captioned"}  # in the files of earlier versions


@dataclass(frozen=True)
class Clip:
    """A stretch of packed features with its sentences.

    Attributes:
        start: First row of features.npy.
        stop: The row after the last one.
        action: A key of `PHRASES`, `SPEECH_ACTION` or `CAPTIONED_ACTION`.
        sentences: Rows of sentences.npy.
        name: The recording's name.
        source: The source or dataset.
        license: The recording's license.
        speech: First row of speech.npy, or -1 for a clip without speech.
        captioned: Whether a speech clip shows its sentences as often as any other clip does.
        split: "train", "val" or "test" if the dataset was split when it was prepared; otherwise `Split` decides.
    """

    start: int
    stop: int
    action: str
    sentences: tuple[int, ...]
    name: str
    source: str
    license: str
    speech: int = -1
    captioned: bool = False
    split: str = ""

    @staticmethod
    def from_row(row: Mapping[str, Any]) -> "Clip":
        """Return the clip in a row of clips.json, or of takes.json as earlier versions wrote it."""
        values: dict[str, Any] = {_OLD_KEYS.get(key, key): value for key, value in row.items()}
        values["sentences"] = tuple(values["sentences"])
        return Clip(**values)

    def to_row(self) -> dict[str, Any]:
        """Return the row of clips.json."""
        row = asdict(self)
        return row if self.split else {key: value for key, value in row.items() if key != "split"}

    @property
    def frames(self) -> int:
        """Number of frames, 20 a second."""
        return self.stop - self.start

    @property
    def style(self) -> str:
        """A key of `STYLES`, or "" if the recording's name contains none."""
        return style_of(self.name)
