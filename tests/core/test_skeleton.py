# SPDX-License-Identifier: GPL-3.0-or-later
"""The 55 joints stand where a body has them."""

import numpy as np
import pytest

from core.errors import InputError
from core.motion import rest_motion
from core.skeleton import INDEX, JOINT_NAMES, MIRRORED, PARENTS, neutral_skeleton, smplx_skeleton


def test_parents_come_before_children_and_fingers_hang_on_wrists():
    assert len(JOINT_NAMES) == len(PARENTS) == len(set(JOINT_NAMES)) == 55
    assert all(parent < joint for joint, parent in enumerate(PARENTS))
    for side in ("left", "right"):
        for finger in ("index", "middle", "pinky", "ring", "thumb"):
            assert PARENTS[INDEX[f"{side}_{finger}1"]] == INDEX[f"{side}_wrist"]
            assert PARENTS[INDEX[f"{side}_{finger}3"]] == INDEX[f"{side}_{finger}2"]


def test_mirroring_is_an_involution_of_the_tree():
    assert [MIRRORED[MIRRORED[j]] for j in range(55)] == list(range(55))
    assert all(PARENTS[MIRRORED[j]] == (-1 if p < 0 else MIRRORED[p]) for j, p in enumerate(PARENTS))


def test_rest_pose_is_a_t_pose_on_the_floor_facing_z():
    rest = neutral_skeleton().rest_positions
    assert 0 < rest[:, 1].min() < 0.03  # joints lie inside the sole
    assert rest[INDEX["left_wrist"], 0] > 0.5 > -0.5 > rest[INDEX["right_wrist"], 0]
    assert rest[INDEX["left_foot"], 2] > rest[INDEX["left_ankle"], 2]
    eyes, head = rest[[INDEX["left_eye"], INDEX["right_eye"]]], rest[INDEX["head"]]
    assert (eyes[:, 1] > head[1]).all()
    assert (eyes[:, 2] > head[2]).all()
    assert eyes[0, 0] > rest[INDEX["jaw"], 0] > eyes[1, 0]


def test_forward_kinematics_of_rest_is_rest():
    skeleton = neutral_skeleton()
    positions = rest_motion(2, skeleton).positions(skeleton)
    moved = positions + skeleton.rest_positions[0] * [1, 0, 1]
    np.testing.assert_allclose(moved[0], skeleton.rest_positions, atol=1e-9)


def test_betas_change_the_height_and_keep_the_soles_down():
    tall, short = neutral_skeleton([2.0]), neutral_skeleton([-2.0])
    assert abs(tall.rest_positions[INDEX["head"], 1] - short.rest_positions[INDEX["head"], 1]) > 0.05
    assert 0 < tall.rest_positions[:, 1].min() < 0.05


def test_too_many_betas():
    with pytest.raises(InputError, match="10 betas"):
        neutral_skeleton(np.ones(11))


def test_a_file_that_is_no_smplx_model(tmp_path):
    np.savez(tmp_path / "SMPLX_NEUTRAL.npz", nothing=np.zeros(3))
    with pytest.raises(InputError, match=r"SMPLX_NEUTRAL\.npz"):
        smplx_skeleton(tmp_path / "SMPLX_NEUTRAL.npz")


@pytest.fixture
def smplx_file(tmp_path):
    """A file of the SMPL-X layout: every joint is the mean of its own five vertices, beta 0 lifts them all by 1 cm."""
    pytest.importorskip("smplx")
    pytest.importorskip("torch")
    rest, vertices = neutral_skeleton().rest_positions - [0.0, 1.3, 0.0], 10475
    template = np.zeros((vertices, 3))
    regressor = np.zeros((55, vertices))
    for joint in range(55):
        mine = slice(5 * joint, 5 * joint + 5)
        template[mine], regressor[joint, mine] = rest[joint], 0.2
    template[275:] = [0.0, -1.3, 0.0]
    shape = np.zeros((vertices, 3, 400), np.float32)
    shape[:, 1, 0] = 0.01
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    np.savez(
        path,
        v_template=template, J_regressor=regressor, shapedirs=shape,
        posedirs=np.zeros((vertices, 3, 486), np.float32), weights=np.eye(55)[np.arange(vertices) % 55],
        kintree_table=np.array([np.array(PARENTS), np.arange(55)]), f=np.zeros((1, 3), np.int64),
        hands_meanl=np.full(45, 0.1), hands_meanr=np.full(45, 0.2),
        hands_componentsl=np.eye(45), hands_componentsr=np.eye(45),
        lmk_faces_idx=np.zeros(51, np.int64), lmk_bary_coords=np.full((51, 3), 1 / 3),
        dynamic_lmk_faces_idx=np.zeros((79, 17), np.int64), dynamic_lmk_bary_coords=np.zeros((79, 17, 3)),
    )  # fmt: skip
    return path


def test_a_licensed_model_gives_its_own_joints(smplx_file):
    neutral, found = neutral_skeleton(), smplx_skeleton(smplx_file)
    np.testing.assert_allclose(found.rest_positions, neutral.rest_positions, atol=1e-6)
    np.testing.assert_allclose(found.root_offset, neutral.rest_positions[0] - [0, 1.3, 0], atol=1e-6)
    np.testing.assert_allclose(found.relaxed_hands[0], 0.1, atol=1e-6)
    np.testing.assert_allclose(found.relaxed_hands[-1], 0.2, atol=1e-6)
    taller = smplx_skeleton(smplx_file, [3.0])
    np.testing.assert_allclose(taller.root_offset - found.root_offset, [0, 0.03, 0], atol=1e-6)
