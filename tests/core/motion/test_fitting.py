# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions alone become the motion they were made from: joints in place, hands untwisted, limbs bent as hinges."""

import numpy as np
import pytest

from core.errors import InputError
from core.motion.clip import Motion, rest_motion
from core.motion.fitting import JOINT_SUBSETS, fit, on_floor
from core.motion.rotation import (
    axis_angle_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
)
from core.motion.skeleton import INDEX, JOINT_NAMES, neutral_skeleton
from tests.core.moves import wandering

SKELETON = neutral_skeleton()
FRAMES = 200


def gesturing(seed: int = 0, forearm: float = 0.8) -> Motion:
    """Ten seconds of a body that walks a curve and gestures: elbows, knees and fingers bend as hinges.

    forearm: radians by which the hands are turned, all of it in the forearm.
    """
    rng = np.random.default_rng(seed)
    seconds = np.arange(FRAMES) / 20
    motion = wandering(FRAMES, turn=4.0, seed=seed)
    turns = quaternion_to_axis_angle(motion.rotations)
    turns[:, 1:] *= 0.5
    turns[:, [INDEX[f"{side}_foot"] for side in ("left", "right")] + [INDEX["jaw"], 23, 24]] = 0

    def wave(low: float, high: float) -> np.ndarray:
        return low + (high - low) * (0.5 + 0.5 * np.sin(rng.uniform(1, 4) * seconds + rng.uniform(0, 6)))

    zero = np.zeros(FRAMES)
    for side, sign in (("left", -1), ("right", 1)):
        turns[:, INDEX[f"{side}_knee"]] = np.stack([wave(0.3, 1.2), zero, zero], -1)
        turns[:, INDEX[f"{side}_wrist"], 0] = 0
        for joint in range(INDEX[f"{side}_index1"], INDEX[f"{side}_index1"] + 15):
            turns[:, joint] = np.stack([zero, zero, sign * wave(0.1, 1.0)], -1)
    rotations = axis_angle_to_quaternion(turns)
    for side, sign in (("left", -1), ("right", 1)):
        axis = SKELETON.offsets[INDEX[f"{side}_wrist"]]
        twist = axis_angle_to_quaternion(wave(-forearm, forearm)[:, None] * axis / np.linalg.norm(axis))
        bend = axis_angle_to_quaternion(np.stack([zero, sign * wave(0.5, 1.8), zero], -1))
        rotations[:, INDEX[f"{side}_elbow"]] = quaternion_multiply(bend, twist)
        # what is left of a turn about the forearm is a property of the wrist, and those have none
        rotations[:, INDEX[f"{side}_wrist"]] = _without_twist(rotations[:, INDEX[f"{side}_wrist"]], axis)
    return Motion(motion.translation, rotations)


def _without_twist(rotations: np.ndarray, axis: np.ndarray) -> np.ndarray:
    angle = _twist(rotations, axis)
    back = axis_angle_to_quaternion(-angle[:, None] * axis / np.linalg.norm(axis))
    return quaternion_multiply(back, rotations)


