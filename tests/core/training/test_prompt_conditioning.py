# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches contain what the prompt classifier makes of the sentences, unless clips have captions of their own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.motion.skeleton import neutral_skeleton
from core.training.clip import CAPTIONED_ACTION, SPEECH_ACTION
from core.training.clip_set import ClipSet
from core.training.components import component_weights
from core.training.packing import Packer
from core.training.trainer import train
from tests.core.moves import wandering
from tests.core.training.tiny import CONFIG, recipe

SKELETON = neutral_skeleton()


def test_a_batch_contains_what_the_classifier_makes_of_the_sentences(clips, tmp_path):
    assert sorted(action for action, *_ in clips.captions()) == ["bow", SPEECH_ACTION, "walk"]
    plain = clips.batch(1, 0, 16, 0.0)
    model = train(clips, tmp_path / "out", CONFIG, recipe(1), "tiny")
    conditioned = clips.batch(1, 0, 16, 0.0)
    assert plain["text_present"].any()
    for row in np.flatnonzero(plain["text_present"]):
        sentence = torch.from_numpy(plain["text"][row]).expand(1, 2, -1)
        torch.testing.assert_close(torch.from_numpy(conditioned["text"][row]), model.classifier(sentence)[0])
    np.testing.assert_array_equal(conditioned["x"], plain["x"])
    train(clips, tmp_path / "without", CONFIG, replace(recipe(1), classifier_steps=0), "tiny")
    np.testing.assert_array_equal(clips.batch(1, 0, 16, 0.0)["text"], plain["text"])


def test_captions_of_their_own_are_left_alone(clips, tmp_path):
    packer = Packer(SKELETON)
    packer.add(wandering(60), "walk", ["a person walks"], "Walk", "cmu", "free")
    packer.add(wandering(60, seed=1), CAPTIONED_ACTION, ["a man cleans a window"], "000001", "humanml3d", "free")
    packer.write(tmp_path / "captioned", "tiny", ("prosody", "onset"), 5)
    captioned = ClipSet(tmp_path / "captioned")
    assert captioned.captions() == []
    model = train(captioned, tmp_path / "out", replace(CONFIG, features=len(component_weights())), recipe(1), "tiny")
    assert model.classifier is None
    assert model.config.captions == ()


@pytest.mark.parametrize("kept", ["kept", "lost", "of other words"])
def test_sentences_are_encoded_once_per_run_and_again_if_the_result_is_lost(clips, tmp_path, monkeypatch, kept):
    out, encoded = tmp_path / "out", []
    first = train(clips, out, CONFIG, recipe(2), "tiny")
    if kept == "lost":
        (out / "conditioning.npy").unlink()
    elif kept != "kept":
        np.save(out / "conditioning.npy", np.zeros((1, 6), np.float32))
    monkeypatch.setattr(
        "core.training.prompt_conditioning.encode_tokens",
        lambda words, _: encoded.extend(words) or np.stack([np.full((2, 6), len(w), np.float32) for w in words]),
    )
    again = train(clips, out, CONFIG, recipe(3), "tiny")
    assert set(encoded) == (set() if kept == "kept" else {"a person walks", "a person bows", "a person talks"})
    assert all(
        torch.equal(value, again.classifier.state_dict()[k]) for k, value in first.classifier.state_dict().items()
    )


def test_a_training_of_no_steps_retrains_the_classifier_alone(clips, tmp_path):
    first = train(clips, tmp_path / "first", CONFIG, recipe(2), "tiny")
    again = train(clips, tmp_path / "again", CONFIG, replace(recipe(0), seed=2), "tiny", first)
    assert again.config.trained_steps == 2
    for key, value in first.denoiser.state_dict().items():
        assert torch.equal(value, again.denoiser.state_dict()[key]), key
    assert not torch.equal(first.classifier.gist[0].weight, again.classifier.gist[0].weight)
