# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical prompts keep the action and its manner but not the subject."""

import pytest

from core.prompts.canonical import canonical_prompt, subject


@pytest.mark.parametrize(
    ("prompt", "who"),
    [
        ("someone greets the audience", "someone"),
        ("The old man bows", "The old man"),
        ("the robot in the red hat dances", "the robot"),
        ("a soldier quietly marches ahead", "a soldier"),
        ("Suzanne is waving", "Suzanne"),
        ("a girl", "a girl"),
    ],
)
def test_the_subject_is_found(prompt, who):
    assert subject(prompt) == who


@pytest.mark.parametrize(
    "prompt",
    [
        "wave hello", "Walk forwards", "Bow towards us", "Raise arms", "Wave his hand", "a deep bow to the left",
        "A walk sideways", "Step across", "",
    ],
)  # fmt: skip
def test_an_action_is_not_a_subject(prompt):
    assert subject(prompt) == ""


@pytest.mark.parametrize(
    "prompt",
    [
        "a person waves their hand", "The young woman waves her hand.", "he waves his  hand", "Suzanne waves her hand!",
        "waves their hand",
    ],
)  # fmt: skip
def test_whoever_does_it_the_plain_form_is_the_same(prompt):
    assert canonical_prompt(prompt) == "a person waves their hand"


@pytest.mark.parametrize(
    ("prompt", "form"),
    [
        ("An old man walks.", "a person walks like an old person"),
        ("the proud king's guard bows", "a person bows"),
        ("The king's proud old guard bows", "a person bows proudly like an old person"),
        ("Anna\u2019s tired robot waves", "a person waves tiredly"),
        ("the dancer's leg lifts", "a person the dancer's leg lifts"),
        ("Let's dance", "a person Let's dance"),
        ("The tired little robot waves its arm", "a person waves its arm tiredly"),
        ("a man in a sad hat bows", "a person in a sad hat bows"),
    ],
)
def test_who_tells_how_it_is_done(prompt, form):
    assert canonical_prompt(prompt) == form


def test_whom_it_is_done_to_stays():
    assert (
        canonical_prompt("She points at you and scratches herself") == "a person points at you and scratches themself"
    )
    assert canonical_prompt("the man hits the other man") == "a person hits the other man"


def test_plain_forms_stay_and_nothing_is_made_of_nothing():
    assert canonical_prompt(canonical_prompt("The king bows deeply")) == "a person bows deeply"
    assert canonical_prompt(" .") == ""
