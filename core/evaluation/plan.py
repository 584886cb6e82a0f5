# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is asked to do: prompts in held-out wordings, recordings with a pause, and seams between them."""

# soundfile carries no types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ..conditions.speech import SAMPLE_RATE, load_audio, speech_features
from ..errors import InputError
from ..motion.clip import CORE_FPS
from ..timeline.strips import Guidance, SpeechStrip, TextStrip, Timeline
from ..training.dataset import SPEECH_ACTION, WINDOW, Clip
from ..training.split import Split, caption_of, clip_of, held_out_sentences
from .clips import HEARD, Floats, Library

Samples = npt.NDArray[np.float32]

WORDINGS = 4  # prompts of an action
REFERENCES = 16  # clips of an action that all rows are compared with
SHORTEST = 40  # frames of a generated clip

JOINED = ("walk", "bow", "wave", "raise_hand", "turn_180", "point", "idle", "jump_up", "beat", "step_back")
"""The actions at seams; what a presenter does."""
TEXT_SECONDS, SPEECH_SECONDS = 3.5, 4.0
KINDS = ("text-text", "text-speech", "speech-text")

GESTURES = frozenset({
    "beat", "chop", "no", "offer", "we", "you", "me", "question", "describe", "stop", "plead", "indicate", "shrug",
})  # fmt: skip
"""Actions whose clips are what a speaker's hands do."""

_LEAD, _PAUSE, _TAIL = 0.5, 2.0, 1.0  # seconds of quiet before, between and after two stretches of speech
_STRETCH = 4.5  # seconds of speech
_ROUNDS = 4  # how often one recording is used at most


@dataclass(frozen=True)
class CaptionedClip:
    """A recorded clip with a wording of its caption that training never reads."""

    take: Clip
    action: str
    sentence: str


@dataclass(frozen=True)
class Request:
    """A prompt to be generated: frames at 20 fps, and the seed of the noise."""

    action: str
    sentence: str
    frames: int
    seed: int

    def timeline(self, guidance: Guidance) -> Timeline:
        strip = TextStrip(0.0, (self.frames - 1) / CORE_FPS, self.sentence, guidance)
        return Timeline((strip,), fps=CORE_FPS, seed=self.seed)


@dataclass(frozen=True)
class TextPlan:
    """recorded: clips of the mocap row; reference: other performances, that every row is compared with; requests: what
    the model is asked, the wordings of `recorded`; again: of each action the first of these with other noise; seen: the
    actions that have no held-out clip, for which clips of the training split stand in; alone: those of one performance,
    whose reference are other takes of it."""

    recorded: list[CaptionedClip]
    reference: list[CaptionedClip]
    requests: list[Request]
    again: list[Request]
    seen: list[str]
    alone: list[str]


def first_of_each(items: Sequence[CaptionedClip], number: int) -> list[int]:
    """Which of them are the first so many of their action."""
    return [k for k, turn in enumerate(_turns([item.action for item in items])) if turn < number]


def _in_turn(takes: Sequence[Clip]) -> list[Clip]:
    """The first take of each performance, then the second of each."""
    turns = _turns([clip_of(take) for take in takes])
    return [takes[int(k)] for k in np.argsort(turns, kind="stable")]


def _turns(names: Sequence[str]) -> list[int]:
    """How often each name came before."""
    met: Counter[str] = Counter()
    turns: list[int] = []
    for name in names:
        turns.append(met[name])
        met[name] += 1
    return turns


def plan_text(library: Library, split: Split, seed: int, limit: int | None = None) -> TextPlan:
    """Clips of each action for either set, each with a wording; limit: how many actions.

    Four held-out ones for the mocap row. What all rows are compared with are performances that are not in this row, of
    either side of the split, in turn: most actions have one performance held out, and that compared with itself says
    nothing of recordings.

    Raises InputError where no take is told in words.
    """
    by_action: dict[str, list[Clip]] = defaultdict(list)
    for take in library.takes:
        if take.speech < 0:
            by_action[take.action].append(take)
    if not by_action:
        raise InputError("The takes hold speech alone: join them with some that are told in words, then evaluate.")
    actions = sorted(by_action)
    if limit is not None:  # the actions of seams first, then any
        actions = sorted(actions, key=lambda action: (action not in JOINED, zlib.crc32(action.encode())))[:limit]
    plan = TextPlan([], [], [], [], [], [])
    for action in actions:
        rng = np.random.default_rng([seed, zlib.crc32(action.encode())])
        pool = [take for take in by_action[action] if split.held_out(take)]
        if not pool:
            pool = by_action[action]
            plan.seen.append(action)
        pool = [pool[int(i)] for i in rng.permutation(len(pool))]
        own = pool[::2]
        told = [_told(library, own[k % len(own)], rng) for k in range(WORDINGS)]
        shown = {clip_of(item.take) for item in told}
        other = [take for take in by_action[action] if clip_of(take) not in shown]
        if not other:
            other = pool[1::2] or pool
            plan.alone.append(action)
        drawn = np.random.default_rng([seed, zlib.crc32(action.encode()), 1])
        other = _in_turn([other[int(i)] for i in drawn.permutation(len(other))])
        plan.recorded.extend(told)
        plan.reference.extend(_told(library, other[k % len(other)], drawn) for k in range(REFERENCES))
        asked = [_request(item, rng) for item in told]
        plan.requests.extend(asked)
        plan.again.append(replace(asked[0], seed=int(rng.integers(2**31))))
    return plan


