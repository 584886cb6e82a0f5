# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of each source are read, retargeted and counted."""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.motion.clip import Motion, rest_motion
from core.motion.rotation import (
    Array,
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    matrix_to_euler,
    quaternion_to_axis_angle,
)
from core.motion.skeleton import INDEX, JOINT_NAMES, PARENTS
from core.training.joint_maps import JOINT_MAPS
from core.training.retarget import sole_clearance
from core.training.sources import load_source, unroll_loop
from tests.core.training.rigs import LEFT, SKELETON, STRAIGHT, UNIT, angles, lively, source_of


def write_smartbody(folder: Path, motion: Motion) -> None:
    """The motion as .sk and .skm files."""
    clip = source_of(motion)

    def joint(i: int) -> str:
        kind = "root" if i == 0 else "joint"
        below = "".join(joint(child) for child, parent in enumerate(clip.parents) if parent == i)
        offset = " ".join(str(value) for value in clip.offsets[i])
        return f"{kind} {clip.names[i]}\n{{ offset {offset}\n channel Quat\n {below} }}\n"

    (folder / "skeletons").mkdir(parents=True)
    (folder / "motions").mkdir()
    (folder / "skeletons" / "ChrTest.sk").write_text("skeleton\n" + joint(0))
    channels = [f"JtRoot {axis}Pos" for axis in "XYZ"] + [f"{name} Quat" for name in clip.names]
    spins = quaternion_to_axis_angle(clip.rotations).reshape(len(motion), -1)
    rows = np.concatenate([clip.translations[:, 0], spins], 1)
    text = f"SkMotion\nchannels {len(channels)}\n" + "\n".join(channels) + f"\n\nframes {len(rows)}\n"
    for frame, row in enumerate(rows):
        text += f"kt {frame / 30:.6f} fr " + " ".join(f"{value:.8f}" for value in row) + "\n"
    (folder / "motions" / "ChrTest@Wave01.skm").write_text(text + "\nstroke time: 0.2\n")


def test_loading_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    motion = lively(30)
    write_smartbody(tmp_path / "set", motion)
    folder = tmp_path / "set" / "motions"
    text = (folder / "ChrTest@Wave01.skm").read_text()
    (folder / "ChrTest@Wave02.skm").write_text(text)
    (folder / "ChrTest@Bad.skm").write_text("nothing")
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("kt"))
    (folder / "ChrTest@Brief.skm").write_text("\n".join(lines[: start + 4]))
    (tmp_path / "gestures.csv").write_text("set,clip,lexeme,hand\nA,ChrTest@Wave01,HELLO,LEFT_HAND\n")
    counts: Counter[str] = Counter()
    with caplog.at_level(logging.WARNING):
        (clip,) = load_source("smartbody", tmp_path, counts)
    assert counts == {"kept": 1, "copy": 1, "unreadable": 1, "short": 1}
    assert "ChrTest@Bad.skm" in caplog.text
    assert (clip.name, clip.source, clip.license) == ("ChrTest@Wave01", "smartbody", "LGPL-2.1-or-later")
    assert clip.phases == {"stroke": 0.2}
    assert clip.meta["lexeme"] == "HELLO"
    assert clip.meta["folder"] == "set/motions"
    assert clip.motion.fps == 20
    assert angles(clip.motion.rotations[0], motion.rotations[0]).max() < 1e-3
    np.testing.assert_allclose(clip.motion.translation[2], motion.translation[3], atol=1e-6)


def test_loading_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no source named"):
        list(load_source("films", tmp_path))
    with pytest.raises(InputError, match="contains no cmu clips"):
        list(load_source("cmu", tmp_path))


