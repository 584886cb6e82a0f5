# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule-made pairs of speech and motion: real gestures on the accents of real speech, over standing idle.

No recording of both together is at hand whose licence allows shipping what is learnt from it. So gesture clips with
known phases are laid on the accents of recorded speech: the emphasis of a stroke falls on a peak of energy and pitch,
close gestures follow one another without going back to rest, and the hands rest in the pauses.
"""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.signal import oaconvolve

from ..conditions.speech import BLOCK_WIDTHS, SAMPLE_RATE, load_audio, speech_features
from ..conditions.voice import accent_strength, decibels, speech_spans
from ..motion.clip import CORE_FPS, Motion
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    continuous,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    slerp,
)
from ..motion.skeleton import INDEX, JOINT_NAMES, neutral_skeleton
from .dataset import repeated

Floats = npt.NDArray[np.float32]

DEFAULT_BLOCKS = ("mfcc", "mel", "prosody", "onset")
_CHAIN = 2.6  # seconds between strokes in which the hands stay up
_WALKING = 1 / 8  # of the pairs

_TORSO = [INDEX[name] for name in ("spine1", "spine2", "spine3", "neck", "head")]
_ARMS = [
    i
    for i, name in enumerate(JOINT_NAMES)
    if any(
        part in name for part in ("collar", "shoulder", "elbow", "wrist", "index", "middle", "pinky", "ring", "thumb")
    )
]
_LIMBS = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("shoulder", "elbow")]
_LEGS = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("hip", "knee", "ankle")]
_WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]
_NO_TALKING = (
    "scratch", "stretch", "squeeze", "touch", "think", "contemplate", "guitar", "pushup", "walk", "reach", "turn",
    "step", "weight", "idle01_to", "idle02_to", "idle03_to", "stand01_to", "kick", "screwyou", "strafe", "door",
    "entrance", "jump", "punch", "motex", "lean",
)  # fmt: skip


class NamedClip(Protocol):
    """What `select` reads of a clip: its motion, file name and gesture phases in seconds."""

    @property
    def motion(self) -> Motion: ...
    @property
    def name(self) -> str: ...
    @property
    def phases(self) -> Mapping[str, float] | None: ...


@dataclass(frozen=True)
class Gesture:
    """A gesture at 20 fps that begins and ends at rest, its moments in seconds.

    raised: (T,) how far the hands are from rest, 1 in the apex. start: the hands leave their rest; emphasis: the stroke
    ends in its apex; hold_end: they set out for rest again; end: they have arrived.
    """

    motion: Motion
    raised: Array
    start: float
    emphasis: float
    hold_end: float
    end: float
    name: str


@dataclass(frozen=True)
class Pair:
    """Motion at 20 fps and the speech of the same T frames, (T, D).

    strokes: seconds at which gestures have their emphasis. walking: the gestures are made on a walk straight ahead.
    """

    motion: Motion
    speech: Floats
    name: str
    strokes: Array
    walking: bool = False


@dataclass(frozen=True)
class _Placed:
    """A gesture on the time line: `clip_seconds` (F,) to show from frame `first` on.

    arrived: (F,) how far the pose before is left behind; weight: (F,) goes to 0 where the idle is met again.
    """

    gesture: Gesture
    first: int
    clip_seconds: Array
    arrived: Array
    weight: Array


def select(clips: Sequence[NamedClip]) -> tuple[list[Gesture], list[Motion]]:
    """The gestures (mirrored ones too) that a standing speaker makes, and the idle motions to lay them over."""
    gestures: list[Gesture] = []
    idles: list[Motion] = []
    for clip in clips:
        name = clip.name.lower()
        both = (clip.motion, clip.motion.mirrored())
        if "weightshift" in name or (name.split("@")[-1] in {"idle01", "idle02", "idle03", "idlestand01"}):
            idles += [motion for motion in both if len(motion) >= 40]
        elif "@idle" in name and not any(word in name for word in _NO_TALKING):
            found = [find_gesture(motion, clip.phases or {}, clip.name) for motion in both]
            gestures += [gesture for gesture in found if gesture is not None]
    return gestures, idles


def find_gesture(motion: Motion, phases: Mapping[str, float], name: str) -> Gesture | None:
    """The gesture in a clip with a known "emphasis"; None where the clip is none that starts and ends at rest.

    The other moments are read off the hands, which tell them more surely than the files do.
    """
    motion = motion.resampled(CORE_FPS)
    emphasis = phases.get("emphasis", 0.0)
    frame = round(emphasis * motion.fps)
    if not 0.25 * motion.fps < frame < len(motion) - 0.25 * motion.fps:
        return None  # files without measured phases put all of them at the start
    positions = motion.positions(neutral_skeleton())  # (T, 55, 3)
    hands = positions[:, _WRISTS] - positions[:, :1]
    away = np.linalg.norm(hands - hands[:1], axis=-1).max(1)  # (T,) metres from rest
    apex = away[frame]
    comes_back = away[-1] < min(0.05, 0.5 * apex) and np.ptp(positions[:, 0], axis=0).max() < 0.1
    if apex < 0.05 or not comes_back or largest_turn(motion) > 40:
        return None
    start = int(np.flatnonzero(away[:frame] < min(0.02, 0.2 * apex))[-1])
    rest = max(0.15 * apex, away[-1] + 0.005)
    end = frame + int(np.flatnonzero(away[frame:] > rest)[-1]) + 1
    hold_end = frame + int(np.flatnonzero(away[frame:] < 0.85 * apex)[0]) - 1
    if hold_end - frame > 1.2 * motion.fps or end - hold_end > 1.2 * motion.fps:
        return None  # several gestures in one
    moments = np.array([start, max(hold_end, frame), max(end, hold_end + 3)]) / motion.fps
    raised = _smooth_step(gaussian_filter1d(away / apex, 1.5, mode="nearest"))
    raised[:start] = raised[end:] = 0
    return Gesture(motion, raised, moments[0], emphasis, moments[1], moments[2], name)


def choose_strokes(
    strength: Array, spans: Sequence[tuple[float, float]], rng: np.random.Generator, fps: float = CORE_FPS
) -> list[float]:
    """Seconds of the accents that get a gesture: one each 1.2 to 3 s of speech, the strongest within reach first."""
    strokes: list[float] = []
    for first, end in spans:
        time, last = first + 0.35, end - 0.1  # room to raise the hands
        earliest = time
        while earliest < last:
            latest = min(earliest + rng.uniform(0.8, 1.8), last)
            frames = np.arange(int(np.ceil(earliest * fps)), int(latest * fps) + 1)
            frames = frames[frames < len(strength)]
            if not len(frames):
                break
            stroke = float(frames[strength[frames].argmax()] / fps)
            strokes.append(stroke)
            earliest = stroke + rng.uniform(1.1, 1.5)
    return strokes


def make_pairs(
    speech_files: Sequence[Path | str],
    gestures: Sequence[Gesture],
    idles: Sequence[Motion],
    seed: int,
    minutes: float,
    blocks: Sequence[str] = DEFAULT_BLOCKS,
    walks: Sequence[Motion] = (),
) -> Iterator[Pair]:
    """`minutes` of pairs at 20 fps, each from one recording with some of its pauses drawn out.

    Recordings come round again, with other gestures, until the minutes are full. The same seed gives the same pairs.
    One in eight speaks on one of the walks (cycles straight ahead), where there are any.
    """
    rng = np.random.default_rng(seed)
    standing = [_standing_at_origin(idle.resampled(CORE_FPS)) for idle in idles]
    done, round_number = 0.0, 0
    while done < minutes * 60:
        for at in rng.permutation(len(speech_files)):
            path = Path(speech_files[at])
            walk = walks[int(rng.integers(len(walks)))] if walks and rng.random() < _WALKING else None
            name = f"{path.stem}_{round_number}"
            pair = make_pair(load_audio(path), gestures, standing, rng, blocks, name, walk)
            if pair is None:
                continue
            yield pair
            done += pair.motion.seconds
            if done >= minutes * 60:
                return
        if done == 0:
            return  # no recording holds speech
        round_number += 1


def make_pair(
    samples: Floats,
    gestures: Sequence[Gesture],
    idles: Sequence[Motion],
    rng: np.random.Generator,
    blocks: Sequence[str] = DEFAULT_BLOCKS,
    name: str = "",
    walk: Motion | None = None,
) -> Pair | None:
    """One pair from (n,) samples at 16 kHz; idles as from `_standing_at_origin`. None where nobody speaks.

    walk: a cycle that is gone through again and again instead of the idles.

    The gestures follow the recording as it is, the features are those of the voice in some room (`in_a_room`): else a
    network takes for a pause only what is as quiet as the studio.
    """
    samples = _with_pauses(samples, rng)
    wanted = [*blocks, *(block for block in ("prosody", "onset") if block not in blocks)]
    features = speech_features(samples, wanted, CORE_FPS)
    columns = _columns(features, wanted)
    energy_db = decibels(columns["prosody"][:, 0])
    spans = speech_spans(energy_db)
    if not spans:
        return None
    strength = accent_strength(energy_db, columns["prosody"][:, 2].astype(float), columns["onset"][:, 0].astype(float))
    strokes = choose_strokes(strength, spans, rng)
    base = repeated(walk, len(features)) if walk is not None else _idle_base(len(features), idles, rng)
    if len(base) < len(features):
        return None  # a walk whose pose never comes back
    placed, made = _place(strokes, spans, strength, gestures, rng)
    rotations = _overlay(base.rotations, placed)
    rotations = _alive(rotations, made, strength, spans, rng)
    speech = speech_features(in_a_room(samples, rng), blocks, CORE_FPS)
    return Pair(replace(base, rotations=continuous(rotations)), speech, name, np.array(made), walk is not None)


def in_a_room(samples: Floats, rng: np.random.Generator) -> Floats:
    """The recording with echoes of 0.1 to 1 s and steady noise 15 to 50 dB below the voice; one in three as it is."""
    if rng.random() < 1 / 3:
        return samples
    seconds = rng.uniform(0.1, 1.0)  # in which the echoes fall by 60 dB
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.standard_normal(len(times)) * 10 ** (-3 * times / seconds)
    echoes *= rng.uniform(0.0, 0.7) / np.linalg.norm(echoes)
    echoes[0] = 1.0
    heard = oaconvolve(samples, echoes)[: len(samples)]
    hiss = gaussian_filter1d(rng.standard_normal(len(samples)), rng.uniform(0.0, 4.0))  # white to dull
    voice = np.sqrt(np.percentile(np.square(heard), 95))
    return (heard + hiss / hiss.std() * voice * 10 ** (-rng.uniform(15, 50) / 20)).astype(np.float32)


def _columns(features: Floats, blocks: Sequence[str]) -> dict[str, Floats]:
    known = sum(BLOCK_WIDTHS[block] for block in blocks if "=" not in block)
    widths = [BLOCK_WIDTHS.get(block, features.shape[1] - known) for block in blocks]  # one block may be wavlm=...
    return dict(zip(blocks, np.split(features, np.cumsum(widths)[:-1], axis=1), strict=True))


def _with_pauses(samples: Floats, rng: np.random.Generator) -> Floats:
    """The recording led in and out by its own quiet, and one or two of its pauses made longer."""
    energy = decibels(speech_features(samples, ("prosody",), CORE_FPS)[:, 0])
    spans = speech_spans(energy, pause=0.2)
    step = int(SAMPLE_RATE / CORE_FPS)
    quietest = int(np.argmin(uniform_filter1d(energy, 5, mode="nearest")))
    middle = np.clip(quietest * step, 2 * step, max(2 * step, len(samples) - 2 * step))
    quiet = samples[middle - 2 * step : middle + 2 * step]  # 0.2 s
    if not len(quiet):
        return samples

    def silence(seconds: float) -> Floats:
        loop = np.concatenate([quiet, quiet[::-1]])
        return np.resize(loop, int(seconds * SAMPLE_RATE))

    cuts = [int((a[1] + b[0]) / 2 * SAMPLE_RATE) for a, b in pairwise(spans)]
    chosen = sorted(rng.choice(cuts, min(len(cuts), int(rng.integers(1, 3))), replace=False)) if cuts else []
    parts = [silence(rng.uniform(0.3, 1.8))]
    for start, end in zip([0, *chosen], [*chosen, len(samples)], strict=True):
        parts += [samples[start:end], silence(rng.uniform(0.8, 2.5))]
    return np.concatenate(parts).astype(np.float32)


def _standing_at_origin(motion: Motion) -> Motion:
    """Moved so that the feet of the first frame are about the origin."""
    ankles = motion.slice(0, 1).positions(neutral_skeleton())[0, [INDEX["left_ankle"], INDEX["right_ankle"]]].mean(0)
    return motion.moved((-ankles[0], 0.0, -ankles[2]))


def _degrees_apart(a: Array, b: Array) -> float:
    """The largest angle between two poses' joints, (J, 4) quaternions each."""
    return float(np.degrees(2 * np.arccos(np.abs((a * b).sum(-1)).clip(0, 1)).max()))


