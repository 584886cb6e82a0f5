# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of transformers in numpy, single precision, for networks whose weights were trained with torch.

Arrays stay contiguous, the batch is folded into one matrix product, and activations are computed in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Tensors = Mapping[str, Floats]
"""Name -> array, as a torch state dict names them."""

_GELU_POLYNOMIAL = np.array(
    [0.7978722287, 0.0363666240, -5.852670652e-05, -4.708773816e-05, 2.778967589e-06, -5.588710428e-08], np.float32
)
"""p in erf(x / sqrt(2)) = tanh(x p(x^2)), to 6e-7 for |x| <= 5.6: least squares weighted by the error of gelu."""
_GELU_RANGE = np.float32(5.6**2)
_GELU_BLOCK = 16384


@dataclass(frozen=True)
class Linear:
    """y = x W + b, with W transposed once, so that rows of x meet it contiguously."""

    weight: Floats  # (in, out)
    bias: Floats  # (out,)

    @staticmethod
    def of(tensors: Tensors, name: str) -> "Linear":
        """The layer `name` of a state dict."""
        return Linear(np.ascontiguousarray(tensors[f"{name}.weight"].T), tensors[f"{name}.bias"])

    def __call__(self, x: Floats) -> Floats:
        """x (..., in) -> (..., out)."""
        out = x.reshape(-1, x.shape[-1]) @ self.weight
        out += self.bias
        return out.reshape(*x.shape[:-1], len(self.bias))


@dataclass(frozen=True)
class LayerNorm:
    """Zero mean and unit variance over the last axis, then scale and shift."""

    weight: Floats
    bias: Floats

    @staticmethod
    def of(tensors: Tensors, name: str) -> "LayerNorm":
        """The layer `name` of a state dict."""
        return LayerNorm(tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    def __call__(self, x: Floats, epsilon: float = 1e-5) -> Floats:
        """x (..., W) -> (..., W)."""
        out = normalized(x, epsilon)
        out *= self.weight
        out += self.bias
        return out


def normalized(x: Floats, epsilon: float = 1e-5) -> Floats:
    """x (..., W) with zero mean and unit variance over the last axis."""
    width = np.float32(x.shape[-1])
    out = x - x.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", out, out) / width
    out *= (1.0 / np.sqrt(variance + np.float32(epsilon)))[..., None].astype(np.float32)
    return out


def gelu(x: Floats) -> Floats:
    """x Phi(x) to 1.2e-6 of the exact value; in place where x is contiguous."""
    x = np.ascontiguousarray(x)
    flat = x.reshape(-1)
    squares, sums = np.empty(_GELU_BLOCK, np.float32), np.empty(_GELU_BLOCK, np.float32)
    for first in range(0, len(flat), _GELU_BLOCK):  # blocks stay in the cache
        part = flat[first : first + _GELU_BLOCK]
        squared, total = squares[: len(part)], sums[: len(part)]
        np.multiply(part, part, out=squared)
        np.minimum(squared, _GELU_RANGE, out=squared)
        np.multiply(squared, _GELU_POLYNOMIAL[-1], out=total)
        for coefficient in _GELU_POLYNOMIAL[-2:0:-1]:
            total += coefficient
            total *= squared
        total += _GELU_POLYNOMIAL[0]
        total *= part
        np.tanh(total, out=total)
        total += 1
        total *= np.float32(0.5)
        part *= total
    return x


def silu(x: Floats) -> Floats:
    """x sigmoid(x)."""
    return x / (1 + np.exp(-x))


def softmax(x: Floats) -> Floats:
    """Softmax over the last axis, in place."""
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


def attention(x: Floats, qkv: Linear, out: Linear, heads: int, mask: NDArray[np.bool_] | None) -> Floats:
    """Multi-head self-attention.

    Args:
        x: tokens, (B, L, W).
        qkv: query, key and value of all heads side by side, W -> 3 W.
        out: W -> W.
        heads: H, which divides W.
        mask: True where a query may attend to a key, broadcasts to (B, H, L, L); None for everywhere.

    Returns:
        (B, L, W).
    """
    batch, length, width = x.shape
    size = width // heads
    query, key, value = qkv(x).reshape(batch, length, 3, heads, size).transpose(2, 0, 3, 1, 4)  # (B, H, L, W / H)
    scores = (query * np.float32(size**-0.5)) @ key.swapaxes(-1, -2)  # (B, H, L, L)
    if mask is not None:
        np.copyto(scores, -np.inf, where=np.broadcast_to(~mask, scores.shape))
    mixed = softmax(scores) @ value
    return out(np.ascontiguousarray(mixed.transpose(0, 2, 1, 3)).reshape(batch, length, width))


def sinusoids(positions: NDArray[np.int64], width: int) -> Floats:
    """Positions (...) as (..., width): sine in even columns, cosine in odd ones (Vaswani et al. 2017)."""
    rates = np.exp(np.arange(0, width, 2, dtype=np.float32) * np.float32(-np.log(10000.0) / width))
    angles = positions[..., None].astype(np.float32) * rates
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(*positions.shape, width)
