# SPDX-License-Identifier: GPL-3.0-or-later
"""Data-parallel training: the processes that torchrun starts, each of which takes its share of every batch."""

# pyright: reportUnknownMemberType=false

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class Team:
    """The processes that train together, as one of them sees them.

    Attributes:
        rank: Number of this process; the one with rank 0 writes files and prints.
        size: Number of processes.
        device: The device of this process.
    """

    rank: int
    size: int
    device: torch.device

    def share(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return this process's rows of a batch of arrays, on its device."""
        return {key: torch.from_numpy(value[self.rank :: self.size]).to(self.device) for key, value in batch.items()}

    def average_gradients(self, network: nn.Module) -> None:
        """Replace the gradients by their mean over all processes."""
        if self.size > 1:
            for parameter in network.parameters():
                if parameter.grad is not None:
                    distributed.all_reduce(parameter.grad)
                    parameter.grad /= self.size


@contextmanager
def joined_team() -> Generator[Team, None, None]:
    """Join the processes that torchrun started, or work alone without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    if size == 1:
        yield Team(0, 1, torch.device("cuda" if cuda else "cpu"))
        return
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
        yield Team(distributed.get_rank(), size, device)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
