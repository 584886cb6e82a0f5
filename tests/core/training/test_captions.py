# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences of captions: all phrases can be filled, and those held out are new."""

import pytest

from core.prompts.actions import ARMS, LEGS
from core.training.captions import HELD_OUT_SUBJECTS, SUBJECTS, Caption
from core.training.phrases import MORE_PHRASES, PHRASES
from core.training.styles import STYLES


@pytest.mark.parametrize("action", PHRASES)
def test_every_phrase_can_be_filled_and_held_out_ones_are_new(action):
    words = dict.fromkeys(("direction", "turn", "side", "hands", "leg", "part", "direction_hand"), "left")
    item = Caption(action, words)
    seen, unseen = item.sentences(), item.sentences(held_out=True)
    assert len(seen) >= 12
    assert not set(seen) & set(unseen)
    assert all("{" not in sentence and "  " not in sentence for sentence in seen + unseen)


@pytest.mark.parametrize("action", PHRASES)
def test_every_action_has_many_phrasings(action):
    assert len(PHRASES[action]) >= 20


@pytest.mark.parametrize("phrases", [PHRASES, MORE_PHRASES])
def test_no_phrase_is_there_twice(phrases):
    for said in phrases.values():
        assert len(set(said)) == len(said)


@pytest.mark.parametrize("action", MORE_PHRASES)
def test_more_phrases_are_read_in_training_and_none_of_them_is_a_test(action):
    words = dict.fromkeys(("direction", "turn", "side", "hands", "leg", "part", "direction_hand"), "left")
    item = Caption(action, words)
    assert not set(MORE_PHRASES[action]) & set(PHRASES[action])
    seen, unseen = set(item.sentences()), set(item.sentences(held_out=True))
    for phrase in MORE_PHRASES[action]:
        bare = " ".join(phrase.format(their="their", themself="themself", **words).split())
        assert bare in seen
        assert "their" in bare or "themself" in bare or sum(f"{subject} {bare}" in seen for subject in SUBJECTS) >= 2
        assert not {f"{subject} {bare}" for subject in HELD_OUT_SUBJECTS} & unseen


def test_phrases_held_out_before_are_held_out_still():
    """New phrases come last: the every-fifth ones stay as they were."""
    assert PHRASES["walk"][4::5][:3] == (
        "paces {direction}",
        "keeps walking {direction}",
        "wanders {direction}",
    )
    assert PHRASES["bow"][4::5][:3] == ("makes a bow", "bows respectfully", "bows to say thank you")
    assert PHRASES["wave"][4::5][:3] == ("waves to the audience", "waves goodbye", "makes a greeting")
    assert PHRASES["turn_180"][4::5][:2] == ("turns around completely", "faces backward")


@pytest.mark.parametrize(("direction", "just"), [("straight ahead", True), ("in a circle to the left", False)])
def test_who_goes_straight_just_goes(direction, just):
    sentences = Caption("walk", {"direction": direction}).sentences()
    assert f"a person walks {direction}" in sentences
    assert ("walks" in sentences) == just
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("held_out", [False, True])
def test_styles_are_adverbs(held_out):
    sentences = Caption("bow", {}, "proud").sentences(held_out)
    plain = set(Caption("bow", {}).sentences(held_out))
    for adverb in STYLES["proud"]:
        styled = [sentence for sentence in sentences if sentence.endswith(f" {adverb}")]
        assert styled
        assert {sentence.removesuffix(f" {adverb}") for sentence in styled} <= plain
    assert plain.isdisjoint(sentences)
    assert len(sentences) == len(plain)


def test_pronouns_agree():
    sentences = Caption("raise_hand", {"side": "right"}).sentences()
    assert "he raises his right hand" in sentences
    assert "the woman raises her right hand" in sentences
    assert "someone raises their right hand" in sentences


def test_the_actions_of_legs_and_arms_are_actions_that_models_learn():
    assert PHRASES.keys() >= LEGS | ARMS
    assert not LEGS & ARMS
