# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlapping windows: cut from a motion, made to agree where they overlap, and put back into it."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .noise import Floats

_Scalar = TypeVar("_Scalar", bound=np.generic)


def cut_windows(motion: NDArray[_Scalar], windows: Sequence[range]) -> NDArray[_Scalar]:
    """The rows of each window.

    Args:
        motion: (frames, F).
        windows: B stretches of frames.

    Returns:
        (B, N, F), shorter windows padded with zeros to the length N of the longest.
    """
    rows = np.zeros((len(windows), max(map(len, windows)), motion.shape[1]), motion.dtype)
    for row, window in zip(rows, windows, strict=True):
        row[: len(window)] = motion[window.start : window.stop]
    return rows


def shake_hands(x: Floats, windows: Sequence[range]) -> Floats:
    """Make the end of each window and the start of the next one the same: the transition tau, linear in time.

    Args:
        x: the windows, (B, N, F).
        windows: their frames, in order; where two do not overlap nothing changes.

    Returns:
        A copy of x. PriorMDM section 3.2 (Shafir et al. 2023), FreeTalker section 2.4.
    """
    x = x.copy()
    for i in range(len(windows) - 1):
        shared = max(0, windows[i].stop - windows[i + 1].start)
        end = slice(len(windows[i]) - shared, len(windows[i]))
        alpha = np.arange(shared, dtype=np.float32)[:, None] / np.float32(max(shared, 1))  # (h, 1)
        x[i, end] = (1 - alpha) * x[i, end] + alpha * x[i + 1, :shared]
        x[i + 1, :shared] = x[i, end]
    return x


def join_windows(motion: Floats, known: NDArray[np.bool_], x: Floats, windows: Sequence[range]) -> Floats:
    """Put windows into a motion.

    Args:
        motion: (frames, F).
        known: which of its entries stay, (frames, F or 1) bool.
        x: the windows, (B, N, F); where two overlap they are cross-faded (`shake_hands`).
        windows: their frames.

    Returns:
        A copy of the motion, (frames, F).
    """
    motion = motion.copy()
    for window, rows in zip(windows, shake_hands(x, windows), strict=True):
        inside = slice(window.start, window.stop)
        motion[inside] = np.where(known[inside], motion[inside], rows[: len(window)])
    return motion
