# SPDX-License-Identifier: GPL-3.0-or-later
"""Easing curves, Gaussian filters and envelopes over time."""

import numpy as np
import numpy.typing as npt

from .rotation import Array


def smoothstep(x: npt.ArrayLike) -> Array:
    """Ease from 0 to 1 with zero slope at both ends: 3x² - 2x³, with x clamped to 0..1.

    >>> smoothstep([-1.0, 0.0, 0.25, 0.5, 1.0]).tolist()
    [0.0, 0.0, 0.15625, 0.5, 1.0]
    """
    x = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return x * x * (3 - 2 * x)


def smootherstep(x: npt.ArrayLike) -> Array:
    """Ease from 0 to 1 with zero slope and curvature at both ends: 6x⁵ - 15x⁴ + 10x³ (Perlin 2002), x clamped to 0..1.

    >>> smootherstep([0.0, 0.5, 1.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    x = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return x**3 * (10 - 15 * x + 6 * x**2)


def gaussian_kernel(sigma: float, radius: int) -> Array:
    """Sampled Gaussian (2 * radius + 1,) with peak 1; divide by its sum for a weighted mean. sigma is in frames."""
    return np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)


def gaussian_filter(values: Array, sigma: float, radius: int) -> Array:
    """Smooth along the first axis with a truncated Gaussian, repeating the first and last value beyond the ends.

    Unlike `scipy.ndimage.gaussian_filter1d` it needs no scipy, and the radius is given rather than derived from sigma.

    Args:
        values: (T,) or (T, D).
        sigma: standard deviation in frames.
        radius: frames of the kernel on each side.

    Returns:
        Smoothed values of the same shape.
    """
    kernel = gaussian_kernel(sigma, radius)
    kernel /= kernel.sum()
    padded = np.pad(values, [(radius, radius)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    if values.ndim == 1:
        return np.convolve(padded, kernel, mode="valid")
    return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=-1)


def gaussian_filter_zero(values: Array, sigma: float) -> Array:
    """Smooth along the first axis with a Gaussian truncated at three sigmas, with zeros beyond the ends.

    Args:
        values: (T, ...).
        sigma: standard deviation in frames.

    Returns:
        Smoothed values of the same shape.
    """
    radius = min(int(np.ceil(3 * sigma)), len(values) - 1)
    kernel = gaussian_kernel(sigma, radius)
    kernel /= kernel.sum()
    padded = np.concatenate([np.zeros((radius, *values.shape[1:])), values, np.zeros((radius, *values.shape[1:]))])
    return sum((weight * padded[k : k + len(values)] for k, weight in enumerate(kernel)), np.zeros_like(values))


def envelope(values: Array, radius: int) -> Array:
    """Compute a smooth upper envelope along the first axis: a moving maximum, then a moving average of the same window.

    Args:
        values: (T, ...).
        radius: frames of the window on each side.

    Returns:
        (T, ...), nowhere below the values.
    """
    pad = [(radius, radius)] + [(0, 0)] * (values.ndim - 1)
    window = range(2 * radius + 1)
    padded = np.pad(values, pad, mode="edge")
    largest = np.max([padded[k : k + len(values)] for k in window], axis=0)
    padded = np.pad(largest, pad, mode="edge")
    return np.mean([padded[k : k + len(values)] for k in window], axis=0)
