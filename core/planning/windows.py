# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts segments into the windows that the denoiser sees, and shares the prompts out among their frames."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import CORE_FPS
from ..sampling.methods import DoubleTake
from ..timeline.strips import guidance_at
from .segments import Segment

SHORTEST_SECONDS = 1.0  # of a window's own part; shorter strips share a neighbor's window


def plan_parts(segments: Sequence[Segment], longest: int, method: DoubleTake, fps: float = CORE_FPS) -> list[range]:
    """The frames that each window is there for: a segment, part of one, or several short ones.

    Args:
        segments: of the timeline, in order.
        longest: the most frames in a window with its handshakes; the shortest part that can be joined may exceed it.
        method: how the windows are joined.
        fps: the model's frame rate.

    Returns:
        Stretches of frames, one after the other without gaps.
    """
    shortest = method.shortest_part(round(SHORTEST_SECONDS * fps))
    parts = [range(segment.start, segment.stop) for segment in segments]
    while len(parts) > 1 and min(map(len, parts)) < shortest:
        i = min(range(len(parts)), key=lambda i: len(parts[i]))
        neighbors = [j for j in (i - 1, i + 1) if 0 <= j < len(parts)]
        low, high = sorted((i, min(neighbors, key=lambda j: len(parts[j]))))
        parts[low : high + 1] = [range(parts[low].start, parts[high].stop)]
    room = max(longest - method.handshake, 2 * shortest)
    split: list[range] = []
    for part in parts:
        joints = (part.start > parts[0].start) + (part.stop < parts[-1].stop)
        fits = len(part) + joints * method.handshake // 2 <= longest
        pieces = 1 if fits else math.ceil(len(part) / room)
        cuts = [part.start + len(part) * k // pieces for k in range(pieces + 1)]
        split += [range(start, stop) for start, stop in pairwise(cuts)]
    return split


def with_handshakes(parts: Sequence[range], method: DoubleTake) -> list[range]:
    """Widen neighboring parts until each two share a handshake, which is shorter where a part is short."""
    starts, stops = [parts[0].start], [parts[-1].stop]
    for left, right in pairwise(parts):
        half = method.half_handshake(len(left), len(right))
        starts.append(right.start - half)
        stops.insert(-1, left.stop + half)
    return [range(start, stop) for start, stop in zip(starts, stops, strict=True)]


def text_weights(
    segments: Sequence[Segment], prompts: Sequence[str], frames: range, fade: int, fps: float = CORE_FPS
) -> NDArray[np.float32]:
    """How much each frame follows each prompt: the guidance scale times the share of the frame's segment.

    Args:
        segments: in order; the first and the last reach beyond their ends wherever `frames` does.
        prompts: P of them, those of the segments among them.
        frames: the frames asked for.
        fade: frames over which segments cross-fade around their cuts, fewer where one is shorter.
        fps: the model's frame rate.

    Returns:
        (P, len(frames)) float32.
    """
    k = np.arange(frames.start, frames.stop, dtype=np.float64)
    risen = [np.ones_like(k)]  # per segment, how far time has come into it
    for left, right in pairwise(segments):
        width = max(1, min(fade, len(left), len(right)))
        risen.append(np.clip((k + 0.5 - right.start) / width + 0.5, 0, 1))
    risen.append(np.zeros_like(k))
    weights = np.zeros((len(prompts), len(frames)))
    for segment, (share, following) in zip(segments, pairwise(risen), strict=True):
        if segment.prompt is not None:
            gamma = np.array([guidance_at(segment.guidance, frame / fps) for frame in frames])
            weights[prompts.index(segment.prompt)] += gamma * (share - following)
    return weights.astype(np.float32)
