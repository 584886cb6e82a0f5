# SPDX-License-Identifier: GPL-3.0-or-later
"""Every conversion and back, at the awkward angles too."""

import itertools

import numpy as np
import pytest

from core.motion import rotation

RANDOM = rotation.axis_angle_to_matrix(np.random.default_rng(0).normal(size=(300, 3)) * 2)
HALF_TURNS = rotation.axis_angle_to_matrix(np.pi * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0]]))
ALL = np.concatenate([RANDOM, HALF_TURNS, np.eye(3)[None]])


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (rotation.matrix_to_quaternion, rotation.quaternion_to_matrix),
        (rotation.matrix_to_axis_angle, rotation.axis_angle_to_matrix),
        (rotation.matrix_to_6d, rotation.matrix_from_6d),
    ],
)
def test_matrix_round_trips(there, back):
    np.testing.assert_allclose(back(there(ALL)), ALL, atol=1e-9)


@pytest.mark.parametrize("order", ["".join(axes) for axes in itertools.permutations("XYZ")])
def test_euler_round_trip_in_every_order(order):
    np.testing.assert_allclose(rotation.euler_to_matrix(rotation.matrix_to_euler(ALL, order), order), ALL, atol=1e-7)


@pytest.mark.parametrize("order", ["".join(axes) for axes in itertools.permutations("XYZ")])
def test_euler_at_gimbal_lock(order):
    locked = rotation.euler_to_matrix(np.array([[0.3, np.pi / 2, 0.9], [0.3, -np.pi / 2, 0.9]]), order)
    np.testing.assert_allclose(
        rotation.euler_to_matrix(rotation.matrix_to_euler(locked, order), order), locked, atol=1e-6
    )


def test_euler_is_intrinsic():
    x, z = rotation.axis_angle_to_matrix([0.4, 0, 0]), rotation.axis_angle_to_matrix([0, 0, 0.7])
    np.testing.assert_allclose(rotation.euler_to_matrix([0.7, 0.4], "ZX"), z @ x, atol=1e-12)


def test_small_angles_keep_their_size():
    tiny = np.array([1e-10, -2e-10, 3e-10])
    np.testing.assert_allclose(
        rotation.quaternion_to_axis_angle(rotation.axis_angle_to_quaternion(tiny)), tiny, rtol=1e-9
    )


def test_product_of_quaternions_is_product_of_matrices():
    a, b = rotation.matrix_to_quaternion(RANDOM[:50]), rotation.matrix_to_quaternion(RANDOM[50:100])
    np.testing.assert_allclose(
        rotation.quaternion_to_matrix(rotation.quaternion_multiply(a, b)), RANDOM[:50] @ RANDOM[50:100], atol=1e-9
    )


def test_slerp_goes_at_constant_speed_along_the_short_way():
    a = rotation.axis_angle_to_quaternion([0.0, 0.0, 0.0])
    b = -rotation.axis_angle_to_quaternion([0.0, 1.2, 0.0])  # the same rotation in the other hemisphere
    angles = rotation.quaternion_to_axis_angle(rotation.slerp(a, b, np.linspace(0, 1, 5)))
    np.testing.assert_allclose(angles[:, 1], [0, 0.3, 0.6, 0.9, 1.2], atol=1e-9)


def test_rotation_between_directions_and_opposites():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 100, 3))
    b[:3] = -a[:3]
    turned = (rotation.rotation_between(a, b) @ a[..., None])[..., 0]
    cosine = (turned * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    np.testing.assert_allclose(cosine, 1, atol=1e-9)


def test_positive_yaw_turns_forward_to_the_left():
    np.testing.assert_allclose(rotation.rotation_y(np.pi / 2) @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_nearest_rotation_of_a_reflection_is_a_rotation():
    near = rotation.nearest_rotation(RANDOM @ np.diag([1.0, 1.0, -0.2]))
    np.testing.assert_allclose(np.linalg.det(near), 1, atol=1e-9)


def test_continuous_signs():
    q = rotation.axis_angle_to_quaternion(np.linspace(0, 12, 60)[:, None] * [0.0, 0.0, 1.0])
    flipped = q * np.where(np.arange(60) % 3 == 0, -1, 1)[:, None]
    result = rotation.continuous(flipped)
    assert ((result[1:] * result[:-1]).sum(-1) > 0).all()
