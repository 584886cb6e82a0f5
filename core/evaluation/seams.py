# SPDX-License-Identifier: GPL-3.0-or-later
"""Seams that a model is given: timelines of two strips that meet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..motion.clip import CORE_FPS
from ..timeline.strips import Guidance, SpeechStrip, TextStrip, Timeline
from ..training.clip import SPEECH_ACTION
from .plan import JOINED, TextPlan
from .voices import LEAD, Voice

TEXT_SECONDS, SPEECH_SECONDS = 3.5, 4.0
KINDS = ("text-text", "text-speech", "speech-text")


@dataclass(frozen=True)
class Seam:
    """Two strips that meet.

    Attributes:
        kind: One of `KINDS`.
        timeline: The strips.
        frame: Where they meet, at 20 fps.
        actions: Before and after; `SPEECH_ACTION` for a voice.
    """

    kind: str
    timeline: Timeline
    frame: int
    actions: tuple[str, str]


def plan_seams(plan: TextPlan, voices: Sequence[Voice], number: int, seed: int, guidance: Guidance) -> list[Seam]:
    """Plan seams between the prompts of `JOINED` and the voices.

    Args:
        plan: Provides the prompts.
        voices: The voices; without any, only seams between prompts are planned.
        number: How many seams of each kind.
        seed: Seed of the noise.
        guidance: Guidance scale of the prompts.
    """
    first: dict[str, str] = {}
    for request in plan.requests:
        first.setdefault(request.action, request.sentence)
    joined = [action for action in JOINED if action in first] or list(first)
    rng = np.random.default_rng([seed, 7])
    seams: list[Seam] = []
    for kind in KINDS:
        if not voices and "speech" in kind:
            continue
        for i in range(number):
            before = joined[i % len(joined)]
            after = joined[(i + 1 + i // len(joined)) % len(joined)]
            cut = SPEECH_SECONDS if kind == "speech-text" else TEXT_SECONDS
            noise = int(rng.integers(2**31))
            texts: list[TextStrip] = []
            speeches: list[SpeechStrip] = []
            if kind != "speech-text":
                texts.append(TextStrip(0.0, cut, first[before], guidance))
            if kind != "text-speech":
                texts.append(TextStrip(cut, cut + TEXT_SECONDS, first[after], guidance))
            if kind != "text-text":
                voice = voices[i % len(voices)]
                length = min(SPEECH_SECONDS, voice.seconds - LEAD)
                start = cut if kind == "text-speech" else cut - length
                speeches.append(SpeechStrip(start, voice.path, start + length, LEAD))
            timeline = Timeline(tuple(texts), tuple(speeches), CORE_FPS, noise)
            actions = (
                SPEECH_ACTION if kind == "speech-text" else before, SPEECH_ACTION if kind == "text-speech" else after
            )  # fmt: skip
            seams.append(Seam(kind, timeline, round(cut * CORE_FPS), actions))
    return seams
