# SPDX-License-Identifier: GPL-3.0-or-later
"""What is held out: recordings by their names, and wordings."""

import re

import pytest

from core.training.captions import HELD_OUT_SUBJECTS, Caption
from core.training.clip import SPEECH_ACTION, Clip
from core.training.phrases import PHRASES
from core.training.split import Split, caption_of, held_out_sentences, recording_of


def clip_named(action, name, source="cmu"):
    return Clip(0, 50, action, (), name, source, "free", 0 if action == SPEECH_ACTION else -1)


def test_copies_of_one_performance_are_one_recording():
    names = ("ChrBrad@Guitar01", "ChrRachel_ChrBrad@Guitar01")
    assert len({recording_of(clip_named("guitar", name, "smartbody")) for name in names}) == 1
    assert recording_of(clip_named("guitar", "ChrRachel@Guitar01", "smartbody")) != recording_of(
        clip_named("guitar", names[0], "smartbody")
    )
    assert recording_of(clip_named(SPEECH_ACTION, "LJ001-0023_0")) == recording_of(
        clip_named(SPEECH_ACTION, "LJ001-0023_1")
    )
    assert recording_of(clip_named(SPEECH_ACTION, "LJ001-0023_0")) != recording_of(
        clip_named(SPEECH_ACTION, "LJ001-0024_0")
    )


def test_every_action_keeps_most_of_its_clips_and_large_ones_lose_some():
    clips = [clip_named("bow", "Bow")] * 16 + [clip_named("lean", f"Lean{i}") for i in range(2)]
    clips += [clip_named("walk", f"Walk{i}") for i in range(40) for _ in range(3)]
    clips += [clip_named("jump", f"Jump{i}") for i in range(3)]
    split = Split.of(clips)
    for action in ("bow", "lean", "walk", "jump"):
        held = [split.held_out(item) for item in clips if item.action == action]
        assert sum(held) * 3 <= len(held)
        assert any(held) == (action in {"walk", "jump"})
    assert Split.of(reversed(clips)) == split


def test_the_rule_always_holds_out_the_same_recordings():
    split = Split.of([clip_named("walk", f"Walk{i}") for i in range(20)])
    assert split.recordings == {"cmu/Walk7", "cmu/Walk14"}


def test_a_recording_of_two_actions_is_on_one_side():
    clips = [clip_named(action, f"Walk{i}") for i in range(30) for action in ("walk", "turn_90")]
    split = Split.of(clips)
    assert split.recordings
    assert all(split.held_out(a) == split.held_out(b) for a, b in zip(clips[::2], clips[1::2], strict=True))


WORDS = {
    "direction": "straight ahead", "turn": "left", "side": "right", "hands": "both hands", "leg": "left",
    "part": "temple", "direction_hand": "to the right",
}  # fmt: skip


@pytest.mark.parametrize("action", sorted(PHRASES))
def test_the_words_of_a_caption_are_found_in_its_training_sentences(action):
    caption = Caption(action, WORDS)
    found = caption_of(action, caption.sentences())
    words = found.words
    assert words.items() <= WORDS.items()
    named = {slot for phrase in PHRASES[action] for slot in re.findall(r"\{(\w+)\}", phrase)} & WORDS.keys()
    if len(PHRASES[action]) >= 5:
        named = {
            slot for i, phrase in enumerate(PHRASES[action]) if i % 5 != 4 for slot in re.findall(r"\{(\w+)\}", phrase)
        } & WORDS.keys()
    assert set(words) == named
    unseen = held_out_sentences(found)
    assert set(unseen) <= set(caption.sentences(held_out=True))
    assert not set(unseen) & set(caption.sentences())
    assert all(sentence.startswith(HELD_OUT_SUBJECTS) for sentence in unseen)


def test_sentences_with_words_that_are_not_known_are_left_out():
    unknown, known = (set(held_out_sentences(Caption("walk", words))) for words in ({}, {"direction": "ahead"}))
    assert unknown < known
    assert {sentence for sentence in known if "ahead" not in sentence} == unknown


def test_a_style_is_found_by_its_adverbs():
    caption = Caption("bow", WORDS, "proud")
    found = caption_of("bow", caption.sentences())
    assert found.style == "proud"
    assert held_out_sentences(found) == caption.sentences(held_out=True)
