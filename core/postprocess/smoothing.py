# SPDX-License-Identifier: GPL-3.0-or-later
"""Jitter and seams smoothed, at any frame rate; recorded motion passes almost unchanged."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..motion.clip import Motion
from ..motion.filters import envelope, gaussian_kernel
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    continuous,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    slerp,
)
from .settings import CLEANUP, CleanupSettings


def smooth_jitter(motion: Motion, settings: CleanupSettings = CLEANUP) -> Motion:
    """Smooth the root's path and the rotations without delay: what is at rest more than what moves.

    Each joint, and the path, is a mixture of two low-passes by its own speed, after the one-euro filter (Casiez et al.
    2012): the stronger at rest; the lighter, which leaves strokes and jumps their speed, in motion.

    Args:
        motion: T frames at any frame rate.
        settings: cut-off frequencies and speeds.
    """
    calm, quick = _low_pass(motion, settings.rest_hz), _low_pass(motion, settings.motion_hz)
    step = quaternion_multiply(quaternion_conjugate(calm.rotations[:-1]), calm.rotations[1:])
    turning = _liveliness(np.linalg.norm(quaternion_to_axis_angle(step), axis=-1), motion.fps, settings.lively_turn)
    steps = np.linalg.norm(np.diff(calm.translation, axis=0), axis=-1)
    moving = _liveliness(steps, motion.fps, settings.lively_speed)
    return replace(
        motion,
        translation=calm.translation + moving[:, None] * (quick.translation - calm.translation),
        rotations=continuous(slerp(calm.rotations, quick.rotations, turning)),
    )


def smooth_seams(motion: Motion, seams: Iterable[int], settings: CleanupSettings = CLEANUP) -> Motion:
    """Smooth a motion more about its seams.

    A hand that waves and then is to rise goes from one to the other without a jerk: at the two frames that meet the
    low-pass is full; at `seam_seconds` from them and further all is as it was.

    Args:
        motion: T frames at any frame rate.
        seams: the first frame of each prompt but the first.
        settings: cut-off frequency and lengths.
    """
    reach, around = round(settings.seam_seconds * motion.fps), round(settings.seam_context_seconds * motion.fps)
    translation, rotations = motion.translation.copy(), motion.rotations.copy()
    for seam in seams:
        first = max(seam - around, 0)
        part = motion.slice(first, min(seam + around, len(motion)))
        off = np.maximum(np.abs(np.arange(len(part)) + first - seam + 0.5) - 0.5, 0) / max(reach, 1)  # 1 at its end
        share = 0.5 + 0.5 * np.cos(np.pi * np.minimum(off, 1))  # (t,)
        calm, here = _low_pass(part, settings.seam_hz), slice(first, first + len(part))
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


def _low_pass(motion: Motion, cutoff_hz: float) -> Motion:
    """Zero-phase low-pass of root path and rotations: a fourth-order Gaussian, in the tangent space of each rotation.

    Its gain exp(-u) (1 + u), u = (2 pi f s)^2 / 2, is flat at low frequencies and halves the power at the cut-off.
    Towards the ends it grows narrower; the first and last frame stay.
    """
    s = np.sqrt(2 * 1.0766) / (2 * np.pi * cutoff_hz) * motion.fps  # frames; u = 1.0766 has the gain 1 / sqrt(2)
    radius = int(np.ceil(3.5 * s))
    kernel = gaussian_kernel(s, radius)[radius:] * (1.5 - 0.5 * (np.arange(radius + 1) / s) ** 2)
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
