# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that make recorded motion unfit for training: turns and leaps no body makes, pops, still poses."""

import numpy as np

from ..motion.clip import Motion
from ..motion.skeleton import INDEX, Skeleton
from .joint_maps import SIDES

FASTEST_TURN = np.radians(100)
"""Largest turn of a joint in a frame at 20 fps; the fastest punches stay below it."""
POP = np.radians(60)
"""Turn in one frame that counts as a pop if the joint hardly turns before and after; beyond a runner's ankle."""
LEAP = 0.5
"""Largest movement of the root in a frame at 20 fps, in meters."""
_SHORTEST = 10  # frames at 20 fps


def fault_of(motion: Motion) -> str | None:
    """Return why a motion at 20 fps is unfit for training, or None if it is fit.

    Returns:
        "short"; "glitch", a turn or leap that no body makes; "pop", a jump of a single frame; "still", a held pose; or
        "T-pose".
    """
    if len(motion) < _SHORTEST:
        return "short"
    body = motion.rotations[:, :22]
    cosine = np.abs((body[1:] * body[:-1]).sum(-1)).clip(0, 1)  # (T-1, 22)
    turns = 2 * np.arccos(cosine)
    if turns.max() > FASTEST_TURN or np.abs(np.diff(motion.translation, axis=0)).max() > LEAP:
        return "glitch"
    adjacent = np.maximum(turns[:-2], turns[2:])  # (T-3, 22)
    if (turns[1:-1] > np.maximum(POP, 6 * adjacent)).any():
        return "pop"
    shoulders = [INDEX["left_shoulder"], INDEX["right_shoulder"]]
    raised = 2 * np.arccos(np.abs(body[:, shoulders, 0]).clip(0, 1))
    if turns.max() < 1e-3:
        return "T-pose" if raised.max() < np.radians(20) else "still"
    return None


def largest_twist(motion: Motion, skeleton: Skeleton) -> float:
    """Return the twist of the more twisted forearm about its axis in radians, the 95th percentile over frames."""
    largest = 0.0
    for side in SIDES:
        bone = skeleton.offsets[INDEX[f"{side}_wrist"]]
        turn = motion.rotations[:, INDEX[f"{side}_elbow"]]  # (T, 4)
        half = np.arctan2(np.abs(turn[:, 1:] @ bone) / np.linalg.norm(bone), np.abs(turn[:, 0]))
        largest = max(largest, float(np.percentile(2 * half, 95)))
    return largest
