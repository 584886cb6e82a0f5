# SPDX-License-Identifier: GPL-3.0-or-later
"""Retargeting, tried on source skeletons made from the neutral one, so the right answer is known."""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats import SourceClip
from core.motion.clip import Motion, rest_motion
from core.motion.rotation import (
    Array,
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    matrix_to_euler,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    rotation_y,
)
from core.motion.skeleton import INDEX, JOINT_NAMES, PARENTS, neutral_skeleton
from core.training.joint_maps import JOINT_MAPS, joint_map, with_rest
from core.training.retarget import rest_bones, retarget, sole_clearance
from core.training.sources import fault_of, largest_twist, load_source, unrolled

SKELETON = neutral_skeleton()
ZEBRA = JOINT_MAPS["zebra"]
MAPPED = [joint for joint in JOINT_NAMES if joint in ZEBRA]
UNIT = np.array([1.0, 0.0, 0.0, 0.0])
LEFT = [INDEX[f"left_{joint}"] for joint in ("shoulder", "elbow", "wrist")]
STRAIGHT = {  # elbows, wrists, knees and ankles as a rig with straight limbs has them
    f"{side}_{end}": rest_bones(SKELETON)[f"{side}_{start}"]
    for side in ("left", "right")
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
}


def angles(a: Array, b: Array) -> Array:
    """Degrees between quaternions."""
    return np.degrees(
        np.linalg.norm(quaternion_to_axis_angle(quaternion_multiply(quaternion_conjugate(a), b)), axis=-1)
    )