def _twist(rotations: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Radians (T,) that rotations (T, 4) turn about an axis, in -pi..pi."""
    angle = 2 * np.arctan2(rotations[:, 1:] @ (axis / np.linalg.norm(axis)), rotations[:, 0])
    return np.remainder(angle + np.pi, 2 * np.pi) - np.pi


def apart(a: Motion, b: Motion) -> np.ndarray:
    """Degrees (T, 55) between local rotations."""
    between = quaternion_multiply(quaternion_conjugate(a.rotations), b.rotations)
    return np.degrees(np.linalg.norm(quaternion_to_axis_angle(between), axis=-1))


def steps(motion: Motion) -> np.ndarray:
    """Degrees (T - 1, 55) from frame to frame."""
    return apart(motion.slice(0, -1), motion.slice(1))


@pytest.mark.parametrize("motion", [gesturing(1), gesturing(2), wandering(90, turn=7.0, seed=3)])
def test_every_joint_is_where_it_was(motion: Motion):
    positions = motion.positions(SKELETON)
    fitted = fit(positions, motion.fps, SKELETON)
    error = np.linalg.norm(fitted.positions(SKELETON) - positions, axis=-1)
    assert error.max() < 1e-6
    assert len(fitted) == len(motion)
    np.testing.assert_allclose(np.linalg.norm(fitted.rotations, axis=-1), 1, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_limbs_that_bend_as_hinges_come_back(seed: int):
    motion = gesturing(seed)
    difference = apart(motion, fit(motion.positions(SKELETON), 20, SKELETON))
    for joint in ("hip", "knee", "shoulder", "elbow", "wrist", "index2", "ring2"):
        limit = 15 if joint.endswith("2") else 8  # a finger bends the shortest way, not about the knuckle's axis
        for side in ("left", "right"):
            assert difference[:, INDEX[f"{side}_{joint}"]].mean() < limit, f"{side}_{joint}"
    assert difference[:, [INDEX["pelvis"], INDEX["spine1"], INDEX["spine2"], INDEX["spine3"]]].mean() < 8


@pytest.mark.parametrize("forearm", [0.0, 1.4])
def test_wrists_are_not_twisted_and_hands_face_where_they_did(forearm: float):
    motion = gesturing(5, forearm)
    fitted = fit(motion.positions(SKELETON), 20, SKELETON)
    before, after = (clip.forward_kinematics(SKELETON)[1] for clip in (motion, fitted))
    for side in ("left", "right"):
        wrist = INDEX[f"{side}_wrist"]
        assert np.degrees(np.abs(_twist(fitted.rotations[:, wrist], SKELETON.offsets[wrist]))).max() < 1e-3
        np.testing.assert_allclose(after[:, wrist], before[:, wrist], atol=1e-6)


def test_nothing_turns_more_quickly_than_it_did():
    motion = gesturing(6)
    assert steps(fit(motion.positions(SKELETON), 20, SKELETON)).max() < 1.3 * steps(motion).max()


def test_a_limb_that_passes_through_straight_does_not_spin():
    """An arm that is stretched for a second and bends again; its positions are off by a millimetre."""
    bend = np.abs(np.linspace(-1.6, 1.6, 80)).clip(0.3) - 0.3
    turns = np.zeros((80, 55, 3))
    turns[:, INDEX["left_elbow"], 1] = -bend
    turns[:, INDEX["left_shoulder"], 2] = np.linspace(0, -1, 80)
    motion = Motion(np.tile([0.0, 1.0, 0.0], (80, 1)), axis_angle_to_quaternion(turns))
    noise = np.random.default_rng(0).normal(size=(80, 55, 3)) * 0.001
    fitted = fit(motion.positions(SKELETON) + noise, 20, SKELETON)
    assert steps(fitted)[:, INDEX["left_shoulder"]].max() < 8
    assert apart(motion, fitted)[:, INDEX["left_shoulder"]].max() < 25


@pytest.mark.parametrize("joints", [22, 52])
def test_fewer_joints_are_fitted_too(joints: int):
    motion = gesturing(7)
    positions = motion.positions(SKELETON)
    known = JOINT_SUBSETS[joints]
    fitted = fit(positions[:, known], 20, SKELETON)
    error = np.linalg.norm(fitted.positions(SKELETON) - positions, axis=-1)[:, known]
    assert error.max() < 1e-6
    if joints == 22:
        relaxed = quaternion_to_axis_angle(fitted.rotations[:, 25:])
        np.testing.assert_allclose(relaxed, np.tile(SKELETON.relaxed_hands, (FRAMES, 1, 1)), atol=1e-9)
        assert JOINT_NAMES[known[-1]] == "right_wrist"


def test_a_larger_body_keeps_its_pose_and_its_path_shrinks():
    motion = gesturing(8)
    positions = motion.positions(SKELETON)
    fitted = fit(1.25 * positions, 20, SKELETON)
    np.testing.assert_allclose(fitted.positions(SKELETON), positions, atol=1e-6)


def test_a_body_of_other_proportions_keeps_the_directions_of_its_limbs():
    other = neutral_skeleton([2.0, -2.0, 1.0])
    motion = gesturing(9)
    fitted = fit(motion.positions(other), 20, SKELETON)
    bones = [clip.forward_kinematics(body)[0] for clip, body in ((motion, other), (fitted, SKELETON))]
    for start, end in (("left_shoulder", "left_elbow"), ("right_knee", "right_ankle"), ("left_index1", "left_index2")):
        theirs, ours = (bone[:, INDEX[end]] - bone[:, INDEX[start]] for bone in bones)
        cosine = (theirs * ours).sum(-1) / np.linalg.norm(theirs, axis=-1) / np.linalg.norm(ours, axis=-1)
        assert cosine.min() > 1 - 1e-9
    from_pelvis = [bone - bone[:, :1] for bone in bones]
    assert np.linalg.norm(from_pelvis[0] - from_pelvis[1], axis=-1).mean() < 0.12


def test_the_rest_pose_is_rest():
    rest = rest_motion(3, SKELETON)
    fitted = fit(rest.positions(SKELETON), 20, SKELETON)
    np.testing.assert_allclose(quaternion_to_matrix(fitted.rotations), quaternion_to_matrix(rest.rotations), atol=1e-6)


def test_a_motion_is_put_on_the_floor():
    motion = gesturing(1)
    sunk = on_floor(motion.moved([0.0, -3.0, 0.0]), SKELETON)
    np.testing.assert_allclose(sunk.translation, on_floor(motion, SKELETON).translation, atol=1e-9)
    standing = on_floor(rest_motion(4, SKELETON).moved([0.0, 0.7, 0.0]), SKELETON)
    np.testing.assert_allclose(standing.translation, rest_motion(4, SKELETON).translation, atol=1e-9)


@pytest.mark.parametrize("shape", [(5, 23, 3), (0, 55, 3), (5, 55), (5, 55, 4)])
def test_positions_of_other_shapes_are_refused(shape: tuple[int, ...]):
    with pytest.raises(InputError, match="22, 52, 55 joints can be fitted"):
        fit(np.zeros(shape), 20, SKELETON)


def test_positions_that_are_not_finite_are_refused():
    positions = rest_motion(3, SKELETON).positions(SKELETON)
    positions[1, 7, 2] = np.nan
    with pytest.raises(InputError, match="not finite"):
        fit(positions, 20, SKELETON)
