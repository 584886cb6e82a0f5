# SPDX-License-Identifier: GPL-3.0-or-later
"""Signal processing in numpy: filters, peaks, mel bands, cepstra, resampling.

Each function computes what its namesake in scipy or librosa does with the settings that speech features use; the tests
hold them to each other.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_ZERO_CROSSINGS = 100  # of the resampling filter on each side
_ROLLOFF = 0.957  # of the lower Nyquist frequency, where half of the amplitude is left


def _windows(values: Array, size: int, mode: str) -> Array:
    """All windows (T, size) centered on values (T,), for an odd size; mode as of `np.pad`."""
    padded = np.pad(values, size // 2, mode=mode)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return np.lib.stride_tricks.sliding_window_view(padded, size)


def mean_filter(values: Array, size: int) -> Array:
    """Moving mean over an odd number of values (T,), the ends repeated (`scipy.ndimage.uniform_filter1d`)."""
    return _windows(values, size, "edge").mean(axis=1)


def median_filter(values: Array, size: int) -> Array:
    """Moving median over an odd number of values (T,), the ends repeated (`scipy.ndimage.median_filter`)."""
    return np.median(_windows(values, size, "edge"), axis=1)


def maximum_filter(values: Array, size: int) -> Array:
    """Moving maximum over an odd number of values (T,), mirrored at the ends (`scipy.ndimage.maximum_filter1d`)."""
    return _windows(values, size, "symmetric").max(axis=1)


def gaussian_filter(values: Array, sigma: float, mode: str = "symmetric") -> Array:
    """Moving Gaussian mean of values (T,) over four sigmas (`scipy.ndimage.gaussian_filter1d`).

    Args:
        values: (T,).
        sigma: in values.
        mode: "symmetric" mirrors the ends, "edge" repeats them.
    """
    radius = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return _windows(values, 2 * radius + 1, mode) @ (kernel / kernel.sum())


def find_peaks(values: Array, height: float, distance: int) -> npt.NDArray[np.intp]:
    """Indices of local maxima of at least a height and, the higher first, a distance apart (`scipy.signal.find_peaks`).

    A flat peak counts by its middle.
    """
    changes = np.flatnonzero(np.diff(values)) + 1
    starts, stops = np.concatenate([[0], changes]), np.concatenate([changes, [len(values)]])
    levels = values[starts] if len(values) else values
    inner = np.arange(1, len(levels) - 1)
    top = inner[(levels[inner] > levels[inner - 1]) & (levels[inner] > levels[inner + 1]) & (levels[inner] >= height)]
    peaks = (starts[top] + stops[top] - 1) // 2
    keep = np.ones(len(peaks), bool)
    for peak in np.argsort(levels[top])[::-1]:
        if keep[peak]:
            keep &= np.abs(peaks - peaks[peak]) >= distance
            keep[peak] = True
    return peaks[keep]


@lru_cache
def mel_filters(rate: int, length: int, bands: int) -> Floats:
    """Triangular filters on Slaney's mel scale, each of unit area (`librosa.filters.mel`).

    Args:
        rate: samples per second.
        length: of the Fourier transform.
        bands: how many.

    Returns:
        (bands, length // 2 + 1).
    """
    edges = _mel_to_hertz(np.linspace(0, _hertz_to_mel(rate / 2), bands + 2))
    bins = np.linspace(0, rate / 2, length // 2 + 1)
    ramps = edges[:, None] - bins
    widths = np.diff(edges)[:, None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


_LINEAR_HERTZ = 200 / 3  # per mel, below 1 kHz
_LOG_STEP = math.log(6.4) / 27  # of a mel, above


def _hertz_to_mel(hertz: float) -> float:
    return hertz / _LINEAR_HERTZ if hertz < 1000 else 15 + math.log(hertz / 1000) / _LOG_STEP


def _mel_to_hertz(mel: Array) -> Array:
    return np.where(mel < 15, mel * _LINEAR_HERTZ, 1000 * np.exp(_LOG_STEP * (mel - 15)))


def cepstra(power: Floats, count: int) -> Floats:
    """Cepstral coefficients of mel bands: decibels within 80 of the loudest, then an orthonormal cosine transform
    (`librosa.feature.mfcc`).

    Args:
        power: of the bands, (N, bands).
        count: of the coefficients.

    Returns:
        (N, count).
    """
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    decibels = np.maximum(decibels, decibels.max(initial=-np.inf) - 80)
    bands = power.shape[1]
    basis = np.cos(np.pi / bands * (np.arange(bands) + 0.5)[:, None] * np.arange(count)) * math.sqrt(2 / bands)
    basis[:, 0] /= math.sqrt(2)
    return (decibels @ basis).astype(np.float32)


def resample(samples: Floats, rate: int, target: int) -> Floats:
    """Convert samples (n,) to another rate by a windowed sinc filter, in polyphase form.

    The n samples become ceil(n * target / rate), as librosa's do.
    """
    if rate == target or not len(samples):
        return samples
    divisor = math.gcd(rate, target)
    up, down = target // divisor, rate // divisor
    cutoff = _ROLLOFF * min(1.0, target / rate)  # of the samples' Nyquist frequency
    reach = math.ceil(_ZERO_CROSSINGS / cutoff)  # samples on each side
    padded = np.pad(samples, (reach, reach + down))
    count = -(-len(samples) * target // rate)
    out = np.empty(count, np.float32)
    offsets = np.arange(-reach, reach + 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    for phase in range(min(up, count)):
        places = np.arange(phase, count, up) * down
        first, part = places[0] // up, places[0] % up / up
        t = offsets - part
        kernel = (
            cutoff * np.sinc(cutoff * t) * np.i0(14 * np.sqrt(np.maximum(0, 1 - (t / (reach + 1)) ** 2))) / np.i0(14)
        )
        out[phase::up] = windows[first : first + len(places) * down : down][: len(places)] @ kernel.astype(np.float32)
    return out
