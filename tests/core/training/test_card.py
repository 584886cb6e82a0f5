# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card lists prompts, credits and the weights' license."""

import re
from dataclasses import replace

import numpy as np
import torch

from core.model.checkpoint import ModelConfig
from core.model.denoiser import DenoiserConfig
from core.model.prompt_classifier import PromptClassifier
from core.training import card
from core.training.card import license_of, model_card
from core.training.phrases import PHRASES
from core.training.trainer import train
from tests.core.training.tiny import CONFIG, recipe


def test_the_card_lists_whole_prompts(clips, monkeypatch):
    monkeypatch.setattr(clips, "clips", [replace(clips.clips[0], action=action) for action in PHRASES])
    written = model_card("tiny", clips, ModelConfig(DenoiserConfig(text_width=6, speech_width=5), ()))
    assert "- a person raises the right hand (raise_hand)" in written
    assert written.count("- a person ") == len(PHRASES)
    assert "{" not in written


def test_the_card_suggests_each_style_once(clips, monkeypatch):
    styled = [replace(clips.clips[1], name=f"dataset-1_{name}_001") for name in ("bow_proud", "bow_sad", "walk_sad")]
    monkeypatch.setattr(clips, "clips", [*clips.clips, *styled, styled[1]])
    written = model_card("tiny", clips, ModelConfig(DenoiserConfig(text_width=6, speech_width=5), ()))
    assert re.findall(r"^- a person (.+) \(\w+\)$", written, re.MULTILINE) == [
        "bows", "walks forward", "bows proudly", "bows sadly",
    ]  # fmt: skip


def test_the_card_suggests_what_the_classifier_recognizes(clips, monkeypatch):
    first, second = "a person bows", "a person takes a bow"  # as in core/training/phrases.txt
    config = ModelConfig(DenoiserConfig(text_width=2, speech_width=5), (), captions=("walk", "bow"))
    monkeypatch.setattr(clips, "words", [first, second])
    monkeypatch.setattr(
        card, "encode_tokens", lambda words, _: np.eye(2, dtype=np.float32)[[(first, second).index(w) for w in words]]
    )
    for understood, suggested in (([0.9, 0.8], first), ([0.1, 0.8], second), ([0.1, 0.1], first)):
        bow = torch.tensor(understood)
        classifier = PromptClassifier(2, config.captions, ("", ""))
        monkeypatch.setattr(
            classifier, "caption_probabilities", lambda rows, bow=bow: torch.stack([1 - rows @ bow, rows @ bow], 1)
        )
        assert f"- {suggested} (bow)" in model_card("tiny", clips, config, classifier)


def test_weights_of_non_commercial_motion_say_so(clips, tmp_path):
    assert license_of(clips) == "GPL-3.0-or-later"
    clips.clips[1] = replace(clips.clips[1], source="bandai_namco", license="CC-BY-NC-4.0")
    model = train(clips, tmp_path / "out", CONFIG, recipe(1), "tiny")
    assert model.config.license == "CC-BY-NC-4.0"
    assert "non-commercial use only" in model.card
    assert "Bandai" in model.card
