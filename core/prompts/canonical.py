# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the subject of a prompt, and rewrite prompts to a canonical form."""

import re

_MANNERS = {  # adjective of the subject -> manner of the action
    "old": "like an old person", "elderly": "like an elderly person", "angry": "angrily", "happy": "happily",
    "cheerful": "cheerfully", "sad": "sadly", "tired": "tiredly", "weary": "wearily", "exhausted": "in exhaustion",
    "proud": "proudly", "shy": "shyly", "timid": "timidly",
}  # fmt: skip
_ADJECTIVES = "|".join((*_MANNERS, "young|little|tall|small|big|other|same|first|second|main"))
_PEOPLE = (
    "person|human|man|woman|boy|girl|guy|lady|gentleman|kid|child|figure|character|avatar|actor|actress|speaker|"
    "presenter|narrator|host|hero|heroine|player|performer|dancer|singer|teacher|robot"
)
_BODY_PARTS = "arms|elbows|eyes|feet|fingers|fists|hands|heels|hips|knees|legs|palms|shoulders|steps|toes"
_VERB = (  # looks ahead for a verb in the third person
    rf"(?=\s+(?:\w+ly\s+)?(?!(?:{_BODY_PARTS}|his|always|\w+wards|\w+ways)\b)(?:is|was|has|does|\w+(?<!s)s)\b)"
)
_KIND = rf"(?:(?i:{_ADJECTIVES})\s+){{0,2}}"
_OWNER = r"\w+['\u2019]s\s+(?!(?:arm|body|elbow|foot|hand|head|knee|leg|shoulder)\b)"  # of a person, not of a body part
_SUBJECT = re.compile(
    rf"(?:(?i:i|you|he|she|it|we|they|(?:some|every)(?:one|body))\b"
    rf"|(?:(?i:an?|the|this|that|my|our|your)\s+(?:{_KIND}{_OWNER})?|(?=[A-Z]){_OWNER}){_KIND}"
    rf"(?:(?i:{_PEOPLE})\b(?!['\u2019])|\w+{_VERB})"
    rf"|[A-Z]\w*(?<!s){_VERB})"
)
_POSSESSIVE = re.compile(r"\b(?:his|her)\b", re.IGNORECASE)
_REFLEXIVE = re.compile(r"\b(?:him|her)self\b", re.IGNORECASE)


def subject(prompt: str) -> str:
    """Find the subject at the beginning of a prompt: a pronoun, a noun, or a capitalized name followed by a verb.

    >>> subject("The old man bows"), subject("wave hello")
    ('The old man', '')
    """
    found = _SUBJECT.match(prompt)
    return found.group() if found else ""


def canonical_prompt(prompt: str) -> str:
    """Rewrite a prompt so that its subject is "a person", keeping adjectives that affect the motion as adverbs.

    The subject changes a sentence vector about as much as the action does, but not the motion, except for its manner.

    >>> canonical_prompt("The sad man waves his hand.")
    'a person waves their hand sadly'
    >>> canonical_prompt("wave hello")
    'a person wave hello'
    """
    text = " ".join(prompt.split()).rstrip(" .!")
    who = subject(text)
    action = _REFLEXIVE.sub("themself", _POSSESSIVE.sub("their", text.removeprefix(who).strip()))
    described = re.sub(rf".*{_OWNER}", "", who).lower()  # the subject itself, without an owner ("the old king's guard")
    manners = [_MANNERS[word] for word in described.split() if word in _MANNERS]
    return " ".join(filter(None, ("a person", action, *manners))) if text else ""
