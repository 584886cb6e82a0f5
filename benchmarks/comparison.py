# SPDX-License-Identifier: GPL-3.0-or-later
"""What `benchmarks.table1` asks of every model, and recordings of the same: prompts, voices, and both mixed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.evaluation.clips import Library
from core.evaluation.evaluated_clip import EvaluatedClip
from core.evaluation.plan import JOINED, first_of_each, plan_text
from core.evaluation.voices import LEAD, Voice, plan_voices
from core.motion.clip import CORE_FPS, Motion
from core.motion.features import decode
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import SpeechStrip, TextStrip, Timeline
from core.training.augmentation import chain_motions
from core.training.clip import SPEECH_ACTION, WINDOW, Clip
from core.training.split import Split

SKELETON = neutral_skeleton()
TEXT_FRAMES, SPEECH_FRAMES = 70, 80  # of a strip in a timeline of free motion
FREE = ("text", "text", "speech", "text")  # the strips of one timeline of free motion
TALKS, VOICES = 12, 12  # timelines of free motion, and voices
_WORDINGS = 2  # of each action


@dataclass(frozen=True)
class Comparison:
    """What every row is asked for, and the recordings that it is compared with.

    Attributes:
        prompts: Timelines of one prompt.
        shown: A recorded clip of each prompt: the mocap row.
        texts: Another recorded clip of the same action for each prompt; Frechet distances of text are to these.
        other_texts: A recorded clip of another action for each prompt.
        voices: Voices.
        pairs: Recordings with speech; Frechet distances of speech are to these.
        recorded_pairs: Other recordings with speech: the mocap row.
        talks: Timelines of text and speech.
        free: Recordings of the same; Frechet distances of free motion are to these.
        recorded_free: Other recordings of the same: the mocap row.
        calm: Recordings without any join.
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


def plan_comparison(library: Library, sounds: Sequence[Path], out: Path, limit: int | None) -> Comparison:
    """Plan a comparison.

    Args:
        library: The packed clips.
        sounds: Recordings of speech.
        out: The voices are written below it.
        limit: How many actions, voices and timelines; None for all.

    Raises:
        InputError: There is no recording of speech, or too few clips.
    """
    split = Split.of(library.clips)
    plan = plan_text(library, split, 0, limit)
    first_clips = first_of_each(plan.recorded, _WORDINGS)
    turn = len(first_clips) // 2 // _WORDINGS * _WORDINGS  # half of the actions further
    known: dict[int, EvaluatedClip] = {}

    def evaluated(clip: Clip) -> EvaluatedClip:
        if clip.start not in known:
            known[clip.start] = EvaluatedClip.of_features(library.motion_features(clip), SKELETON)
        return known[clip.start]

    others = [evaluated(plan.reference[k].clip) for k in first_of_each(plan.reference, _WORDINGS)]
    voices = plan_voices(sounds, out / "voices", min(VOICES, limit or VOICES))
    pairs = [clip for clip in library.clips if clip.action == SPEECH_ACTION and clip.frames >= WINDOW]
    kept = [clip for clip in pairs if split.held_out(clip)]
    pairs = kept if len(kept) > 1 else pairs
    if not voices or len(pairs) < 2 or not plan.requests:
        raise InputError("The table needs a recording of speech, clips with text, and two or more pairs of speech.")
    pairs = pairs[: 4 * VOICES]
    first = {request.action: request.sentence for request in reversed(plan.requests)}
    joined = [action for action in JOINED if action in first] or list(first)
    held = _held_out(library, split, joined)
    halves = [{action: clips[k::2] or clips for action, clips in held.items()} for k in (0, 1)]
    number = min(TALKS, limit or TALKS)
    actions = [[joined[(i + k * (1 + i // len(joined))) % len(joined)] for k in range(3)] for i in range(number)]
    return Comparison(
        prompts=[plan.requests[k].timeline(1.0) for k in first_clips],
        shown=[evaluated(plan.recorded[k].clip) for k in first_clips],
        texts=others,
        other_texts=[*others[turn:], *others[:turn]],
        voices=voices,
        pairs=[evaluated(clip) for clip in pairs[1::2]],
        recorded_pairs=[evaluated(clip) for clip in pairs[::2]],
        talks=[_free_timeline([first[a] for a in some], voices[i % len(voices)], i) for i, some in enumerate(actions)],
        free=[_chain_recordings(library, halves[1], pairs[1::2], some, i) for i, some in enumerate(actions)],
        recorded_free=[
            _chain_recordings(library, halves[0], pairs[::2], some, number + i) for i, some in enumerate(actions)
        ],
        calm=[evaluated(clip) for some in actions for action in some for clip in held[action][:4]]
        + [evaluated(clip) for clip in pairs[:number]],
    )


def _held_out(library: Library, split: Split, actions: Sequence[str]) -> dict[str, list[Clip]]:
    """Return clips of each action: held-out ones if there are any, and long ones if there are any."""
    found: dict[str, list[Clip]] = defaultdict(list)
    for clip in library.clips:
        if clip.action in actions and clip.speech < 0:
            found[clip.action].append(clip)
    result: dict[str, list[Clip]] = {}
    for action, clips in found.items():
        kept = [clip for clip in clips if split.held_out(clip)] or clips
        result[action] = [clip for clip in kept if clip.frames >= TEXT_FRAMES] or kept
    return result


def _free_timeline(prompts: Sequence[str], voice: Voice, seed: int) -> Timeline:
    """Return a timeline of strips as in `FREE`, one after the other."""
    texts: list[TextStrip] = []
    speeches: list[SpeechStrip] = []
    start, remaining = 0.0, iter(prompts)
    for kind in FREE:
        stop = start + (TEXT_FRAMES if kind == "text" else SPEECH_FRAMES) / CORE_FPS
        if kind == "text":
            texts.append(TextStrip(start, stop, next(remaining)))
        else:
            length = min(SPEECH_FRAMES / CORE_FPS, voice.seconds - LEAD)
            speeches.append(SpeechStrip(start, voice.path, start + length, LEAD))
        start = stop
    return Timeline(tuple(texts), tuple(speeches), CORE_FPS, seed)


def seams() -> list[int]:
    """Return the frames at which the strips of `FREE` meet."""
    return np.cumsum([TEXT_FRAMES if kind == "text" else SPEECH_FRAMES for kind in FREE])[:-1].tolist()


def _chain_recordings(
    library: Library, held: dict[str, list[Clip]], pairs: Sequence[Clip], actions: Sequence[str], seed: int
) -> EvaluatedClip:
    """Chain recordings as in `FREE`, without jumps."""
    rng = np.random.default_rng([seed, 11])
    parts: list[Motion] = []
    remaining = iter(actions)
    for kind in FREE:
        frames = TEXT_FRAMES if kind == "text" else SPEECH_FRAMES
        clips = held[next(remaining)] if kind == "text" else pairs
        motion = decode(library.motion_features(clips[int(rng.integers(len(clips)))]), SKELETON)
        parts.append(chain_motions([motion] * -(-frames // len(motion))).slice(0, frames))
    return EvaluatedClip.of_motion(chain_motions(parts), SKELETON)
