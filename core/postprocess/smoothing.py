# SPDX-License-Identifier: GPL-3.0-or-later
"""Jumps and jitter taken out of motion, at any frame rate; recorded motion passes almost unchanged."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..motion.clip import Motion
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    continuous,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    slerp,
)

JUMP_TURN = 0.06  # radians, and
JUMP_METRES = 0.02  # metres, between two frames from which a joint, or the path, may have jumped
JUMP_RATIO = 4.0  # and how much more that is than the steps around it
JUMP_JOINTS = 5  # that jump together make it a jump of the whole body
LEAP_TURN = 1.3  # radians that a step of a joint stands out by, which few recorded ones do,
LEAP_RATIO = 2.5  # and how much more it then is than the steps around it
JUMP_SECONDS = 0.5  # over which a jump is spread
CALM_HZ = 3.7  # where smoothing halves the power of a joint at rest
QUICK_HZ = 8.5  # and of one in motion: strokes and jumps lie below, jitter above
SEAM_HZ = 2.5  # where motion at a seam keeps half of its power
SEAM_SECONDS = 0.4  # to both sides of a seam in which it is smoothed
LIVELY_TURN = 0.5  # radians a second at which a joint is halfway between the two
LIVELY_SPEED = 0.2  # metres a second, the same of the path

_SEAM_CONTEXT = 0.7  # seconds to both sides that the smoothing looks at


def remove_pops(motion: Motion) -> Motion:
    """Single steps that stand out from the steps around them, as where intervals meet, spread over half a second.

    Joint by joint, half of the jump is faded into the frames before it and half into those after it: inertialisation
    (Bollo 2018) on both sides.
    """
    translation, rotations = motion.translation.copy(), motion.rotations.copy()
    turns = quaternion_to_axis_angle(quaternion_multiply(quaternion_conjugate(rotations[:-1]), rotations[1:]))
    for k, joint, jump in _jumps(turns, JUMP_TURN, LEAP_TURN):
        for at, share in _halves(k, jump, len(motion), motion.fps):
            rotations[at, joint] = quaternion_multiply(rotations[at, joint], axis_angle_to_quaternion(share))
    for k, _, jump in _jumps(np.diff(translation, axis=0)[:, None], JUMP_METRES):
        for at, share in _halves(k, jump, len(motion), motion.fps):
            translation[at] += share
    return replace(motion, translation=translation, rotations=rotations)


def _jumps(steps: Array, least: float, leap: float = np.inf) -> list[tuple[int, int, Array]]:
    """(frame before, joint, how far the step stands out (3,)) of the jumps among steps (T - 1, J, 3).

    leap: from which it is one beside quick steps too, as where an arm goes over from one way to do it to another.
    """
    if len(steps) < 3:
        return []
    around = np.pad(np.linalg.norm(steps, axis=-1), ((2, 2), (0, 0)), mode="edge")  # (T + 3, J)
    usual = np.max([around[k : k + len(steps)] for k in (0, 1, 3, 4)], axis=0)[1:-1]  # the clip's ends are no jumps
    excess = steps[1:-1] - (steps[:-2] + steps[2:]) / 2
    size = np.linalg.norm(excess, axis=-1)
    found = (size > least) & (size > JUMP_RATIO * usual)  # (T - 3, J)
    found |= found.sum(-1, keepdims=True) >= JUMP_JOINTS  # where many jump, what moves on its own does too
    found |= (size > leap) & (size > LEAP_RATIO * usual)
    return [(int(k) + 1, int(joint), excess[k, joint]) for k, joint in np.argwhere(found)]


def _halves(k: int, jump: Array, frames: int, fps: float) -> list[tuple[npt.NDArray[np.int_], Array]]:
    """The frames up to k and from k + 1, and what to add to each to spread a jump (3,) between them."""
    reach = max(round(JUMP_SECONDS / 2 * fps), 1)
    x = 0.5 - (np.arange(reach) + 0.5) / (2 * reach)
    share = (x**3 * (10 - 15 * x + 6 * x**2))[:, None] * jump  # (N, 3); a smooth step over both sides
    before, after = share[: k + 1], share[: frames - k - 1]
    return [(k - np.arange(len(before)), before), (k + 1 + np.arange(len(after)), -after)]


def smooth_jitter(motion: Motion) -> Motion:
    """Jitter taken out of root path and rotations, without delay: what is at rest is smoothed more than what moves.

    Each joint, and the path, is a mixture of two low-passes by its own speed, after the one-euro filter (Casiez et al.
    2012): the stronger at rest, the lighter, which leaves strokes and jumps their speed, in motion.
    """
    calm, quick = _low_passed(motion, CALM_HZ), _low_passed(motion, QUICK_HZ)
    step = quaternion_multiply(quaternion_conjugate(calm.rotations[:-1]), calm.rotations[1:])
    turning = _liveliness(np.linalg.norm(quaternion_to_axis_angle(step), axis=-1), motion.fps, LIVELY_TURN)
    moving = _liveliness(np.linalg.norm(np.diff(calm.translation, axis=0), axis=-1), motion.fps, LIVELY_SPEED)
    return replace(
        motion,
        translation=calm.translation + moving[:, None] * (quick.translation - calm.translation),
        rotations=continuous(slerp(calm.rotations, quick.rotations, turning)),
    )


def smooth_seams(motion: Motion, seams: Iterable[int]) -> Motion:
    """The motion smoothed more about seams, each the first frame of something else.

    A hand that waves and is told to rise goes over from one to the other without a jerk: at the two frames that meet
    the low-pass is full, at `SEAM_SECONDS` from them and further all is as it was.
    """
    reach, around = round(SEAM_SECONDS * motion.fps), round(_SEAM_CONTEXT * motion.fps)
    translation, rotations = motion.translation.copy(), motion.rotations.copy()
    for seam in seams:
        first = max(seam - around, 0)
        part = motion.slice(first, min(seam + around, len(motion)))
        off = np.maximum(np.abs(np.arange(len(part)) + first - seam + 0.5) - 0.5, 0) / max(reach, 1)  # 1 at its end
        share = 0.5 + 0.5 * np.cos(np.pi * np.minimum(off, 1))  # (t,)
        calm, here = _low_passed(part, SEAM_HZ), slice(first, first + len(part))
        translation[here] += share[:, None] * (calm.translation - part.translation)
        rotations[here] = slerp(rotations[here], calm.rotations, share[:, None])
    return replace(motion, translation=translation, rotations=continuous(rotations))


def _liveliness(steps: Array, fps: float, lively: float) -> Array:
    """0 at rest to 1 in motion (T, ...) from steps between frames (T - 1, ...); 1/2 at the speed `lively`."""
    if not len(steps):
        return np.zeros((1, *steps.shape[1:]))
    speed = np.maximum(np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]])) * fps
    squared = envelope(speed, max(round(0.1 * fps), 1)) ** 2
    return squared / (squared + lively**2)


def _low_passed(motion: Motion, cutoff_hz: float) -> Motion:
    """Zero-phase low-pass of root path and rotations: a fourth-order Gaussian, in the tangent space of each rotation.

    Its gain exp(-u) (1 + u), u = (2 pi f s)^2 / 2, is flat at low frequencies and halves the power at the cut-off.
    Towards the ends it grows narrower; the first and last frame stay.
    """
    s = np.sqrt(2 * 1.0766) / (2 * np.pi * cutoff_hz) * motion.fps  # frames; u = 1.0766 has the gain 1 / sqrt(2)
    taps = np.arange(int(np.ceil(3.5 * s)) + 1)
    kernel = np.exp(-0.5 * (taps / s) ** 2) * (1.5 - 0.5 * (taps / s) ** 2)
    kernel /= kernel[0] + 2 * kernel[1:].sum()
    path, turn = np.zeros_like(motion.translation), np.zeros((*motion.rotations.shape[:-1], 3))
    back = quaternion_conjugate(motion.rotations)
    for j in range(1, min(len(kernel), (len(motion) + 1) // 2)):
        # pairs of frames on both sides, so that steady motion is left as it is
        before, here, after = motion.translation[: -2 * j], motion.translation[j:-j], motion.translation[2 * j :]
        path[j:-j] += kernel[j] * (before + after - 2 * here)
        step = quaternion_to_axis_angle(quaternion_multiply(back[:-j], motion.rotations[j:]))  # (T - j, 55, 3)
        reverse = quaternion_to_axis_angle(quaternion_multiply(back[j:], motion.rotations[:-j]))
        turn[j:-j] += kernel[j] * (step[j:] + reverse[:-j])
    rotations = quaternion_multiply(motion.rotations, axis_angle_to_quaternion(turn))
    return replace(motion, translation=motion.translation + path, rotations=rotations)


def envelope(values: Array, reach: int) -> Array:
    """A smoother curve that is nowhere below values (T, ...): the largest within reach, then averaged as widely."""
    pad = [(reach, reach)] + [(0, 0)] * (values.ndim - 1)
    window = range(2 * reach + 1)
    padded = np.pad(values, pad, mode="edge")
    largest = np.max([padded[k : k + len(values)] for k in window], axis=0)
    padded = np.pad(largest, pad, mode="edge")
    return np.mean([padded[k : k + len(values)] for k in window], axis=0)
