# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of one row of the table: measures of many clips, averaged, in the units that the table prints."""

# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..motion import metrics
from ..motion.clip import CORE_FPS, Motion
from ..motion.features import decode, encode
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from ..training.dataset import KEY_ACTIONS
from . import speech
from .clips import Floats
from .evaluators import SpeechMotionJudge, TextMotionJudge, preference_scores
from .statistics import diversity, frechet_distance, joint_frechet_distance, matching_score, preference, r_precision

Figures = dict[str, float]

REACH = 20  # frames of jerk to both sides of a seam: 1 s
_WIDTH = 2 * REACH + 2
_DRAWS = 50


@dataclass(frozen=True)
class EvaluatedClip:
    """A motion as the measures see it, at 20 fps: features (T, 659), positions (T, 55, 3), rotations (T, 55, 4)."""

    rows: Floats
    positions: Array
    rotations: Array

    @staticmethod
    def of_rows(rows: Floats, skeleton: Skeleton) -> "EvaluatedClip":
        motion = decode(rows, skeleton)
        return EvaluatedClip(np.asarray(rows, np.float32), motion.positions(skeleton), motion.rotations)

    @staticmethod
    def of_motion(motion: Motion, skeleton: Skeleton) -> "EvaluatedClip":
        return EvaluatedClip(encode(motion, skeleton).astype(np.float32), motion.positions(skeleton), motion.rotations)


@dataclass(frozen=True)
class Judged:
    """Motions and their texts in the judge's space, (N, E) each, what they should show and what they look like."""

    motions: Array
    texts: Array
    labels: Sequence[str]
    looks: Sequence[tuple[str, ...]]

    @staticmethod
    def of(judge: TextMotionJudge, clips: Sequence[Floats], vectors: Floats, labels: Sequence[str]) -> "Judged":
        """clips: features of each; vectors: (N, Dt) sentence vectors."""
        motions, looks = judge.see(clips)
        return Judged(motions, judge.read(vectors), labels, looks)

    def first(self, number: int) -> "Judged":
        """The first so many of them."""
        return Judged(self.motions[:number], self.texts[:number], self.labels[:number], self.looks[:number])


def text_figures(judged: Judged, reference: Judged, seed: int) -> Figures:
    """R-precision, matching, Frechet distances to the reference, spread, and actions recognised (shares 0..1).

    Recognised of all clips, and of those that show what a presenter does most (`KEY_ACTIONS`).
    """
    top = r_precision(judged.texts, judged.motions, judged.labels, seed)
    right = [[label == look[0], label in look] for look, label in zip(judged.looks, judged.labels, strict=True)]
    key = [first for (first, _), label in zip(right, judged.labels, strict=True) if label in KEY_ACTIONS]
    return {
        "r_precision_1": top[0],
        "r_precision_2": top[1],
        "r_precision_3": top[2],
        "matching_score": matching_score(judged.texts, judged.motions),
        "frechet": frechet_distance(judged.motions, reference.motions),
        "joint_frechet": joint_frechet_distance(judged.texts, judged.motions, reference.texts, reference.motions),
        "diversity": diversity(judged.motions, seed),
        "actions_recognised": float(np.mean(right, 0)[0]),
        "key_actions_recognised": float(np.mean(key)) if key else 0.0,
        "actions_in_top_3": float(np.mean(right, 0)[1]),
    }


def action_shares(judged: Judged) -> Figures:
    """Of each action, the share of clips that look like it."""
    return {
        action: float(
            np.mean([look[0] == action for look, a in zip(judged.looks, judged.labels, strict=True) if a == action])
        )
        for action in sorted(set(judged.labels))
    }


def speech_figures(
    clips: Sequence[EvaluatedClip],
    heard: Sequence[Floats],
    usual: Array,
    judge: SpeechMotionJudge,
    others: Sequence[Sequence[Floats]],
) -> Figures:
    """Beats, strokes and hands beside the speech they were made for: heard (T, 5) each.

    usual: (13,) mean speeds of the upper body in recordings, see `speech.motion_beats`. others: for each clip the
    mismatched speeches. Rates are a minute, speeds metres a second.
    """
    fps = CORE_FPS
    to_motion: list[float] = []
    to_onsets: list[float] = []
    in_speech: list[Array] = []
    in_pause: list[Array] = []
    strokes = np.zeros(2)
    frames = np.zeros(2)
    for clip, sound in zip(clips, heard, strict=True):
        length = min(len(clip.positions), len(sound))
        positions, sound_now = clip.positions[:length], sound[:length]
        onsets = np.flatnonzero(sound_now[:, 4] > 0.5) / fps
        beats = speech.motion_beats(positions, fps, usual)
        to_motion.append(float(np.mean([speech.beat_consistency(onsets, beat) for beat in beats])))
        moving = [beat for beat in beats if len(beat)]
        to_onsets.append(float(np.mean([speech.beat_consistency(beat, onsets) for beat in moving])) if moving else 0.0)
        spoken, paused = speech.speech_and_pause(sound_now[:, 0], length, fps)
        hands = speech.joint_speeds(positions, fps).max(1)
        in_speech.append(hands[spoken])
        in_pause.append(hands[paused])
        times = speech.stroke_times(positions, fps)
        at = np.minimum(np.round(times * fps).astype(int), length - 1)
        strokes += [spoken[at].sum(), paused[at].sum()]
        frames += [spoken.sum(), paused.sum()]
    spoken_speed, paused_speed = (_mean(np.concatenate(parts)) for parts in (in_speech, in_pause))
    rates = strokes / np.maximum(frames, 1) * fps * 60
    own = [_fitting(clip, sound) for clip, sound in zip(clips, heard, strict=True)]
    matched, mismatched = preference_scores(judge, [rows for rows, _ in own], [sound for _, sound in own], others)
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


