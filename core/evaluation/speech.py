# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of a speaker's hands and the voice: pure functions of positions (T, 55, 3) and times in seconds.

Beats follow EMAGE's beat consistency, in both directions: from onsets to motion it increases with jitter, from motion
to onsets with stillness. Compare it with recordings; never maximize it.
"""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin, find_peaks

from ..conditions.voice import speech_spans
from ..motion.rotation import Array
from ..motion.skeleton import INDEX

Bools = npt.NDArray[np.bool_]

BEAT_SIGMA = 0.3  # seconds of tolerance (EMAGE)
BEAT_ORDER = 0.23  # seconds on both sides in which a beat is the slowest moment (7 frames at 30 fps)
BEAT_SPEED = 0.3  # share of the usual speed of a joint, below which it is at rest and has no beats
STROKE_SPEED = 0.4  # meters per second that a hand reaches in a stroke
STROKE_GAP = 0.4  # seconds between two strokes at least
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
    """Return the loudness in dB from the energy column of the speech features, max(ln(dB) - 3, 0)."""
    return np.exp(np.asarray(energy, np.float64) + 3)


def joint_speeds(positions: Array, fps: float, joints: Sequence[int] = _WRISTS) -> Array:
    """Return speeds (T, J) of joints relative to the pelvis in meters per second; 0 for a single frame."""
    local = positions[:, list(joints)] - positions[:, :1]
    if len(local) < 2:
        return np.zeros(local.shape[:2])
    return np.linalg.norm(np.gradient(local, axis=0), axis=-1) * fps


def speech_and_pause(energy: npt.ArrayLike, frames: int, fps: float) -> tuple[Bools, Bools]:
    """Return which frames are in speech, and which in a pause long enough for the hands to rest.

    Frames at the edges of speech, in which hands are raised and lowered, are neither.

    Args:
        energy: (N,) column of the speech features.
        frames: T.
        fps: Frames per second.

    Returns:
        (T,) bool each.
    """
    level = decibels(energy)[:frames]
    times = np.arange(frames) / fps
    speech, near = np.zeros(frames, bool), np.zeros(frames, bool)
    for first, end in speech_spans(level, fps):
        speech |= (times >= first) & (times <= end)
        near |= (times > first - _BEFORE) & (times < end + _AFTER)
    return speech, ~near


def stroke_times(positions: Array, fps: float) -> Array:
    """Return the times of the strokes: peaks of the speed of the faster hand above 0.4 m/s."""
    speed = gaussian_filter1d(joint_speeds(positions, fps).max(1), 0.05 * fps)
    peaks, _ = find_peaks(speed, height=STROKE_SPEED, distance=max(1, round(STROKE_GAP * fps)))
    return peaks / fps


def rate(moments: Array, frames: Bools, fps: float) -> float:
    """Return how many of the moments per minute fall into the frames (T,) that are True; 0 if none is."""
    at = np.round(moments * fps).astype(int)
    inside = frames[at[at < len(frames)]].sum()
    return float(inside / frames.sum() * fps * 60) if frames.any() else 0.0


def motion_beats(positions: Array, fps: float, usual: Array) -> list[Array]:
    """Find the beats of 13 joints of the upper body: where they slow down between two movements.

    These are local minima of speed over 0.23 s on both sides, unless the joint is at rest: below 0.3 of its usual speed
    all that time.

    Args:
        positions: (T, 55, 3).
        fps: Frames per second.
        usual: (13,) mean speeds in recordings.

    Returns:
        Seconds of the beats of each joint.
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
    """Compute the mean over onsets of exp(-d^2 / 2 sigma^2), d to the nearest beat.

    Exchange the first two arguments for the other direction.

    Args:
        onsets: Seconds.
        beats: Seconds.
        sigma: Tolerance in seconds.

    Returns:
        1 if each onset coincides with a beat, 0 without any.
    """
    if not len(onsets) or not len(beats):
        return 0.0
    apart = np.abs(onsets[:, None] - beats).min(1)
    return float(np.exp(-(apart**2) / (2 * sigma**2)).mean())
