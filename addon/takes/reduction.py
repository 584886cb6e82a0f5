# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys for the same motion: cubic pieces within a stated error at every frame, all curves at once. No bpy.

Between two kept frames a curve is the cubic through both values whose slopes fit the frames between by least squares.
Frames are kept where the error is largest until it is nowhere above the limit; those that are not needed go again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.motion.rotation import Array

Keys: TypeAlias = NDArray[np.bool_]
Measure: TypeAlias = Callable[[Array, Array], Array]
"""The error (N, T) of values (N, T, C) against what they stand for."""

_ROUNDING = 0.99  # of the limit is used, for Blender keeps single precision
_STIFFNESS = 1e-7  # draws slopes that no frame tells to the straight line


@dataclass(frozen=True)
class Pieces:
    """N groups of C curves: kept (N, T) where they have keys; before, after (N, T, C) how high these keys' handles are.

    Handles lie a third of the way to the next key, so that time runs evenly between them.
    """

    kept: Keys
    before: Array
    after: Array


def reduced(values: Array, measure: Measure, limit: float) -> Pieces:
    """Few keys for values (N, T, C) whose error is within the limit at every frame; a group's curves share theirs.

    A group that does not move has one key.
    """
    kept = np.zeros(values.shape[:2], bool)
    kept[:, [0, -1]] = True
    limit *= _ROUNDING
    rows = np.arange(len(values))  # that are not within the limit yet
    while len(rows):
        cuts = _Cuts(kept[rows])
        error = measure(cuts.fit(values[rows])[0], values[rows])
        more = (error == cuts.of_each(np.maximum, error)) & (error > limit) & ~kept[rows]
        kept[rows] |= more
        rows = rows[more.any(axis=1)]
    _thin(kept, values, measure, limit)
    _, first, second = _Cuts(kept).fit(values)
    still = (measure(np.broadcast_to(values[:, :1], values.shape), values) <= limit).all(axis=1)
    kept[still, 1:] = False
    first[still] = second[still] = 0.0
    arriving = np.concatenate([first[:, :1], second[:, :-1]], axis=1)  # the slope of the piece that ends at a frame
    leaving = np.concatenate([first[:, :-1], second[:, -1:]], axis=1)
    return Pieces(kept, values - arriving / 3, values + leaving / 3)


def _thin(kept: Keys, values: Array, measure: Measure, limit: float) -> None:
    """Take out of `kept` what the limit does not need: every other key at a time, for then the pieces stay apart."""
    rows, idle, odd = np.arange(len(kept)), np.zeros(len(kept), int), 0
    while len(rows):
        before = kept[rows]
        tried = before & (np.cumsum(before, axis=1) % 2 == odd)
        tried[:, [0, -1]] = False
        cuts = _Cuts(before & ~tried)
        worst = cuts.of_each(np.maximum, measure(cuts.fit(values[rows])[0], values[rows]))
        gone = tried & (worst <= limit)
        kept[rows] = before & ~gone
        idle[rows] = np.where(gone.any(axis=1), 0, idle[rows] + 1)
        rows, odd = rows[idle[rows] < 2], 1 - odd


class _Cuts:
    """The pieces between kept frames (N, T); the last frame of a row belongs to the piece before it."""

    def __init__(self, kept: Keys) -> None:
        self.kept = kept
        self.starts = kept.copy()
        self.starts[:, -1] = kept.shape[1] == 1
        self.firsts = np.flatnonzero(self.starts)
        self.piece = np.cumsum(self.starts.ravel()) - 1

    def of_each(self, join: np.ufunc, values: Array) -> Array:
        """Values (N, T, ...) joined over each piece, at all its frames."""
        flat = values.reshape(-1, *values.shape[2:])
        return join.reduceat(flat, self.firsts, axis=0)[self.piece].reshape(values.shape)

    def fit(self, values: Array) -> tuple[Array, Array, Array]:
        """The cubics (N, T, C) of values, and their slopes at the first and at the last frame of each piece.

        Slopes are per piece, not per frame.
        """
        frames = np.arange(self.kept.shape[1])
        first = np.maximum.accumulate(np.where(self.starts, frames, 0), axis=1)  # (N, T) of each frame's piece
        later = np.where(self.kept, frames, frames[-1])[:, ::-1]
        last = np.minimum.accumulate(later, axis=1)[:, ::-1]
        last = np.concatenate([last[:, 1:], last[:, -1:]], axis=1)
        u = ((frames - first) / np.maximum(last - first, 1))[..., None]  # (N, T, 1)
        rows = np.arange(len(values))[:, None]
        rise = values[rows, last] - values[rows, first]
        line = values[rows, first] + u * rise
        a, b = u * (1 - u) ** 2, u**2 * (u - 1)  # what a unit of slope adds, beyond the line's, at either end
        aa, ab, bb = (self.of_each(np.add, both) for both in (a * a, a * b, b * b))
        ar, br = (self.of_each(np.add, one * (values - line)) for one in (a, b))
        aa, bb = aa + _STIFFNESS, bb + _STIFFNESS
        scale = aa * bb - ab * ab
        x, y = (bb * ar - ab * br) / scale, (aa * br - ab * ar) / scale
        return line + a * x + b * y, rise + x, rise + y
