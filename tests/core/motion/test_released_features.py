# SPDX-License-Identifier: GPL-3.0-or-later
"""The released code's features, from positions and back; and our rotations beside what it does with rotations."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.motion import released_features
from core.motion.features import POSITIONS, VELOCITIES
from core.motion.features import ROTATIONS as ROTATIONS_6D
from core.motion.rotation import (
    axis_angle_to_matrix,
    euler_to_matrix,
    matrix_from_6d,
    matrix_to_6d,
    matrix_to_euler,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_matrix,
    rotation_between,
    rotation_y,
)
from core.motion.skeleton import JOINT_NAMES, PARENTS, Skeleton

FOLDER = Path(__file__).parents[2] / "golden"
GOLDEN = dict(np.load(FOLDER / "a_motion.npz"))
ROTATIONS = dict(np.load(FOLDER / "a2_rotations_and_preprocess.npz"))
AT = GOLDEN["at"]  # the frames that were kept of the released code's answers
CASES = [f"{path}_{up}" for path in ("straight", "turn60", "turn200") for up in ("yup", "zup")]


def rest_positions() -> np.ndarray:
    rest = np.zeros((55, 3))
    for joint, parent in enumerate(PARENTS[1:], start=1):
        rest[joint] = rest[parent] + GOLDEN["rest_offsets"][joint]
    return rest


def joints(case: str) -> np.ndarray:
    """World positions (80, 55, 3) of a case, by our own forward kinematics."""
    path, up = case.split("_")
    rest = rest_positions()
    pose = axis_angle_to_matrix(GOLDEN[f"{path}_pose_axis_angle"])
    positions, _ = Skeleton(rest, rest[0], np.zeros((30, 3))).forward_kinematics(pose, GOLDEN[f"{path}_trans"])
    x, y, z = np.moveaxis(positions, -1, 0)
    return positions if up == "yup" else np.stack([x, -z, y], -1)


@pytest.mark.parametrize("case", CASES)
def test_features_are_the_released_ones(case: str):
    positions = joints(case)
    np.testing.assert_allclose(
        released_features.canonicalize(positions)[AT], GOLDEN[f"{case}_global_positions"], atol=2e-6
    )
    features = released_features.encode(positions)
    assert features.shape == (79, 659)
    ours, theirs = features[AT], GOLDEN[f"{case}_features"]
    np.testing.assert_allclose(ours[:, 166:490], theirs[:, 166:490], atol=4e-5)
    np.testing.assert_allclose(np.delete(ours, np.s_[166:490], 1), np.delete(theirs, np.s_[166:490], 1), atol=2e-6)
    np.testing.assert_allclose(features[:, :4], GOLDEN[f"{case}_root"], atol=2e-6)


@pytest.mark.parametrize("case", CASES)
def test_positions_are_read_as_in_the_released_code(case: str):
    features = np.zeros((79, 659))
    features[:, :4] = GOLDEN[f"{case}_root"]
    features[AT, POSITIONS] = GOLDEN[f"{case}_features"][:, POSITIONS]
    positions = released_features.decode(features)
    np.testing.assert_allclose(positions[AT], GOLDEN[f"{case}_recovered"], atol=2e-6)
    np.testing.assert_allclose(positions[:, 0], GOLDEN[f"{case}_root_pos"], atol=2e-6)
    half = np.concatenate([[0], np.cumsum(features[:-1, 0])])
    ours = np.stack([np.cos(half), 0 * half, np.sin(half), 0 * half], -1)
    np.testing.assert_allclose(ours, GOLDEN[f"{case}_root_quat"], atol=2e-6)


def test_a_full_turn_is_read_wrong_as_in_the_released_code():
    turning = np.einsum("tij,kj->tki", rotation_y(np.radians(5 * np.arange(72))), ROTATIONS["fullturn_first"])
    features = released_features.encode(turning)
    np.testing.assert_allclose(features[:, 0], ROTATIONS["fullturn_yaw"], atol=2e-6)
    again = released_features.decode(features)
    np.testing.assert_allclose(again[::24], ROTATIONS["fullturn_recovered"], atol=2e-6)
    assert np.abs(again - turning[:71]).max() > 0.2


@pytest.mark.parametrize(("name", "sigma"), [("smooth", 20.0), ("raw", 0.0)])
def test_bone_rotations_are_the_released_ones(name: str, sigma: float):
    where = released_features.canonicalize(joints("turn60_yup"))
    where[AT] = GOLDEN["ik_joints"]  # to the last digit: a finger's bone is short
    rotations = released_features.bone_rotations(where, sigma)
    ours, theirs = rotations[AT], GOLDEN[f"ik_quat_{name}"]
    sign = np.where((ours * theirs).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    np.testing.assert_allclose(sign * ours, theirs, atol=2e-6)
    np.testing.assert_array_equal(released_features.rest_directions(), GOLDEN["raw_offsets"])
    if name == "smooth":
        six = matrix_to_6d(quaternion_to_matrix(ours))
        np.testing.assert_allclose(six, GOLDEN["cont6d"], atol=4e-5)
        np.testing.assert_allclose(matrix_from_6d(GOLDEN["cont6d"]), GOLDEN["matrix_from_cont6d"], atol=2e-6)


@pytest.mark.parametrize("from_features", [False, True])
def test_bones_lie_where_their_rotations_say(from_features: bool):
    """Chain by chain from the root, each bone turned from its rest direction: the released forward kinematics."""
    where = released_features.canonicalize(joints("turn60_yup"))
    matrices = quaternion_to_matrix(released_features.bone_rotations(where))
    root = where[:, 0]
    if from_features:
        features = released_features.encode(where)
        matrices = matrices[:79]
        matrices[:, 1:] = matrix_from_6d(features[:, 166:490].reshape(79, 54, 6))
        half = np.concatenate([[0], np.cumsum(features[:-1, 0])])
        matrices[:, 0] = rotation_y(2 * half)
        root = released_features.decode(features)[:, 0]
    positions = np.zeros((len(root), 55, 3))
    positions[:, 0] = root
    for chain in released_features.CHAINS:
        turned = matrices[:, 0]
        for parent, joint in pairwise(chain):
            turned = turned @ matrices[:, joint]
            positions[:, joint] = positions[:, parent] + turned @ GOLDEN["offsets_scaled"][joint]
    theirs = GOLDEN["recover_from_rot" if from_features else "fk_cont6d"]
    np.testing.assert_allclose(positions[AT], theirs, atol=4e-5)


def test_the_columns_of_the_lower_body_are_the_released_ones():
    legs = [joint for joint, name in enumerate(JOINT_NAMES) if name.endswith(("hip", "knee", "ankle", "foot"))]
    columns = [*range(4), *range(655, 659)]
    columns += [POSITIONS.start + 3 * (joint - 1) + k for joint in legs for k in range(3)]
    columns += [ROTATIONS_6D.start + 6 * (joint - 1) + k for joint in legs for k in range(6)]
    columns += [VELOCITIES.start + 3 * joint + k for joint in [0, *legs] for k in range(3)]
    with np.load(FOLDER / "c_diffusion.npz") as golden:
        np.testing.assert_array_equal(sorted(columns), golden["lower_body_mask_indices"])


def test_a_z_up_world_that_faces_minus_y_becomes_ours():
    np.testing.assert_array_equal(released_features.y_up(np.array([[1.0, -2.0, 3.0]])), [[1.0, 3.0, 2.0]])


def test_features_of_another_width_are_refused():
    with pytest.raises(InputError, match=r"659 numbers per frame, not \(5, 12\)"):
        released_features.decode(np.zeros((5, 12)))


def test_our_rotations_are_the_released_ones():
    golden = ROTATIONS
    q, v = golden["q"], golden["v"]
    np.testing.assert_allclose(quaternion_multiply(q, golden["p"]), golden["qmul"], atol=2e-6)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", quaternion_to_matrix(q), v), golden["qrot"], atol=2e-6)
    np.testing.assert_allclose(quaternion_conjugate(q), golden["qinv"], atol=2e-6)
    np.testing.assert_allclose(rotation_between(golden["u"], v), quaternion_to_matrix(golden["qbetween"]), atol=2e-6)
    np.testing.assert_allclose(quaternion_to_matrix(q), golden["q2mat"], atol=4e-5)
    np.testing.assert_allclose(matrix_to_6d(quaternion_to_matrix(q)), golden["q2c6"], atol=4e-5)
    np.testing.assert_allclose(matrix_from_6d(golden["c6"]), golden["c62mat"], atol=2e-6)
    np.testing.assert_array_equal(matrix_to_6d(quaternion_to_matrix(np.zeros((1, 4)))), golden["zero_quat_c6"])


@pytest.mark.parametrize("clip", range(5))
def test_the_heading_of_a_clip_is_read_and_turned_as_in_the_released_code(clip: int):
    golden = {key.partition("_")[2]: value for key, value in ROTATIONS.items() if key.startswith(f"amass{clip}_")}
    root = axis_angle_to_matrix(golden["root"])  # (30, 3, 3)
    angles = matrix_to_euler(root[:10], "XYZ")
    last = np.arctan2(np.sin(angles[:, 2]).mean(), np.cos(angles[:, 2]).mean())  # goes round
    np.testing.assert_allclose(np.degrees([*angles[:, :2].mean(0), last]), golden["mean_euler"], atol=1e-6)
    turn = euler_to_matrix(np.radians(golden["rot"]), "XYZ")
    np.testing.assert_allclose(turn @ root, axis_angle_to_matrix(golden["out_root"]), atol=2e-6)
    np.testing.assert_allclose(ROTATIONS["amass_trans"] @ turn.T, golden["out_trans"], atol=2e-6)


def test_beat_angles_are_intrinsic_xyz():
    local = euler_to_matrix(np.radians(ROTATIONS["beat_euler_xyz_deg"]), "XYZ")
    np.testing.assert_allclose(local, axis_angle_to_matrix(ROTATIONS["beat_rotvec"]), atol=2e-6)
    upright = axis_angle_to_matrix([np.pi / 2, 0.0, 0.0]) @ local
    np.testing.assert_allclose(upright, axis_angle_to_matrix(ROTATIONS["beat_root_rotvec"]), atol=2e-6)
    x, y, z = ROTATIONS["beat_pos_cm"].T
    np.testing.assert_allclose(np.stack([x, -z, y], -1) * 0.009, ROTATIONS["beat_trans_m"], atol=2e-6)
