# SPDX-License-Identifier: GPL-3.0-or-later
"""Knees past straight, hands inside the hips and floors that are not flat."""

import numpy as np
import pytest

from core.motion.clip import Motion, rest_motion
from core.motion.rotation import Array, axis_angle_to_quaternion, quaternion_to_matrix
from core.motion.skeleton import INDEX, neutral_skeleton
from core.training.anatomy import hand_depth, knee_bend, mended, on_level_ground
from core.training.retarget import sole_clearance

SKELETON = neutral_skeleton()
SIDES = pytest.mark.parametrize("side", ["left", "right"])
LEG = ("hip", "knee", "ankle", "foot")


def posed(turns: dict[str, tuple[float, float, float]], frames: int = 3) -> Array:
    """(T, 55, 4) the T-pose with some joints turned by rotation vectors, more in every frame."""
    vectors = np.zeros((frames, 55, 3))
    for joint, vector in turns.items():
        vectors[:, INDEX[joint]] = np.linspace(0, 1, frames)[:, None] * vector
    return axis_angle_to_quaternion(vectors)


def places(rotations: Array) -> tuple[Array, Array]:
    return SKELETON.forward_kinematics(quaternion_to_matrix(rotations), np.zeros((len(rotations), 3)))


@SIDES
def test_knee_is_made_straight(side: str) -> None:
    over = posed({f"{side}_hip": (0.2, 0.1, 0.3), f"{side}_knee": (-0.7, 0.0, 0.0), f"{side}_ankle": (0.1, 0.2, 0.0)})
    bend = knee_bend(quaternion_to_matrix(over), SKELETON, side)
    assert bend[0] > 0 > bend[-1]
    good = mended(over, SKELETON)
    np.testing.assert_allclose(good[0], over[0])  # what is bent the right way stays
    assert knee_bend(quaternion_to_matrix(good), SKELETON, side)[-1] == pytest.approx(0, abs=1e-6)
    (before, world), (after, turned) = places(over), places(good)
    hip, _, ankle, _ = (INDEX[f"{side}_{joint}"] for joint in LEG)
    lines = [(at[-1, ankle] - at[-1, hip]) / np.linalg.norm(at[-1, ankle] - at[-1, hip]) for at in (before, after)]
    np.testing.assert_allclose(lines[0], lines[1], atol=1e-6)
    np.testing.assert_allclose(turned[-1, ankle], world[-1, ankle], atol=1e-6)  # the foot keeps its direction
    other = "right" if side == "left" else "left"
    untouched = [INDEX[f"{other}_{joint}"] for joint in LEG]
    np.testing.assert_allclose(np.abs((good * over).sum(-1))[:, untouched], 1)


def test_small_overstretch_hardly_moves_the_foot() -> None:
    at_rest = float(knee_bend(quaternion_to_matrix(posed({})), SKELETON, "left")[0])
    over = posed({"left_knee": (-at_rest - np.radians(6), 0, 0)})[-1:]
    moved = places(mended(over, SKELETON))[0] - places(over)[0]
    assert np.abs(moved[0, INDEX["left_ankle"]]).max() < 0.005


@SIDES
def test_hand_is_put_outside_the_hips(side: str) -> None:
    sign = 1 if side == "left" else -1
    inside = posed({f"{side}_shoulder": (0.0, 0.0, -sign * 1.65)}, frames=6)
    before, world = places(inside)
    depth = np.linalg.norm(hand_depth(before, side), axis=-1)
    assert depth[0] == 0
    assert depth[-1] > 0.02
    good = mended(inside, SKELETON)
    after, turned = places(good)
    wrist = INDEX[f"{side}_wrist"]
    assert np.linalg.norm(hand_depth(after, side), axis=-1).max() < 0.02
    np.testing.assert_allclose(turned[:, wrist], world[:, wrist], atol=1e-6)  # the hand keeps its direction
    moved = np.linalg.norm(after[:, wrist] - before[:, wrist], axis=-1)
    assert (moved > depth - 0.005).all()
    assert (moved < depth + 0.05).all()  # by little more than it was inside
    assert sign * (after[-1, wrist] - before[-1, wrist])[0] > 0  # outward
    np.testing.assert_allclose(good[0], inside[0])


@SIDES
def test_depth_is_continuous(side: str) -> None:
    """A hand that swings slowly through the hip is pushed a little more from frame to frame."""
    sign = 1 if side == "left" else -1
    swing = posed({f"{side}_shoulder": (0.0, 0.0, -sign * 1.6)}, frames=200)
    path = places(mended(swing, SKELETON))[0][:, INDEX[f"{side}_wrist"]]
    assert np.linalg.norm(np.diff(path, axis=0), axis=-1).max() < 0.01


def test_what_is_fine_stays_the_same_array() -> None:
    rotations = posed({"left_shoulder": (0.0, 0.0, -1.0), "left_knee": (0.8, 0.0, 0.0)})
    assert mended(rotations, SKELETON) is rotations


def test_level_ground() -> None:
    """A body carried up a slope comes down to the floor, its steps as they were."""
    motion = rest_motion(80, SKELETON)
    slope = np.linspace(0, 0.8, 80)[:, None] * [0.0, 1.0, 0.0]
    lifted = Motion(motion.translation + slope, motion.rotations, motion.fps)
    level = on_level_ground(lifted, sole_clearance(lifted.positions(SKELETON), SKELETON))
    clearance = sole_clearance(level.positions(SKELETON), SKELETON)
    assert np.abs(clearance[15:-15]).max() < 0.005
    assert np.abs(clearance).max() < 0.06