def _smooth_step(x: Array) -> Array:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _idle_base(frames: int, idles: Sequence[Motion], rng: np.random.Generator) -> Motion:
    """Standing for some frames: idle motions whose legs stand alike, melted into one another over a second."""
    first = idles[int(rng.integers(len(idles)))]
    legs = first.rotations[0, _LEGS]
    alike = [idle for idle in idles if _degrees_apart(idle.rotations[0, _LEGS], legs) < 6]
    fade = int(CORE_FPS)
    result = first.slice(int(rng.integers(0, max(1, len(first) // 2))), None)
    while len(result) < frames:
        following = alike[int(rng.integers(len(alike)))]
        n = min(fade, len(result), len(following))
        weight = _smooth_step(np.arange(1, n + 1) / (n + 1))  # (n,)
        middle = slerp(result.rotations[-n:], following.rotations[:n], weight[:, None])
        path = result.translation[-n:] * (1 - weight[:, None]) + following.translation[:n] * weight[:, None]
        result = replace(
            result,
            translation=np.concatenate([result.translation[:-n], path, following.translation[n:]]),
            rotations=np.concatenate([result.rotations[:-n], middle, following.rotations[n:]]),
        )
    return result.slice(0, frames)


def _place(
    strokes: Sequence[float],
    spans: Sequence[tuple[float, float]],
    strength: Array,
    gestures: Sequence[Gesture],
    rng: np.random.Generator,
) -> tuple[list[_Placed], list[float]]:
    """A gesture for each stroke that one fits, and the strokes that got one."""
    placed: list[_Placed] = []
    made: list[float] = []
    for number, stroke in enumerate(strokes):
        span_start, span_end = next(span for span in spans if span[0] <= stroke <= span[1])
        chained = bool(made) and made[-1] >= span_start and stroke - made[-1] < _CHAIN
        following = [other for other in strokes[number + 1 :] if other <= span_end and other - stroke < _CHAIN]
        rise_room = stroke - (made[-1] + 0.2 if chained else max(0.0, span_start - 0.4))
        hold_room = following[0] - stroke if following else float(np.clip(span_end - stroke, 0.3, 0.8))
        able = [
            gesture
            for gesture in gestures
            if gesture.emphasis - gesture.start <= 1.3 * rise_room and gesture.hold_end - gesture.emphasis <= hold_room
        ]
        if not able:
            continue
        gesture = able[int(rng.integers(len(able)))]
        rise = min((gesture.emphasis - gesture.start) / rng.uniform(0.85, 1.1), rise_room)
        # The hands stay up for a gesture that follows, and else come down when the clip's do.
        release = stroke + (hold_room if following else gesture.hold_end - gesture.emphasis)
        fall = (gesture.end - gesture.hold_end) / rng.uniform(1.0, 1.3)
        leave = max(made[-1] + 0.15, stroke - max(rise, 0.8)) if chained else None
        beats = _beats(strength, stroke, release)
        moments = (stroke - rise, stroke, release, release + fall)
        placed.append(_on_the_line(gesture, moments, beats, leave, len(strength)))
        made.append(stroke)
    return placed, made


def _beats(strength: Array, stroke: float, release: float) -> list[float]:
    """Seconds of the lesser accents while the hands are held up, at most two a second."""
    beats: list[float] = []
    for frame in range(int((stroke + 0.5) * CORE_FPS), min(int((release - 0.35) * CORE_FPS), len(strength) - 1)):
        is_peak = strength[frame - 1] < strength[frame] >= strength[frame + 1]
        if is_peak and strength[frame] > 0.5 and frame / CORE_FPS - (beats[-1] if beats else stroke) >= 0.5:
            beats.append(frame / CORE_FPS)
    return beats


def _on_the_line(
    gesture: Gesture,
    moments: tuple[float, float, float, float],
    beats: Sequence[float],
    leave: float | None,
    frames: int,
) -> _Placed:
    """`gesture` warped so that start, emphasis, hold_end and end fall on `moments` in seconds.

    beats: when the last part of the stroke is made again. leave: when the gesture before is left, without going back
    to rest; None to come from the idle.
    """
    lead, tail = 0.3, 0.4  # still at rest in the clip: here the idle is left and met again
    start, emphasis, release, end = moments
    begin = start - lead if leave is None else leave
    first = max(0, int(np.floor(begin * CORE_FPS)))
    last = min(frames - 1, int(np.ceil((end + tail) * CORE_FPS)))
    times = np.arange(first, last + 1) / CORE_FPS
    knots = [(start - lead, gesture.start - lead), (start, gesture.start), (emphasis, gesture.emphasis)]
    for beat in beats:
        back = gesture.emphasis - min(0.2, 0.25 * (gesture.emphasis - gesture.start))
        knots += [(beat - 0.45, gesture.emphasis), (beat - 0.2, back), (beat, gesture.emphasis)]
    knots += [(release, gesture.hold_end), (end, gesture.end), (end + tail, gesture.end + tail)]
    line = np.array(knots)  # (K, 2)
    clip_seconds = np.interp(times, line[:, 0], line[:, 1])
    clip_seconds = gaussian_filter1d(clip_seconds, 1.0, mode="nearest")
    arrival = start if leave is None else emphasis - 0.2 * (emphasis - start)
    arrived = _smooth_step((times - begin) / (arrival - begin))
    weight = _smooth_step((end + tail - times) / (tail + 0.5 * (end - release)))
    return _Placed(gesture, first, clip_seconds, arrived, weight)


def _overlay(rotations: Array, placed: Sequence[_Placed]) -> Array:
    """(T, 55, 4): torso and arms take the gestures' change from rest; raised arms are the gestures' own.

    So the hands leave from and come back to where the idle's rest, and still meet where the gesture's do.
    """
    result = rotations.copy()
    arms_of_idle, torso_of_idle = rotations[:, _ARMS], rotations[:, _TORSO]
    lean = np.zeros((len(rotations), len(_TORSO), 4))
    lean[..., 0] = 1
    for item in placed:
        motion = item.gesture.motion
        here = slice(item.first, item.first + len(item.weight))
        place = np.clip(item.clip_seconds * motion.fps, 0, len(motion) - 1)
        low = np.minimum(place.astype(int), len(motion) - 2)
        part = place - low
        pose = slerp(motion.rotations[low], motion.rotations[low + 1], part[:, None])  # (F, 55, 4)
        change = quaternion_multiply(quaternion_conjugate(motion.rotations[0]), pose)
        raised = item.gesture.raised[low] * (1 - part) + item.gesture.raised[low + 1] * part
        arms = quaternion_multiply(_faded(arms_of_idle[here], motion.rotations[0, _ARMS], 1 - raised), pose[:, _ARMS])
        # What the pose before differs by fades away; a blend of two moving poses could turn the long way round.
        fade = 1 - item.arrived
        arms = quaternion_multiply(_faded(result[item.first, _ARMS], arms[0], fade), arms)
        torso = quaternion_multiply(_faded(lean[item.first], change[0, _TORSO], fade), change[:, _TORSO])
        result[here.start : here.stop, _ARMS] = slerp(arms_of_idle[here], arms, item.weight[:, None])
        lean[here] = slerp(np.array([1.0, 0, 0, 0]), torso, item.weight[:, None])
        result[here.stop :, _ARMS] = arms_of_idle[here.stop :]
        lean[here.stop :] = [1.0, 0, 0, 0]
    result[:, _TORSO] = quaternion_multiply(torso_of_idle, lean)
    return result


def _faded(before: Array, now: Array, fade: Array) -> Array:
    """The rotation from pose `now` (J, 4) to `before` (J, 4) or (F, J, 4), in the parts `fade` (F,): (F, J, 4)."""
    offset = quaternion_to_axis_angle(quaternion_multiply(before, quaternion_conjugate(now)))  # (J, 3)
    return axis_angle_to_quaternion(fade[:, None, None] * offset)


def _alive(
    rotations: Array,
    strokes: Sequence[float],
    strength: Array,
    spans: Sequence[tuple[float, float]],
    rng: np.random.Generator,
) -> Array:
    """Nods on the strokes, looking about while speaking, and the slight sway of a living body."""
    frames = len(rotations)
    times = np.arange(frames) / CORE_FPS
    turn = np.zeros((frames, len(JOINT_NAMES), 3))  # radians
    for stroke in strokes:
        size = np.radians(rng.uniform(1.5, 5.0)) * min(1.0, 0.4 + 0.2 * strength[round(stroke * CORE_FPS)])
        nod = size * np.exp(-0.5 * ((times - stroke) / 0.14) ** 2)
        turn[:, INDEX["head"], 0] += nod
        turn[:, INDEX["neck"], 0] += 0.4 * nod
        turn[:, INDEX["spine3"], 0] += 0.25 * nod
    speaking = np.zeros(frames)
    for first, end in spans:
        speaking[int(first * CORE_FPS) : int(end * CORE_FPS) + 1] = 1
    speaking = gaussian_filter1d(speaking, 8)[:, None]
    head = _drift((frames, 3), 12, rng) * np.radians([1.5, 5.0, 1.5])
    turn[:, INDEX["head"]] += head * (0.3 + 0.7 * speaking)
    turn[:, INDEX["spine2"]] += _drift((frames, 3), 20, rng) * np.radians([0.6, 1.2, 0.5])
    turn[:, _LIMBS] += (_drift((frames, len(_LIMBS) * 3), 16, rng) * np.radians(0.7)).reshape(frames, -1, 3)
    return quaternion_multiply(rotations, axis_angle_to_quaternion(turn))


def _drift(shape: tuple[int, int], smoothness: float, rng: np.random.Generator) -> Array:
    """Slow noise of unit size; smoothness in frames."""
    noise = gaussian_filter1d(rng.standard_normal(shape), smoothness, axis=0, mode="reflect")
    return noise * np.sqrt(2 * smoothness * np.sqrt(np.pi))


def hand_speeds(motion: Motion) -> Array:
    """(T, 2) metres a second of the left and right wrist, relative to the pelvis."""
    positions = motion.positions(neutral_skeleton())
    hands = positions[:, _WRISTS] - positions[:, :1]
    return np.linalg.norm(np.gradient(hands, axis=0), axis=-1) * motion.fps


def largest_turn(motion: Motion) -> float:
    """The largest change of a joint between two frames, in degrees."""
    between = quaternion_multiply(quaternion_conjugate(motion.rotations[:-1]), motion.rotations[1:])
    return float(np.degrees(np.linalg.norm(quaternion_to_axis_angle(between), axis=-1).max()))
