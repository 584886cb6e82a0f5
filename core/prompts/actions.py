# SPDX-License-Identifier: GPL-3.0-or-later
"""Split a prompt that names several actions into one strip for each: in sequence, or legs and arms at the same time.

A sentence vector represents actions but not their order, so "he strolls ahead, then bows" becomes two strips in
sequence. No recording in the training data combines walking and waving, so "he walks and waves" becomes a strip for
the legs and one for the upper body.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..timeline.strips import TextStrip
from .canonical import subject

MIN_ACTION_SECONDS = 1.0  # a strip that has less time for each action is not split
LEGS = frozenset({"jog", "run", "sneak", "start_walk", "step_forward", "strafe", "walk", "walk_back", "walk_turn"})
"""Actions of root and legs only, which can be combined with an action of the arms."""
ARMS = frozenset({
    "arms_crossed", "beat", "bye", "call", "chop", "describe", "guide", "guitar", "indicate", "me", "no", "nod",
    "offer", "plead", "point", "question", "raise_hand", "raise_hands", "respond", "scratch", "shrug", "stop", "think",
    "wave", "wave_hands", "we", "you",
})  # fmt: skip
"""Actions of arms and head only, which can be combined with an action of the legs."""

ActionProbabilities = Mapping[str, float]
"""Action -> probability, 0 to 1, that a prompt means it."""

_MIN_PROBABILITY = 0.6
_AND = re.compile(r"\s*,?\s+(?:and(?:\s+also)?|while|whilst)\s+(?!(?:forth|fro|down)\b)", re.IGNORECASE)
_THEN = re.compile(r"[\s,;.]*\b(?:and\s+)?(?:then|after that|afterwards)\b[\s,]*", re.IGNORECASE)


def split_sequence(prompt: str) -> list[str]:
    """Split a prompt into actions that follow one another, each with the subject of the first.

    >>> split_sequence("he walks forward, then bows")
    ['he walks forward', 'he bows']
    >>> split_sequence("he walks and waves")
    ['he walks and waves']
    """
    parts = [part.strip() for part in _THEN.split(prompt) if part.strip()]
    return _with_subject(parts) if len(parts) > 1 else [prompt]


def _with_subject(parts: Sequence[str]) -> list[str]:
    """Prepend the subject of the first part, if it has one, to parts without a subject."""
    who = subject(parts[0])
    return [part if not who or subject(part) else f"{who} {part}" for part in parts]


def split_strips(texts: Sequence[TextStrip]) -> list[TextStrip]:
    """Divide strips that name a sequence of actions into equal parts, if each action gets at least a second."""
    strips: list[TextStrip] = []
    for strip in texts:
        actions = split_sequence(strip.prompt)
        if (strip.end - strip.start) < MIN_ACTION_SECONDS * len(actions):
            actions = [strip.prompt]
        cuts = [float(cut) for cut in np.linspace(strip.start, strip.end, len(actions) + 1)]
        strips += [
            replace(strip, start=start, end=end, prompt=action)
            for action, (start, end) in zip(actions, pairwise(cuts), strict=True)
        ]
    return strips


def split_simultaneous(prompt: str) -> tuple[str, str] | None:
    """Split a prompt into two simultaneous actions, the second with the subject of the first.

    >>> split_simultaneous("he walks and waves")
    ('he walks', 'he waves')

    Returns:
        Both actions, or None if the prompt does not name two.
    """
    parts = [part.strip() for part in _AND.split(prompt, maxsplit=1) if part.strip()]
    if len(parts) < 2:
        return None
    first, second = _with_subject(parts)
    return first, second


def split_legs_and_arms(
    texts: Sequence[TextStrip], classify: Callable[[Sequence[str]], list[ActionProbabilities]]
) -> list[TextStrip]:
    """Split strips that name an action of the legs and one of the arms into a strip for each.

    A strip stays as it is if its two halves are not classified as such actions, or if the whole prompt means something
    that neither half does ("walks and stops").

    Args:
        texts: strips in any order.
        classify: returns the action probabilities of each prompt.

    Returns:
        Strips of scope "upper body" for the arms, followed by all other strips in order of their start.
    """
    found = {
        strip.prompt: pair for strip in texts if strip.scope == "whole" and (pair := split_simultaneous(strip.prompt))
    }
    prompts = list(dict.fromkeys(each for prompt, pair in found.items() for each in (prompt, *pair)))
    probabilities = dict(zip(prompts, classify(prompts), strict=True)) if prompts else {}

    def means(prompt: str, actions: frozenset[str]) -> bool:
        return sum(probabilities[prompt].get(action, 0.0) for action in actions) >= _MIN_PROBABILITY

    whole: list[TextStrip] = []
    arms: list[TextStrip] = []
    ordered = sorted(texts, key=lambda strip: strip.start)
    for i, strip in enumerate(ordered):
        pair = found.get(strip.prompt) if strip.scope == "whole" else None
        if pair is None:
            whole.append(strip)
            continue
        leg_prompt, arm_prompt = pair if means(pair[0], LEGS) else pair[::-1]
        if not (means(leg_prompt, LEGS) and means(arm_prompt, ARMS) and means(strip.prompt, LEGS | ARMS)):
            whole.append(strip)
            continue
        whole.append(replace(strip, prompt=leg_prompt))
        # the strip applies until the next one starts
        end = min([strip.end, *(later.start for later in ordered[i + 1 :] if later.scope == "whole")])
        if end > strip.start:
            arms.append(replace(strip, end=end, prompt=arm_prompt, scope="upper body"))
    return arms + whole  # arms first: a later upper body strip, which the user placed, takes precedence
