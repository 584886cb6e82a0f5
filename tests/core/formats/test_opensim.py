# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSimulator animations of files written here, byte by byte."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats.opensim import BONES, load_opensim

Key = tuple[float, float, float, float]


def _keys(keys: Sequence[Key], low: float, high: float) -> bytes:
    """Keys of a time from 0 to 1 and three numbers between low and high."""
    data = struct.pack("<i", len(keys))
    for time, *values in keys:
        data += struct.pack("<4H", *(round(65535 * x) for x in (time, *((v - low) / (high - low) for v in values))))
    return data


def animation(
    joints: dict[str, tuple[Sequence[Key], Sequence[Key]]], seconds: float = 1.0, version: tuple[int, int] = (1, 0)
) -> bytes:
    """A file of joints, each with keys of rotation and of position."""
    data = struct.pack("<HHif", *version, 3, seconds) + b"smile\0" + struct.pack("<ffiffi", 0, seconds, 0, 0, 0, 1)
    data += struct.pack("<I", len(joints))
    for name, (turns, moves) in joints.items():
        data += name.encode() + b"\0" + struct.pack("<i", 3) + _keys(turns, -1, 1) + _keys(moves, -5, 5)
    return data + struct.pack("<i", 0)


HALF = float(np.sin(np.pi / 4))
NOD = {"mHead": ([(0, 0, 0, 0), (1, 0, HALF, 0)], [])}  # a quarter turn about Y: forward, from Z to X


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "nod.dat"


def test_skeleton_stands_with_y_up_facing_z(file: Path) -> None:
    file.write_bytes(animation({}))
    clip = load_opensim(file)
    places, _ = clip.rest_world()
    place = dict(zip(clip.names, places, strict=True))
    assert place["mHead"][1] > 1.5
    assert place["mWristLeft"][0] > 0.5 > -0.5 > place["mWristRight"][0]
    np.testing.assert_allclose(place["mWristLeft"] * [-1, 1, 1], place["mWristRight"])
    assert place["mFootLeft"][2] > place["mAnkleLeft"][2]
    assert abs(place["mFootLeft"][1]) < 0.05


def test_rotation(file: Path) -> None:
    file.write_bytes(animation(NOD))
    clip = load_opensim(file, fps=10)
    assert len(clip) == 11
    _, world = clip.world()
    up = world[:, clip.index("mHead")] @ [0.0, 1.0, 0.0]
    np.testing.assert_allclose(up[0], [0, 1, 0], atol=1e-3)
    np.testing.assert_allclose(up[5], [0, HALF, HALF], atol=1e-3)
    np.testing.assert_allclose(up[10], [0, 0, 1], atol=1e-3)


def test_position_is_an_offset_from_rest(file: Path) -> None:
    file.write_bytes(animation({"mPelvis": ([], [(0, 0, 0, 0), (1, 1, 2, -0.5)])}))
    clip = load_opensim(file, fps=1)
    np.testing.assert_allclose(clip.translations[:, 0] - clip.offsets[0], [[0, 0, 0], [2, -0.5, 1]], atol=1e-3)


def test_keys_come_in_any_order_and_ends_are_held(file: Path) -> None:
    file.write_bytes(animation({"mPelvis": ([], [(0.75, 3, 0, 0), (0.25, 1, 0, 0)])}))
    clip = load_opensim(file, fps=4)
    np.testing.assert_allclose(clip.translations[:, 0, 2], [1, 1, 2, 3, 3], atol=1e-3)


def test_joints_without_keys_follow_the_clip_underneath(file: Path) -> None:
    file.write_bytes(animation({"mShoulderLeft": ([(0, HALF, 0, 0)], [])}))
    base = load_opensim(file)
    file.write_bytes(animation(NOD))
    alone, over = load_opensim(file), load_opensim(file, under=base)
    arm, head = over.index("mShoulderLeft"), over.index("mHead")
    np.testing.assert_allclose(alone.rotations[:, arm], np.tile([1.0, 0, 0, 0], (len(alone), 1)))
    np.testing.assert_allclose(over.rotations[:, arm], np.tile(base.rotations[0, arm], (len(over), 1)))
    np.testing.assert_allclose(over.rotations[:, head], alone.rotations[:, head])


def test_unknown_joints_are_passed_over(file: Path) -> None:
    file.write_bytes(animation({"mWingLeft": ([(0, 0.1, 0, 0)], []), **NOD}))
    assert load_opensim(file).names == tuple(BONES)


@pytest.mark.parametrize("cut", [0, 3, 11, 14, 30, 50, 60])
def test_file_that_breaks_off(file: Path, cut: int) -> None:
    file.write_bytes(animation(NOD)[:cut])
    with pytest.raises(InputError, match=r"nod\.dat cannot be read as an OpenSimulator animation: "):
        load_opensim(file)


@pytest.mark.parametrize(
    "content",
    [
        animation(NOD, version=(2, 0)),
        animation(NOD, seconds=1e9),
        animation(NOD, seconds=float("nan")),
        animation(NOD, seconds=-1),
        animation({})[:-8] + struct.pack("<I", 0xFFFFFFFF),  # more joints than the file can hold
        animation(NOD).replace(struct.pack("<i", 2), struct.pack("<i", 0x7FFFFFFF)),  # more keys
        animation(NOD).replace(struct.pack("<i", 2), struct.pack("<i", -1)),
        animation({"m" * 1000: ([], [])}),
        b"\x01\x00\x00\x00" + b"\xff" * 5000,
    ],
)
def test_hostile_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"nod\.dat"):
        load_opensim(file)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.dat"):
        load_opensim(tmp_path / "none.dat")
