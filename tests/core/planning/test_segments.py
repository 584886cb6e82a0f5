# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a timeline that was changed, exactly the frames that are told something else are stale."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.planning.segments import (
    IDLE_PROMPT,
    Segment,
    frames_of,
    own_seeds,
    plan_segments,
    plan_speech,
    plan_upper,
    stale_frames,
    with_seams,
)
from core.runs import runs
from core.timeline.strips import SCOPES, SpeechStrip, TextStrip, Timeline

VOICE = SpeechStrip(6.0, Path("voice.wav"), 9.0)
BEFORE = Timeline(
    (TextStrip(0, 2, "a"), TextStrip(2, 4, "b"), TextStrip(4, 6, "c", 2.0)), (VOICE,), fps=10, guidance=1.5, seed=3
)

WAVE = TextStrip(1.5, 3.5, "waves", scope="upper body")
WAVING = replace(BEFORE, text=(*BEFORE.text, WAVE))


def with_text(number: int, **changes: object) -> Timeline:
    text = list(BEFORE.text)
    text[number] = replace(text[number], **changes)
    return replace(BEFORE, text=tuple(text))


def spans(flags: np.ndarray) -> list[tuple[int, int]]:
    return [(start, stop) for start, stop in runs(flags) if flags[start]]


@pytest.mark.parametrize(
    ("after", "stale"),
    [
        (BEFORE, []),
        (with_text(1, prompt="other"), [(20, 40)]),
        (with_text(1, guidance=0.5), [(20, 40)]),
        (with_text(1, guidance=1.5), []),  # its own value is the timeline's
        (with_text(1, guidance=((3.0, 1.5), (4.0, 2.0))), [(31, 40)]),  # only where the curve leaves the value
        (with_text(1, seed=3), [(20, 40)]),  # of its own, which is other noise than the timeline's of that number
        (with_text(1, end=3.0), [(30, 40)]),  # an idle second
        (with_text(1, end=3.5), [(37, 40)]),  # of a short gap the second half is told "c" now
        (with_text(2, start=3.0), [(30, 40)]),
        (with_text(1, scope="upper body"), [(20, 40)]),
        (with_text(2, seed=5), [(40, 60)]),
        (WAVING, [(15, 35)]),
        (replace(WAVING, text=(*BEFORE.text, replace(WAVE, start=6.5, end=7.0))), [(65, 70)]),
        (replace(BEFORE, seed=4), [(0, 91)]),
        (replace(BEFORE, model="other"), [(0, 91)]),
        (replace(BEFORE, fps=20), [(0, 181)]),
        (replace(BEFORE, guidance=1.0), [(0, 40)]),  # "c" has its own, and no text leads in the speech
        (replace(BEFORE, text=BEFORE.text[:2]), [(40, 60)]),
        (replace(BEFORE, text=BEFORE.text[::-1]), []),
        (replace(BEFORE, speech=(replace(VOICE, offset=0.5),)), [(60, 91)]),
        (replace(BEFORE, speech=(replace(VOICE, seed=1),)), [(60, 91)]),
        (replace(BEFORE, speech=(replace(VOICE, end=8.0),)), []),  # shorter: nothing is told anew
        (replace(BEFORE, speech=(VOICE, replace(VOICE, start=9.0, end=10.0))), [(90, 101)]),
    ],
)
def test_stale_frames(after: Timeline, stale: list[tuple[int, int]]):
    found = stale_frames(BEFORE, after)
    assert len(found) == frames_of(after)
    assert spans(found) == stale


@pytest.mark.parametrize(
    ("after", "whole", "moved"),
    [
        (replace(WAVING, text=(*BEFORE.text, replace(WAVE, seed=1))), [(15, 35)], []),
        (replace(WAVING, text=(*BEFORE.text, replace(WAVE, guidance=3.0))), [(15, 35)], []),
        (BEFORE, [(15, 35)], []),
        (replace(WAVING, text=(*with_text(1, prompt="other").text, WAVE)), [(20, 40)], [(20, 40)]),
        (replace(WAVING, text=(*BEFORE.text, replace(WAVE, scope="whole"))), [(15, 35)], [(15, 20)]),
        (replace(WAVING, seed=4), [(0, 91)], [(0, 91)]),
    ],
)
def test_strips_of_the_upper_body_move_no_leg(after: Timeline, whole: list, moved: list):
    assert spans(stale_frames(WAVING, after)) == whole
    assert spans(stale_frames(WAVING, after, legs=True)) == moved


def told(segments: list[Segment]) -> list[tuple[int, int, str | None]]:
    return [(segment.start, segment.stop, segment.prompt) for segment in segments]


@pytest.mark.parametrize(
    ("text", "whole", "upper"),
    [
        # the upper body's strip leads it wherever it starts, and never the legs
        ([(0, 4, "a", 0), (1, 3, "b", 1)], [(0, 41, "a")], [(0, 10, "a"), (10, 30, "b"), (30, 41, "a")]),
        ([(0, 4, "b", 1), (1, 4, "a", 0)], [(0, 10, IDLE_PROMPT), (10, 41, "a")], [(0, 41, "b")]),
        # of two of them the later leads
        ([(0, 4, "a", 0), (0, 4, "b", 1), (2, 4, "c", 1)], [(0, 41, "a")], [(0, 20, "b"), (20, 41, "c")]),
        # with nothing below, the legs do what they do in a gap
        ([(0, 4, "b", 1)], [(0, 41, IDLE_PROMPT)], [(0, 41, "b")]),
        ([(0, 0.5, "b", 1)], [(0, 6, IDLE_PROMPT)], [(0, 6, "b")]),
        ([(0, 2, "a", 0), (1, 2.5, "b", 1)], [(0, 26, "a")], [(0, 10, "a"), (10, 26, "b")]),
        ([(0, 4, "a", 0), (1, 3, "he bows, then waves", 1)], [(0, 41, "a")],
         [(0, 10, "a"), (10, 20, "he bows"), (20, 30, "he waves"), (30, 41, "a")]),
    ],
)  # fmt: skip
def test_who_leads_the_upper_body(text: list, whole: list, upper: list):
    strips = tuple(TextStrip(start, end, prompt, scope=SCOPES[scope]) for start, end, prompt, scope in text)
    timeline = Timeline(strips, fps=10)
    segments = plan_segments(timeline, [], frames_of(timeline), 10)
    assert told(segments) == whole
    assert told(plan_upper(timeline, segments, 10)) == upper


def test_seams_reach_half_a_second_and_no_further():
    changed = np.zeros(91, bool)
    changed[[2, 40, 41]] = True
    assert spans(with_seams(changed, 10)) == [(0, 8), (35, 47)]
    assert not with_seams(np.zeros(5, bool), 10).any()


def test_seeds_of_text_and_speech_are_one():
    timeline = Timeline(
        (TextStrip(0, 2, "a", seed=1), TextStrip(2, 4, "b")), (SpeechStrip(1, Path("v.wav"), 3, seed=2),), fps=1
    )
    frames = frames_of(timeline)
    heard = plan_speech(timeline, [(1.0, 3.0)], frames, 1)
    seeds = own_seeds(plan_segments(timeline, [(1.0, 3.0)], frames, 1), heard)
    assert seeds[0] == 1
    assert seeds[2:] == [2, 2, None]
    assert seeds[1] not in (None, 1, 2)


def test_speech_without_an_end_cannot_be_compared():
    with pytest.raises(InputError, match=r"'voice\.wav' needs an end"):
        stale_frames(BEFORE, replace(BEFORE, speech=(replace(VOICE, end=None),)))
