# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches are balanced, repeatable, and show what they should."""

from dataclasses import replace

import numpy as np
import pytest

from core.motion.features import HEIGHT, decode
from core.motion.rotation import (
    quaternion_to_matrix,
)
from core.motion.skeleton import neutral_skeleton
from core.training import clip_set
from core.training.clip import SPEECH_ACTION, WINDOW, Clip
from core.training.clip_set import ClipSet
from core.training.packing import Packer
from core.training.split import Split
from tests.core.moves import wandering
from tests.core.training.tiny import CONFIG, encode_by_length

SKELETON = neutral_skeleton()


def test_features_come_back_as_they_were_packed(clips):
    clip = clips.clips[0]
    again = decode(clips.features[clip.start : clip.stop], SKELETON)
    local = quaternion_to_matrix(again.rotations[:, 1:]) - quaternion_to_matrix(wandering(60, seed=0).rotations[:, 1:])
    assert np.abs(local).max() < 1e-3


def test_a_batch_depends_on_seed_and_step_alone(clips):
    first, again, other = (clips.batch(1, step, 8, 0.4) for step in (3, 3, 4))
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert not np.array_equal(first["x"], other["x"])


def test_a_batch_masks_padding_and_lays_speech_on_its_frames(clips):
    batch = clips.batch(1, 0, 64, 0.5)
    assert batch["x"].shape == (64, WINDOW, CONFIG.features)
    assert not batch["x"][~batch["valid"]].any()
    assert not batch["speech"][~batch["valid"]].any()
    assert batch["speech_present"].any()
    assert not (batch["speech_present"] & ~batch["valid"]).any()
    rows = clips.speech_normalizer.normalize(clips.speech).astype(np.float32)
    motions = clips.normalizer.normalize(clips.features).astype(np.float32)
    clip = clips.clips[3]
    for row in np.flatnonzero(batch["speech_present"].any(1)):
        (at,) = np.flatnonzero((np.abs(motions - batch["x"][row, 0]) < 1e-5).all(1))
        np.testing.assert_array_equal(batch["speech"][row, 0], rows[at - clip.start])


def test_sentences_about_walking_and_talking_belong_to_walking(clips, tmp_path):
    packer = Packer(SKELETON)
    packer.add(wandering(60), "walk", ["a person walks"], "Walk", "cmu", "free")
    speech = np.zeros((60, 5), np.float32)
    sentences = ["a person walks", "a person walks and talks"]
    packer.add(wandering(60, seed=1), SPEECH_ACTION, sentences, "voice", "speech", "free", speech, captioned=True)
    packer.write(tmp_path / "both", "tiny", ("prosody", "onset"), 5)
    (caption,) = ClipSet(tmp_path / "both").captions()
    assert caption[:2] == ("walk", "")
    assert len(caption[2]) == 1


def test_some_samples_lose_their_text(clips):
    present = np.concatenate([clips.batch(1, step, 50, 0.0)["text_present"] for step in range(8)])
    assert 0.04 < 1 - present.mean() < 0.18


def test_half_of_an_actions_windows_are_plain_however_few_its_plain_clips_are(tmp_path, monkeypatch):
    encode_by_length(monkeypatch)
    packer = Packer(SKELETON)
    for number in range(9):
        style, words = ("proud", "a person bows proudly") if number else ("normal", "a person bows")
        name = f"dataset-1_bow_{style}_00{number}"
        packer.add(wandering(60, seed=number), "bow", [words], name, "bandai_namco", "nc")
    packer.write(tmp_path / "clips", "by length", ("prosody",), 5)
    monkeypatch.setattr(clip_set, "TEXT_DROPOUT", 0.0)
    lengths = ClipSet(tmp_path / "clips").batch(1, 0, 400, 0.0)["text"][:, 0]
    assert np.mean(lengths == len("a person bows")) == pytest.approx(0.5, abs=0.08)


def test_what_evaluation_keeps_is_never_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.packing.encode_texts", lambda words, _: np.ones((len(words), 6), np.float32))
    packer = Packer(SKELETON)
    for seed in range(12):
        # the clips that the split holds out lie far away
        named = Clip(0, 1, "walk", (), f"Walk{seed}", "cmu", "free")
        motion = wandering(30, seed=seed)
        kept = Split.of([replace(named, name=f"Walk{k}") for k in range(12)]).held_out(named)
        packer.add(
            motion.moved([0.0, 100.0, 0.0]) if kept else motion, "walk", ["a person walks"], named.name, "cmu", "free"
        )
    packer.write(tmp_path / "clips", "tiny", ("prosody", "onset"), 5)
    clips = ClipSet(tmp_path / "clips")
    assert clips.features[:, HEIGHT].max() > 50
    for step in range(20):
        batch = clips.batch(1, step, 8, 0.0)
        assert clips.normalizer.denormalize(batch["x"][batch["valid"]])[:, HEIGHT].max() < 50


def test_canonical_sentences_say_what_is_done_and_not_who_does_it(clips, tmp_path):
    packer = Packer(SKELETON)
    packer.add(wandering(60), "bow", ["the tall man bows", "she bows", "she takes a bow"], "Bow", "cmu", "free")
    packer.write(tmp_path / "bows", "tiny", ("prosody", "onset"), 5)
    bows = ClipSet(tmp_path / "bows")
    forms, rows = bows.canonical_sentences()
    assert forms == ["a person bows", "a person takes a bow"]
    said = {sentence: forms[row] for sentence, row in zip(bows.words, rows, strict=True)}
    assert said["the tall man bows"] == said["she bows"] == "a person bows"
    assert said["she takes a bow"] == "a person takes a bow"
