# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts and the recordings they are compared with."""

from dataclasses import replace

from core.evaluation import plan
from core.evaluation.clips import Library
from core.training.split import Split, recording_of
from tests.core.evaluation.tiny import ACTIONS


def test_a_plan_keeps_recorded_and_reference_clips_apart_and_repeats_itself(folder):
    library = Library.open(folder / "clips")
    split = Split.of(library.clips)
    first, again = (plan.plan_text(library, split, 1) for _ in range(2))
    assert first == again
    assert {request.action for request in first.requests} == set(ACTIONS)
    assert len(first.requests) == len(first.recorded) == 4 * len(ACTIONS)
    assert [request.sentence for request in first.requests] == [item.sentence for item in first.recorded]
    asked = [*first.requests, *first.again]
    assert len({request.seed for request in asked}) == len(asked)
    once = [first.requests[k] for k in plan.first_of_each(first.recorded, 1)]
    assert [(item.action, item.sentence) for item in once] == [(item.action, item.sentence) for item in first.again]
    assert [item.action for item in once] == sorted(ACTIONS)
    assert not {item.sentence for item in first.recorded} & set(library.words)
    assert len({request.action for request in plan.plan_text(library, split, 1, limit=2).requests}) == 2


def test_all_rows_are_compared_with_recordings_that_the_mocap_row_lacks(folder):
    library = Library.open(folder / "clips")
    clips = [clip for clip in library.clips if clip.name not in {"bow1", "bow2"}]
    library = replace(
        library, clips=[*clips, *(clip for clip in clips if clip.name == "walk0")]
    )  # two clips of one recording
    planned = plan.plan_text(library, Split.of(library.clips), 1)
    assert planned.single_recording == ["bow"]
    for action in ACTIONS:
        shown = {recording_of(item.clip) for item in planned.recorded if item.action == action}
        others = [recording_of(item.clip) for item in planned.reference if item.action == action]
        assert len(others) == plan.REFERENCES
        assert shown == set(others) if action == "bow" else not shown & set(others)
        assert len(set(others[:2])) == (1 if action == "bow" else 2)  # in turn
    assert not {item.sentence for item in planned.reference} & set(library.words)
