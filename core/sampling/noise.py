# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard normal noise from a seed.

The numbers are those of torch's CPU generator to 5e-7 (MT19937, then Box-Muller in blocks of 16), so that seeds keep
their motion whichever network denoises it.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_BLOCK = 16


class Generator:
    """A stream of normal numbers."""

    def __init__(self, seed: int = 0) -> None:
        """Args: seed: its lower 32 bits count."""
        self._random = np.random.RandomState(seed & 0xFFFFFFFF)

    def normal(self, *shape: int) -> Floats:
        """The next numbers of the stream, float32 in this shape."""
        count = math.prod(shape)
        uniform = self._uniform(max(count, _BLOCK))
        whole = len(uniform) // _BLOCK * _BLOCK
        numbers = np.empty(len(uniform), np.float32)
        numbers[:whole] = _box_muller(uniform[:whole])
        if whole < len(uniform):  # the last block is drawn again, and overlaps the one before
            numbers[-_BLOCK:] = _box_muller(self._uniform(_BLOCK))
        return numbers[:count].reshape(shape)

    def _uniform(self, count: int) -> Floats:
        """Numbers in [0, 1) of 24 bits."""
        bits = self._random.randint(0, 2**32, count, dtype=np.uint32) & np.uint32(0xFFFFFF)
        return bits.astype(np.float32) * np.float32(2.0**-24)


def _box_muller(uniform: Floats) -> Floats:
    """Normal numbers from uniform ones, in blocks of which the first half gives radii and the second angles."""
    first, second = uniform.reshape(-1, 2, _BLOCK // 2).swapaxes(0, 1)
    radius, angle = np.sqrt(-2 * np.log(1 - first)), np.float32(2 * np.pi) * second
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


def noise_like(x: Floats, generator: Generator) -> Floats:
    """Standard normal noise in the shape of x (B, N, F).

    It is drawn features before frames, as the released code does.
    """
    batch, frames, features = x.shape
    return np.ascontiguousarray(generator.normal(batch, features, frames).swapaxes(1, 2))
