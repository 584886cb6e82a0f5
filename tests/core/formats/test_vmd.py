# SPDX-License-Identifier: GPL-3.0-or-later
"""MikuMikuDance models and motions of files written here, byte by byte."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats.vmd import load_pmd, load_vmd

Bone = tuple[str, int, tuple[float, float, float]]

# the character faces -Z; its knee is a little in front of the line from hip to ankle
BODY: Sequence[Bone] = (
    ("足首", 2, (1.0, 1.0, 0.0)),
    ("足", 3, (1.0, 9.0, 0.0)),
    ("ひざ", 1, (1.0, 5.0, -0.2)),
    ("センター", 0xFFFF, (0.0, 10.0, 0.0)),
    ("足ＩＫ", 0xFFFF, (1.0, 1.0, 0.0)),
    ("頭", 3, (0.0, 15.0, 0.0)),
)
CHAIN = (4, 0, (2, 1))  # goal, tip, links
HALF = float(np.sin(np.pi / 4))


def model(bones: Sequence[Bone] = BODY, chains: Sequence[tuple[int, int, Sequence[int]]] = (CHAIN,)) -> bytes:
    data = b"Pmd" + struct.pack("<f", 1.0) + bytes(276)
    data += struct.pack("<I", 1) + bytes(38) + struct.pack("<I", 3) + bytes(6) + struct.pack("<I", 1) + bytes(70)
    data += struct.pack("<H", len(bones))
    for name, parent, place in bones:
        data += name.encode("cp932").ljust(20, b"\0") + struct.pack("<HHBH3f", parent, 0xFFFF, 0, 0, *place)
    data += struct.pack("<H", len(chains))
    for goal, tip, links in chains:
        data += struct.pack(f"<HHBHf{len(links)}H", goal, tip, len(links), 40, 0.5, *links)
    return data


def curves(x1: int = 20, y1: int = 20, x2: int = 107, y2: int = 107) -> bytes:
    """The same curve for all axes: four rows, each a byte later than the one before."""
    first = bytes([x for x in (x1, y1, x2, y2) for _ in range(4)])
    return b"".join(first[i:] + bytes(i) for i in range(4))


def motion(keys: Sequence[tuple[str, int, Sequence[float], Sequence[float]]], bezier: bytes = curves()) -> bytes:
    """Keys of bone, frame, place and turn (x, y, z, w)."""
    data = b"Vocaloid Motion Data 0002".ljust(30, b"\0") + b"somebody".ljust(20, b"\0") + struct.pack("<I", len(keys))
    for name, frame, place, turn in keys:
        data += name.encode("cp932").ljust(15, b"\0") + struct.pack("<I7f", frame, *place, *turn) + bezier
    return data + struct.pack("<I", 0)


STILL, NONE = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "body.pmd").write_bytes(model())
    (tmp_path / "move.vmd").write_bytes(motion([("頭", 0, STILL, NONE), ("頭", 10, STILL, (HALF, 0, 0, HALF))]))
    return tmp_path / "body.pmd", tmp_path / "move.vmd"


def test_skeleton_is_mirrored_and_parents_come_first(files: tuple[Path, Path]) -> None:
    skeleton = load_pmd(files[0])
    assert all(parent < joint for joint, parent in enumerate(skeleton.parents))
    assert skeleton.places[skeleton.names.index("ひざ")].tolist() == pytest.approx([1, 5, 0.2])
    names = [skeleton.names[i] for i in (skeleton.chains[0].goal, skeleton.chains[0].tip, *skeleton.chains[0].links)]
    assert names == ["足ＩＫ", "足首", "ひざ", "足"]


def test_turns_are_mirrored(files: tuple[Path, Path]) -> None:
    """A turn about +X tips a head that faces -Z backward in a left-handed world: as seen, and so it does here."""
    clip = load_vmd(files[1], load_pmd(files[0]))
    assert (len(clip), clip.fps) == (11, 30)
    _, world = clip.world()
    up = world[:, clip.index("頭")] @ [0.0, 1.0, 0.0]
    np.testing.assert_allclose(up[0], [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(up[-1], [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(up[5], [0, HALF, -HALF], atol=1e-3)


def test_places_are_mirrored_and_curves_eased(files: tuple[Path, Path]) -> None:
    moved = [("センター", 0, STILL, NONE), ("センター", 10, (1, 2, 3), NONE)]
    files[1].write_bytes(motion(moved, curves(64, 0, 64, 127)))
    clip = load_vmd(files[1], load_pmd(files[0]))
    path = clip.translations[:, clip.index("センター")] - [0, 10, 0]
    np.testing.assert_allclose(path[-1], [1, 2, -3], atol=1e-6)
    np.testing.assert_allclose(path[5], [0.5, 1, -1.5], atol=0.02)
    assert path[2, 0] < 0.12  # slower than a line at the start


def test_the_leg_follows_its_goal(files: tuple[Path, Path]) -> None:
    files[1].write_bytes(motion([("足ＩＫ", 0, STILL, NONE), ("足ＩＫ", 10, (0, 2, -1), NONE)]))
    clip = load_vmd(files[1], load_pmd(files[0]))
    positions, _ = clip.world()
    hip, knee, ankle, goal = (positions[:, clip.index(name)] for name in ("足", "ひざ", "足首", "足ＩＫ"))
    np.testing.assert_allclose(ankle, goal, atol=1e-6)
    np.testing.assert_allclose(hip, np.tile(hip[:1], (11, 1)))
    np.testing.assert_allclose(np.linalg.norm(knee - hip, axis=-1), np.linalg.norm(knee[0] - hip[0]))
    line = hip + (ankle - hip) / 2
    assert knee[-1, 2] > line[-1, 2] + 1  # the knee goes forward, which is +Z here


def test_a_goal_out_of_reach_straightens_the_leg(files: tuple[Path, Path]) -> None:
    files[1].write_bytes(motion([("足ＩＫ", 0, (0, -5, 0), NONE)]))
    clip = load_vmd(files[1], load_pmd(files[0]))
    positions, _ = clip.world()
    hip, knee, ankle = (positions[0, clip.index(name)] for name in ("足", "ひざ", "足首"))
    np.testing.assert_allclose(np.cross(knee - hip, ankle - knee), 0, atol=1e-5)
    np.testing.assert_allclose((ankle - hip)[[0, 2]], 0, atol=1e-6)


def test_bones_at_rest_follow_the_clip_underneath(files: tuple[Path, Path]) -> None:
    skeleton = load_pmd(files[0])
    base = load_vmd(files[1], skeleton)
    tipped = type(base)(
        base.name, base.names, base.parents, base.offsets, base.rest_rotations, base.translations[5:],
        base.rotations[5:], base.fps,
    )  # fmt: skip
    clip = load_vmd(files[1], skeleton, tipped)
    head = clip.index("頭")
    np.testing.assert_allclose(clip.rotations[0, head], base.rotations[5, head], atol=1e-6)  # where it starts
    np.testing.assert_allclose(clip.rotations[10, head], base.rotations[10, head], atol=1e-6)
    files[1].write_bytes(motion([("センター", 0, STILL, NONE)]))
    np.testing.assert_allclose(load_vmd(files[1], skeleton, tipped).rotations[0, head], base.rotations[5, head])


def test_motion_without_keys_is_one_frame_of_rest(files: tuple[Path, Path]) -> None:
    files[1].write_bytes(motion([]))
    clip = load_vmd(files[1], load_pmd(files[0]))
    np.testing.assert_allclose(clip.world()[0][0], clip.rest_world()[0], atol=1e-9)


@pytest.mark.parametrize("cut", [0, 2, 100, 300, 330, 420, 500])
def test_model_that_breaks_off(files: tuple[Path, Path], cut: int) -> None:
    files[0].write_bytes(model()[:cut])
    with pytest.raises(InputError, match=r"body\.pmd cannot be read as a MikuMikuDance model"):
        load_pmd(files[0])


@pytest.mark.parametrize(
    "content",
    [
        model().replace(b"Pmd", b"PMX"),
        model([("a", 1, STILL), ("b", 0, STILL)], []),  # a circle
        model([("a", 7, STILL)], []),  # a parent that is not there
        model([], []),
        model(chains=[(99, 0, (1,))]),
        model()[:283] + struct.pack("<I", 0xFFFFFFFF),
    ],
)
def test_hostile_model(files: tuple[Path, Path], content: bytes) -> None:
    files[0].write_bytes(content)
    with pytest.raises(InputError, match=r"body\.pmd"):
        load_pmd(files[0])


@pytest.mark.parametrize("cut", [0, 20, 40, 53, 60, 170])
def test_motion_that_breaks_off(files: tuple[Path, Path], cut: int) -> None:
    skeleton = load_pmd(files[0])
    files[1].write_bytes(files[1].read_bytes()[:cut])
    with pytest.raises(InputError, match=r"move\.vmd cannot be read as a MikuMikuDance motion"):
        load_vmd(files[1], skeleton)


@pytest.mark.parametrize(
    "content",
    [
        motion([("頭", 0xFFFFFFFF, STILL, NONE)]),  # years of frames
        motion([("頭", 0, (float("nan"), 0, 0), NONE)]),
        motion([("頭", 0, STILL, (float("inf"), 0, 0, 1))]),
        motion([])[:50] + struct.pack("<I", 0xFFFFFFFF),
    ],
)
def test_hostile_motion(files: tuple[Path, Path], content: bytes) -> None:
    files[1].write_bytes(content)
    with pytest.raises(InputError, match=r"move\.vmd"):
        load_vmd(files[1], load_pmd(files[0]))


def test_a_turn_of_no_length_is_none(files: tuple[Path, Path]) -> None:
    files[1].write_bytes(motion([("頭", 0, STILL, (0, 0, 0, 0))]))
    clip = load_vmd(files[1], load_pmd(files[0]))
    np.testing.assert_allclose(clip.rotations[0, clip.index("頭")], [1, 0, 0, 0])
