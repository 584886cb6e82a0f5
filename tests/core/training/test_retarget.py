# SPDX-License-Identifier: GPL-3.0-or-later
"""Retargeting from source skeletons made of the neutral one, so the right answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from core.motion.clip import rest_motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_matrix,
    rotation_y,
)
from core.motion.skeleton import INDEX, JOINT_NAMES
from core.training.joint_maps import JOINT_MAPS, joint_map
from core.training.rest_pose import with_rest
from core.training.retarget import retarget
from tests.core.training.rigs import LEFT, SKELETON, UNIT, ZEBRA, angles, lively, posed, source_of


def test_same_skeleton_gives_the_same_motion() -> None:
    motion = lively()
    result = retarget(source_of(motion))
    assert angles(result.rotations, motion.rotations).max() < 1e-4
    np.testing.assert_allclose(result.translation, motion.translation, atol=1e-9)
    assert result.fps == 30


@pytest.mark.parametrize("scale", [100.0, 0.4])
def test_lengths_follow_the_legs(scale: float) -> None:
    motion = lively()
    np.testing.assert_allclose(retarget(source_of(motion, scale)).translation, motion.translation, atol=1e-9)


def test_feet_come_to_the_floor() -> None:
    motion = lively()
    lifted = retarget(source_of(motion.moved([0.0, 2.5, 0.0])))
    np.testing.assert_allclose(lifted.translation, motion.translation, atol=1e-9)


def test_a_pose_does_not_lift_the_arms() -> None:
    """A source bound with its arms 45 degrees down, in its own rest pose, gives arms 45 degrees down."""
    down = axis_angle_to_quaternion([0.0, 0.0, -np.pi / 4])
    clip = posed(source_of(rest_motion(2, SKELETON)), {"JtShoulderLf": down})
    rotations = clip.rotations.copy()
    rotations[:, clip.index("JtShoulderLf")] = down
    result = retarget(replace(clip, rotations=rotations))
    shoulder, wrist = (result.positions(SKELETON)[0, INDEX[f"left_{joint}"]] for joint in ("shoulder", "wrist"))
    line = SKELETON.rest_positions[LEFT[2]] - SKELETON.rest_positions[LEFT[0]]
    np.testing.assert_allclose(wrist - shoulder, quaternion_to_matrix(down) @ line, atol=1e-6)
    # a straight elbow stays as straight as the neutral rest pose draws it
    assert angles(result.rotations[0, LEFT[1]], UNIT) < 5
    # the roll is that of the smallest turn, which is not quite the turn about Z: the arm has a slant of its own
    assert angles(result.rotations[0, LEFT[0]], down) < 10
    assert angles(result.rotations[0, LEFT[2]], UNIT) < 10


def test_joint_axes_of_the_source_do_not_matter() -> None:
    """Turning a source joint's own axes, in rest and in every frame alike, changes nothing."""
    motion = lively()
    clip = source_of(motion)
    turn = axis_angle_to_quaternion([0.9, -0.4, 0.7])
    back = quaternion_conjugate(turn)
    knee, ankle = clip.index("JtKneeLf"), clip.index("JtAnkleLf")
    rotations, rests = clip.rotations.copy(), clip.rest_rotations.copy()
    offsets, translations = clip.offsets.copy(), clip.translations.copy()
    for pose in (rotations, rests):
        pose[..., knee, :] = quaternion_multiply(pose[..., knee, :], turn)
        pose[..., ankle, :] = quaternion_multiply(back, pose[..., ankle, :])
    for place in (offsets, translations):
        place[..., ankle, :] = place[..., ankle, :] @ quaternion_to_matrix(turn)
    turned = replace(clip, rotations=rotations, rest_rotations=rests, offsets=offsets, translations=translations)
    assert angles(retarget(turned).rotations, motion.rotations).max() < 1e-4


