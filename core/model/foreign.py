# SPDX-License-Identifier: GPL-3.0-or-later
"""Load third-party checkpoints without running code from them, checking every name and shape."""

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
from .layout import Shapes, check_tensors


def load_table(path: Path, expected: str) -> dict[str, Any]:
    """Read the table of names and values of a PyTorch checkpoint, without running code from it.

    Args:
        path: the file.
        expected: description of the checkpoint for error messages, such as "the FreeTalker checkpoint".

    Raises:
        InputError: the file is no such table; the message names it.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile):
        raise InputError(f"{path} contains no weights or is incomplete; give {expected}.") from None
    entries = cast(Mapping[Any, Any], content) if isinstance(content, Mapping) else {}
    if not entries:
        raise InputError(f"{path} is not {expected}: it must be a table of tensors.")
    return {str(name): value for name, value in entries.items()}


def as_tensors(path: Path, table: object, expected: str, within: str = "it") -> dict[str, Tensor]:
    """Check that a table contains only tensors.

    Args:
        path: the file, for error messages.
        table: the table or an entry of it.
        expected: as in `load_table`.
        within: description of the entry for error messages.

    Raises:
        InputError: it is no table, is empty, or contains anything but tensors.
    """
    state = cast(Mapping[Any, Any], table) if isinstance(table, Mapping) else {}
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path} is not {expected}: {within} must be a table of tensors.")
    return {str(name): value for name, value in state.items()}


def check_layout(path: Path, tensors: Mapping[str, Tensor], layout: Shapes, expected: str, within: str = "it") -> None:
    """Check that tensors have exactly the names and shapes of a layout and are finite.

    Other arguments as in `as_tensors`.

    Raises:
        InputError: they do not.
    """
    arrays = {name: value.detach().float().numpy() for name, value in tensors.items()}
    check_tensors(path, arrays, layout, f"is not {expected}", "download it again", within)


def load_vector(path: Path, count: int, again: str) -> Array:
    """Read an .npy of count finite numbers.

    Args:
        path: the file.
        count: length of the vector.
        again: what the user can do about a wrong file, for error messages.

    Returns:
        (count,) float64.

    Raises:
        InputError: the file contains anything else; the message names it.
    """
    try:
        values = np.asarray(np.load(path, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError):
        raise InputError(f"{path} is not an array of numbers; {again}.") from None
    if values.shape != (count,) or not np.isfinite(values).all():
        raise InputError(f"{path} must have {count} finite numbers, not the shape {values.shape}.")
    return values


def tensor_layout(network: torch.nn.Module) -> Shapes:
    """Return the names and shapes of a network's state."""
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}
