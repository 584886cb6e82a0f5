# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny packed clips."""

import numpy as np
import pytest


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Three small clips of two actions and one of speech."""
    from core.motion.skeleton import neutral_skeleton
    from core.training.clip import SPEECH_ACTION
    from core.training.clip_set import ClipSet
    from core.training.packing import Packer
    from tests.core.moves import wandering
    from tests.core.training.tiny import encode_by_length

    encode_by_length(monkeypatch)
    packer = Packer(neutral_skeleton())
    for seed, action in enumerate(["walk", "bow", "bow"]):
        packer.add(wandering(60, seed=seed), action, [f"a person {action}s"], action, "cmu", "free")
    speech = np.random.default_rng(0).normal(size=(150, 5)).astype(np.float32)
    packer.add(wandering(150, seed=9), SPEECH_ACTION, ["a person talks"], "voice", "speech", "free", speech)
    packer.write(tmp_path / "clips", "tiny", ("prosody", "onset"), 5)
    return ClipSet(tmp_path / "clips")
