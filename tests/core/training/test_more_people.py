# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of more.tar.xz: their table, and how small made-up files of each are read."""

import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats import SourceClip
from core.formats.bvh import save_bvh
from core.motion.clip import rest_motion
from core.motion.rotation import Array, axis_angle_to_quaternion
from core.motion.skeleton import neutral_skeleton
from core.training import more_people
from core.training.clip_names import action_of
from core.training.joint_maps import JOINT_MAPS, joint_map
from core.training.more_people import ACTIONS, CREDITS, FOLDERS, LICENSES, OPEN, SHARE_ALIKE, STAGE
from core.training.more_sources import READERS, after_t_pose, moving_part, with_vertical_legs, without_flips
from core.training.phrases import PHRASES
from core.training.source_readers import recordings

UNIT = np.array([1.0, 0.0, 0.0, 0.0])


def clip(rotations: Array, fps: float = 60.0) -> SourceClip:
    """A body with opensim's names whose bones hang and point as in a T-pose; rotations (T, J, 4)."""
    from core.formats.opensim import BONES

    names = tuple(BONES)
    parents = tuple(names.index(parent) if parent else -1 for parent, _ in BONES.values())
    offsets = np.array([offset for _, offset in BONES.values()])[:, [1, 2, 0]]
    rest = np.tile(UNIT, (len(names), 1))
    return SourceClip(
        "made up", names, parents, offsets, rest, np.tile(offsets, (len(rotations), 1, 1)), rotations, fps
    )  # fmt: skip


def still(frames: int) -> Array:
    return np.tile(UNIT, (frames, 21, 1))


def test_every_action_has_phrases_and_every_source_a_license_and_a_reader() -> None:
    assert {action for actions in ACTIONS.values() for action in actions.values()} <= PHRASES.keys()
    assert ACTIONS.keys() == LICENSES.keys() == READERS.keys() == CREDITS.keys() == FOLDERS.keys() == OPEN.keys()


def test_share_alike_stays_out_of_the_non_commercial_family() -> None:
    assert sorted(SHARE_ALIKE) == ["opensim", "sumerian"]
    assert STAGE.keys() == OPEN.keys() - SHARE_ALIKE
    assert not any("-NC-" in license for license in LICENSES.values())


def test_actions_by_name() -> None:
    assert action_of("opensim/courtbow") == "bow"
    assert action_of("opensim/aim_r_rifle") == ""  # known, and of no use
    assert action_of("sumerian/Walk") == ""  # and not by the rules for other sources
    assert action_of("Walk") == "walk"
    assert more_people.action_of("Walk") is None


@pytest.mark.parametrize("name", ["mixamo", "decentraland", "cmu_mocap", "character_creator", "opensim",
                                  "mikumikudance", "sumerian_adult", "sumerian_alien"])  # fmt: skip
def test_a_skeleton_finds_its_own_map(name: str) -> None:
    names = tuple(joint for chain in JOINT_MAPS[name].values() for joint in chain)
    rest = np.tile(UNIT, (len(names), 1))
    made = SourceClip(
        "x", names, (-1,) * len(names), np.zeros((len(names), 3)), rest, np.zeros((1, len(names), 3)), rest[None], 30.0
    )
    assert joint_map(made) == JOINT_MAPS[name]


def test_held_ends_are_cut() -> None:
    rotations = still(300)
    head = np.zeros((300, 3))
    head[100:130, 0] = np.linspace(0, 0.5, 30)
    head[130:, 0] = 0.5
    rotations[:, 4] = axis_angle_to_quaternion(head)
    assert len(moving_part(clip(rotations))) == pytest.approx(30 + 60, abs=2)
    assert len(moving_part(clip(still(40)))) == 40


def test_t_pose_is_cut() -> None:
    rotations = still(100)
    arm = np.zeros((100, 3))
    arm[60:, 2] = -np.linspace(0, 1.4, 40)
    made = clip(rotations)
    rotations[:, made.index("mShoulderLeft")] = axis_angle_to_quaternion(arm)
    assert len(after_t_pose(clip(rotations))) == pytest.approx(40 - 18, abs=2)
    assert len(after_t_pose(clip(still(10)))) == 10


def test_flips_are_mended() -> None:
    swing = np.zeros((60, 3))
    swing[:, 0] = 0.5 * np.sin(np.arange(60) / 10)
    good = still(60)
    good[:, 3] = axis_angle_to_quaternion(swing)
    bad = good.copy()
    bad[20:28, 3] = axis_angle_to_quaternion([0.0, 3.0, 0.0])
    mended = without_flips(clip(bad)).rotations
    cosine = np.abs((mended * good).sum(-1)).clip(0, 1)
    assert np.degrees(2 * np.arccos(cosine)).max() < 8
    bad[40:, 3] = axis_angle_to_quaternion([0.0, 3.0, 0.0])  # it stays: that is no flip
    np.testing.assert_allclose(without_flips(clip(bad)).rotations[40:], bad[40:])


