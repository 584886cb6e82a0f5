# SPDX-License-Identifier: GPL-3.0-or-later
"""Who leads each frame of a timeline, what it hears, and which frames differ between two timelines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..motion.clip import CORE_FPS
from ..prompts.actions import split_strips
from ..runs import Bools, runs
from ..timeline.strips import SEED_MAX, Guidance, Scope, SpeechStrip, TextStrip, Timeline, guidance_at

IDLE_PROMPT = "a person stands still"
SHORT_GAP_SECONDS = 1.0  # a longer gap between strips stands idle; a shorter one goes to the prompts beside it
SEAM_SECONDS = 0.5  # on either side of changed frames, in which the new motion meets the old

_IDLE = TextStrip(0.0, 1.0, IDLE_PROMPT, guidance=1.0)


@dataclass(frozen=True)
class Segment:
    """Frames that follow one prompt, or none (then speech leads).

    Attributes:
        start, stop: the first frame, and that after the last.
        prompt: None for none.
        guidance: the guidance scale, or its keys.
        seed: of its own; None for the timeline's.
    """

    start: int
    stop: int
    prompt: str | None
    guidance: Guidance = 1.0
    seed: int | None = None

    def __len__(self) -> int:
        return self.stop - self.start


def plan_segments(
    timeline: Timeline, spans: Sequence[tuple[float, float]], frames: int, fps: float = CORE_FPS
) -> list[Segment]:
    """Cut a timeline where the text changes and idle stretches begin and end; see `generate` for the rules.

    Args:
        timeline: text and speech strips; those for the upper body alone are skipped (`plan_upper`).
        spans: (start, end) of each speech strip, in seconds.
        frames: of the timeline at `fps`.
        fps: the model's frame rate.

    Returns:
        Segments in order that cover 0..frames.
    """
    owners: list[TextStrip | None] = [None] * frames
    for strip, (start, stop) in _leading(timeline, "whole", frames, fps):
        owners[start:stop] = [strip] * (stop - start)
    spoken = plan_speech(timeline, spans, frames, fps)
    empty = [owner is None and heard is None for owner, heard in zip(owners, spoken, strict=True)]
    for start, stop in runs(empty):
        if not empty[start]:
            continue
        before = owners[start - 1] if start > 0 else None
        after = owners[stop] if stop < frames else None
        if stop - start >= SHORT_GAP_SECONDS * fps or stop - start == frames:
            before = after = _IDLE
        middle = (start + stop) // 2 if before and after else stop if before else start
        owners[start:middle] = [before] * (middle - start)
        owners[middle:stop] = [after] * (stop - middle)
    return [_segment(timeline, owners[start], start, stop) for start, stop in runs(owners)]


def plan_upper(timeline: Timeline, segments: Sequence[Segment], fps: float = CORE_FPS) -> list[Segment]:
    """The segments that the upper body follows: those of its own strips, elsewhere those of the whole body."""
    frames = segments[-1].stop
    leaders: list[Segment] = [segment for segment in segments for _ in range(len(segment))]
    for strip, (start, stop) in _leading(timeline, "upper body", frames, fps):
        leaders[start:stop] = [_segment(timeline, strip, start, stop)] * (stop - start)
    return [replace(leaders[start], start=start, stop=stop) for start, stop in runs(leaders)]


def _leading(timeline: Timeline, scope: Scope, frames: int, fps: float) -> list[tuple[TextStrip, tuple[int, int]]]:
    """The strips of a scope with their frames (start, stop) within 0..frames; of two, the later in the list leads."""
    found: list[tuple[TextStrip, tuple[int, int]]] = []
    for strip in sorted(split_strips(timeline.text), key=lambda strip: strip.start):
        start = min(round(strip.start * fps), frames - 1)
        stop = max(round(strip.end * fps), start + 1)
        stop = frames if stop >= frames - 1 else stop  # the last frame is the end itself: it belongs to what ends there
        if strip.scope == scope:
            found.append((strip, (start, stop)))
    return found


def _segment(timeline: Timeline, owner: TextStrip | None, start: int, stop: int) -> Segment:
    guidance = timeline.guidance if owner is None or owner.guidance is None else owner.guidance
    return Segment(start, stop, *((owner.prompt, guidance, owner.seed) if owner else (None, guidance, None)))


def plan_speech(
    timeline: Timeline, spans: Sequence[tuple[float, float]], frames: int, fps: float
) -> list[SpeechStrip | None]:
    """The speech strip that each of frames 0..frames hears, None for none; arguments as for `plan_segments`."""
    heard: list[SpeechStrip | None] = [None] * frames
    for strip, (start, end) in sorted(zip(timeline.speech, spans, strict=True), key=lambda pair: pair[1][0]):
        stop = min(round(end * fps) + 1, frames)
        first = min(round(start * fps), stop)
        heard[first:stop] = [strip] * (stop - first)
    return heard


def own_seeds(segments: Sequence[Segment], heard: Sequence[SpeechStrip | None]) -> list[int | None]:
    """The seed that the strips of each frame have of their own, text and speech as one; None where neither has any."""
    seeds: list[int | None] = []
    for segment in segments:
        for strip in heard[segment.start : segment.stop]:
            spoken = None if strip is None else strip.seed
            if segment.seed is None or spoken is None:
                seeds.append(spoken if segment.seed is None else segment.seed)
            else:
                seeds.append(segment.seed * (SEED_MAX + 1) + spoken)
    return seeds


def stale_frames(before: Timeline, after: Timeline, legs: bool = False) -> Bools:
    """Which frames of a timeline are conditioned differently than in an earlier one.

    A frame is conditioned on its prompt and guidance scale, on the place in the recording that it hears, and on its
    seed; so of a strip that was trimmed only what is gone has changed.

    Args:
        before, after: timelines whose speech strips have ends.
        legs: count only frames where root and legs are conditioned differently.

    Returns:
        (T,) bool at the frame rate of `after`; all True if frame rate or model differ.

    Raises:
        InputError: a speech strip has no end.
    """
    new = _conditions_of(after, legs)
    changed = np.ones(len(new), bool)
    if (before.fps, before.model) == (after.fps, after.model):
        old = _conditions_of(before, legs)
        changed[: len(old)] = [one != other for one, other in zip(old, new, strict=False)]
    return changed


def with_seams(changed: Bools, fps: float) -> Bools:
    """Changed frames (T,) widened by `SEAM_SECONDS` to either side."""
    reach = round(SEAM_SECONDS * fps)
    padded = np.pad(changed, reach)
    return np.any([padded[k : k + len(changed)] for k in range(2 * reach + 1)], axis=0)


def frames_of(timeline: Timeline) -> int:
    """How many frames the motion of a timeline has at its frame rate.

    Raises:
        InputError: a speech strip has no end.
    """
    ends = [strip.end for strip in timeline.text] + [end for _, end in _spans(timeline)]
    return round(max(ends) * timeline.fps) + 1


def _spans(timeline: Timeline) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for strip in timeline.speech:
        if strip.end is None:
            raise InputError(f"The speech strip {strip.audio.name!r} needs an end, so that its frames can be compared.")
        spans.append((strip.start, strip.end))
    return spans


def _conditions_of(timeline: Timeline, legs: bool) -> list[tuple[object, ...]]:
    """What conditions each frame, or only its legs, as values to compare."""
    spans, fps, frames = _spans(timeline), timeline.fps, frames_of(timeline)
    segments = plan_segments(timeline, spans, frames, fps)
    heard = plan_speech(timeline, spans, frames, fps)

    def rows_of(segments: Sequence[Segment]) -> list[tuple[object, ...]]:
        seeds = own_seeds(segments, heard)
        rows: list[tuple[object, ...]] = []
        for segment in segments:
            for k in range(segment.start, segment.stop):
                strip = heard[k]
                place = None if strip is None else (strip.audio, round(k / fps - strip.start + strip.offset, 3))
                gamma = None if segment.prompt is None else round(guidance_at(segment.guidance, k / fps), 6)
                seed = timeline.seed if seeds[k] is None else ("own", seeds[k])
                rows.append((segment.prompt, gamma, place, seed))
        return rows

    if legs:
        return rows_of(segments)
    return list(zip(rows_of(segments), rows_of(plan_upper(timeline, segments, fps)), strict=True))
