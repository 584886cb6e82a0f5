# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion -> 659 features -> Motion loses nothing, whichever way the body faces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.motion.clip import rest_motion
from core.motion.features import BLOCKS, CONTACTS, FEATURES, Normalizer, contacts, decode, encode, headings, placement
from core.motion.skeleton import neutral_skeleton
from tests.core.moves import largest_angle, wandering

SKELETON = neutral_skeleton()


@settings(deadline=None, max_examples=25)
@given(st.integers(3, 120), st.floats(-25, 25), st.floats(-np.pi, np.pi), st.integers(0, 1000))
def test_round_trip(frames, turn, heading, seed):
    motion = wandering(frames, turn=turn * frames / 120, heading=heading, seed=seed)
    again = decode(encode(motion, SKELETON), SKELETON, *placement(motion, SKELETON))
    assert np.abs(again.positions(SKELETON) - motion.positions(SKELETON)).max() <= 1e-4
    assert largest_angle(again, motion) <= 0.1


def test_turns_over_180_degrees_are_followed():
    motion = wandering(100, turn=3 * np.pi)
    turned = np.diff(headings(motion.positions(SKELETON))[[0, -1]])[0]
    assert turned == pytest.approx(3 * np.pi, abs=0.6)  # the body sways while it turns


@pytest.mark.parametrize("radians", [0.5, np.pi / 2, np.pi, 3.0, -2.0])
def test_heading_and_place_leave_the_features_as_they_were(radians):
    motion = wandering(50, turn=1.0)
    elsewhere = motion.turned(radians).moved([3.0, 0.0, -2.0])
    np.testing.assert_allclose(encode(elsewhere, SKELETON), encode(motion, SKELETON), atol=1e-9)


def test_blocks_cover_all_features_once():
    covered = np.concatenate([np.arange(FEATURES)[block] for block in BLOCKS.values()])
    assert sorted(covered) == list(range(FEATURES))


def test_standing_feet_are_in_contact_and_lifted_ones_are_not():
    standing = rest_motion(10, SKELETON)
    assert encode(standing, SKELETON)[:, CONTACTS].all()
    assert not encode(standing.moved([0, 0.3, 0]), SKELETON)[:, CONTACTS].any()


def test_moving_feet_are_not_in_contact():
    positions = rest_motion(10, SKELETON).positions(SKELETON)
    sliding = positions + np.arange(10)[:, None, None] * [0.0, 0.0, 0.02]  # 0.4 m/s
    assert not contacts(sliding, SKELETON, 20.0).any()


@pytest.mark.parametrize("motion", [wandering(1), wandering(10).resampled(30)])
def test_one_frame_or_another_rate_is_refused(motion):
    with pytest.raises(InputError):
        encode(motion, SKELETON)


def test_not_a_number_is_refused():
    motion = wandering(10)
    motion.translation[3] = np.nan
    with pytest.raises(InputError, match="not finite"):
        encode(motion, SKELETON)


def test_decode_names_a_wrong_width():
    with pytest.raises(InputError, match="659"):
        decode(np.zeros((10, 263)), SKELETON)


def test_normalizer_round_trip_with_constant_features():
    rows = np.random.default_rng(0).normal(size=(40, 6)) * [1, 10, 0, 1, 1, 1]
    normalizer = Normalizer.fit(rows)
    np.testing.assert_allclose(normalizer.denormalize(normalizer.normalize(rows)), rows, atol=1e-12)
    assert np.isfinite(normalizer.normalize(rows)).all()


def test_components_come_back_and_the_rest_is_the_mean():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 6)) + 3
    basis, _ = np.linalg.qr(rng.normal(size=(6, 4)))
    normalizer = Normalizer(rows.mean(0), rows.std(0), basis * [0.4, 2.0, 1.0, 0.1])
    components = normalizer.normalize(rows)
    assert components.shape == (40, 4)
    again = normalizer.denormalize(components)
    np.testing.assert_allclose(normalizer.normalize(again), components, atol=1e-12)
    np.testing.assert_allclose(normalizer.denormalize(np.zeros((1, 4)))[0], rows.mean(0))
    lost = (rows - again) / rows.std(0)
    np.testing.assert_allclose(lost @ basis, 0, atol=1e-12)
