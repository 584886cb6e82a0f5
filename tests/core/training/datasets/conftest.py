# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny datasets, a tiny CLIP, and their packed clips."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all datasets, by their names."""
    from tests.core.training.datasets.makers import WRITERS

    root = tmp_path_factory.mktemp("datasets")
    for kind, write in WRITERS.items():
        (root / kind).mkdir()
        write(root / kind)
    return root


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny CLIP."""
    from tests.core.tiny_networks import make_clip

    return make_clip(tmp_path_factory.mktemp("clip") / "clip", "abcdefghijklmnopqrstuvwxyz", width=8)


@pytest.fixture
def conditions(encoder: str):
    """Conditions of the tiny CLIP, and two blocks of speech features."""
    from core.training.datasets.cache import Conditions

    return Conditions(encoder, ("prosody", "onset"))


@pytest.fixture(scope="session")
def prepared(datasets: Path, encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed clips of each dataset, prepared by the command."""
    from core.__main__ import main
    from tests.core.training.datasets.makers import WRITERS

    root = tmp_path_factory.mktemp("prepared")
    for kind in WRITERS:
        command = ["prepare", kind, "--source", str(datasets / kind), "--out", str(root / kind)]
        assert main([*command, "--text-encoder", encoder, "--speech-blocks", "prosody,onset"]) == 0
    return root
