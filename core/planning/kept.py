# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion that stands while part of a timeline is generated again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..model.model import Model
from ..motion.clip import Motion
from ..motion.features import UPPER_JOINTS
from ..motion.skeleton import Skeleton
from ..postprocess.stitching import align_start, blend_endpoints, replace_frames, warp_to_endpoints
from ..runs import Bools, true_runs

CONTEXT_SECONDS = 1.5  # of kept motion that the denoiser sees beside what is sampled


@dataclass(frozen=True)
class Kept:
    """Motion that stands when part of a timeline is generated.

    Attributes:
        motion: at the timeline's frame rate, from its time 0.
        changed: which frames of the result are generated, (T,) bool (`segments.stale_frames` and `with_seams`).
        follow: turn and move what lies after a changed stretch as a whole to where the new motion ends; otherwise it
            stays where it is, and the new motion is warped to it.
        moved: where root and legs are generated too, (T,) bool; None for all that changes. In a changed stretch without
            any, only the upper body is new.
    """

    motion: Motion
    changed: Bools
    follow: bool = False
    moved: Bools | None = None

    @property
    def moves(self) -> Bools:
        """Where root and legs are generated, (T,)."""
        return self.changed if self.moved is None else self.moved


def checked_kept(kept: Kept, total: int, fps: float, model: Model) -> Kept:
    """The same, with all beyond the end of its motion as changed.

    Args:
        kept: motion that stands.
        total: T, frames of the result.
        fps: the timeline's frame rate.
        model: what generates the rest.

    Raises:
        InputError: motion that cannot be kept.
    """
    if not model.representation.continues_motion:
        raise InputError("This model cannot continue from existing motion; generate the whole timeline with it.")
    if kept.motion.fps != fps or kept.changed.shape != (total,):
        raise InputError(
            f"The motion to keep must have the timeline's {fps:g} fps and a flag for each of {total} frames."
        )
    changed = kept.changed | (np.arange(total) >= len(kept.motion))
    moved = kept.moves | (changed & ~kept.changed)
    spans = [(start, stop) for start, stop in true_runs(changed) if moved[start:stop].any()]
    return replace(kept, changed=changed, moved=np.array([any(a <= k < b for a, b in spans) for k in range(total)]))


def sampled_groups(changed: Bools, rate: float, sampled: int, fps: float) -> list[range]:
    """The stretches of the model's frames that are sampled: what changes, with `CONTEXT_SECONDS` around it.

    Args:
        changed: (T,) bool at the frame rate `rate`.
        rate: of `changed`.
        sampled: the model's frames.
        fps: the model's frame rate.
    """
    times = np.arange(sampled) / fps
    seen = np.zeros(sampled, bool)
    for start, stop in true_runs(changed):
        begin, end = (k / rate for k in (start - 1, stop))
        to_the_end = stop == len(changed)
        seen |= (times > begin - CONTEXT_SECONDS) & ((times < end + CONTEXT_SECONDS) | to_the_end)
    return [range(start, stop) for start, stop in true_runs(seen)]


def network_frames(flags: Bools, rate: float, sampled: int, fps: float) -> Bools:
    """Which of the model's frames (sampled, 1) at `fps` lie at or beside a flagged one of (T,) at `rate`."""
    times = np.arange(sampled) * (rate / fps)
    beside = np.stack([np.floor(times + 1e-6), np.ceil(times - 1e-6)]).astype(int)  # (2, sampled)
    return flags[np.minimum(beside, len(flags) - 1)].any(axis=0)[:, None]


def join_kept(kept: Kept, made: Sequence[tuple[float, Motion]], feet: bool, skeleton: Skeleton) -> Motion:
    """Put new motion in place of the changed stretches.

    Args:
        kept: motion that stands, and its changed frames (T,).
        made: (its first second, motion) for each of `sampled_groups`.
        feet: hold planted feet again where motion is warped.
        skeleton: the motion's.

    Returns:
        T frames; those that are not changed keep their bits, unless `kept.follow` moves them.
    """
    result, fps, total = kept.motion.slice(0, len(kept.changed)), kept.motion.fps, len(kept.changed)
    for start, stop in true_runs(kept.changed):
        begin, motion = next(pair for pair in made if pair[0] + pair[1].seconds > start / fps)
        first, last = start - (start > 0), stop - (stop == total)  # with a frame that stays at either end
        part = motion.resampled(fps, last + 1 - first, first / fps - begin)
        before = result.slice(first, start) if first < start else None
        if not kept.moves[start:stop].any():
            after = result.slice(stop, stop + 1) if stop < total else None
            above, old = (
                blend_endpoints(part, before, after).slice(start - first, stop - first),
                result.slice(start, stop),
            )
            above = replace(old, rotations=np.where(UPPER_JOINTS[:, None], above.rotations, old.rotations))
            result = replace_frames(result, above, start, stop)
            continue
        part = align_start(part, result if before is None else before, skeleton)
        if kept.follow and stop < total:
            rest = align_start(result.slice(stop), part.slice(len(part) - 1), skeleton)
            result = replace_frames(result, rest, stop, total)
        after = result.slice(stop, stop + 1) if stop < total else None
        part = warp_to_endpoints(part, before, after, skeleton, feet)
        result = replace_frames(result, part.slice(start - first, stop - first), start, stop)
    return result
