# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of a speaker's hands beside the voice: pure functions of positions (T, 55, 3) and moments in seconds.

Beats follow EMAGE's beat consistency, both ways: from onsets to motion it rises with jitter, from motion to onsets with
stillness. Compare with recordings, never maximise.
"""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin, find_peaks

from ..motion.rotation import Array
from ..motion.skeleton import INDEX
from ..training.pairing import speech_spans

Bools = npt.NDArray[np.bool_]

BEAT_SIGMA = 0.3  # seconds of tolerance (EMAGE)
BEAT_ORDER = 0.23  # seconds to both sides in which a beat is the slowest moment (7 frames at 30 fps)
BEAT_SPEED = 0.3  # of the usual speed of a joint, under which it is at rest and has no beats
STROKE_SPEED = 0.4  # metres a second that a hand reaches in a stroke
STROKE_GAP = 0.4  # seconds between two strokes
_BEFORE, _AFTER = 0.4, 0.6  # seconds around speech in which hands may be raised and lowered

UPPER_BODY = tuple(
    INDEX[name]
    for name in (
        "spine2", "spine3", "neck", "head", "left_collar", "right_collar", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_index1",
    )
)  # fmt: skip
_WRISTS = (INDEX["left_wrist"], INDEX["right_wrist"])


def decibels(energy: npt.ArrayLike) -> Array:
    """Loudness in dB of the energy column of the speech features, which is max(ln(dB) - 3, 0)."""
    return np.exp(np.asarray(energy, np.float64) + 3)


def joint_speeds(positions: Array, fps: float, joints: Sequence[int] = _WRISTS) -> Array:
    """Speeds of joints relative to the pelvis, (T, J) metres a second; 0 for a single frame."""
    local = positions[:, list(joints)] - positions[:, :1]
    if len(local) < 2:
        return np.zeros(local.shape[:2])
    return np.linalg.norm(np.gradient(local, axis=0), axis=-1) * fps


def speech_and_pause(energy: npt.ArrayLike, frames: int, fps: float) -> tuple[Bools, Bools]:
    """Which of so many frames are in speech, and which in a pause long enough for the hands to be at rest: (T,) each.

    energy: (N,) the column of the speech features. Frames at the edges of speech, in which hands are raised and
    lowered, are neither.
    """
    level = decibels(energy)[:frames]
    times = np.arange(frames) / fps
    speech, near = np.zeros(frames, bool), np.zeros(frames, bool)
    for first, end in speech_spans(level, fps):
        speech |= (times >= first) & (times <= end)
        near |= (times > first - _BEFORE) & (times < end + _AFTER)
    return speech, ~near


def stroke_times(positions: Array, fps: float) -> Array:
    """Seconds at which the faster hand is fastest in a stroke: peaks of its speed above 0.4 m/s, in order."""
    speed = gaussian_filter1d(joint_speeds(positions, fps).max(1), 0.05 * fps)
    peaks, _ = find_peaks(speed, height=STROKE_SPEED, distance=max(1, round(STROKE_GAP * fps)))
    return peaks / fps


def rate(moments: Array, frames: Bools, fps: float) -> float:
    """How many moments a minute fall into the frames (T,) that are True; 0 where none is."""
    at = np.round(moments * fps).astype(int)
    inside = frames[at[at < len(frames)]].sum()
    return float(inside / frames.sum() * fps * 60) if frames.any() else 0.0


def motion_beats(positions: Array, fps: float, usual: Array) -> list[Array]:
    """For each of 13 joints of the upper body the seconds at which it slows down between two movements.

    Local minima of its speed over 0.23 s to both sides, where it is not at rest: above 0.3 of `usual` (13,), its mean
    speed in recordings, somewhere within that reach.
    """
    speeds = joint_speeds(positions, fps, UPPER_BODY) / usual  # (T, 13)
    order = max(1, round(BEAT_ORDER * fps))
    beats: list[Array] = []
    for speed in speeds.T:
        at = argrelmin(speed, order=order)[0]
        lively = [k for k in at if speed[max(0, k - order) : k + order + 1].max() > BEAT_SPEED]
        beats.append(np.array(lively, np.float64) / fps)
    return beats


def beat_consistency(onsets: Array, beats: Array, sigma: float = BEAT_SIGMA) -> float:
    """Mean over onsets of exp(-d^2 / 2 sigma^2), d to the nearest beat; seconds. 1 where each meets one, 0 without any.

    Exchange the arguments for the other direction.
    """
    if not len(onsets) or not len(beats):
        return 0.0
    apart = np.abs(onsets[:, None] - beats).min(1)
    return float(np.exp(-(apart**2) / (2 * sigma**2)).mean())
