# SPDX-License-Identifier: GPL-3.0-or-later
"""Easing curves, Gaussian filters and envelopes."""

import numpy as np
import pytest

from core.motion.filters import (
    envelope,
    gaussian_filter,
    gaussian_filter_zero,
    gaussian_kernel,
    smootherstep,
    smoothstep,
)


@pytest.mark.parametrize(("ease", "flat"), [(smoothstep, 1), (smootherstep, 2)])
def test_easing_rises_from_0_to_1_with_flat_ends(ease, flat):
    x = np.linspace(0, 1, 1001)
    y = ease(x)
    assert (y[0], y[500], y[-1]) == (0.0, 0.5, 1.0)
    assert (np.diff(y) >= 0).all()
    for order in range(1, flat + 1):
        slopes = np.diff(y, order) * 1000**order
        assert abs(slopes[[0, -1]]).max() < 0.1
    np.testing.assert_array_equal(ease(np.array([-2.0, 3.0])), [0.0, 1.0])


def test_kernel_has_its_peak_and_standard_deviation():
    kernel = gaussian_kernel(2.0, 10)
    assert kernel.shape == (21,)
    assert kernel[10] == kernel.max() == 1.0
    assert kernel[12] == pytest.approx(np.exp(-0.5))
    np.testing.assert_array_equal(kernel, kernel[::-1])


def test_filter_keeps_constants_up_to_the_ends_and_filters_columns_alike():
    np.testing.assert_allclose(gaussian_filter(np.full(5, 3.0), 2.0, 6), 3.0)
    values = np.random.default_rng(0).standard_normal((40, 2))
    filtered = gaussian_filter(values, 1.5, 5)
    assert filtered.shape == values.shape
    assert filtered.std() < values.std()
    np.testing.assert_array_equal(filtered[:, 1], gaussian_filter(values[:, 1], 1.5, 5))


def test_zeros_beyond_the_ends_lower_them_only():
    filtered = gaussian_filter_zero(np.ones((31, 1)), 2.0)
    assert filtered[0] < 0.7
    np.testing.assert_allclose(filtered[6:-6], 1.0)


def test_envelope_is_smooth_and_nowhere_below_the_values():
    values = np.abs(np.random.default_rng(0).standard_normal((50, 2)))
    above = envelope(values, 3)
    assert (above >= values - 1e-12).all()
    assert np.abs(np.diff(above, axis=0)).max() < np.abs(np.diff(values, axis=0)).max() / 2
