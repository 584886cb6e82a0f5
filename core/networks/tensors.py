# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads safetensors files with numpy alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Arrays = Mapping[str, NDArray[np.generic]]
Shapes = Mapping[str, tuple[int, ...]]

_TYPES: Mapping[str, type[np.generic]] = {
    "F16": np.float16, "F32": np.float32, "F64": np.float64,
    "I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip
_MOST_HEADER = 100_000_000  # bytes, the format's own limit


def read_tensors(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read all tensors of a safetensors file, with the type they have there.

    Raises:
        InputError: the file is missing, cut short or damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} is missing; copy or download the whole model folder again.") from None
    except OSError:
        raise InputError(f"{path} cannot be read; copy or download it again.") from None
    try:
        length = int.from_bytes(content[:8], "little")
        if not 0 < length <= min(_MOST_HEADER, len(content) - 8):
            raise ValueError(length)
        header: dict[str, Any] = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        return {name: _tensor(entry, memoryview(content)[8 + length :]) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise InputError(f"{path} is cut short or damaged; copy or download it again.") from None


def _tensor(entry: dict[str, Any], data: memoryview) -> NDArray[np.generic]:
    """A tensor of the data as its header's entry says. Raises ValueError or KeyError for an entry that does not fit."""
    start, stop = entry["data_offsets"]
    shape: list[Any] = entry["shape"]
    if not 0 <= start <= stop <= len(data) or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError(entry)
    return np.frombuffer(data[start:stop], _TYPES[entry["dtype"]]).reshape(shape)
