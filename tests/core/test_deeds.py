# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts of several deeds become a strip for each; prompts of one stay as they are."""

import pytest

from core.deeds import split_deeds, strip_for_each
from core.segments import plan_segments
from core.timeline import TextStrip, Timeline


@pytest.mark.parametrize(
    ("prompt", "deeds"),
    [
        ("he strolls ahead, then bows", ["he strolls ahead", "he bows"]),
        ("a person walks forward and then waves", ["a person walks forward", "a person waves"]),
        ("The old man bows. Then turns around", ["The old man bows", "The old man turns around"]),
        (
            "someone waves; after that, the speaker points, then she nods",
            ["someone waves", "the speaker points", "she nods"],
        ),
        ("a person walks forward and waves", ["a person walks forward and waves"]),
        ("a person strengthens the arms", ["a person strengthens the arms"]),
        ("walk then bow", ["walk then bow"]),
        ("then a person bows", ["then a person bows"]),
        ("then", ["then"]),
    ],
)
def test_deeds_keep_their_order_and_their_subject(prompt, deeds):
    assert split_deeds(prompt) == deeds


def test_a_strip_is_cut_evenly_and_keeps_what_is_its_own():
    after = TextStrip(6.0, 8.0, "he waves")
    strips = strip_for_each([TextStrip(2.0, 6.0, "he walks, then bows", 2.5, 7), after])
    assert strips == [TextStrip(2.0, 4.0, "he walks", 2.5, 7), TextStrip(4.0, 6.0, "he bows", 2.5, 7), after]


def test_a_strip_too_short_for_its_deeds_is_told_whole():
    strip = TextStrip(0.0, 1.5, "he walks, then bows")
    assert strip_for_each([strip]) == [strip]


def test_the_frames_follow_the_deeds():
    segments = plan_segments(Timeline((TextStrip(0.0, 4.0, "he walks, then bows"),)), [], 81)
    assert [(one.start, one.stop, one.prompt) for one in segments] == [(0, 40, "he walks"), (40, 81, "he bows")]
