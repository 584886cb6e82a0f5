# SPDX-License-Identifier: GPL-3.0-or-later
"""Key reduction: cubic pieces with a bounded error at every frame, for all curves at once. No bpy.

Between two keys a curve is the cubic through both values whose slopes fit the frames between by least squares. Keys are
added where the error is largest until it is below the limit everywhere; then keys that are not needed are removed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...core.motion.rotation import Array

Keys: TypeAlias = NDArray[np.bool_]
Measure: TypeAlias = Callable[[Array, Array], Array]
"""Error (N, T) of approximate values (N, T, C) against the original ones (N, T, C)."""

_ROUNDING = 0.99  # share of the limit that is used, because Blender stores single precision
_STIFFNESS = 1e-7  # pulls slopes that no frame determines towards the straight line


@dataclass(frozen=True)
class Pieces:
    """Keys of N groups of C curves over T frames.

    Handles are a third of the way to the next key, so that time is linear between keys.

    Args:
        kept: (N, T) frames with keys.
        before, after: (N, T, C) values of the left and right handles of these keys.
    """

    kept: Keys
    before: Array
    after: Array


def reduced(values: Array, measure: Measure, limit: float) -> Pieces:
    """Reduce the keys of N groups of C curves over T frames.

    Args:
        values: (N, T, C) at every frame. The curves of a group share their key frames.
        measure: Error of approximate values.
        limit: Largest error at any frame.

    Returns:
        The keys; a group that is constant within the limit has one.
    """
    kept = np.zeros(values.shape[:2], bool)
    kept[:, [0, -1]] = True
    limit *= _ROUNDING
    rows = np.arange(len(values))  # groups above the limit
    while len(rows):
        cuts = _Cuts(kept[rows])
        error = measure(cuts.fit(values[rows])[0], values[rows])
        more = (error == cuts.over_pieces(np.maximum, error)) & (error > limit) & ~kept[rows]
        kept[rows] |= more
        rows = rows[more.any(axis=1)]
    _thin(kept, values, measure, limit)
    _, first, second = _Cuts(kept).fit(values)
    still = (measure(np.broadcast_to(values[:, :1], values.shape), values) <= limit).all(axis=1)
    kept[still, 1:] = False
    first[still] = second[still] = 0.0
    arriving = np.concatenate([first[:, :1], second[:, :-1]], axis=1)  # slope of the piece that ends at a frame
    leaving = np.concatenate([first[:, :-1], second[:, -1:]], axis=1)
    return Pieces(kept, values - arriving / 3, values + leaving / 3)


def _thin(kept: Keys, values: Array, measure: Measure, limit: float) -> None:
    """Remove keys from `kept` that the limit does not need, every other one at a time to keep pieces independent."""
    rows, idle, odd = np.arange(len(kept)), np.zeros(len(kept), int), 0
    while len(rows):
        before = kept[rows]
        candidates = before & (np.cumsum(before, axis=1) % 2 == odd)
        candidates[:, [0, -1]] = False
        cuts = _Cuts(before & ~candidates)
        worst = cuts.over_pieces(np.maximum, measure(cuts.fit(values[rows])[0], values[rows]))
        removed = candidates & (worst <= limit)
        kept[rows] = before & ~removed
        idle[rows] = np.where(removed.any(axis=1), 0, idle[rows] + 1)
        rows, odd = rows[idle[rows] < 2], 1 - odd


class _Cuts:
    """The pieces between keys (N, T); the last frame of a row belongs to the piece before it."""

    def __init__(self, kept: Keys) -> None:
        self.kept = kept
        self.starts = kept.copy()
        self.starts[:, -1] = kept.shape[1] == 1
        self.firsts = np.flatnonzero(self.starts)
        self.piece = np.cumsum(self.starts.ravel()) - 1

    def over_pieces(self, join: np.ufunc, values: Array) -> Array:
        """Reduce values (N, T, ...) over each piece and return the result at all frames of the piece."""
        flat = values.reshape(-1, *values.shape[2:])
        return join.reduceat(flat, self.firsts, axis=0)[self.piece].reshape(values.shape)

    def fit(self, values: Array) -> tuple[Array, Array, Array]:
        """Fit the pieces to values (N, T, C).

        Returns:
            (N, T, C) each: the cubics, and their slopes at the first and at the last frame of the piece. Slopes are per
            length of the piece.
        """
        frames = np.arange(self.kept.shape[1])
        first = np.maximum.accumulate(np.where(self.starts, frames, 0), axis=1)  # (N, T) start of each frame's piece
        later = np.where(self.kept, frames, frames[-1])[:, ::-1]
        last = np.minimum.accumulate(later, axis=1)[:, ::-1]
        last = np.concatenate([last[:, 1:], last[:, -1:]], axis=1)
        u = ((frames - first) / np.maximum(last - first, 1))[..., None]  # (N, T, 1)
        rows = np.arange(len(values))[:, None]
        rise = values[rows, last] - values[rows, first]
        line = values[rows, first] + u * rise
        a, b = u * (1 - u) ** 2, u**2 * (u - 1)  # contribution of a unit of slope, beyond the line's, at either end
        aa, ab, bb = (self.over_pieces(np.add, both) for both in (a * a, a * b, b * b))
        ar, br = (self.over_pieces(np.add, one * (values - line)) for one in (a, b))
        aa, bb = aa + _STIFFNESS, bb + _STIFFNESS
        scale = aa * bb - ab * ab
        x, y = (bb * ar - ab * br) / scale, (aa * br - ab * ar) / scale
        return line + a * x + b * y, rise + x, rise + y
