# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes of sampling: first the whole body, then the upper body over the root and the legs that came out.

STMC (Petrovich et al. 2024) samples both at once, so that each sees the other. A denoiser that saw people wave only
while they stood then stops walking beside hands that wave.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..runs import true_runs
from ..sampling.doubletake import Known, mixed_by
from ..sampling.noise import Floats
from ..sampling.preview import Observer
from .kept import network_frames, sampled_groups
from .plan import Plan
from .segments import Segment


def sample_plan(plan: Plan, on_step: Callable[[int, int], None], observer: Observer | None = None) -> Floats:
    """Sample a plan.

    Args:
        plan: what is to be sampled.
        on_step: called as (done, total) over all passes.
        observer: watches the first take of each pass.

    Returns:
        The model's normalized rows, (plan.sampled, K).
    """
    inputs, kept, sampled = plan.inputs, plan.kept, plan.sampled
    fps, width = plan.model.config.fps, plan.model.config.denoiser.features
    columns = plan.model.representation.upper_body
    above = np.zeros(width, bool) if columns is None else columns  # (K,)
    share = _upper_share(plan.segments, plan.upper, inputs.method.handshake // 2)[:, None]  # (sampled, 1)
    rate, changed, moved = fps, np.ones(sampled, bool), np.ones(sampled, bool)
    features, known = np.zeros((sampled, width), np.float32), None
    if kept is not None:
        rate, changed, moved = kept.motion.fps, kept.changed, kept.moves
        features = plan.model.representation.encode(kept.motion, sampled)
    new, moves = (network_frames(flags, rate, sampled, fps) for flags in (changed, moved))  # (sampled, 1)
    apart = new & ((share > 0) | ~moves)  # where the upper body is sampled by itself
    passes, begun = int(moved.any()) + int(apart.any()), 0

    def sample(segments: Sequence[Segment], groups: Sequence[range], known: Known | None) -> Floats:
        nonlocal begun
        before, begun = begun, begun + 1
        return inputs.sample(
            segments, groups, known, lambda done, total: on_step(before * total + done, passes * total), observer
        )

    if moved.any():
        if kept is not None:
            known = Known(features, ~moves & ~(above & (share > 0)))
        whole = sample(plan.segments, sampled_groups(moved, rate, sampled, fps), known)
        features = np.where(moves, whole, features)
    if apart.any():
        groups = sampled_groups(apart[:, 0], fps, sampled, fps)
        mixed = np.where(above & apart, np.where(moves, share, 1), 0).astype(np.float32)
        features = mixed_by(features, sample(plan.upper, groups, Known(features, ~(above & apart))), mixed)
    return features


def _upper_share(segments: Sequence[Segment], upper: Sequence[Segment], reach: int) -> Floats:
    """How much of each frame's upper body (N,) follows the upper segments: 1 where they differ, less up to `reach`."""
    leaders = [[replace(one, start=0, stop=0) for one in row for _ in range(len(one))] for row in (segments, upper)]
    k = np.arange(len(leaders[0]))
    share = np.zeros(len(k))
    for start, stop in true_runs(np.array([one != other for one, other in zip(*leaders, strict=True)])):
        off = np.maximum(np.maximum(start - k, k - stop + 1), 0)  # frames from the stretch
        share = np.maximum(share, 1 - off / (reach + 1))
    return share.astype(np.float32)
