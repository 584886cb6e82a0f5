# SPDX-License-Identifier: GPL-3.0-or-later
"""Who does what a prompt tells, and the prompt without that."""

import re

_MANNERS = {  # of who it is, how it is done
    "old": "like an old person", "elderly": "like an elderly person", "angry": "angrily", "happy": "happily",
    "cheerful": "cheerfully", "sad": "sadly", "tired": "tiredly", "weary": "wearily", "exhausted": "in exhaustion",
    "proud": "proudly", "shy": "shyly", "timid": "timidly",
}  # fmt: skip
_ADJECTIVES = "|".join((*_MANNERS, "young|little|tall|small|big|other|same|first|second|main"))
_PEOPLE = (
    "person|human|man|woman|boy|girl|guy|lady|gentleman|kid|child|figure|character|avatar|actor|actress|speaker|"
    "presenter|narrator|host|hero|heroine|player|performer|dancer|singer|teacher|robot"
)
_PARTS = "arms|elbows|eyes|feet|fingers|fists|hands|heels|hips|knees|legs|palms|shoulders|steps|toes"
_DOES = (  # a verb of the third person, or what looks like one
    rf"(?=\s+(?:\w+ly\s+)?(?!(?:{_PARTS}|his|always|\w+wards|\w+ways)\b)(?:is|was|has|does|\w+(?<!s)s)\b)"
)
_KIND = rf"(?:(?i:{_ADJECTIVES})\s+){{0,2}}"
_OWNER = r"\w+['\u2019]s\s+(?!(?:arm|body|elbow|foot|hand|head|knee|leg|shoulder)\b)"  # of someone, not of a part
_SUBJECT = re.compile(
    rf"(?:(?i:i|you|he|she|it|we|they|(?:some|every)(?:one|body))\b"
    rf"|(?:(?i:an?|the|this|that|my|our|your)\s+(?:{_KIND}{_OWNER})?|(?=[A-Z]){_OWNER}){_KIND}"
    rf"(?:(?i:{_PEOPLE})\b(?!['\u2019])|\w+{_DOES})"
    rf"|[A-Z]\w*(?<!s){_DOES})"
)
_WHOSE = re.compile(r"\b(?:his|her)\b", re.IGNORECASE)
_SELF = re.compile(r"\b(?:him|her)self\b", re.IGNORECASE)


def subject(prompt: str) -> str:
    """Who does it: a pronoun, a noun or, by its capital and a verb after it, a name; "" where nobody is named."""
    found = _SUBJECT.match(prompt)
    return found.group() if found else ""


def canonical_prompt(prompt: str) -> str:
    """What is done and how, told of a person: "The sad man waves his hand." -> "a person waves their hand sadly".

    Who does it moves a sentence vector about as far as what is done, and no motion shows it, unless by how it is done.
    A prompt without a subject ("wave hello") is given this one.
    """
    said = " ".join(prompt.split()).rstrip(" .!")
    who = subject(said)
    deed = _SELF.sub("themself", _WHOSE.sub("their", said.removeprefix(who).strip()))
    own = re.sub(rf".*{_OWNER}", "", who).lower()  # not of whose guard it is
    manners = [_MANNERS[word] for word in own.split() if word in _MANNERS]
    return " ".join(filter(None, ("a person", deed, *manners))) if said else ""