def test_rest_pose_that_faces_elsewhere() -> None:
    """A rest pose turned by a quarter and frames turned as far: the result faces as the frames do, upright."""
    quarter = matrix_to_quaternion(rotation_y(np.pi / 2))
    clip = posed(source_of(rest_motion(2, SKELETON)), {"JtRoot": quarter})
    result = retarget(clip)  # its frames face +Z
    assert angles(result.rotations[:, :22], UNIT).max() < 1e-4


def test_hand_twist_goes_to_the_forearm() -> None:
    motion = rest_motion(2, SKELETON)
    axis = SKELETON.offsets[LEFT[2]] / np.linalg.norm(SKELETON.offsets[LEFT[2]])
    rotations = motion.rotations.copy()
    rotations[:, LEFT[2]] = axis_angle_to_quaternion(axis * np.radians(70))
    twisted = replace(motion, rotations=rotations)
    result = retarget(source_of(twisted))
    assert angles(result.rotations[:, LEFT[2]], UNIT).max() < 1e-4
    np.testing.assert_allclose(angles(result.rotations[:, LEFT[1]], UNIT), 70, atol=1e-4)
    positions, world = twisted.forward_kinematics(SKELETON)
    moved, turned = result.forward_kinematics(SKELETON)
    hand = [i for i, name in enumerate(JOINT_NAMES) if name.startswith("left_index") or i == LEFT[2]]
    np.testing.assert_allclose(moved[:, hand], positions[:, hand], atol=1e-7)
    np.testing.assert_allclose(turned[:, hand], world[:, hand], atol=1e-7)


def test_missing_fingers_are_relaxed() -> None:
    clip = source_of(rest_motion(2, SKELETON))
    fingers = ("Index", "Middle", "Ring", "Little", "Thumb")
    bare = replace(clip, names=tuple("x" if any(f in name for f in fingers) else name for name in clip.names))
    result = retarget(bare)
    relaxed = axis_angle_to_quaternion(SKELETON.relaxed_hands)
    assert angles(result.rotations[0, 25:], relaxed).max() < 1e-4
    assert angles(result.rotations[0, :25], UNIT).max() < 1e-4


def test_unknown_joints_are_refused() -> None:
    clip = source_of(rest_motion(2, SKELETON))
    with pytest.raises(InputError, match="no joint map matches"):
        joint_map(replace(clip, names=tuple(f"x{name}" for name in clip.names)))


def test_joint_maps_name_joints_once() -> None:
    for names in JOINT_MAPS.values():
        assert set(names) <= set(JOINT_NAMES)
        used = [name for chain in names.values() for name in chain]
        assert len(used) == len(set(used))


def test_a_stated_rest_pose_leaves_the_frames_alone() -> None:
    clip = source_of(lively())
    stated = with_rest(clip, {"JtKneeLf": rotation_y(1.0)})
    np.testing.assert_allclose(stated.world()[1], clip.world()[1])
    rest = stated.rest_world()[1]
    np.testing.assert_allclose(rest[clip.index("JtKneeLf")], rotation_y(1.0), atol=1e-12)
    np.testing.assert_allclose(rest[clip.index("JtAnkleLf")], rotation_y(1.0), atol=1e-12)  # follows
    np.testing.assert_allclose(rest[clip.index("JtKneeRt")], np.eye(3), atol=1e-12)


def test_a_short_spine_bends_evenly() -> None:
    """A rig whose chest sits right on its first spine joint: SMPL-X's middle joint clips half of the chest's turn."""
    motion = rest_motion(2, SKELETON)
    bend = axis_angle_to_quaternion([0.6, 0.0, 0.0])
    motion.rotations[:, INDEX["spine3"]] = bend
    names = {joint: chain for joint, chain in ZEBRA.items() if joint != "spine2"}
    result = retarget(source_of(motion), names=names)
    half = axis_angle_to_quaternion([0.3, 0.0, 0.0])
    for joint in ("spine2", "spine3"):
        assert angles(result.rotations[:, INDEX[joint]], half).max() < 1e-4
