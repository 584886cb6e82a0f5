# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is asked to do: prompts in held-out wordings, and the recordings they are compared with."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..motion.clip import CORE_FPS
from ..timeline.strips import Guidance, TextStrip, Timeline
from ..training.clip import WINDOW, Clip
from ..training.split import Split, caption_of, held_out_sentences, recording_of
from .clips import Library

WORDINGS = 4
"""Prompts per action."""
REFERENCES = 16
"""Recorded clips per action that all rows are compared with."""
SHORTEST = 40
"""Frames of the shortest generated clip."""
JOINED = ("walk", "bow", "wave", "raise_hand", "turn_180", "point", "idle", "jump_up", "beat", "step_back")
"""The actions at seams: those of a presenter."""


@dataclass(frozen=True)
class CaptionedClip:
    """A recorded clip with a wording of its caption that training never sees.

    Attributes:
        clip: The clip.
        action: Its action.
        sentence: The wording.
    """

    clip: Clip
    action: str
    sentence: str


@dataclass(frozen=True)
class Request:
    """A prompt to generate.

    Attributes:
        action: The action that the prompt asks for.
        sentence: The prompt.
        frames: Length at 20 fps.
        seed: Seed of the noise.
    """

    action: str
    sentence: str
    frames: int
    seed: int

    def timeline(self, guidance: Guidance) -> Timeline:
        """Return the timeline that asks for it."""
        strip = TextStrip(0.0, (self.frames - 1) / CORE_FPS, self.sentence, guidance)
        return Timeline((strip,), fps=CORE_FPS, seed=self.seed)


@dataclass(frozen=True)
class TextPlan:
    """What the text table compares.

    Attributes:
        recorded: The clips of the mocap row.
        reference: Clips of other recordings, which all rows are compared with.
        requests: What the model is asked for: the wordings of `recorded`.
        again: The first request of each action with other noise.
        without_held_out: Actions without held-out recordings, for which training clips are used.
        single_recording: Actions with a single recording, whose reference are other clips of it.
    """

    recorded: list[CaptionedClip]
    reference: list[CaptionedClip]
    requests: list[Request]
    again: list[Request]
    without_held_out: list[str]
    single_recording: list[str]


def first_of_each(items: Sequence[CaptionedClip], number: int) -> list[int]:
    """Return the indices of the first `number` items of each action."""
    return [k for k, turn in enumerate(_turns([item.action for item in items])) if turn < number]


def _in_turn(clips: Sequence[Clip]) -> list[Clip]:
    """Return the first clip of each recording, then the second of each, and so on."""
    turns = _turns([recording_of(clip) for clip in clips])
    return [clips[int(k)] for k in np.argsort(turns, kind="stable")]


def _turns(names: Sequence[str]) -> list[int]:
    """Return how often each name occurred before."""
    met: Counter[str] = Counter()
    turns: list[int] = []
    for name in names:
        turns.append(met[name])
        met[name] += 1
    return turns


def plan_text(library: Library, split: Split, seed: int, limit: int | None = None) -> TextPlan:
    """Plan the text table.

    Four held-out clips of each action are the mocap row. What all rows are compared with is of other recordings, held
    out
    or not, in turn: most actions have a single held-out recording, and comparing it with itself would say nothing.

    Args:
        library: The packed clips.
        split: Which clips are held out.
        seed: Seed of what is drawn.
        limit: How many actions; None for all.

    Raises:
        InputError: No clip has text only.
    """
    by_action: dict[str, list[Clip]] = defaultdict(list)
    for clip in library.clips:
        if clip.speech < 0:
            by_action[clip.action].append(clip)
    if not by_action:
        raise InputError("The clips contain only speech; join them with clips that have captions, then evaluate.")
    actions = sorted(by_action)
    if limit is not None:  # the actions at seams first, then any
        actions = sorted(actions, key=lambda action: (action not in JOINED, zlib.crc32(action.encode())))[:limit]
    plan = TextPlan([], [], [], [], [], [])
    for action in actions:
        rng = np.random.default_rng([seed, zlib.crc32(action.encode())])
        pool = [clip for clip in by_action[action] if split.held_out(clip)]
        if not pool:
            pool = by_action[action]
            plan.without_held_out.append(action)
        pool = [pool[int(i)] for i in rng.permutation(len(pool))]
        own = pool[::2]
        recorded = [_with_wording(library, own[k % len(own)], rng) for k in range(WORDINGS)]
        shown = {recording_of(item.clip) for item in recorded}
        other = [clip for clip in by_action[action] if recording_of(clip) not in shown]
        if not other:
            other = pool[1::2] or pool
            plan.single_recording.append(action)
        drawn = np.random.default_rng([seed, zlib.crc32(action.encode()), 1])
        other = _in_turn([other[int(i)] for i in drawn.permutation(len(other))])
        plan.recorded.extend(recorded)
        plan.reference.extend(_with_wording(library, other[k % len(other)], drawn) for k in range(REFERENCES))
        asked = [_request(item, rng) for item in recorded]
        plan.requests.extend(asked)
        plan.again.append(replace(asked[0], seed=int(rng.integers(2**31))))
    return plan


def _request(item: CaptionedClip, rng: np.random.Generator) -> Request:
    frames = int(np.clip(item.clip.frames, SHORTEST, WINDOW))
    return Request(item.action, item.sentence, frames, int(rng.integers(2**31)))


def _with_wording(library: Library, clip: Clip, rng: np.random.Generator) -> CaptionedClip:
    """Return a clip with one of the wordings that training never sees, or one of its own if there are none."""
    trained = [library.words[i] for i in clip.sentences]
    unseen = [
        s for s in held_out_sentences(caption_of(clip.action, trained)) if s not in library.training_sentences
    ] or trained
    return CaptionedClip(clip, clip.action, unseen[int(rng.integers(len(unseen)))])
