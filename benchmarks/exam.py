# SPDX-License-Identifier: GPL-3.0-or-later
"""What `benchmarks.table1` asks of every model, and recordings of the same: prompts, voices, and both mixed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.evaluation.clips import Library
from core.evaluation.plan import JOINED, Voice, first_of_each, plan_text, plan_voices
from core.evaluation.rows import EvaluatedClip
from core.motion.clip import CORE_FPS, Motion
from core.motion.features import decode
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import SpeechStrip, TextStrip, Timeline
from core.training.dataset import SPEECH_ACTION, WINDOW, Clip, chain
from core.training.split import Split

SKELETON = neutral_skeleton()
TEXT_FRAMES, SPEECH_FRAMES = 70, 80  # of a strip of free motion
FREE = ("text", "text", "speech", "text")  # the strips of one timeline of free motion
TALKS, VOICES = 12, 12  # timelines of free motion, and voices
_WORDINGS = 2  # of each action
_LEAD = 0.5  # seconds of quiet before a planned voice


@dataclass(frozen=True)
class Exam:
    """What every row is asked, and the recordings that it is compared with.

    prompts: timelines of one prompt; shown: of each a recorded clip, which is the mocap row; texts, other_texts: of
    each another clip of the same action, and one of another action. talks: timelines of text and speech. pairs, free:
    what Frechet distances are to, as are texts; recorded_pairs, recorded_free: other recordings, the mocap row. calm:
    recordings without any join.
    """

    prompts: list[Timeline]
    shown: list[EvaluatedClip]
    texts: list[EvaluatedClip]
    other_texts: list[EvaluatedClip]
    voices: list[Voice]
    pairs: list[EvaluatedClip]
    recorded_pairs: list[EvaluatedClip]
    talks: list[Timeline]
    free: list[EvaluatedClip]
    recorded_free: list[EvaluatedClip]
    calm: list[EvaluatedClip]


def set_exam(library: Library, sounds: Sequence[Path], out: Path, limit: int | None) -> Exam:
    """limit: how many actions, voices and timelines; None for all."""
    split = Split.of(library.takes)
    plan = plan_text(library, split, 0, limit)
    first_clips = first_of_each(plan.recorded, _WORDINGS)
    turn = len(first_clips) // 2 // _WORDINGS * _WORDINGS  # by half of the actions
    clips: dict[int, EvaluatedClip] = {}

    def clip(take: Clip) -> EvaluatedClip:
        if take.start not in clips:
            clips[take.start] = EvaluatedClip.of_rows(library.rows(take), SKELETON)
        return clips[take.start]

    others = [clip(plan.reference[k].take) for k in first_of_each(plan.reference, _WORDINGS)]
    voices = plan_voices(sounds, out / "voices", min(VOICES, limit or VOICES))
    pairs = [take for take in library.takes if take.action == SPEECH_ACTION and take.stop - take.start >= WINDOW]
    kept = [take for take in pairs if split.held_out(take)]
    pairs = kept if len(kept) > 1 else pairs
    if not voices or len(pairs) < 2 or not plan.requests:
        raise InputError("The table needs a recording of speech, takes with text, and two or more pairs of speech.")
    pairs = pairs[: 4 * VOICES]
    first = {request.action: request.sentence for request in reversed(plan.requests)}
    joined = [action for action in JOINED if action in first] or list(first)
    held = _held_out(library, split, joined)
    halves = [{action: takes[k::2] or takes for action, takes in held.items()} for k in (0, 1)]
    number = min(TALKS, limit or TALKS)
    actions = [[joined[(i + k * (1 + i // len(joined))) % len(joined)] for k in range(3)] for i in range(number)]
    return Exam(
        prompts=[plan.requests[k].timeline(1.0) for k in first_clips],
        shown=[clip(plan.recorded[k].take) for k in first_clips],
        texts=others,
        other_texts=[*others[turn:], *others[:turn]],
        voices=voices,
        pairs=[clip(take) for take in pairs[1::2]],
        recorded_pairs=[clip(take) for take in pairs[::2]],
        talks=[_talk([first[a] for a in some], voices[i % len(voices)], i) for i, some in enumerate(actions)],
        free=[_laid(library, halves[1], pairs[1::2], some, i) for i, some in enumerate(actions)],
        recorded_free=[_laid(library, halves[0], pairs[::2], some, number + i) for i, some in enumerate(actions)],
        calm=[clip(take) for some in actions for action in some for take in held[action][:4]]
        + [clip(take) for take in pairs[:number]],
    )


def _held_out(library: Library, split: Split, actions: Sequence[str]) -> dict[str, list[Clip]]:
    """Takes of each action: held-out ones where there are any, long ones first."""
    found: dict[str, list[Clip]] = defaultdict(list)
    for take in library.takes:
        if take.action in actions and take.speech < 0:
            found[take.action].append(take)
    result: dict[str, list[Clip]] = {}
    for action, takes in found.items():
        kept = [take for take in takes if split.held_out(take)] or takes
        result[action] = [take for take in kept if take.stop - take.start >= TEXT_FRAMES] or kept
    return result


def _talk(prompts: Sequence[str], voice: Voice, seed: int) -> Timeline:
    """Strips as in `FREE`, one after the other."""
    texts: list[TextStrip] = []
    speeches: list[SpeechStrip] = []
    start, told = 0.0, iter(prompts)
    for kind in FREE:
        stop = start + (TEXT_FRAMES if kind == "text" else SPEECH_FRAMES) / CORE_FPS
        if kind == "text":
            texts.append(TextStrip(start, stop, next(told)))
        else:
            length = min(SPEECH_FRAMES / CORE_FPS, voice.seconds - _LEAD)
            speeches.append(SpeechStrip(start, voice.path, start + length, _LEAD))
        start = stop
    return Timeline(tuple(texts), tuple(speeches), CORE_FPS, seed)


def seams() -> list[int]:
    """Frames at which the strips of `FREE` meet."""
    return np.cumsum([TEXT_FRAMES if kind == "text" else SPEECH_FRAMES for kind in FREE])[:-1].tolist()


def _laid(
    library: Library, held: dict[str, list[Clip]], pairs: Sequence[Clip], actions: Sequence[str], seed: int
) -> EvaluatedClip:
    """Recordings one after the other as in `FREE`, each turned to go on from the last pose, jumps fading away."""
    rng = np.random.default_rng([seed, 11])
    parts: list[Motion] = []
    told = iter(actions)
    for kind in FREE:
        frames = TEXT_FRAMES if kind == "text" else SPEECH_FRAMES
        takes = held[next(told)] if kind == "text" else pairs
        motion = decode(library.rows(takes[int(rng.integers(len(takes)))]), SKELETON)
        parts.append(chain([motion] * -(-frames // len(motion))).slice(0, frames))
    return EvaluatedClip.of_motion(chain(parts), SKELETON)
