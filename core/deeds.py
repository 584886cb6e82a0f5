# SPDX-License-Identifier: GPL-3.0-or-later
"""A prompt that tells one deed after another ("he strolls ahead, then bows"), as a strip for each deed.

A sentence vector tells what is done, not in which order; the order is told by time.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from .timeline import TextStrip

SHORTEST_SECONDS = 1.0  # of a deed; a strip that has less for each is told whole
_THEN = re.compile(r"[\s,;.]*\b(?:and\s+)?(?:then|after that|afterwards)\b[\s,]*", re.IGNORECASE)
_SUBJECT = re.compile(
    r"(?:(?:a|an|the|this|that|my|our)\s+(?:(?:old|elderly|young|tall|small|big|happy|sad|angry|tired)\s+)?\w+"
    r"|he|she|they|it|someone|somebody)\b",
    re.IGNORECASE,
)


def split_deeds(prompt: str) -> list[str]:
    """The deeds of a prompt in their order, each a sentence with the first one's subject; a prompt of one as it is."""
    parts = [part.strip() for part in _THEN.split(prompt) if part.strip()]
    subject = _SUBJECT.match(parts[0]) if parts else None
    if len(parts) < 2 or subject is None:
        return [prompt]
    return [parts[0]] + [part if _SUBJECT.match(part) else f"{subject.group()} {part}" for part in parts[1:]]


def strip_for_each(texts: Sequence[TextStrip]) -> list[TextStrip]:
    """The strips, those of several deeds cut into equal parts, where each deed has a second at least."""
    strips: list[TextStrip] = []
    for strip in texts:
        deeds = split_deeds(strip.prompt)
        if (strip.end - strip.start) < SHORTEST_SECONDS * len(deeds):
            deeds = [strip.prompt]
        cuts = [float(cut) for cut in np.linspace(strip.start, strip.end, len(deeds) + 1)]
        strips += [
            replace(strip, start=start, end=end, prompt=deed)
            for deed, (start, end) in zip(deeds, pairwise(cuts), strict=True)
        ]
    return strips
