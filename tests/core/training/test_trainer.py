# SPDX-License-Identifier: GPL-3.0-or-later
"""A killed training ends with the same weights, and a trained model can be trained further."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.model.checkpoint import load_model
from core.model.denoiser import DenoiserConfig
from core.training.recipes import PRESETS, Recipe
from core.training.trainer import learning_rate, train
from tests.core.training.tiny import CONFIG, recipe


def test_the_learning_rate_rises_stays_and_falls():
    rates = [learning_rate(step, Recipe(steps=1000, warmup=10, learning_rate=1.0)) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1)
    assert set(rates[10:500]) == {1.0}
    assert all(np.diff(rates[500:]) <= 0)
    assert rates[-1] == pytest.approx(0.02)


def test_diffmotions_learning_rate_rises_and_falls_in_straight_lines():
    recipe = replace(PRESETS["diffmotion-v2"].recipe, steps=1000, warmup=100, learning_rate=1.0)
    rates = np.array([learning_rate(step, recipe) for step in range(1000)])
    assert np.all(np.diff(rates[:90]) > 0)
    np.testing.assert_allclose(np.diff(rates[100:970]), -1e-3, rtol=1e-6)


def test_an_interrupted_training_ends_with_the_same_weights(clips, tmp_path, monkeypatch):
    # one rate for both: the decay depends on how many steps are meant
    monkeypatch.setattr("core.training.trainer.learning_rate", lambda step, _: 1e-3 / (step + 1))
    whole = train(clips, tmp_path / "whole", CONFIG, recipe(6), "tiny")
    train(clips, tmp_path / "parts", CONFIG, recipe(3), "tiny")
    resumed = train(clips, tmp_path / "parts", CONFIG, recipe(6), "tiny")
    for network, again in ((whole.denoiser, resumed.denoiser), (whole.classifier, resumed.classifier)):
        for key, value in network.state_dict().items():
            assert torch.equal(value, again.state_dict()[key]), key


def test_training_lowers_the_loss_and_writes_a_model(clips, tmp_path, capsys):
    longer = Recipe(steps=200, batch=8, warmup=5, learning_rate=5e-3, classifier_steps=5)
    clips.set_window(40)
    train(clips, tmp_path / "out", CONFIG, longer, "tiny")
    printed = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss ")[1].split()[0]) for line in printed if "loss" in line]
    assert losses[1] < 0.8 * losses[0]
    model = load_model(tmp_path / "out" / "tiny")
    assert model.config.speech_blocks == ("prosody", "onset")
    assert model.config.trained_steps == 200
    again = train(clips, tmp_path / "again", CONFIG, recipe(3), "tiny", start=model)
    assert again.config.trained_steps == 203
    assert "Speech pairs" in model.card


def test_training_can_begin_with_a_trained_model(clips, tmp_path):
    first = train(clips, tmp_path / "first", CONFIG, recipe(2), "tiny")
    unchanged = train(clips, tmp_path / "second", CONFIG, recipe(0), "tiny", first)
    for key, value in first.denoiser.state_dict().items():
        assert torch.equal(value, unchanged.denoiser.state_dict()[key]), key


def test_another_network_is_not_trained_on(clips, tmp_path):
    train(clips, tmp_path / "out", CONFIG, recipe(1), "tiny")
    other = DenoiserConfig(text_width=6, speech_width=5, width=32, layers=1, heads=2, feedforward=16)
    with pytest.raises(InputError, match=r"state\.pt"):
        train(clips, tmp_path / "out", other, recipe(2), "tiny")


def test_other_clips_are_not_trained_on(clips, tmp_path):
    train(clips, tmp_path / "out", CONFIG, recipe(1), "tiny")
    clips.normalizer = replace(clips.normalizer, mean=clips.normalizer.mean + 1)
    with pytest.raises(InputError, match="other clips"):
        train(clips, tmp_path / "out", CONFIG, recipe(2), "tiny")
