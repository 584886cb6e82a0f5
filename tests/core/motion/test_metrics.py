# SPDX-License-Identifier: GPL-3.0-or-later
"""Each measure against motions whose answer is known."""

import numpy as np
import pytest

from core.motion import metrics
from core.motion.clip import rest_motion
from core.motion.rotation import axis_angle_to_quaternion
from core.motion.skeleton import INDEX, neutral_skeleton

SKELETON = neutral_skeleton()
STANDING = rest_motion(40, SKELETON).positions(SKELETON)


def along(path):
    """Standing positions moved as a whole by a path (T,) in z."""
    return STANDING[: len(path)] + np.asarray(path)[:, None, None] * [0, 0, 1]


def raised(positions):
    return positions + np.array([0, 0.2, 0])


def test_a_constant_acceleration_has_no_jerk():
    seconds = np.arange(40) / 20
    positions = along(1.5 * seconds**2)  # 3 m/s^2
    assert metrics.acceleration(positions, 20) == pytest.approx(3)
    assert metrics.jerk(positions, 20) == pytest.approx(0, abs=1e-8)


def test_a_cubic_path_has_its_jerk_at_any_frame_rate():
    for fps in (20, 60):
        assert metrics.jerk(along((np.arange(40) / fps) ** 3), fps) == pytest.approx(6, rel=1e-6)


def test_jerk_profile_sums_the_axes_and_takes_the_worst_joint():
    positions = STANDING[:4].copy()
    positions[3, 5] += [0.1, -0.2, 0.3]
    positions[3, 6] += 0.1
    np.testing.assert_allclose(metrics.jerk_profile(positions), [0.6])


def test_peak_jerk_and_area_are_of_the_mean():
    profiles = [np.array([0.0, 0.4, 0.0]), np.array([0.2, 0.0, 0.0])]
    assert metrics.peak_jerk(profiles) == pytest.approx(0.2)
    assert metrics.area_under_jerk(profiles, 0.1) == pytest.approx(0.0 + 0.1 + 0.1)


def test_a_jump_between_intervals_shows_at_its_seam_alone():
    path = np.where(np.arange(40) < 20, 0.0, 0.5)
    at_seams, inside = metrics.seam_peaks(along(path), [20], reach=3)
    assert at_seams == pytest.approx([1.0])  # 0.5, -1.0, 0.5 around the step
    assert len(inside) >= 2
    assert inside.max() == pytest.approx(0, abs=1e-12)


def test_skate_is_the_speed_of_low_toes_only():
    positions = along(np.arange(40) * 0.015)  # 0.3 m/s
    assert metrics.foot_skate(positions, 20) == pytest.approx(0.3)
    assert metrics.skate_ratio(positions, 20) == 1
    assert metrics.slide(positions) == pytest.approx(0.015)
    one_up = positions.copy()
    one_up[:, INDEX["left_foot"], 1] += 0.2
    one_up[:, INDEX["right_foot"]] = STANDING[:40, INDEX["right_foot"]]
    assert metrics.foot_skate(one_up, 20) == 0
    assert metrics.foot_skate(raised(positions), 20) == 0


def test_penetration_is_the_depth_of_the_deepest_sole():
    assert metrics.penetration(STANDING, SKELETON) == pytest.approx(0, abs=1e-9)
    assert metrics.penetration(STANDING - [0, 0.03, 0], SKELETON) == pytest.approx(0.03)
    one = STANDING.copy()
    one[::2, INDEX["left_foot"], 1] -= 0.02
    assert metrics.penetration(one, SKELETON) == pytest.approx(0.01)


def test_hovering_floats_and_jumping_does_not():
    seconds = np.arange(8) / 20 - 3.5 / 20
    jump = STANDING[:8] + (0.4 - 9.81 / 2 * seconds**2)[:, None, None] * [0, 1, 0]
    assert metrics.floating(STANDING, SKELETON, 20) == 0
    assert metrics.floating(raised(STANDING), SKELETON, 20) == 1
    assert metrics.floating(jump, SKELETON, 20) == 0


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_clips_too_short_measure_nothing(frames):
    positions = STANDING[:frames]
    assert metrics.jerk(positions, 20) == metrics.foot_skate(positions, 20) == metrics.slide(positions) == 0
    assert metrics.acceleration(positions, 20) == metrics.floating(positions, SKELETON, 20) == 0
    assert not metrics.jerk_profile(positions).size
    assert metrics.seam_peaks(positions, [1], 2)[0] == [0]


def test_a_step_between_two_frames_is_the_transition_distance_and_the_path_is_not():
    walking = along(np.arange(40) * 0.1)
    assert metrics.transition_distance(walking, 20) == pytest.approx(0, abs=1e-9)
    jumped = STANDING.copy()
    jumped[20:, INDEX["left_wrist"]] += [0, 0.55, 0]
    assert metrics.transition_distance(jumped, 20) == pytest.approx(0.01)  # 0.55 m over 55 joints
    assert metrics.transition_distance(jumped, 19) == pytest.approx(0, abs=1e-9)


def test_drift_is_from_the_first_to_the_last_frame():
    assert metrics.root_drift(along(np.arange(40) * 0.01), 20) == pytest.approx(0.2)
    back_again = np.concatenate([np.arange(20), np.arange(20)[::-1]]) * 0.01
    assert metrics.root_drift(along(back_again), 20) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("joint", "degrees", "beyond"),
    [
        ("left_knee", (120, 0, 0), False),
        ("left_knee", (-10, 0, 0), False),
        ("left_knee", (-30, 0, 0), True),
        ("head", (0, 60, 0), False),
        ("head", (0, 100, 0), True),
        ("right_index1", (0, 0, 90), False),
        ("right_index1", (0, 0, 150), True),
        ("pelvis", (0, 179, 0), False),
    ],
)
def test_a_joint_beyond_its_limit_counts_in_its_frames(joint, degrees, beyond):
    rotations = rest_motion(10, SKELETON).rotations.copy()
    rotations[:4, INDEX[joint]] = axis_angle_to_quaternion(np.radians(degrees))
    assert metrics.joint_limit_violations(rotations) == pytest.approx(0.4 if beyond else 0)


def test_hands_are_the_wrists_and_fingers():
    positions = STANDING.copy()
    positions[:, list(metrics.HANDS)] += ((np.arange(40) / 20) ** 3)[:, None, None] * [0, 0, 1]
    assert len(set(metrics.HANDS)) == 32
    assert metrics.jerk(positions[:, metrics.HANDS], 20) == pytest.approx(6)
    assert metrics.jerk(positions, 20) == pytest.approx(6 * 32 / 55)


def test_ssim_is_one_for_the_same_and_falls_with_what_differs():
    rng = np.random.default_rng(0)
    picture = 0.5 + 0.3 * np.sin(np.arange(40)[:, None] / 5 + rng.uniform(0, 6, 20))
    noise = rng.normal(size=picture.shape)
    likeness = [metrics.ssim(picture, picture + spread * noise) for spread in (0.0, 0.02, 0.1, 0.5)]
    assert likeness[0] == pytest.approx(1)
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[-1] < 0.3 < likeness[1]
    assert metrics.ssim(10 * picture, 10 * picture + noise, 10) == pytest.approx(likeness[2])
    with pytest.raises(ValueError, match="7 x 7"):
        metrics.ssim(picture[:6], picture[:6])
