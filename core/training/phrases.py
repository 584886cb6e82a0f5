# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person may say of each action: text files with a heading in brackets for each action and a phrase a line."""

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
"""Verb phrases of each action, with slots for sides, hands and ways; every fifth is held out of training."""

MORE_PHRASES = _read("more_phrases.txt")
"""Others of the same kind, all of them for training."""
