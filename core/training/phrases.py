# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person may say of each action: phrases.txt, a heading in brackets for each action and a phrase a line."""

from pathlib import Path


def _read(text: str) -> dict[str, tuple[str, ...]]:
    phrases: dict[str, list[str]] = {}
    action = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            action = line.strip("[]")
            phrases[action] = []
        elif not line.startswith("#"):
            phrases[action].append(line)
    return {name: tuple(said) for name, said in phrases.items()}


PHRASES = _read(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8"))
"""Verb phrases of each action, with slots for sides, hands and ways; every fifth is held out of training."""
