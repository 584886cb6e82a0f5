# SPDX-License-Identifier: GPL-3.0-or-later
"""Find runs of equal values."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bools: TypeAlias = npt.NDArray[np.bool_]


def runs(values: Sequence[object] | Bools) -> list[tuple[int, int]]:
    """Return (start, stop) of each run of equal values.

    >>> runs("aab")
    [(0, 2), (2, 3)]
    """
    cuts = [0, *(k for k in range(1, len(values)) if values[k] != values[k - 1]), len(values)]
    return list(pairwise(cuts))


def true_runs(flags: Bools) -> list[tuple[int, int]]:
    """Return (start, stop) of each run of True in flags (T,).

    >>> true_runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