def source_of(motion: Motion, scale: float = 1.0) -> SourceClip:
    """The motion on a skeleton of SmartBody names with the neutral rest pose; twist joints do the turning."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[Array] = []
    local: list[Array] = []
    still = np.tile(UNIT, (len(motion), 1))
    for joint in MAPPED:
        for name in ZEBRA[joint]:
            first, last = name == ZEBRA[joint][0], name == ZEBRA[joint][-1]
            above = names.index(ZEBRA[JOINT_NAMES[PARENTS[INDEX[joint]]]][-1]) if joint != "pelvis" else -1
            parents.append(above if first else len(names) - 1)
            offsets.append((STRAIGHT.get(joint, SKELETON.offsets[INDEX[joint]])) * scale * first)
            local.append(motion.rotations[:, INDEX[joint]] if last else still)
            names.append(name)
    translations = np.tile(np.array(offsets), (len(motion), 1, 1))
    translations[:, 0] = motion.translation * scale
    rest = np.tile(UNIT, (len(names), 1))
    rotations = np.stack(local, 1)
    return SourceClip("test", tuple(names), tuple(parents), np.array(offsets), rest, translations, rotations, 30.0)


def posed(clip: SourceClip, rest: dict[str, Array]) -> SourceClip:
    """The clip with rest rotations (w, x, y, z) of some joints; what is seen in its frames stays as it was."""
    rotations, rests = clip.rotations.copy(), clip.rest_rotations.copy()
    for name, turn in rest.items():
        rests[clip.index(name)] = turn
    return replace(clip, rotations=rotations, rest_rotations=rests)


def lively(frames: int = 12) -> Motion:
    """A motion on the floor with no twist in the wrists and knees bent backward, jaw and eyes at rest."""
    rng = np.random.default_rng(3)
    spins = rng.normal(size=(1, len(JOINT_NAMES), 3)) * 0.4 + rng.normal(size=(frames, len(JOINT_NAMES), 3)) * 0.05
    for wrist in ("left_wrist", "right_wrist"):
        axis = SKELETON.offsets[INDEX[wrist]] / np.linalg.norm(SKELETON.offsets[INDEX[wrist]])
        spins[:, INDEX[wrist]] -= (spins[:, INDEX[wrist]] @ axis)[:, None] * axis
    spins[:, [INDEX[joint] for joint in ("jaw", "left_eye", "right_eye")]] = 0
    knees = [INDEX["left_knee"], INDEX["right_knee"]]
    spins[:, knees, 0] = 0.2 + np.abs(spins[:, knees, 0])
    motion = Motion(rng.normal(size=(frames, 3)) * 0.05, axis_angle_to_quaternion(spins), fps=30.0)
    clearance = np.percentile(sole_clearance(motion.positions(SKELETON), SKELETON), 5)
    return motion.moved([0.0, -float(clearance), 0.0])


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
    with pytest.raises(InputError, match="no joint map fits"):
        joint_map(replace(clip, names=tuple(f"x{name}" for name in clip.names)))


def test_joint_maps_name_joints_once() -> None:
    for names in JOINT_MAPS.values():
        assert set(names) <= set(JOINT_NAMES)
        used = [name for chain in names.values() for name in chain]
        assert len(used) == len(set(used))


def test_faults() -> None:
    held = rest_motion(30, SKELETON)
    assert fault_of(held.slice(0, 9)) == "short"
    assert fault_of(held) == "T-pose"
    arms = held.rotations.copy()
    arms[:, LEFT[0]] = axis_angle_to_quaternion([0, 0, -1.2])
    assert fault_of(replace(held, rotations=arms)) == "still"
    swing = np.zeros((30, 55, 3))
    swing[:, 4, 0] = np.sin(np.arange(30) / 5)
    moving = replace(held, rotations=axis_angle_to_quaternion(swing))
    assert fault_of(moving) is None
    swing[12, 4, 0] += 3.0
    assert fault_of(replace(held, rotations=axis_angle_to_quaternion(swing))) == "glitch"
    jump = moving.translation.copy()
    jump[15:, 0] += 2.0
    assert fault_of(replace(moving, translation=jump)) == "glitch"
    swing[12, 4, 0] -= 3.0
    swing[13:, 4, 0] += np.radians(85)  # from one frame to the next; a fast joint is on its way for longer
    assert fault_of(replace(held, rotations=axis_angle_to_quaternion(swing))) == "pop"
    swing[12, 4, 0] += np.radians(20)
    assert fault_of(replace(held, rotations=axis_angle_to_quaternion(swing))) is None


@pytest.mark.parametrize(("side", "degrees"), [("left", 60.0), ("right", -150.0)])
def test_twist_of_a_forearm(side: str, degrees: float) -> None:
    """Measured about the forearm alone, however the elbow is bent."""
    elbow, wrist = INDEX[f"{side}_elbow"], INDEX[f"{side}_wrist"]
    motion = rest_motion(5, SKELETON)
    bone = SKELETON.offsets[wrist] / np.linalg.norm(SKELETON.offsets[wrist])
    across = np.cross(bone, [0.0, 0.0, 1.0])
    bend = axis_angle_to_quaternion(across / np.linalg.norm(across) * 0.9)
    motion.rotations[:, elbow] = quaternion_multiply(bend, axis_angle_to_quaternion(bone * np.radians(degrees)))
    assert np.degrees(largest_twist(motion, SKELETON)) == pytest.approx(abs(degrees))


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
    assert (clip.name, clip.source, clip.licence) == ("ChrTest@Wave01", "smartbody", "LGPL-2.1-or-later")
    assert clip.phases == {"stroke": 0.2}
    assert clip.meta["lexeme"] == "HELLO"
    assert clip.meta["folder"] == "set/motions"
    assert clip.motion.fps == 20
    assert angles(clip.motion.rotations[0], motion.rotations[0]).max() < 1e-3
    np.testing.assert_allclose(clip.motion.translation[2], motion.translation[3], atol=1e-6)


def test_loading_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no source named"):
        list(load_source("films", tmp_path))
    with pytest.raises(InputError, match="No cmu clips"):
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
    """The motion as Bandai Namco Research writes it: axes along the bones, position channels, centimetres, Z X Y."""
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
    assert (clip.source, clip.licence) == ("bandai_namco", "CC-BY-NC-4.0")
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


def test_a_stated_rest_pose_leaves_the_frames_alone() -> None:
    clip = source_of(lively())
    stated = with_rest(clip, {"JtKneeLf": rotation_y(1.0)})
    np.testing.assert_allclose(stated.world()[1], clip.world()[1])
    rest = stated.rest_world()[1]
    np.testing.assert_allclose(rest[clip.index("JtKneeLf")], rotation_y(1.0), atol=1e-12)
    np.testing.assert_allclose(rest[clip.index("JtAnkleLf")], rotation_y(1.0), atol=1e-12)  # follows
    np.testing.assert_allclose(rest[clip.index("JtKneeRt")], np.eye(3), atol=1e-12)


def test_a_short_spine_bends_evenly() -> None:
    """A rig whose chest sits right on its first spine joint: SMPL-X's middle joint takes half of the chest's turn."""
    motion = rest_motion(2, SKELETON)
    bend = axis_angle_to_quaternion([0.6, 0.0, 0.0])
    motion.rotations[:, INDEX["spine3"]] = bend
    names = {joint: chain for joint, chain in ZEBRA.items() if joint != "spine2"}
    result = retarget(source_of(motion), names=names)
    half = axis_angle_to_quaternion([0.3, 0.0, 0.0])
    for joint in ("spine2", "spine3"):
        assert angles(result.rotations[:, INDEX[joint]], half).max() < 1e-4


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
    """A body that its loop drags back at one metre a second has to walk forward as fast."""
    motion = rest_motion(21, SKELETON, fps=20.0)
    dragged = replace(motion, translation=motion.translation - np.arange(21)[:, None] * [0.0, 0.0, 0.05])
    walked = unrolled(dragged, "Walk_Loop", SKELETON)
    assert len(walked) == 80  # four rounds of a second
    np.testing.assert_allclose(np.diff(walked.translation, axis=0)[:19], 0, atol=1e-9)
    assert unrolled(dragged, "Bow", SKELETON) is dragged
    assert len(unrolled(motion, "Idle_Loop", SKELETON)) == 80
