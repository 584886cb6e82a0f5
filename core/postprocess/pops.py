# SPDX-License-Identifier: GPL-3.0-or-later
"""Pops: single steps that stand out from the steps around them, spread over half a second."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..motion.clip import Motion
from ..motion.filters import smootherstep
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
)
from .settings import CLEANUP, CleanupSettings


def remove_pops(motion: Motion, settings: CleanupSettings = CLEANUP) -> Motion:
    """Spread pops of joints and of the path, as where intervals meet.

    Joint by joint, half of a pop is faded into the frames before it and half into those after it: inertialization
    (Bollo 2018) on both sides. Recorded motion passes almost unchanged.

    Args:
        motion: T frames at any frame rate.
        settings: limits and lengths.
    """
    translation, rotations = motion.translation.copy(), motion.rotations.copy()
    turns = quaternion_to_axis_angle(quaternion_multiply(quaternion_conjugate(rotations[:-1]), rotations[1:]))
    for k, joint, pop in _pops(turns, settings.pop_turn, settings, settings.leap_turn):
        for at, share in _halves(k, pop, len(motion), motion.fps, settings):
            rotations[at, joint] = quaternion_multiply(rotations[at, joint], axis_angle_to_quaternion(share))
    for k, _, pop in _pops(np.diff(translation, axis=0)[:, None], settings.pop_distance, settings):
        for at, share in _halves(k, pop, len(motion), motion.fps, settings):
            translation[at] += share
    return replace(motion, translation=translation, rotations=rotations)


def _pops(steps: Array, least: float, settings: CleanupSettings, leap: float = np.inf) -> list[tuple[int, int, Array]]:
    """The pops among steps (T - 1, J, 3) as (frame before, joint, by how much the step stands out (3,)).

    A step by more than `leap` is a pop even beside quick steps, as where an arm changes from one way to do something
    to another.
    """
    if len(steps) < 3:
        return []
    around = np.pad(np.linalg.norm(steps, axis=-1), ((2, 2), (0, 0)), mode="edge")  # (T + 3, J)
    usual = np.max([around[k : k + len(steps)] for k in (0, 1, 3, 4)], axis=0)[1:-1]  # the clip's ends are no pops
    excess = steps[1:-1] - (steps[:-2] + steps[2:]) / 2
    size = np.linalg.norm(excess, axis=-1)
    found = (size > least) & (size > settings.pop_ratio * usual)  # (T - 3, J)
    found |= found.sum(-1, keepdims=True) >= settings.pop_joints  # where many pop, what moves on its own does too
    found |= (size > leap) & (size > settings.leap_ratio * usual)
    return [(int(k) + 1, int(joint), excess[k, joint]) for k, joint in np.argwhere(found)]


def _halves(
    k: int, pop: Array, frames: int, fps: float, settings: CleanupSettings
) -> list[tuple[npt.NDArray[np.int_], Array]]:
    """The frames up to k and from k + 1, and what to add to each to spread a pop (3,) between them."""
    reach = max(round(settings.pop_seconds / 2 * fps), 1)
    x = 0.5 - (np.arange(reach) + 0.5) / (2 * reach)
    share = smootherstep(x)[:, None] * pop  # (N, 3)
    before, after = share[: k + 1], share[: frames - k - 1]
    return [(k - np.arange(len(before)), before), (k + 1 + np.arange(len(after)), -after)]
