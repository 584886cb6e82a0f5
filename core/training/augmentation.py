# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation of short clips: changed speed, loops, and standing before and after."""

from collections.abc import Sequence

import numpy as np

from ..motion.clip import Motion, join
from ..motion.filters import smoothstep
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
)
from .captions import CYCLIC
from .clip import WINDOW

_SHORTEST_CYCLE = 10  # frames
_SAME_POSE = np.radians(18)  # the largest difference of a joint's rotation between two poses that count as the same
_BLEND = 10  # frames over which the jump at a joint of two clips decays


def chain_motions(motions: Sequence[Motion]) -> Motion:
    """Play motions one after the other without a jump.

    Each motion is turned and moved so that it continues from the last pose of the one before; the remaining difference
    of the pose decays smoothly over half a second (inertialization, Bollo 2018).
    """
    result = motions[0]
    for motion in motions[1:]:
        result = join([result, _align_and_blend(result, motion)])
    return result


def _align_and_blend(before: Motion, after: Motion) -> Motion:
    turn = _pelvis_yaw(before, -1) - _pelvis_yaw(after, 0)
    placed = after.turned(turn)
    end = before.translation[-1] + (before.translation[-1] - before.translation[-2])
    placed = placed.moved([end[0] - placed.translation[0, 0], 0.0, end[2] - placed.translation[0, 2]])
    fade = smoothstep(1 - np.minimum(np.arange(1, len(placed) + 1) / _BLEND, 1))  # (T,)
    jump = quaternion_to_axis_angle(
        quaternion_multiply(before.rotations[-1], quaternion_conjugate(placed.rotations[0]))
    )  # (55, 3)
    offset = axis_angle_to_quaternion(fade[:, None, None] * jump)
    height = placed.translation + fade[:, None] * [0.0, before.translation[-1, 1] - placed.translation[0, 1], 0.0]
    return Motion(height, quaternion_multiply(offset, placed.rotations), placed.fps)


def _pelvis_yaw(motion: Motion, frame: int) -> float:
    w, _, y, _ = motion.rotations[frame, 0]
    return float(2 * np.arctan2(y, w))  # the twist about the up axis


def change_speed(motion: Motion, speed: float) -> Motion:
    """Return the clip played `speed` times as fast, at its own frame rate."""
    slower = Motion(motion.translation, motion.rotations, motion.fps * speed)
    return slower.resampled(motion.fps)


def split_into_windows(motion: Motion) -> list[Motion]:
    """Cut a clip longer than a window into windows that overlap by half; a shorter one is returned whole."""
    if len(motion) <= WINDOW:
        return [motion]
    last = len(motion) - WINDOW
    starts = sorted({*range(0, last, WINDOW // 2), last})
    return [motion.slice(start, start + WINDOW) for start in starts]


def extend_to_window(motion: Motion, action: str, idles: Sequence[Motion], rng: np.random.Generator) -> Motion:
    """Extend a short clip to a random length of up to a window.

    Cyclic actions are looped; all others get standing before and after.

    Args:
        motion: The clip, at 20 fps.
        action: Its action; see `CYCLIC`.
        idles: Recordings of standing to draw from; without any, clips of other actions stay as they are.
        rng: Draws the length, the standing clips and their parts.
    """
    length = int(rng.integers(max(60, min(len(motion) + 10, WINDOW)), WINDOW + 1))
    if len(motion) >= length - 8:
        return motion
    if action in CYCLIC:
        return loop_cycle(motion, length)
    if not idles:
        return motion
    spare = length - len(motion)
    lead = int(rng.integers(0, min(spare, 24) + 1))
    parts = [_draw_standing(idles, motion, 0, lead, rng), motion, _draw_standing(idles, motion, -1, spare - lead, rng)]
    return chain_motions([part for part in parts if len(part) >= 3])


def loop_cycle(motion: Motion, length: int) -> Motion:
    """Extend a cyclic motion to a given length by repeating its cycle.

    The cycle is the stretch between the two frames whose pose, and the pose one frame earlier, match best.

    Args:
        motion: The clip.
        length: Frames of the result.

    Returns:
        `length` frames, or the clip unchanged if no pose recurs within 18 degrees at every joint of the body.
    """
    body = quaternion_to_matrix(motion.rotations[:, 1:22])  # (T, 21, 3, 3)
    frames = len(motion)
    starts, ends = np.arange(1, max(2, frames // 2)), np.arange(frames // 2 + 1, frames)
    starts, ends = (grid.ravel() for grid in np.meshgrid(starts, ends))
    long_enough = ends - starts >= _SHORTEST_CYCLE
    starts, ends = starts[long_enough], ends[long_enough]
    if not len(starts):
        return motion
    apart = np.maximum(_largest_turn(body[starts], body[ends]), _largest_turn(body[starts - 1], body[ends - 1]))
    best = int(apart.argmin())
    if apart[best] > _SAME_POSE:
        return motion
    start, end = int(starts[best]), int(ends[best])
    rounds = int(np.ceil(max(0, length - end) / (end - start)))
    return chain_motions([motion.slice(0, end)] + [motion.slice(start, end)] * rounds).slice(0, length)


def _largest_turn(a: Array, b: Array) -> Array:
    """Return the largest angle in radians over the joints of two sets of poses (N, J, 3, 3), as (N,)."""
    cosine = ((a * b).sum((-1, -2)) - 1) / 2
    return np.arccos(cosine.clip(-1, 1)).max(-1)


def _draw_standing(
    idles: Sequence[Motion], motion: Motion, frame: int, frames: int, rng: np.random.Generator
) -> Motion:
    """Return `frames` frames of standing, of six recordings drawn the one closest to the clip's pose at `frame`."""
    drawn = [idles[int(i)] for i in rng.integers(0, len(idles), 6)]

    def unlike(idle: Motion) -> float:
        return float(-np.abs((idle.rotations[0, 1:22] * motion.rotations[frame, 1:22]).sum(-1)).sum())

    idle = min(drawn, key=unlike)
    while len(idle) < frames:
        idle = chain_motions([idle, idle])
    start = int(rng.integers(0, len(idle) - frames + 1)) if frame == 0 else 0
    return idle.slice(start, start + frames)
