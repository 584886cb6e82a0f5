# SPDX-License-Identifier: GPL-3.0-or-later
"""What each frame of a timeline is told: who leads it, what is heard, and which frames another timeline tells anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..prompts.actions import split_strips
from ..runs import Bools, runs
from ..timeline.strips import Guidance, Scope, SpeechStrip, TextStrip, Timeline, guidance_at

IDLE_PROMPT = "a person stands still"
SHORT_GAP_SECONDS = 1.0  # an emptier stretch than this stands idle; a shorter one belongs to the prompts beside it
SEAM_SECONDS = 0.5  # on either side of what has changed, in which the new motion meets the old

_IDLE = TextStrip(0.0, 1.0, IDLE_PROMPT, guidance=1.0)


@dataclass(frozen=True)
class Segment:
    """Frames start..stop that follow one prompt, or none (then speech leads). seed: its own, or None."""

    start: int
    stop: int
    prompt: str | None
    guidance: Guidance = 1.0
    seed: int | None = None

    def __len__(self) -> int:
        return self.stop - self.start


def plan_segments(
    timeline: Timeline, spans: Sequence[tuple[float, float]], frames: int, fps: float = 20.0
) -> list[Segment]:
    """Cut frames 0..frames where the text changes and idle stretches begin and end; see `generate` for the rules.

    spans: (start, end) seconds of the speech strips. Strips for the upper body alone are passed over: `plan_upper`.
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


def plan_upper(timeline: Timeline, segments: Sequence[Segment], fps: float = 20.0) -> list[Segment]:
    """What the upper body follows where the whole body's segments are these: its own strips, which lead it, or they."""
    frames = segments[-1].stop
    led: list[Segment] = [segment for segment in segments for _ in range(len(segment))]
    for strip, (start, stop) in _leading(timeline, "upper body", frames, fps):
        led[start:stop] = [_segment(timeline, strip, start, stop)] * (stop - start)
    return [replace(led[start], start=start, stop=stop) for start, stop in runs(led)]


def _leading(timeline: Timeline, scope: Scope, frames: int, fps: float) -> list[tuple[TextStrip, tuple[int, int]]]:
    """The strips of a scope and their frames (start, stop), of 0..frames; of two the later in the list leads."""
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
    """The speech strip that each of frames 0..frames hears; spans as for `plan_segments`."""
    heard: list[SpeechStrip | None] = [None] * frames
    for strip, (start, end) in sorted(zip(timeline.speech, spans, strict=True), key=lambda pair: pair[1][0]):
        stop = min(round(end * fps) + 1, frames)
        first = min(round(start * fps), stop)
        heard[first:stop] = [strip] * (stop - first)
    return heard


def own_seeds(segments: Sequence[Segment], heard: Sequence[SpeechStrip | None]) -> list[int | None]:
    """For each frame the seed that its strips have of their own, text and speech as one; None where neither has."""
    seeds: list[int | None] = []
    for segment in segments:
        for strip in heard[segment.start : segment.stop]:
            spoken = None if strip is None else strip.seed
            if segment.seed is None or spoken is None:
                seeds.append(spoken if segment.seed is None else segment.seed)
            else:
                seeds.append(segment.seed * 2**31 + spoken)
    return seeds


def stale_frames(before: Timeline, after: Timeline, legs: bool = False) -> Bools:
    """Which frames of `after` (T,), at its fps, are told something else than those of `before`.

    A frame is told its prompt with its guidance, the place in the recording that is heard, and its seed; so of a strip
    that was trimmed only what is gone has changed. legs: only those where root and legs are told something else count.
    The speech strips need ends. Raises InputError for one without.
    """
    new = _told(after, legs)
    changed = np.ones(len(new), bool)
    if (before.fps, before.model) == (after.fps, after.model):
        old = _told(before, legs)
        changed[: len(old)] = [one != other for one, other in zip(old, new, strict=False)]
    return changed


def with_seams(changed: Bools, fps: float) -> Bools:
    """The changed frames (T,) and `SEAM_SECONDS` on either side of each."""
    reach = round(SEAM_SECONDS * fps)
    padded = np.pad(changed, reach)
    return np.any([padded[k : k + len(changed)] for k in range(2 * reach + 1)], axis=0)


def frames_of(timeline: Timeline) -> int:
    """How many frames the motion of a timeline has at its fps. Raises InputError where a speech strip has no end."""
    ends = [strip.end for strip in timeline.text] + [end for _, end in _spans(timeline)]
    return round(max(ends) * timeline.fps) + 1


def _spans(timeline: Timeline) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for strip in timeline.speech:
        if strip.end is None:
            raise InputError(f"The speech strip {strip.audio.name!r} needs an end, so that its frames can be compared.")
        spans.append((strip.start, strip.end))
    return spans


def _told(timeline: Timeline, legs: bool) -> list[tuple[object, ...]]:
    """What each frame is told, or only its legs, to be compared."""
    spans, fps, frames = _spans(timeline), timeline.fps, frames_of(timeline)
    segments = plan_segments(timeline, spans, frames, fps)
    heard = plan_speech(timeline, spans, frames, fps)

    def told(segments: Sequence[Segment]) -> list[tuple[object, ...]]:
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

    return told(segments) if legs else list(zip(told(segments), told(plan_upper(timeline, segments, fps)), strict=True))
