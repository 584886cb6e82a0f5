# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints that others published: loaded without running anything of theirs, every name and shape checked."""

# pyright: reportUnknownMemberType=false

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..motion.rotation import Array
from .checkpoint import TensorLayout, check_tensors


def load_table(path: Path, expected: str) -> dict[str, Any]:
    """Name -> value of a file of weights, nothing of which is run; expected: what it should be, for sentences.

    Raises InputError, in one sentence that names the file, where it is no such table.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile):
        raise InputError(f"{path} holds no weights, or is cut short; give {expected}.") from None
    entries = cast(Mapping[Any, Any], content) if isinstance(content, Mapping) else {}
    if not entries:
        raise InputError(f"{path} is not {expected}: it should be a table of tensors.")
    return {str(name): value for name, value in entries.items()}


def tensors_of(path: Path, table: object, expected: str, within: str = "it") -> dict[str, Tensor]:
    """The table, of tensors alone. within: what of the file it is."""
    state = cast(Mapping[Any, Any], table) if isinstance(table, Mapping) else {}
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path} is not {expected}: {within} should be a table of tensors.")
    return {str(name): value for name, value in state.items()}


def check_layout(path: Path, tensors: Mapping[str, Tensor], layout: TensorLayout, expected: str, within: str = "it") -> None:
    """Raise InputError unless the tensors are exactly those of `layout`, and finite."""
    check_tensors(path, tensors, layout, f"is not {expected}", "download it again", within)


def numbers(path: Path, count: int, again: str) -> Array:
    """The numbers (count,) of an .npy. Raises InputError naming the file where it holds others; again: what to do."""
    try:
        values = np.asarray(np.load(path, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError):
        raise InputError(f"{path} is no array of numbers; {again}.") from None
    if values.shape != (count,) or not np.isfinite(values).all():
        raise InputError(f"{path} should be {count} finite numbers, not of the shape {values.shape}.")
    return values


def layout_of(network: torch.nn.Module) -> TensorLayout:
    """Name -> shape of the network's own state."""
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}