def _fitting(clip: EvaluatedClip, sound: Floats) -> tuple[Floats, Floats]:
    length = min(len(clip.rows), len(sound))
    return clip.rows[:length], sound[:length]


def usual_speeds(clips: Sequence[EvaluatedClip]) -> Array:
    """(13,) mean speed of each joint of the upper body, metres a second."""
    speeds = [speech.joint_speeds(clip.positions, CORE_FPS, speech.UPPER_BODY) for clip in clips]
    return np.maximum(np.concatenate(speeds).mean(0), 1e-3)


def windows(clips: Sequence[EvaluatedClip], number: int, length: int = 100, hop: int = 25) -> list[Floats]:
    """At most so many overlapping stretches of features, spread evenly over the clips."""
    every = [clip.rows[at : at + length] for clip in clips for at in range(0, max(1, len(clip.rows) - length + 1), hop)]
    if len(every) <= number:
        return every
    return [every[int(k)] for k in np.linspace(0, len(every) - 1, number)]


def body_figures(clips: Sequence[EvaluatedClip], skeleton: Skeleton) -> Figures:
    """Means over clips: m/s^3, m/s^2, cm/s, cm, and shares in percent."""
    fps = CORE_FPS
    rows: list[list[float]] = []
    for clip in clips:
        positions = clip.positions
        hands = positions[:, metrics.HANDS]
        rows.append([
            metrics.jerk(positions, fps), metrics.jerk(hands, fps),
            metrics.acceleration(positions, fps), metrics.acceleration(hands, fps),
            100 * metrics.foot_skate(positions, fps), 100 * metrics.floating(positions, skeleton, fps),
            100 * metrics.penetration(positions, skeleton), 100 * metrics.joint_limit_violations(clip.rotations),
            100 * metrics.root_drift(positions, fps),
        ])  # fmt: skip
    names = ("jerk", "jerk_hands", "acceleration", "acceleration_hands", "toe_skate", "float", "penetration",
             "joint_limits", "root_drift")  # fmt: skip
    return dict(zip(names, np.mean(rows, 0).tolist(), strict=True))


@dataclass(frozen=True)
class Stretch:
    """What lies about a seam, or about any frame of a recording: its jerk profile (42,) and transition distance (m).

    usual: the median peak of recordings of the same actions.
    """

    profile: Array
    distance: float
    usual: float = 1.0

    @property
    def peak(self) -> float:
        return float(self.profile.max())


def stretch(positions: Array, frame: int) -> Stretch | None:
    """A second to both sides of a frame; None where there is less."""
    first = frame - 2 - REACH
    profile = metrics.jerk_profile(positions)[max(first, 0) : first + _WIDTH]
    if first < 0 or len(profile) < _WIDTH:
        return None
    return Stretch(profile, metrics.transition_distance(positions, frame))


def stretches_of(clips: Sequence[EvaluatedClip]) -> list[Stretch]:
    """Of recordings: one about the middle of each that is long enough, two seconds apart in longer ones."""
    found: list[Stretch | None] = []
    for clip in clips:
        length = len(clip.positions)
        first = (length % (2 * REACH) + 2 * REACH) // 2 if length >= 2 * REACH else 0
        found += [stretch(clip.positions, frame) for frame in range(first, length, 2 * REACH)]
    return [item for item in found if item is not None]


def seam_figures(seams: Sequence[Stretch], recorded: Sequence[Stretch], seed: int, size: int | None = None) -> Figures:
    """PJ, AUJ, peaks against the usual peak of the actions that meet, and transition distance in cm.

    size: draw so many of the seams, several times, and take the means: for recordings, of which there are more than
    seams, since a mean of many is smoother and a worst of many is worse.
    """
    size = min(size or len(seams), len(seams))
    draws = _DRAWS if size < len(seams) else 1
    rng = np.random.default_rng(seed)
    reference = float(np.mean([item.profile for item in recorded]))
    each: list[list[float]] = []
    for _ in range(draws):
        draw = [seams[int(i)] for i in rng.permutation(len(seams))[:size]]
        profiles, peaks = [item.profile for item in draw], np.array([item.peak / item.usual for item in draw])
        each.append([
            metrics.peak_jerk(profiles), metrics.area_under_jerk(profiles, reference),
            float(np.percentile(peaks, 95)), float(peaks.max()),
            100 * float(np.mean([item.distance for item in draw])),
        ])  # fmt: skip
    names = ("peak_jerk", "area_under_jerk", "p95_to_median", "worst_to_median", "transition_distance")
    return dict(zip(names, np.mean(each, 0).tolist(), strict=True))


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else 0.0
