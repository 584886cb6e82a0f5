# SPDX-License-Identifier: GPL-3.0-or-later
"""Gestures: recorded clips of a standing speaker whose hands leave their rest, act and return."""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..motion.clip import CORE_FPS, Motion
from ..motion.filters import smoothstep
from ..motion.rotation import Array, quaternion_conjugate, quaternion_multiply, quaternion_to_axis_angle
from ..motion.skeleton import INDEX, neutral_skeleton

_WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]
_OTHER_ACTIONS = (
    # parts of names of SmartBody's clips that begin in the idle pose and are no gestures of a speaker
    "scratch", "stretch", "squeeze", "touch", "think", "contemplate", "guitar", "pushup", "walk", "reach", "turn",
    "step", "weight", "idle01_to", "idle02_to", "idle03_to", "stand01_to", "kick", "screwyou", "strafe", "door",
    "entrance", "jump", "punch", "motex", "lean",
)  # fmt: skip


class NamedClip(Protocol):
    """A recording as `select_gestures` reads it.

    Attributes:
        motion: The recording.
        name: Its file name.
        phases: Moments of its gesture in seconds, or None.
    """

    @property
    def motion(self) -> Motion: ...
    @property
    def name(self) -> str: ...
    @property
    def phases(self) -> Mapping[str, float] | None: ...


@dataclass(frozen=True)
class Gesture:
    """A gesture at 20 fps that begins and ends at rest, with its moments in seconds.

    Attributes:
        motion: The recording.
        raised: (T,) how far the hands are from rest: 0 at rest, 1 at the apex.
        start: The hands leave their rest.
        emphasis: The stroke ends, at the apex.
        hold_end: The hands begin to return.
        end: They have arrived.
        name: The recording's name.
    """

    motion: Motion
    raised: Array
    start: float
    emphasis: float
    hold_end: float
    end: float
    name: str


def select_gestures(clips: Sequence[NamedClip]) -> tuple[list[Gesture], list[Motion]]:
    """Return the gestures of a standing speaker, mirrored ones too, and the idle motions to lay them over."""
    gestures: list[Gesture] = []
    idles: list[Motion] = []
    for clip in clips:
        name = clip.name.lower()
        both = (clip.motion, clip.motion.mirrored())
        if "weightshift" in name or (name.split("@")[-1] in {"idle01", "idle02", "idle03", "idlestand01"}):
            idles += [motion for motion in both if len(motion) >= 40]
        elif "@idle" in name and not any(word in name for word in _OTHER_ACTIONS):
            found = [find_gesture(motion, clip.phases or {}, clip.name) for motion in both]
            gestures += [gesture for gesture in found if gesture is not None]
    return gestures, idles


def find_gesture(motion: Motion, phases: Mapping[str, float], name: str) -> Gesture | None:
    """Find the gesture in a recording.

    All moments but the emphasis are measured on the hands, which is more reliable than the files' own data.

    Args:
        motion: The recording.
        phases: Its moments in seconds; "emphasis" is needed.
        name: Its name.

    Returns:
        The gesture, or None if the recording does not contain exactly one that starts and ends at rest.
    """
    motion = motion.resampled(CORE_FPS)
    emphasis = phases.get("emphasis", 0.0)
    frame = round(emphasis * motion.fps)
    if not 0.25 * motion.fps < frame < len(motion) - 0.25 * motion.fps:
        return None  # files without measured phases have all of them at the start
    positions = motion.positions(neutral_skeleton())  # (T, 55, 3)
    hands = positions[:, _WRISTS] - positions[:, :1]
    away = np.linalg.norm(hands - hands[:1], axis=-1).max(1)  # (T,) meters from rest
    apex = away[frame]
    comes_back = away[-1] < min(0.05, 0.5 * apex) and np.ptp(positions[:, 0], axis=0).max() < 0.1
    if apex < 0.05 or not comes_back or largest_turn(motion) > 40:
        return None
    start = int(np.flatnonzero(away[:frame] < min(0.02, 0.2 * apex))[-1])
    rest = max(0.15 * apex, away[-1] + 0.005)
    end = frame + int(np.flatnonzero(away[frame:] > rest)[-1]) + 1
    hold_end = frame + int(np.flatnonzero(away[frame:] < 0.85 * apex)[0]) - 1
    if hold_end - frame > 1.2 * motion.fps or end - hold_end > 1.2 * motion.fps:
        return None  # more than one gesture
    moments = np.array([start, max(hold_end, frame), max(end, hold_end + 3)]) / motion.fps
    raised = smoothstep(gaussian_filter1d(away / apex, 1.5, mode="nearest"))
    raised[:start] = raised[end:] = 0
    return Gesture(motion, raised, moments[0], emphasis, moments[1], moments[2], name)


def hand_speeds(motion: Motion) -> Array:
    """Return the speeds (T, 2) of the left and right wrist relative to the pelvis, in meters per second."""
    positions = motion.positions(neutral_skeleton())
    hands = positions[:, _WRISTS] - positions[:, :1]
    return np.linalg.norm(np.gradient(hands, axis=0), axis=-1) * motion.fps


def largest_turn(motion: Motion) -> float:
    """Return the largest rotation of a joint between consecutive frames, in degrees."""
    between = quaternion_multiply(quaternion_conjugate(motion.rotations[:-1]), motion.rotations[1:])
    return float(np.degrees(np.linalg.norm(quaternion_to_axis_angle(between), axis=-1).max()))
