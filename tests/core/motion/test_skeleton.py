# SPDX-License-Identifier: GPL-3.0-or-later
"""The 55 joints stand where a body has them."""

import numpy as np
import pytest

from core.errors import InputError
from core.motion.clip import rest_motion
from core.motion.skeleton import INDEX, JOINT_NAMES, MIRRORED, PARENTS, neutral_skeleton


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
