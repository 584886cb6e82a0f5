# SPDX-License-Identifier: GPL-3.0-or-later
"""Captions: an action with the values of its slots and a style, and every sentence that expresses it."""

from dataclasses import dataclass

from .phrases import MORE_PHRASES, PHRASES
from .styles import STYLES

SUBJECTS = (
    "a person", "someone", "a man", "the man", "a woman", "the woman", "he", "she", "the character", "the speaker",
    "a figure", "this person",
)  # fmt: skip
HELD_OUT_SUBJECTS = ("the presenter", "a human", "the actor")
# directions of a walk that does not turn
STRAIGHT = ("forward", "ahead", "straight ahead", "straight forward")
CYCLIC = frozenset(
    {"walk", "walk_back", "run", "jog", "strafe", "idle", "listen", "talk", "fight_idle", "arms_crossed"}
)
"""Actions that are looped to fill a window; all others are padded with standing before and after."""


@dataclass(frozen=True)
class Caption:
    """What a clip shows.

    Attributes:
        action: A key of `PHRASES`.
        words: Slot of a phrase -> the word to fill in, such as "side" -> "left".
        style: A key of `STYLES`, or "" for none.
    """

    action: str
    words: dict[str, str]
    style: str = ""

    def sentences(self, held_out: bool = False) -> list[str]:
        """Return all combinations of subject and phrase, without duplicates.

        Every fifth phrase (of actions with at least five) and the subjects of `HELD_OUT_SUBJECTS` are held out. Each of
        `MORE_PHRASES` is combined with a quarter of the subjects and with none; so are walks in a straight line with
        their direction left out. With a style, every sentence names it, using its adverbs in turn: a sentence without
        an adverb stands for a plain clip.

        Args:
            held_out: Return the sentences that training never sees instead of those that it does.
        """
        phrases = [
            p for i, p in enumerate(PHRASES[self.action]) if len(PHRASES[self.action]) < 5 or (i % 5 == 4) == held_out
        ]
        said = [(i, phrase, HELD_OUT_SUBJECTS if held_out else SUBJECTS) for i, phrase in enumerate(phrases)]
        if not held_out:
            more = MORE_PHRASES.get(self.action, ())
            said += [(i, phrase, _some_subjects(i)) for i, phrase in enumerate(more)]
            if self.words.get("direction") in STRAIGHT:
                going = [phrase for phrase in (*phrases, *more) if "{direction}" in phrase]
                said += [(i, going[i].replace("{direction}", ""), _some_subjects(i)) for i in range(len(going))]
        adverbs = STYLES.get(self.style, ("",))
        sentences = [
            self._fill(subject, f"{phrase} {adverbs[(i + j) % len(adverbs)]}")
            for i, phrase, subjects in said
            for j, subject in enumerate(subjects)
        ]
        return list(dict.fromkeys(sentences))

    def _fill(self, subject: str, phrase: str) -> str:
        their = (
            "his"
            if subject in {"he", "a man", "the man"}
            else "her"
            if "woman" in subject or subject == "she"
            else "their"
        )
        themself = {"his": "himself", "her": "herself", "their": "themself"}[their]
        return " ".join(f"{subject} {phrase.format(their=their, themself=themself, **self.words)}".split())


def _some_subjects(turn: int) -> tuple[str, ...]:
    """Return every fourth subject, beginning at `turn` modulo 4, and no subject."""
    return (*SUBJECTS[turn % 4 :: 4], "")
