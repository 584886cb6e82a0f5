# SPDX-License-Identifier: GPL-3.0-or-later
"""Components keep the body and most of the fingers."""

import numpy as np
import pytest

from core.motion.features import decode, encode, placement
from core.motion.rotation import (
    axis_angle_to_quaternion,
)
from core.motion.skeleton import neutral_skeleton
from core.training import components
from core.training.components import SIGNAL_STD, component_weights, fit_components
from tests.core.moves import wandering

SKELETON = neutral_skeleton()


def test_components_keep_the_body_and_most_of_the_fingers():
    rng = np.random.default_rng(0)
    motion = wandering(200, seed=4)
    curl = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 30 * 3)) * 0.2  # fingers move together
    motion.rotations[:, 25:] = axis_angle_to_quaternion(curl.reshape(200, 30, 3))
    rows = encode(motion, SKELETON)
    normalizer = fit_components(rows.astype(np.float32))
    components = normalizer.normalize(rows)
    assert components.shape[1] == len(component_weights())
    assert components.std(0).max() <= SIGNAL_STD * 1.001
    place, heading = placement(motion, SKELETON)
    again = decode(normalizer.denormalize(components), SKELETON, place, heading).positions(SKELETON)
    apart = np.abs(again - motion.positions(SKELETON)).max((0, 2))  # (55,) meters
    assert apart[:22].max() < 1e-3
    assert apart[25:].max() < 0.01


def test_component_weights_favor_the_path_and_the_arms():
    weights = component_weights()
    assert weights.mean() == pytest.approx(1)
    assert weights[0] > weights[13:].max() > 2 * weights[-1]


def test_statistics_of_many_hours_are_those_of_a_few(monkeypatch: pytest.MonkeyPatch):
    features = np.random.default_rng(0).normal(size=(300, 659)).astype(np.float32)
    at_once = components.fit_components(features)
    monkeypatch.setattr(components, "_AT_ONCE", 100)
    np.testing.assert_allclose(components.fit_components(features).std, at_once.std, rtol=1e-12)
