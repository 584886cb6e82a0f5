# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlay: placed gestures, and the small movements of a living body, on top of idle or walking motion."""

# scipy carries few types
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..motion.clip import CORE_FPS
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    slerp,
)
from ..motion.skeleton import INDEX, JOINT_NAMES
from .strokes import PlacedGesture

_TORSO = [INDEX[name] for name in ("spine1", "spine2", "spine3", "neck", "head")]
_ARMS = [
    i
    for i, name in enumerate(JOINT_NAMES)
    if any(
        part in name for part in ("collar", "shoulder", "elbow", "wrist", "index", "middle", "pinky", "ring", "thumb")
    )
]
_LIMBS = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("shoulder", "elbow")]


def overlay_gestures(rotations: Array, placed: Sequence[PlacedGesture]) -> Array:
    """Overlay gestures on the rotations (T, 55, 4) of idle or walking motion.

    The torso takes over the gestures' change from rest. Arms do too while they are low, so that the hands leave from
    and return to where those of the idle rest; raised arms are those of the gesture, so that hands meet where they
    should.
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
        arms = quaternion_multiply(_fade(arms_of_idle[here], motion.rotations[0, _ARMS], 1 - raised), pose[:, _ARMS])
        # the difference from the preceding pose decays; blending two moving poses could turn the long way round
        fade = 1 - item.arrived
        arms = quaternion_multiply(_fade(result[item.first, _ARMS], arms[0], fade), arms)
        torso = quaternion_multiply(_fade(lean[item.first], change[0, _TORSO], fade), change[:, _TORSO])
        result[here.start : here.stop, _ARMS] = slerp(arms_of_idle[here], arms, item.weight[:, None])
        lean[here] = slerp(np.array([1.0, 0, 0, 0]), torso, item.weight[:, None])
        result[here.stop :, _ARMS] = arms_of_idle[here.stop :]
        lean[here.stop :] = [1.0, 0, 0, 0]
    result[:, _TORSO] = quaternion_multiply(torso_of_idle, lean)
    return result


def _fade(before: Array, now: Array, fade: Array) -> Array:
    """Return the rotation from pose `now` to pose `before`, scaled by `fade`.

    Args:
        before: (J, 4) or (F, J, 4).
        now: (J, 4).
        fade: (F,) 0 to 1.

    Returns:
        (F, J, 4).
    """
    offset = quaternion_to_axis_angle(quaternion_multiply(before, quaternion_conjugate(now)))  # (J, 3)
    return axis_angle_to_quaternion(fade[:, None, None] * offset)


def add_life(
    rotations: Array,
    strokes: Sequence[float],
    strength: Array,
    spans: Sequence[tuple[float, float]],
    rng: np.random.Generator,
) -> Array:
    """Add nods on the strokes, looking around while speaking, and the slight sway of a living body.

    Args:
        rotations: (T, 55, 4) local rotations at 20 fps.
        strokes: Seconds of the strokes.
        strength: (T,) strength of the accent in each frame.
        spans: Beginning and end of each stretch of speech in seconds.
        rng: Draws sizes and drift.
    """
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
    """Return slow noise of unit variance; `smoothness` in frames."""
    noise = gaussian_filter1d(rng.standard_normal(shape), smoothness, axis=0, mode="reflect")
    return noise * np.sqrt(2 * smoothness * np.sqrt(np.pi))
