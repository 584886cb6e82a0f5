# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlapping windows: cut from a motion, made to agree where they overlap, and put back into it."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def cut_windows(motion: Tensor, windows: Sequence[range]) -> Tensor:
    """The rows of each window.

    Args:
        motion: (frames, F).
        windows: B stretches of frames.

    Returns:
        (B, N, F), shorter windows padded with zeros to the length N of the longest.
    """
    return pad_sequence([motion[window.start : window.stop] for window in windows], batch_first=True)


def shake_hands(x: Tensor, windows: Sequence[range]) -> Tensor:
    """Make the end of each window and the start of the next one the same: the transition tau, linear in time.

    Args:
        x: the windows, (B, N, F).
        windows: their frames, in order; where two do not overlap nothing changes.

    Returns:
        A copy of x. PriorMDM section 3.2 (Shafir et al. 2023), FreeTalker section 2.4.
    """
    x = x.clone()
    for i in range(len(windows) - 1):
        shared = max(0, windows[i].stop - windows[i + 1].start)
        end = slice(len(windows[i]) - shared, len(windows[i]))
        alpha = torch.arange(shared, device=x.device, dtype=x.dtype)[:, None] / max(shared, 1)  # (h, 1)
        x[i, end] = (1.0 - alpha) * x[i, end] + alpha * x[i + 1, :shared]
        x[i + 1, :shared] = x[i, end]
    return x


def join_windows(motion: Tensor, known: Tensor, x: Tensor, windows: Sequence[range]) -> Tensor:
    """Put windows into a motion.

    Args:
        motion: (frames, F).
        known: which of its entries stay, (frames, F or 1) bool.
        x: the windows, (B, N, F); where two overlap they are cross-faded (`shake_hands`).
        windows: their frames.

    Returns:
        A copy of the motion, (frames, F).
    """
    motion = motion.clone()
    for window, rows in zip(windows, shake_hands(x, windows), strict=True):
        inside = slice(window.start, window.stop)
        motion[inside] = torch.where(known[inside], motion[inside], rows[: len(window)])
    return motion
