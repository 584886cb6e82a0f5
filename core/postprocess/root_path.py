# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the whole body is moved so that its planted feet, taken together, neither slide nor leave the floor."""

import numpy as np

from ..motion.filters import gaussian_filter_zero
from ..motion.metrics import sole_heights
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from ..runs import Bools
from .contacts import support_steps
from .settings import CLEANUP, CleanupSettings


def path_shift(positions: Array, planted: Bools, fps: float, settings: CleanupSettings = CLEANUP) -> Array:
    """How far to move the body on the floor, so that its planted feet do not slide on average.

    Args:
        positions: joints in meters, (T, 55, 3).
        planted: as `planted_feet` returns it, (T, 4).
        fps: frame rate.
        settings: gives `path_seconds`.

    Returns:
        Meters, (T, 3); the height stays 0.
    """
    shift = np.zeros((len(positions), 3))
    if len(positions) > 1:
        steps, stands = support_steps(positions, planted)
        slide = _weighted_mean(steps[..., [0, 2]], stands.astype(np.float64), settings.path_seconds * fps)  # (T - 1, 2)
        shift[1:, [0, 2]] = -np.cumsum(slide, axis=0)
    return shift


def ground_shift(
    positions: Array, planted: Bools, skeleton: Skeleton, fps: float, settings: CleanupSettings = CLEANUP
) -> Array:
    """How far to raise the body so that its planted feet are on the floor: slowly, and not at all in the air.

    Args:
        positions: joints in meters, (T, 55, 3).
        planted: as `planted_feet` returns it, (T, 4).
        skeleton: gives the heights of feet at rest.
        fps: frame rate.
        settings: gives `ground_seconds` and `ground_tolerance`.

    Returns:
        Meters, (T,).
    """
    balls = sole_heights(positions, skeleton)[:, [1, 3], None]  # (T, 2, 1)
    sigma = settings.ground_seconds * fps
    above = _weighted_mean(balls, planted[:, [1, 3]].astype(np.float64), sigma)[:, 0]
    return -np.maximum(above - settings.ground_tolerance, 0) - np.minimum(above, 0)


def _weighted_mean(values: Array, weights: Array, sigma: float) -> Array:
    """Gaussian mean over time (T, D) of values (T, 2, D) with weights (T, 2); towards 0 far from any weight."""
    total = gaussian_filter_zero((values * weights[..., None]).sum(1), sigma)
    return total / np.maximum(gaussian_filter_zero(weights.sum(1), sigma), 0.3)[:, None]
