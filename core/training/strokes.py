# SPDX-License-Identifier: GPL-3.0-or-later
"""Gestures on the accents of speech: which accents get a stroke, and how a gesture is warped to fit."""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..motion.clip import CORE_FPS
from ..motion.filters import smoothstep
from ..motion.rotation import Array
from .gestures import Gesture

_CHAIN = 2.6  # seconds between strokes in which the hands stay up


@dataclass(frozen=True)
class PlacedGesture:
    """A gesture on the timeline.

    Attributes:
        gesture: The gesture.
        first: The first frame of the timeline that shows it; F frames do.
        clip_seconds: (F,) the time within the gesture that each frame shows.
        arrived: (F,) how far the preceding pose is left behind, 0 to 1.
        weight: (F,) weight of the gesture; falls to 0 where the idle takes over again.
    """

    gesture: Gesture
    first: int
    clip_seconds: Array
    arrived: Array
    weight: Array


def choose_strokes(
    strength: Array, spans: Sequence[tuple[float, float]], rng: np.random.Generator, fps: float = CORE_FPS
) -> list[float]:
    """Choose the accents that get a gesture: one every 1.2 to 3 s of speech, the strongest within reach.

    Args:
        strength: (T,) strength of the accent in each frame.
        spans: Beginning and end of each stretch of speech in seconds.
        rng: Draws the distances.
        fps: Frames of `strength` per second.

    Returns:
        Seconds of the strokes.
    """
    strokes: list[float] = []
    for first, end in spans:
        time, last = first + 0.35, end - 0.1  # leaves room to raise the hands
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


def place_gestures(
    strokes: Sequence[float],
    spans: Sequence[tuple[float, float]],
    strength: Array,
    gestures: Sequence[Gesture],
    rng: np.random.Generator,
) -> tuple[list[PlacedGesture], list[float]]:
    """Place a gesture at each stroke that one fits.

    Args:
        strokes: Seconds of the strokes; see `choose_strokes`.
        spans: Beginning and end of each stretch of speech in seconds.
        strength: (T,) strength of the accent in each frame, at 20 fps.
        gestures: The gestures to draw from.
        rng: Draws gestures and speeds.

    Returns:
        The placed gestures, and the strokes that got one.
    """
    placed: list[PlacedGesture] = []
    made: list[float] = []
    for number, stroke in enumerate(strokes):
        span_start, span_end = next(span for span in spans if span[0] <= stroke <= span[1])
        chained = bool(made) and made[-1] >= span_start and stroke - made[-1] < _CHAIN
        following = [other for other in strokes[number + 1 :] if other <= span_end and other - stroke < _CHAIN]
        rise_room = stroke - (made[-1] + 0.2 if chained else max(0.0, span_start - 0.4))
        hold_room = following[0] - stroke if following else float(np.clip(span_end - stroke, 0.3, 0.8))
        fitting = [
            gesture
            for gesture in gestures
            if gesture.emphasis - gesture.start <= 1.3 * rise_room and gesture.hold_end - gesture.emphasis <= hold_room
        ]
        if not fitting:
            continue
        gesture = fitting[int(rng.integers(len(fitting)))]
        rise = min((gesture.emphasis - gesture.start) / rng.uniform(0.85, 1.1), rise_room)
        # the hands stay up if a gesture follows; otherwise they come down as in the clip
        release = stroke + (hold_room if following else gesture.hold_end - gesture.emphasis)
        fall = (gesture.end - gesture.hold_end) / rng.uniform(1.0, 1.3)
        leave = max(made[-1] + 0.15, stroke - max(rise, 0.8)) if chained else None
        beats = _find_beats(strength, stroke, release)
        moments = (stroke - rise, stroke, release, release + fall)
        placed.append(_warp(gesture, moments, beats, leave, len(strength)))
        made.append(stroke)
    return placed, made


def _find_beats(strength: Array, stroke: float, release: float) -> list[float]:
    """Return the seconds of the lesser accents while the hands are held up, at most two per second."""
    beats: list[float] = []
    for frame in range(int((stroke + 0.5) * CORE_FPS), min(int((release - 0.35) * CORE_FPS), len(strength) - 1)):
        is_peak = strength[frame - 1] < strength[frame] >= strength[frame + 1]
        if is_peak and strength[frame] > 0.5 and frame / CORE_FPS - (beats[-1] if beats else stroke) >= 0.5:
            beats.append(frame / CORE_FPS)
    return beats


def _warp(
    gesture: Gesture,
    moments: tuple[float, float, float, float],
    beats: Sequence[float],
    leave: float | None,
    frames: int,
) -> PlacedGesture:
    """Warp a gesture so that its start, emphasis, hold_end and end fall on `moments`.

    Args:
        gesture: The gesture.
        moments: Seconds on the timeline.
        beats: When the last part of the stroke is repeated.
        leave: When the preceding gesture is left without returning to rest; None to start from the idle.
        frames: Length of the timeline.
    """
    lead, tail = 0.3, 0.4  # seconds at rest in the clip, in which it is blended with the idle
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
    arrived = smoothstep((times - begin) / (arrival - begin))
    weight = smoothstep((end + tail - times) / (tail + 0.5 * (end - release)))
    return PlacedGesture(gesture, first, clip_seconds, arrived, weight)
