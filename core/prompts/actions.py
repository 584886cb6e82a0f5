# SPDX-License-Identifier: GPL-3.0-or-later
"""A prompt that tells several deeds, as a strip for each: one after another, or legs and arms together.

A sentence vector tells what is done, not in which order: of "he strolls ahead, then bows" the order is told by time. No
recording shows somebody walk and wave: of "he walks and waves" the legs are told one thing, the arms the other.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..timeline.strips import TextStrip
from .canonical import subject

SHORTEST_SECONDS = 1.0  # of a deed; a strip that has less for each is told whole
LEGS = frozenset({"jog", "run", "sneak", "start_walk", "step_forward", "strafe", "walk", "walk_back", "walk_turn"})
"""Actions of root and legs alone, that arms can do something else over."""
ARMS = frozenset({
    "arms_crossed", "beat", "bye", "call", "chop", "describe", "guide", "guitar", "indicate", "me", "no", "nod",
    "offer", "plead", "point", "question", "raise_hand", "raise_hands", "respond", "scratch", "shrug", "stop", "think",
    "wave", "wave_hands", "we", "you",
})  # fmt: skip
"""Actions of arms and head alone, that legs can walk under."""

Reading = Mapping[str, float]
"""Of each action, its share of what a prompt may mean, 0 to 1."""

_SURE = 0.6
_AND = re.compile(r"\s*,?\s+(?:and(?:\s+also)?|while|whilst)\s+(?!(?:forth|fro|down)\b)", re.IGNORECASE)
_THEN = re.compile(r"[\s,;.]*\b(?:and\s+)?(?:then|after that|afterwards)\b[\s,]*", re.IGNORECASE)


def split_sequence(prompt: str) -> list[str]:
    """The deeds of a prompt in their order, each a sentence with the first one's subject; a prompt of one as it is."""
    parts = [part.strip() for part in _THEN.split(prompt) if part.strip()]
    return _with_subject(parts) if len(parts) > 1 else [prompt]


def _with_subject(parts: Sequence[str]) -> list[str]:
    """The parts of a sentence, those without a subject with the first one's, where that has one."""
    who = subject(parts[0])
    return [part if not who or subject(part) else f"{who} {part}" for part in parts]


def split_strips(texts: Sequence[TextStrip]) -> list[TextStrip]:
    """The strips, those of several deeds cut into equal parts, where each deed has a second at least."""
    strips: list[TextStrip] = []
    for strip in texts:
        deeds = split_sequence(strip.prompt)
        if (strip.end - strip.start) < SHORTEST_SECONDS * len(deeds):
            deeds = [strip.prompt]
        cuts = [float(cut) for cut in np.linspace(strip.start, strip.end, len(deeds) + 1)]
        strips += [
            replace(strip, start=start, end=end, prompt=deed)
            for deed, (start, end) in zip(deeds, pairwise(cuts), strict=True)
        ]
    return strips


def split_simultaneous(prompt: str) -> tuple[str, str] | None:
    """Two deeds that a prompt names beside each other ("walks and waves", "walks while waving"), or None.

    The second has the first one's subject, where there is one.
    """
    parts = [part.strip() for part in _AND.split(prompt, maxsplit=1) if part.strip()]
    if len(parts) < 2:
        return None
    first, second = _with_subject(parts)
    return first, second


def split_legs_and_arms(texts: Sequence[TextStrip], read: Callable[[Sequence[str]], list[Reading]]) -> list[TextStrip]:
    """The strips, those that name a deed of the legs and one of the arms as a strip for each, the arms' over the legs'.

    read: what each prompt means. One stays whole where its halves are not understood as that, or where it means as a
    whole what neither does by itself ("walks and stops").
    """
    found = {
        strip.prompt: pair for strip in texts if strip.scope == "whole" and (pair := split_simultaneous(strip.prompt))
    }
    prompts = list(dict.fromkeys(said for prompt, pair in found.items() for said in (prompt, *pair)))
    means = dict(zip(prompts, read(prompts), strict=True)) if prompts else {}

    def sure(said: str, actions: frozenset[str]) -> bool:
        return sum(means[said].get(action, 0.0) for action in actions) >= _SURE

    whole: list[TextStrip] = []
    arms: list[TextStrip] = []
    ordered = sorted(texts, key=lambda strip: strip.start)
    for i, strip in enumerate(ordered):
        pair = found.get(strip.prompt) if strip.scope == "whole" else None
        if pair is None:
            whole.append(strip)
            continue
        one, other = pair if sure(pair[0], LEGS) else pair[::-1]
        if not (sure(one, LEGS) and sure(other, ARMS) and sure(strip.prompt, LEGS | ARMS)):
            whole.append(strip)
            continue
        whole.append(replace(strip, prompt=one))
        # it leads until the next one begins
        end = min([strip.end, *(later.start for later in ordered[i + 1 :] if later.scope == "whole")])
        if end > strip.start:
            arms.append(replace(strip, end=end, prompt=other, scope="upper body"))
    return arms + whole  # of two strips for the upper body the later leads: one that somebody laid there
