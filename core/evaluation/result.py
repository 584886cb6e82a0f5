# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of an evaluation: all figures, and what the reader has to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..motion.rotation import Array
from .evaluated_clip import Figures

ROWS = ("mocap", "ours", "shuffled", "noise")
Table = Mapping[str, Figures]
"""Row of `ROWS` -> its figures."""


@dataclass(frozen=True)
class Evaluation:
    """All figures of an evaluation.

    Attributes:
        name: The model's name.
        about: Settings and counts.
        text: The text table.
        speech: The speech table.
        body_text: The body table of clips made for prompts.
        body_speech: The body table of clips made for voices.
        joins: Kind of seam -> its table.
        actions: Action -> share recognized in each row.
        profiles: Kind of seam -> mean jerk profile of each row.
        notes: What the reader of the table has to know.
    """

    name: str
    about: Mapping[str, Any]
    text: Table
    speech: Table
    body_text: Table
    body_speech: Table
    joins: Mapping[str, Table]
    actions: Mapping[str, Figures]
    profiles: Mapping[str, Mapping[str, Array]]
    notes: Sequence[str]
