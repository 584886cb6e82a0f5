# SPDX-License-Identifier: GPL-3.0-or-later
"""Binary FBX files written here, node by node."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.formats.fbx import load_fbx

TICKS = 46_186_158_000
MAGIC = b"Kaydara FBX Binary  \x00\x1a\x00"
Node = tuple[str, Sequence[Any], Sequence[Any]]


def value(of: Any, packed: bool) -> bytes:
    if isinstance(of, str):
        data = of.encode()
        return b"S" + struct.pack("<I", len(data)) + data
    if isinstance(of, bool):
        return b"C" + struct.pack("<?", of)
    if isinstance(of, int):
        return b"L" + struct.pack("<q", of)
    if isinstance(of, float):
        return b"D" + struct.pack("<d", of)
    data = of.tobytes()
    kind = {"<i8": b"l", "<f4": b"f"}[of.dtype.str]
    stored = zlib.compress(data) if packed else data
    return kind + struct.pack("<3I", len(of), packed, len(stored)) + stored


def node(of: Node, at: int, version: int, packed: bool) -> bytes:
    name, values, nodes = of
    wide = version >= 7500
    head = (25 if wide else 13) + len(name)
    body = b"".join(value(one, packed) for one in values)
    inner = b""
    for child in nodes:
        inner += node(child, at + head + len(body) + len(inner), version, packed)
    if nodes:
        inner += bytes(25 if wide else 13)
    end = at + head + len(body) + len(inner)
    return (
        struct.pack("<3Q" if wide else "<3I", end, len(values), len(body))
        + bytes([len(name)])
        + name.encode()
        + body
        + inner
    )


def file(nodes: Sequence[Node], version: int = 7400, packed: bool = True) -> bytes:
    data = MAGIC + struct.pack("<I", version)
    for one in nodes:
        data += node(one, len(data), version, packed)
    return data + bytes(25 if version >= 7500 else 13)


def bone(key: int, name: str, kind: str = "LimbNode", **own: Sequence[float]) -> Node:
    entries = [("P", (p.replace("_", " ") if p.startswith("Lcl") else p, p, "", "A", *v), ()) for p, v in own.items()]
    return ("Model", (key, name + "\0\1Model", kind), [("Properties70", (), entries)])


def curve(key: int, times: Sequence[float], values: Sequence[float]) -> Node:
    ticks = np.array([round(time * TICKS) for time in times], "<i8")
    return (
        "AnimationCurve",
        (key, "", ""),
        [("KeyTime", (ticks,), ()), ("KeyValueFloat", (np.array(values, "<f4"),), ())],
    )


def scene(
    armature: Node | None = None,
    curves: Sequence[Node] | None = None,
    links: Sequence[tuple[int, int]] = ((2, 1), (3, 2), (1, 0)),
    up: int = 1,
) -> list[Node]:
    """An armature, an arm a meter above it and a hand two meters along X; the arm turns about Z and moves along X."""
    objects: list[Node] = [
        armature or bone(1, "armature", "Null"),
        bone(3, "hand", Lcl_Translation=(200.0, 0.0, 0.0)),
        bone(2, "arm", Lcl_Translation=(0.0, 100.0, 0.0)),
        ("AnimationStack", (10, "Wave\0\1AnimStack", ""), ()),
        ("AnimationLayer", (11, "", ""), ()),
        ("AnimationCurveNode", (12, "R", ""), ()),
        ("AnimationCurveNode", (13, "T", ""), ()),
        *(curves or (curve(14, (0, 1), (0, 90)), curve(15, (0, 1), (0, 100)))),
    ]
    joined: list[Node] = [("C", ("OO", a, b), ()) for a, b in (*links, (11, 10), (12, 11), (13, 11))]
    for a, b, what in ((12, 2, "Lcl Rotation"), (13, 2, "Lcl Translation"), (14, 12, "d|Z"), (15, 13, "d|X")):
        joined.append(("C", ("OP", a, b, what), ()))
    settings = [("P", (name, "", "", "", number), ()) for name, number in (("UpAxis", up), ("UnitScaleFactor", 1.0))]
    return [
        ("GlobalSettings", (), [("Properties70", (), settings)]),
        ("Objects", (), objects),
        ("Connections", (), joined),
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wave.fbx"


@pytest.mark.parametrize(("version", "packed"), [(7400, True), (7100, False), (7500, True), (7700, False)])
def test_a_take(path: Path, version: int, packed: bool) -> None:
    path.write_bytes(file(scene(), version, packed))
    (clip,) = load_fbx(path, fps=2)
    assert (clip.name, clip.names, clip.parents, len(clip)) == ("Wave", ("armature", "arm", "hand"), (-1, 0, 1), 3)
    np.testing.assert_allclose(clip.rest_world()[0], [[0, 0, 0], [0, 1, 0], [2, 1, 0]], atol=1e-9)
    half = float(np.sqrt(0.5))
    expected = [[2, 1, 0], [0.5 + 2 * half, 1 + 2 * half, 0], [1, 3, 0]]
    np.testing.assert_allclose(clip.world()[0][:, 2], expected, atol=1e-6)


def test_up_axis_scale_and_rotations_before(path: Path) -> None:
    armature = bone(1, "armature", "Null", Lcl_Scaling=(2.0, 2.0, 2.0), PreRotation=(90.0, 0.0, 0.0))
    path.write_bytes(file(scene(armature, up=2)))
    (clip,) = load_fbx(path)
    # twice as large; Y to Z by the pre-rotation, and Z to Y as the file has Z up
    np.testing.assert_allclose(clip.rest_world()[0], [[0, 0, 0], [0, 2, 0], [4, 2, 0]], atol=1e-9)


@pytest.mark.parametrize(("order", "expected"), [(0, (0, 0, -1)), (5, (0, 1, 0))])
def test_order_of_the_angles(path: Path, order: int, expected: tuple[int, int, int]) -> None:
    """By 90 degrees about X and Y: what lies along X goes to -Z by Y, and if Y came first, on to Y by X."""
    turned = bone(1, "armature", "Null", Lcl_Rotation=(90.0, 90.0, 0.0), RotationOrder=(order,))
    path.write_bytes(file(scene(turned)))
    (clip,) = load_fbx(path)
    np.testing.assert_allclose(clip.rest_world()[1][0] @ [1.0, 0.0, 0.0], expected, atol=1e-9)


def test_take_without_curves_is_none(path: Path) -> None:
    path.write_bytes(file(scene(curves=[bone(20, "other", "Null")])))
    assert load_fbx(path) == ()


@pytest.mark.parametrize("cut", [0, 10, 26, 40, 200, 400, 800, 1500])
def test_file_that_breaks_off(path: Path, cut: int) -> None:
    path.write_bytes(file(scene())[:cut])
    with pytest.raises(InputError, match=r"wave\.fbx cannot be read as a binary FBX file: "):
        load_fbx(path)


def nested(depth: int) -> Node:
    return ("A", (), [nested(depth - 1)] if depth else ())


BOMB = struct.pack("<3I", 1 << 30, 1, 100) + zlib.compress(bytes(10_000))


@pytest.mark.parametrize(
    "content",
    [
        b"; FBX 7.4.0 project file\n",
        file(scene(), version=6100),
        file([nested(200)]),
        file(scene(links=((2, 3), (3, 2)))),  # a circle of bones
        file(scene(bone(1, "armature", "Null", Lcl_Scaling=(1.0, 1.0, 0.1)))),
        file(scene(bone(1, "armature", "Null", RotationOrder=(77,)))),
        file(scene(curves=(curve(14, (0, 1e6), (0, 90)),))),  # eleven days
        file(scene(curves=(curve(14, (1, 0), (0, 90)),))),
        file(scene(curves=(curve(14, (0, 1), (0,)),))),
        file(scene(curves=(curve(14, (0, 1), (0, float("nan"))),))),
        file(scene()[:1]),
        MAGIC + struct.pack("<I", 7400) + struct.pack("<3IB", 2**32 - 1, 2**32 - 1, 0, 1) + b"A",
        MAGIC + struct.pack("<I", 7400) + struct.pack("<3IB", 27 + 14 + 1 + len(BOMB), 1, 0, 1) + b"Ad" + BOMB,
    ],
)
def test_hostile_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError):
        load_fbx(path)
