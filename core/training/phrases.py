# SPDX-License-Identifier: GPL-3.0-or-later
"""Phrases for each action: text files with a heading [action] and a phrase per line."""

from pathlib import Path


def _read(name: str) -> dict[str, tuple[str, ...]]:
    phrases: dict[str, list[str]] = {}
    action = ""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            action = line.strip("[]")
            phrases[action] = []
        elif not line.startswith("#"):
            phrases[action].append(line)
    return {name: tuple(said) for name, said in phrases.items()}


PHRASES = _read("phrases.txt") | _read("people_phrases.txt")
"""Action -> verb phrases, with slots for sides, hands and directions; every fifth is held out of training."""
MORE_PHRASES = _read("more_phrases.txt")
"""More phrases of the same kind; none is held out."""