BANDAI = JOINT_MAPS["bandai"]
# the world axes of the joints in a T-pose, in columns, as measured on standing recordings
TRUNK = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
BANDAI_REST = {
    "Hips": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    **dict.fromkeys(("Spine", "Chest", "Neck", "Head"), TRUNK),
    **dict.fromkeys(("Shoulder_L", "UpperArm_L", "LowerArm_L", "Hand_L"), np.eye(3)),
    **dict.fromkeys(("Shoulder_R", "UpperArm_R", "LowerArm_R", "Hand_R"), np.diag([1.0, -1, -1])),
    **dict.fromkeys(("UpperLeg_L", "LowerLeg_L"), np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])),
    **dict.fromkeys(("UpperLeg_R", "LowerLeg_R"), np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]])),
}


def write_bandai(path: Path, motion: Motion) -> None:
    """The motion as Bandai Namco Research writes it: axes along the bones, position channels, centimeters, Z X Y."""
    joints = [joint for joint in JOINT_NAMES if joint in BANDAI]
    names = ["joint_Root", *(BANDAI[joint][0] for joint in joints)]
    parents = [-1, 0, *(names.index(BANDAI[JOINT_NAMES[above]][0]) for above in map(mapped_parent, joints[1:]))]
    slope = np.arcsin((11.74 - 4.25) / 11.75)
    down = {"Foot": slope, "Toes": slope - np.radians(16.58)}

    def rest(name: str) -> Array:
        if name[:-2] not in down:
            return BANDAI_REST.get(name, np.eye(3))
        leg = BANDAI_REST[f"LowerLeg_{name[-1]}"]  # its first axis lies along the leg or against it
        angle = np.pi / 2 - down[name[:-2]]
        return axis_angle_to_matrix([-angle, 0.0, 0.0]) @ leg

    _, world = motion.forward_kinematics(SKELETON)
    axes = {"joint_Root": np.tile(np.eye(3), (len(motion), 1, 1))}
    axes |= {BANDAI[joint][0]: world[:, INDEX[joint]] @ rest(BANDAI[joint][0]) for joint in joints}
    rest_place = SKELETON.rest_positions
    offsets = {"joint_Root": np.zeros(3), "Hips": motion.translation[0]}
    for joint, above in zip(joints[1:], map(mapped_parent, joints[1:]), strict=True):
        bone = STRAIGHT.get(joint, rest_place[INDEX[joint]] - rest_place[above])
        offsets[BANDAI[joint][0]] = rest(BANDAI[JOINT_NAMES[above]][0]).T @ bone

    def tree(i: int) -> str:
        below = "".join(tree(child) for child, parent in enumerate(parents) if parent == i)
        x, y, z = offsets[names[i]] * 100
        kind = "ROOT" if i == 0 else "JOINT"
        channels = "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
        return f"{kind} {names[i]}\n{{\nOFFSET {x} {y} {z}\n{channels}\n{below}}}\n"

    order = depth_first(parents, 0)
    columns: list[Array] = []
    for i in order:
        above = axes[names[parents[i]]] if i else np.eye(3)
        local = np.swapaxes(above, -1, -2) @ axes[names[i]]
        where = motion.translation if names[i] == "Hips" else np.tile(offsets[names[i]], (len(motion), 1))
        columns += [where * 100, np.degrees(matrix_to_euler(local, "ZXY"))]
    rows = "\n".join(" ".join(f"{value:.5f}" for value in row) for row in np.concatenate(columns, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"HIERARCHY\n{tree(0)}MOTION\nFrames: {len(motion)}\nFrame Time: {1 / motion.fps}\n{rows}\n")


def mapped_parent(joint: str) -> int:
    """The nearest joint above that the rig has."""
    above = PARENTS[INDEX[joint]]
    while above > 0 and JOINT_NAMES[above] not in BANDAI:
        above = PARENTS[above]
    return above


def depth_first(parents: list[int], joint: int) -> list[int]:
    return [joint, *(i for child, above in enumerate(parents) if above == joint for i in depth_first(parents, child))]


def bandai_motion(frames: int = 30) -> Motion:
    """Moving limbs, with no more joints than the rig has, and no twist in the wrists."""
    motion = lively(frames)
    rotations = motion.rotations.copy()
    rotations[:, 25:] = axis_angle_to_quaternion(SKELETON.relaxed_hands)
    rotations[:, INDEX["spine2"]] = UNIT
    rotations[:, INDEX["spine3"]] = UNIT
    swing = np.zeros((frames, 3))
    swing[:, 0] = 0.3 * np.sin(np.arange(frames) / 4)
    rotations[:, INDEX["left_knee"]] = axis_angle_to_quaternion(swing + np.array([0.5, 0, 0]))
    motion = replace(motion, rotations=rotations)
    clearance = np.percentile(sole_clearance(motion.positions(SKELETON), SKELETON), 5)
    return motion.moved([0.0, -float(clearance), 0.0])


def test_a_zero_pose_that_is_no_pose(tmp_path: Path) -> None:
    """Bone axes with rolls of their own, and a zero pose with all bones in line: found again by the stated T-pose."""
    motion = bandai_motion()
    write_bandai(tmp_path / "data" / "dataset-2_wave-left-hand_proud_001.bvh", motion)
    (clip,) = load_source("bandai_namco", tmp_path)
    assert (clip.source, clip.license) == ("bandai_namco", "CC-BY-NC-4.0")
    assert clip.meta == {"content": "wave-left-hand", "style": "proud"}
    wanted = motion.resampled(20)
    assert len(clip.motion) == len(wanted)
    assert angles(clip.motion.rotations, wanted.rotations).max() < 0.01
    np.testing.assert_allclose(clip.motion.translation, wanted.translation, atol=1e-5)


def test_forearms_twisted_too_far_are_passed_over(tmp_path: Path) -> None:
    motion = bandai_motion()
    bone = SKELETON.offsets[LEFT[2]] / np.linalg.norm(SKELETON.offsets[LEFT[2]])
    for number, degrees in enumerate((50, 160)):
        motion.rotations[:, LEFT[1]] = axis_angle_to_quaternion(bone * np.radians(degrees))
        write_bandai(tmp_path / f"dataset-2_run_normal_{number:03}.bvh", motion)
    counts: Counter[str] = Counter()
    (clip,) = load_source("bandai_namco", tmp_path, counts)
    assert clip.name == "dataset-2_run_normal_000"
    assert counts == {"kept": 1, "twisted forearm": 1}


def test_an_even_sample_of_each_kind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    motion = bandai_motion(15)
    for style, number in [("sad", n) for n in range(1, 7)] + [("proud", 1)]:
        turned = motion.turned(number * 0.3 + len(style))
        write_bandai(tmp_path / f"dataset-1_bow_{style}_{number:03}.bvh", turned)
    broken = (tmp_path / "dataset-1_bow_sad_004.bvh").read_text()
    (tmp_path / "dataset-1_bow_sad_004.bvh").write_text(broken[:-200])
    counts: Counter[str] = Counter()
    with caplog.at_level(logging.WARNING):
        clips = list(load_source("bandai_namco", tmp_path, counts, at_most=2))
    assert [clip.name for clip in clips] == ["dataset-1_bow_proud_001", "dataset-1_bow_sad_001"]
    assert counts == {"kept": 2, "unreadable": 1, "enough of its kind": 4}
    assert "dataset-1_bow_sad_004.bvh" in caplog.text


def test_a_loop_on_the_spot_goes_forward() -> None:
    """A body that its loop drags back at one meter per second has to walk forward as fast."""
    motion = rest_motion(21, SKELETON, fps=20.0)
    dragged = replace(motion, translation=motion.translation - np.arange(21)[:, None] * [0.0, 0.0, 0.05])
    walked = unroll_loop(dragged, "Walk_Loop", SKELETON)
    assert len(walked) == 80  # four rounds of a second
    np.testing.assert_allclose(np.diff(walked.translation, axis=0)[:19], 0, atol=1e-9)
    assert unroll_loop(dragged, "Bow", SKELETON) is dragged
    assert len(unroll_loop(motion, "Idle_Loop", SKELETON)) == 80
