# SPDX-License-Identifier: GPL-3.0-or-later
"""Who does what a prompt tells, and the prompt without that."""

import re

_ADJECTIVES = "old|elderly|young|little|tall|small|big|happy|sad|angry|tired|other|same|first|second|main"
_PEOPLE = (
    "person|human|man|woman|boy|girl|guy|lady|gentleman|kid|child|figure|character|avatar|actor|actress|speaker|"
    "presenter|narrator|host|hero|heroine|player|performer|dancer|singer|teacher|robot"
)
_PARTS = "arms|elbows|eyes|feet|fingers|fists|hands|heels|hips|knees|legs|palms|shoulders|steps|toes"
_DOES = (  # a verb of the third person, or what looks like one
    rf"(?=\s+(?:\w+ly\s+)?(?!(?:{_PARTS}|his|always|\w+wards|\w+ways)\b)(?:is|was|has|does|\w+(?<!s)s)\b)"
)
_SUBJECT = re.compile(
    rf"(?:(?i:i|you|he|she|it|we|they|(?:some|every)(?:one|body))\b"
    rf"|(?i:an?|the|this|that|my|our|your)\s+(?:(?i:{_ADJECTIVES})\s+){{0,2}}(?:(?i:{_PEOPLE})\b|\w+{_DOES})"
    rf"|[A-Z]\w*(?<!s){_DOES})"
)
_WHOSE = re.compile(r"\b(?:his|her)\b", re.IGNORECASE)
_SELF = re.compile(r"\b(?:him|her)self\b", re.IGNORECASE)


def subject(prompt: str) -> str:
    """Who does it: a pronoun, a noun or, by its capital and a verb after it, a name; "" where nobody is named."""
    found = _SUBJECT.match(prompt)
    return found.group() if found else ""


def plain(prompt: str) -> str:
    """What is done, told of a person: "The old man waves his hand." -> "a person waves their hand".

    Who does it moves a sentence vector about as far as what is done, and no motion shows it. A prompt without a subject
    ("wave hello") is given this one.
    """
    said = " ".join(prompt.split()).rstrip(" .!")
    deed = said.removeprefix(subject(said)).strip()
    return f"a person {_SELF.sub('themself', _WHOSE.sub('their', deed))}".strip() if said else ""