def test_legs_are_made_vertical() -> None:
    made = clip(still(2))
    offsets = made.offsets.copy()
    for side in ("Left", "Right"):
        offsets[made.index(f"mKnee{side}")] = offsets[made.index(f"mAnkle{side}")] = [0.0, -0.4, -0.1]
    slanted = replace(made, offsets=offsets, translations=np.tile(offsets, (2, 1, 1)))
    straight = with_vertical_legs(slanted, joint_map(slanted))
    for places in (straight.rest_world()[0], straight.world()[0][1]):
        leg = places[straight.index("mAnkleLeft")] - places[straight.index("mHipLeft")]
        np.testing.assert_allclose(leg / np.linalg.norm(leg), [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(straight.rotations, slanted.rotations)


def _animation(joint: str) -> bytes:
    keys = struct.pack("<i4H4H", 2, 0, 32768, 32768, 32768, 65535, 32768, 50000, 32768) + struct.pack("<i", 0)
    head = struct.pack("<HHif", 1, 0, 3, 1.0) + b"\0" + struct.pack("<ffiffi", 0, 1, 0, 0, 0, 1)
    return head + struct.pack("<I", 1) + joint.encode() + b"\0" + struct.pack("<i", 3) + keys


def test_opensim_names_and_what_lies_under_partial_clips(tmp_path: Path) -> None:
    numbers = {name: f"{i:08d}-0000-0000-0000-000000000000" for i, name in enumerate(("STAND_1", "HELLO", "FLY"))}
    lines = [f'<animation name="{name}" state="">{number}</animation>' for name, number in numbers.items()]
    (tmp_path / "avataranimations.xml").write_text("\n".join(lines))
    (tmp_path / f"{numbers['STAND_1']}.dat").write_bytes(_animation("mShoulderLeft"))
    (tmp_path / f"{numbers['HELLO']}.dat").write_bytes(_animation("mShoulderRight"))
    (tmp_path / f"{numbers['FLY']}.dat").write_bytes(_animation("mHead"))
    (tmp_path / "broken.dat").write_bytes(b"\1")
    counts: Counter[str] = Counter()
    found = {made.name: made for made, _ in recordings("opensim", tmp_path, counts)}
    assert found.keys() == {"opensim/stand_1", "opensim/hello"}
    assert counts == {"unreadable": 1, "off the ground": 1}
    arm = found["opensim/hello"].index("mShoulderLeft")
    np.testing.assert_allclose(
        found["opensim/hello"].rotations[-1, arm], found["opensim/stand_1"].rotations[0, arm], atol=1e-6
    )


def test_a_drawing_with_z_up(tmp_path: Path) -> None:
    """A .bvh whose zero pose stands along Z comes back with Y up."""
    save_bvh(rest_motion(5, neutral_skeleton()), tmp_path / "wave_hello.bvh")
    text = (tmp_path / "wave_hello.bvh").read_text().splitlines()
    names = {
        "pelvis": "Hips",
        "spine1": "Spine",
        "spine2": "Spine2",
        "spine3": "Spine3",
        "neck": "Neck",
        "head": "Head",
    }
    for side in ("left", "right"):
        s = side.capitalize()
        for ours, theirs in (("hip", "UpLeg"), ("knee", "Leg"), ("ankle", "Foot"), ("collar", "Shoulder"),
                             ("shoulder", "Arm"), ("elbow", "ForeArm"), ("wrist", "Hand")):  # fmt: skip
            names[f"{side}_{ours}"] = f"{s}{theirs}"
    changed: list[str] = []
    for line in text:
        words = line.split()
        if words[:1] in (["ROOT"], ["JOINT"]):
            changed.append(f"{words[0]} {names.get(words[1], words[1])}")
        elif words[:1] == ["OFFSET"]:
            x, y, z = words[1:]
            changed.append(f"OFFSET {x} {-float(z):g} {y}")
        else:
            changed.append(line)
    (tmp_path / "wave_hello.bvh").write_text("\n".join(changed))
    ((made, _),) = recordings("animated_drawings", tmp_path)
    places, _ = made.rest_world()
    assert places[made.index("Head"), 1] - places[made.index("LeftFoot"), 1] > 1
    assert made.name == "animated_drawings/wave_hello"


@pytest.mark.parametrize("kind", LICENSES)
def test_a_folder_without_clips_is_named(kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        list(recordings(kind, tmp_path))


@pytest.mark.parametrize(("kind", "name"), [
    ("opensim", "a.dat"), ("decentraland", "a.glb"), ("sumerian", "a.glb"), ("vircadia_web", "a.glb"),
    ("cmu_more", "a.bvh"), ("animated_drawings", "a.bvh"),
])  # fmt: skip
def test_files_that_are_something_else_are_counted(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"a letter")
    counts: Counter[str] = Counter()
    with pytest.raises(InputError):
        list(recordings(kind, tmp_path, counts))
    assert counts["unreadable"] == 1