def _request(item: CaptionedClip, rng: np.random.Generator) -> Request:
    frames = int(np.clip(item.take.stop - item.take.start, SHORTEST, WINDOW))
    return Request(item.action, item.sentence, frames, int(rng.integers(2**31)))


def _told(library: Library, take: Clip, rng: np.random.Generator) -> CaptionedClip:
    read = [library.words[i] for i in take.sentences]
    unread = [s for s in held_out_sentences(caption_of(take.action, read)) if s not in library.known] or read
    return CaptionedClip(take, take.action, unread[int(rng.integers(len(unread)))])


@dataclass(frozen=True)
class Voice:
    """Two stretches of a recording with a pause between. heard: (T, 5) as the judges hear it, at 20 fps."""

    path: Path
    heard: Floats
    seconds: float

    def timeline(self, seed: int) -> Timeline:
        return Timeline(speech=(SpeechStrip(0.0, self.path),), fps=CORE_FPS, seed=seed)


def plan_voices(files: Sequence[Path], folder: Path, number: int) -> list[Voice]:
    """At most so many voices, written to a folder as .wav: the recordings in turn, each from another place.

    Raises InputError where a recording cannot be read.
    """
    voices: list[Voice] = []
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(min(number, _ROUNDS * len(files))):
        path, turn = files[i % len(files)], i // len(files)
        samples = with_pause(load_audio(path), turn / max(1, _ROUNDS - 1), swapped=turn % 2 == 1)
        file = folder / f"{path.stem}_{turn}.wav"
        soundfile.write(file, samples, SAMPLE_RATE, subtype="PCM_16")
        heard = speech_features(load_audio(file), HEARD, CORE_FPS)
        voices.append(Voice(file, heard, len(samples) / SAMPLE_RATE))
    return voices


def with_pause(samples: Samples, place: float = 0.0, swapped: bool = False) -> Samples:
    """Quiet, speech, a pause of two seconds, speech and quiet, from (n,) samples at 16 kHz.

    place: where to begin in the recording, 0 for its beginning and 1 for as late as it can be, and so is the quiet
    before. swapped: what is said last comes first. The cuts are where it is quietest, and what fills the pauses is its
    own quiet.
    """
    step = SAMPLE_RATE // 40
    frames = len(samples) // step
    loudness = np.square(samples[: frames * step].reshape(frames, step), dtype=np.float64).mean(1)  # 25 ms each
    stretch = min(round(_STRETCH * 40), frames // 2)

    def cut(at: int) -> int:
        low, high = max(0, at - 16), min(frames, at + 17)
        return low + int(loudness[low:high].argmin()) if low < high else at

    first = round(place * (frames - 2 * stretch))
    first = cut(first) if first > 0 else 0
    middle, end = cut(first + stretch), first + 2 * stretch
    last = cut(end) if end + 16 < frames else frames
    smooth = np.convolve(loudness, np.ones(8) / 8, mode="valid") if frames >= 8 else loudness
    at = int(smooth.argmin()) if len(smooth) else 0
    quiet = samples[at * step : (at + 8) * step]  # 0.2 s
    loop = np.concatenate([quiet, quiet[::-1]]) if len(quiet) else np.zeros(1, np.float32)

    def silence(seconds: float) -> Samples:
        return np.resize(loop, round(seconds * SAMPLE_RATE)).astype(np.float32)

    said = [samples[first * step : middle * step], samples[middle * step : last * step]]
    before, after = reversed(said) if swapped else said
    return np.concatenate([silence(_LEAD + place), before, silence(_PAUSE), after, silence(_TAIL)])


@dataclass(frozen=True)
class Seam:
    """A timeline of two strips that meet at a frame, and the two actions (SPEECH_ACTION for a voice)."""

    kind: str
    timeline: Timeline
    frame: int
    actions: tuple[str, str]


def plan_seams(plan: TextPlan, voices: Sequence[Voice], number: int, seed: int, guidance: Guidance) -> list[Seam]:
    """So many seams of each kind, between the prompts of `JOINED` and the voices."""
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
                length = min(SPEECH_SECONDS, voice.seconds - _LEAD)
                start = cut if kind == "text-speech" else cut - length
                speeches.append(SpeechStrip(start, voice.path, start + length, _LEAD))
            timeline = Timeline(tuple(texts), tuple(speeches), CORE_FPS, noise)
            actions = (
                SPEECH_ACTION if kind == "speech-text" else before, SPEECH_ACTION if kind == "text-speech" else after
            )  # fmt: skip
            seams.append(Seam(kind, timeline, round(cut * CORE_FPS), actions))
    return seams
