# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny packed clips and a tiny model."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twelve tiny clips of four actions, and four pairs with speech."""
    from core.motion.skeleton import neutral_skeleton
    from core.training.captions import Caption
    from core.training.clip import SPEECH_ACTION
    from core.training.packing import Packer
    from tests.core.evaluation.tiny import ACTIONS, WORDS
    from tests.core.moves import wandering
    from tests.core.tiny_networks import vectors

    skeleton = neutral_skeleton()
    for module in ("core.training.packing", "core.evaluation.text_table", "core.planning.inputs"):
        monkeypatch.setattr(f"{module}.encode_texts", vectors)
    packer = Packer(skeleton)
    for number, action in enumerate(ACTIONS):
        for i in range(3):
            words = Caption(action, WORDS).sentences()
            packer.add(wandering(60, seed=number, turn=0.3 * i), action, words, f"{action}{i}", "cmu", "free")
    for i in range(4):
        energy = np.where(np.arange(150) // 30 % 2, 1.25, 0.1)  # ln(70 dB) - 3, and quiet
        heard = np.stack([energy, *np.zeros((3, 150)), np.arange(150) % 10 == i], -1)
        talk = Caption("talk", {}).sentences()
        packer.add(wandering(150, seed=90 + i), SPEECH_ACTION, talk, f"voice{i}_0", "speech", "free", heard)
    packer.write(tmp_path / "clips", "tiny", ("prosody", "onset"), 5)
    return tmp_path


@pytest.fixture
def model(folder):
    """A tiny untrained model that works with all the features."""
    import torch

    from core.model.checkpoint import Model, ModelConfig, save_model
    from core.model.denoiser import Denoiser, DenoiserConfig
    from core.motion.features import FEATURES, Normalizer
    from core.motion.features import encode as encode_features
    from core.motion.skeleton import neutral_skeleton
    from tests.core.moves import wandering

    skeleton = neutral_skeleton()
    config = DenoiserConfig(
        features=FEATURES, text_width=6, speech_width=5, width=16, layers=1, heads=2, feedforward=16, norm_first=True,
        absence="learned",
    )  # fmt: skip
    torch.manual_seed(0)
    rows = encode_features(wandering(90), skeleton)
    statistics = Normalizer.fit(rows, 0.05), Normalizer(np.zeros(5), np.ones(5))
    made = Model(Denoiser(config).eval(), ModelConfig(config, ("prosody", "onset"), "tiny", steps=2), *statistics)
    save_model(folder / "tiny", made)
    return folder / "tiny"


@pytest.fixture(scope="session")
def evaluator_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HumanML3D's evaluator with random weights."""
    from tests.core.evaluation.published_files import write_evaluator

    folder = tmp_path_factory.mktemp("humanml3d") / "evaluator"
    write_evaluator(folder, whole=True)
    return folder


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of BEAT."""
    from tests.core.evaluation.published_files import write_beat

    folder = tmp_path_factory.mktemp("beat")
    write_beat(folder, 2)
    return folder


@pytest.fixture(scope="session")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained model whose statistics are 0 and 1."""
    import torch

    from core.conditions.speech import features_width
    from core.model.checkpoint import Model, ModelConfig, save_model
    from core.model.denoiser import Denoiser, DenoiserConfig
    from core.motion.features import FEATURES, Normalizer

    blocks = ("mfcc", "prosody", "onset")
    torch.manual_seed(0)
    width = features_width(blocks)
    config = DenoiserConfig(
        features=FEATURES, text_width=6, speech_width=width, width=16, layers=1, heads=2, feedforward=16
    )
    statistics = Normalizer(np.zeros(FEATURES), np.ones(FEATURES)), Normalizer(np.zeros(width), np.ones(width))
    folder = tmp_path_factory.mktemp("model") / "tiny"
    save_model(folder, Model(Denoiser(config), ModelConfig(config, blocks, "tiny"), *statistics), torch.float32)
    return folder
