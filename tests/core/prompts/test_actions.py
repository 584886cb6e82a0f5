# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts that name several actions are split; others are not."""

from collections.abc import Callable, Sequence

import pytest

from core.planning.segments import plan_segments, plan_upper
from core.prompts.actions import (
    ActionProbabilities,
    split_legs_and_arms,
    split_sequence,
    split_simultaneous,
    split_strips,
)
from core.timeline.strips import TextStrip, Timeline


@pytest.mark.parametrize(
    ("prompt", "actions"),
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
        ("walk then bow", ["walk", "bow"]),
        ("Suzanne waves, then bows", ["Suzanne waves", "Suzanne bows"]),
        ("then a person bows", ["then a person bows"]),
        ("then", ["then"]),
    ],
)
def test_actions_keep_their_order_and_share_the_subject(prompt, actions):
    assert split_sequence(prompt) == actions


def test_a_strip_is_cut_evenly_and_keeps_what_is_its_own():
    after = TextStrip(6.0, 8.0, "he waves")
    strips = split_strips([TextStrip(2.0, 6.0, "he walks, then bows", 2.5, 7), after])
    assert strips == [TextStrip(2.0, 4.0, "he walks", 2.5, 7), TextStrip(4.0, 6.0, "he bows", 2.5, 7), after]


def test_a_strip_too_short_for_its_actions_is_not_split():
    strip = TextStrip(0.0, 1.5, "he walks, then bows")
    assert split_strips([strip]) == [strip]


def test_segments_follow_the_actions():
    segments = plan_segments(Timeline((TextStrip(0.0, 4.0, "he walks, then bows"),)), [], 81)
    assert [(one.start, one.stop, one.prompt) for one in segments] == [(0, 40, "he walks"), (40, 81, "he bows")]


@pytest.mark.parametrize(
    ("prompt", "pair"),
    [
        ("a person walks forward and waves", ("a person walks forward", "a person waves")),
        ("She runs while pointing ahead", ("She runs", "She pointing ahead")),
        ("walk and wave", ("walk", "wave")),
        ("he walks, and she waves", ("he walks", "she waves")),
        ("a person understands", None),
        ("and waves", None),
        ("she moves the hand back and forth", None),
        ("he jumps up and down and waves", ("he jumps up and down", "he waves")),
    ],
)
def test_halves_share_their_subject(prompt, pair):
    assert split_simultaneous(prompt) == pair


def reader(**means: dict[str, float]) -> Callable[[Sequence[str]], list[ActionProbabilities]]:
    """Reads prompts by the last of the words that it knows."""

    def read(prompts: Sequence[str]) -> list[ActionProbabilities]:
        return [next(means[word] for word in reversed(prompt.split()) if word in means) for prompt in prompts]

    return read


READ = reader(
    walks={"walk": 0.5, "jog": 0.4}, waves={"wave": 0.8}, bows={"bow": 0.9}, hums={"nod": 0.3},
    jumps={"walk_jump": 0.9}, stops={"stop_walk": 0.7, "stop": 0.3},
)  # fmt: skip


@pytest.mark.parametrize("prompt", ["he walks and waves", "he waves and walks"])
def test_legs_and_arms_are_split(prompt):
    strip = TextStrip(2.0, 6.0, prompt, 2.5, 7)
    arms, legs = split_legs_and_arms([strip], READ)
    assert legs == TextStrip(2.0, 6.0, "he walks", 2.5, 7)
    assert arms == TextStrip(2.0, 6.0, "he waves", 2.5, 7, "upper body")


@pytest.mark.parametrize(
    "prompt",
    ["he walks and hums", "he walks and jumps", "he walks and stops", "he waves and bows"],
)
def test_a_prompt_not_classified_as_two_actions_is_not_split(prompt):
    assert split_legs_and_arms([TextStrip(0.0, 4.0, prompt)], READ) == [TextStrip(0.0, 4.0, prompt)]


def test_a_strip_for_the_upper_body_is_not_split():
    strip = TextStrip(0.0, 4.0, "he walks and waves", scope="upper body")
    assert split_legs_and_arms([strip], READ) == [strip]


def test_arms_stop_where_another_strip_takes_over():
    strips = [TextStrip(0.0, 4.0, "he walks and waves"), TextStrip(3.0, 6.0, "he bows")]
    arms, *_ = split_legs_and_arms(strips, READ)
    assert (arms.start, arms.end) == (0.0, 3.0)


def test_an_upper_body_strip_of_the_user_takes_precedence():
    own = TextStrip(0.0, 4.0, "he points", scope="upper body")
    timeline = Timeline(tuple(split_legs_and_arms([own, TextStrip(0.0, 4.0, "he walks and waves")], READ)))
    segments = plan_segments(timeline, [], 81)
    assert [one.prompt for one in segments] == ["he walks"]
    assert [one.prompt for one in plan_upper(timeline, segments)] == ["he points"]
