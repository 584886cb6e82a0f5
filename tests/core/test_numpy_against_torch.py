# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines become the same motion to a millimeter, whether numpy or torch denoises."""

import pytest
import torch

from benchmarks.numpy_network import largest_distance, timelines
from core.assets import MODELS
from core.generate import Settings
from core.model.checkpoint import load_model
from core.model.folder import open_model
from core.model.model import Model
from core.model.numpy_denoiser import NumpyDenoiser

SETTINGS = Settings(steps=6, device="cpu")
SHIPPED = sorted(path.parent.name for path in MODELS.glob("*/config.json"))


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[Model, Model]]:
    return {name: (open_model(name, device="cpu"), load_model(name)) for name in SHIPPED}


@pytest.mark.parametrize("number", range(12))
def test_motion_is_the_same_to_a_millimeter(number: int, models: dict[str, tuple[Model, Model]]):
    ours, theirs = models[SHIPPED[number % len(SHIPPED)]]
    assert isinstance(ours.denoiser, NumpyDenoiser)
    assert isinstance(theirs.denoiser, torch.nn.Module)
    assert largest_distance(timelines(12, longest=2)[number], ours, theirs, SETTINGS) <= 1e-3
