# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes train one network."""

import multiprocessing
import os
import socket
from pathlib import Path

import pytest
import torch

from core.model.checkpoint import load_model
from core.training.clip_set import ClipSet
from core.training.trainer import train
from tests.core.training.tiny import CONFIG, encode_by_length, recipe


def _one_of_two(rank: int, folder: Path, port: int) -> None:
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with pytest.MonkeyPatch.context() as patch:
        encode_by_length(patch)
        train(ClipSet(folder / "clips"), folder / "team", CONFIG, recipe(3), "tiny")


def test_two_processes_train_one_network(clips, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # imported once for both; an optimizer needs the second one at its first step
    multiprocessing.set_forkserver_preload([__name__, "torch._dynamo"])
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    torch.multiprocessing.start_processes(_one_of_two, (tmp_path, port), nprocs=2, start_method=method)
    alone = train(clips, tmp_path / "alone", CONFIG, recipe(3), "tiny").denoiser.state_dict()
    together = load_model(tmp_path / "team" / "tiny").denoiser.state_dict()
    assert all(value.isfinite().all() for value in together.values())
    # the same batches with other noise: close to what one process learns, but not equal
    apart = max(float((together[key] - alone[key]).abs().max()) for key in alone)
    assert 0 < apart < 0.01
