# SPDX-License-Identifier: GPL-3.0-or-later
"""The speech table: beats, strokes and hands next to the voice, and the preference of the speech evaluator."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence

import numpy as np

from ..motion.clip import CORE_FPS
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from ..training.clip import SPEECH_ACTION, WINDOW
from ..training.split import Split
from . import speech
from .clips import Floats, Library
from .evaluated_clip import EvaluatedClip, Figures, windows
from .evaluators import SpeechMotionEvaluator, TextMotionEvaluator, preference_scores
from .statistics import frechet_distance, preference
from .voices import GESTURES, Voice

_RIVALS = 12  # other speech that the own speech of a clip is compared with


def speech_figures(
    clips: Sequence[EvaluatedClip],
    sounds: Sequence[Floats],
    usual: Array,
    evaluator: SpeechMotionEvaluator,
    others: Sequence[Sequence[Floats]],
) -> Figures:
    """Compute the figures of a row of the speech table.

    Args:
        clips: The clips of the row.
        sounds: Their speech, (T, 5) voice features each.
        usual: (13,) mean speeds of the upper body in recordings; see `speech.motion_beats`.
        evaluator: The speech evaluator.
        others: Mismatched speech for each clip.

    Returns:
        Rates per minute, speeds in meters per second, shares 0..1.
    """
    fps = CORE_FPS
    to_motion: list[float] = []
    to_onsets: list[float] = []
    in_speech: list[Array] = []
    in_pause: list[Array] = []
    strokes = np.zeros(2)
    frames = np.zeros(2)
    for clip, sound in zip(clips, sounds, strict=True):
        length = min(len(clip.positions), len(sound))
        positions, voice = clip.positions[:length], sound[:length]
        onsets = np.flatnonzero(voice[:, 4] > 0.5) / fps
        beats = speech.motion_beats(positions, fps, usual)
        to_motion.append(float(np.mean([speech.beat_consistency(onsets, beat) for beat in beats])))
        moving = [beat for beat in beats if len(beat)]
        to_onsets.append(float(np.mean([speech.beat_consistency(beat, onsets) for beat in moving])) if moving else 0.0)
        spoken, paused = speech.speech_and_pause(voice[:, 0], length, fps)
        hands = speech.joint_speeds(positions, fps).max(1)
        in_speech.append(hands[spoken])
        in_pause.append(hands[paused])
        times = speech.stroke_times(positions, fps)
        at = np.minimum(np.round(times * fps).astype(int), length - 1)
        strokes += [spoken[at].sum(), paused[at].sum()]
        frames += [spoken.sum(), paused.sum()]
    spoken_speed, paused_speed = (_mean(np.concatenate(parts)) for parts in (in_speech, in_pause))
    rates = strokes / np.maximum(frames, 1) * fps * 60
    own = [_cut_alike(clip, sound) for clip, sound in zip(clips, sounds, strict=True)]
    matched, mismatched = preference_scores(
        evaluator, [features for features, _ in own], [sound for _, sound in own], others
    )
    return {
        "beats_onsets_to_motion": _mean(np.array(to_motion)),
        "beats_motion_to_onsets": _mean(np.array(to_onsets)),
        "strokes_in_speech": float(rates[0]),
        "strokes_in_pauses": float(rates[1]),
        "hands_in_speech": spoken_speed,
        "hands_in_pauses": paused_speed,
        "pause_to_speech": paused_speed / max(spoken_speed, 1e-9),
        "matched_preferred": preference(matched, mismatched),
    }


def _cut_alike(clip: EvaluatedClip, sound: Floats) -> tuple[Floats, Floats]:
    length = min(len(clip.features), len(sound))
    return clip.features[:length], sound[:length]


def usual_speeds(clips: Sequence[EvaluatedClip]) -> Array:
    """Return the mean speed (13,) of each joint of the upper body, in meters per second."""
    speeds = [speech.joint_speeds(clip.positions, CORE_FPS, speech.UPPER_BODY) for clip in clips]
    return np.maximum(np.concatenate(speeds).mean(0), 1e-3)


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else 0.0


def held_out_pairs(
    library: Library, split: Split, frames: int, number: int, skeleton: Skeleton
) -> list[tuple[EvaluatedClip, Floats]]:
    """Return pairs of motion and voice features, of training if none are held out.

    Args:
        library: The packed clips.
        split: Which clips are held out.
        frames: How many frames of each to return at most.
        number: How many pairs to return at most.
        skeleton: The skeleton of the motions.
    """
    pairs = [clip for clip in library.clips if clip.action == SPEECH_ACTION and clip.frames >= WINDOW]
    pairs = ([clip for clip in pairs if split.held_out(clip)] or pairs)[:number]
    return [
        (
            EvaluatedClip.of_features(library.motion_features(clip)[:frames], skeleton),
            library.voice_features(clip)[:frames],
        )
        for clip in pairs
    ]


def speech_table(
    library: Library, split: Split, voices: Sequence[Voice],
    evaluators: tuple[TextMotionEvaluator, SpeechMotionEvaluator], made: Mapping[str, Sequence[EvaluatedClip]],
    paired: Sequence[tuple[EvaluatedClip, Floats]], seed: int,
) -> dict[str, Figures]:  # fmt: skip
    """Compute the speech table.

    Args:
        library: The packed clips.
        split: Which clips are held out.
        voices: What was asked for.
        evaluators: The text and the speech evaluator.
        made: Row -> a clip for each voice; "ours" is one of the rows.
        paired: As from `held_out_pairs`; every second one is the reference.
        seed: Seed of what is drawn.
    """
    text_evaluator, speech_evaluator = evaluators
    own = list(paired[::2])
    reference = [clip for clip, _ in paired[1::2]] or [clip for clip, _ in own]
    usual = usual_speeds([clip for clip, _ in paired])
    sounds, clips = _rows(voices, made, own, [sound for _, sound in paired])
    # as many windows for each row, since a Frechet distance depends on their number
    number = min(len(windows(list(items), 10**6)) for items in clips.values())
    gestures = text_evaluator.embed_motions(_gesture_clips(library, split, number, seed))[0]
    pairs = text_evaluator.embed_motions(windows(reference, number))[0]
    table: dict[str, Figures] = {}
    for row in ("mocap", "ours", "shuffled", *(row for row in made if row != "ours")):
        # the other speech is that of the same row's other clips, so that chance is 50 % whatever the evaluator prefers
        every = [sound for _, sound in own] if row == "mocap" else [voice.features for voice in voices]
        every = every if len(every) > 1 else [*every, *(sound for _, sound in paired)]
        others = [
            [sound for sound in (*every[i:], *every[:i])[: _RIVALS + 1] if sound is not sounds[row][i]]
            for i in range(len(clips[row]))
        ]
        table[row] = speech_figures(clips[row], sounds[row], usual, speech_evaluator, others)
        embedded = text_evaluator.embed_motions(windows(list(clips[row]), number))[0]
        table[row] |= {
            "frechet_pairs": frechet_distance(embedded, pairs),
            "frechet_gestures": frechet_distance(embedded, gestures),
        }
    return table


def _rows(
    voices: Sequence[Voice], made: Mapping[str, Sequence[EvaluatedClip]], own: Sequence[tuple[EvaluatedClip, Floats]],
    foreign: Sequence[Floats],
) -> tuple[dict[str, list[Floats]], dict[str, Sequence[EvaluatedClip]]]:  # fmt: skip
    """Return speech and clips of each row; the speech of "shuffled" is that of another voice."""
    sounds = {row: [voice.features for voice in voices] for row in made}
    clips: dict[str, Sequence[EvaluatedClip]] = {"mocap": [clip for clip, _ in own], **made}
    sounds["mocap"] = [sound for _, sound in own]
    turn = 1 + len(voices) // 2 if len(voices) > 1 else 0
    sounds["shuffled"] = [
        voices[(i + turn) % len(voices)].features if turn else foreign[0][: len(voices[i].features)]
        for i in range(len(voices))
    ]
    clips["shuffled"] = made["ours"]
    return sounds, clips


def _gesture_clips(library: Library, split: Split, number: int, seed: int) -> list[Floats]:
    """Draw features (T, 659) of held-out recordings of gestures, or of any recordings without speech."""
    gestures = [clip for clip in library.clips if clip.action in GESTURES and split.held_out(clip)] or [
        clip for clip in library.clips if clip.speech < 0
    ]
    rng = np.random.default_rng([seed, 3])
    drawn = [gestures[int(k)] for k in rng.permutation(len(gestures))[:number]]
    return [library.motion_features(clip) for clip in drawn]
