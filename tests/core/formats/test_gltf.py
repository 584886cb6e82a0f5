# SPDX-License-Identifier: GPL-3.0-or-later
"""glTF animations of a file written here, byte by byte."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.formats.gltf import bind_axes, load_glb

HALF = float(np.sqrt(0.5))
QUARTER_Z = (0.0, 0.0, HALF, HALF)  # x, y, z, w


class Builder:
    """Collects accessors and packs the file."""

    def __init__(self) -> None:
        self.binary = b""
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: Any, kind: str, component: int = 5126, normalized: bool = False) -> int:
        array = np.asarray(values, {5126: "<f4", 5122: "<i2"}[component])
        self.views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": array.nbytes})
        self.binary += array.tobytes() + b"\0" * (-array.nbytes % 4)
        accessor = {"bufferView": len(self.views) - 1, "componentType": component, "count": len(array), "type": kind}
        self.accessors.append(accessor | {"normalized": normalized})
        return len(self.accessors) - 1

    def save(self, path: Path, **document: Any) -> None:
        text = json.dumps({"bufferViews": self.views, "accessors": self.accessors} | document).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        chunks += struct.pack("<II", len(self.binary), 0x004E4942) + self.binary
        path.write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks)


def nodes() -> list[dict[str, Any]]:
    """A child before its parent, under an armature that turns Z up into Y up."""
    return [
        {"name": "hand", "translation": [0, 0, 2]},
        {"name": "arm", "translation": [0, 0, 1], "children": [0]},
        {"name": "armature", "rotation": [-HALF, 0, 0, HALF], "children": [1, 3]},
        {"name": "mesh"},
    ]


def save(
    path: Path,
    interpolation: str = "LINEAR",
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    skin: dict[str, Any] | None = None,
    **change: Any,
) -> None:
    """A file with one animation; `skin` replaces the skin (none where empty), `change` other parts."""
    built = Builder()
    times = built.add([0.0, 1.0], "SCALAR")
    if interpolation == "CUBICSPLINE":
        zero = (0.0, 0.0, 0.0, 0.0)
        values = built.add([zero, (0, 0, 0, 1), zero, zero, QUARTER_Z, zero], "VEC4")
    else:
        fractions = np.round(np.array([(0, 0, 0, 1), (HALF, 0, 0, HALF)]) * 32767)
        values = built.add(fractions, "VEC4", component=5122, normalized=True)
    moved = built.add([(0.0, 0.0, 1.0), (0.0, 0.0, 3.0)], "VEC3")
    sampler = {"input": times, "output": values, "interpolation": interpolation}
    animation = {
        "name": "Wave",
        "samplers": [sampler, {"input": times, "output": moved}],
        "channels": [
            {"sampler": 0, "target": {"node": 1, "path": "rotation"}},
            {"sampler": 1, "target": {"node": 1, "path": "translation"}},
            {"sampler": 1, "target": {"node": 1, "path": "scale"}},
        ],
    }
    tree = nodes()
    tree[1]["scale"] = scale
    skin = {"joints": [1, 0]} if skin is None else skin
    if "matrices" in skin:
        skin["inverseBindMatrices"] = built.add(skin.pop("matrices"), "MAT4")
    built.save(path, **{"nodes": tree, "skins": [skin] if skin else [], "animations": [animation]} | change)


def test_linear(tmp_path: Path) -> None:
    save(tmp_path / "a.glb")
    (clip,) = load_glb(tmp_path / "a.glb", fps=2)
    assert clip.name == "Wave"
    assert clip.names == ("armature", "arm", "hand")
    assert clip.parents == (-1, 0, 1)
    np.testing.assert_allclose(clip.rest_world()[0], [[0, 0, 0], [0, 1, 0], [0, 3, 0]], atol=1e-7)
    positions = clip.world()[0]
    slant = 2 * HALF
    np.testing.assert_allclose(positions[:, 1], [[0, 1, 0], [0, 2, 0], [0, 3, 0]], atol=1e-4)
    # a quarter turn about +X takes the hand from +Z to -Y in the armature's axes, which is +Z in the world
    np.testing.assert_allclose(positions[:, 2], [[0, 3, 0], [0, 2 + slant, slant], [0, 3, 2]], atol=1e-4)


def test_step_holds_the_key(tmp_path: Path) -> None:
    save(tmp_path / "a.glb", "STEP")
    (clip,) = load_glb(tmp_path / "a.glb", fps=2)
    turned = np.degrees(2 * np.arccos(np.abs(clip.rotations[:, clip.index("arm"), 0]).clip(0, 1)))
    np.testing.assert_allclose(turned, [0, 0, 90], atol=0.01)


def test_cubic_spline_is_symmetric_without_tangents(tmp_path: Path) -> None:
    save(tmp_path / "a.glb", "CUBICSPLINE")
    (clip,) = load_glb(tmp_path / "a.glb", fps=4)
    turned = np.degrees(2 * np.arccos(np.abs(clip.rotations[:, clip.index("arm"), 0]).clip(0, 1)))
    np.testing.assert_allclose(turned[[0, 2, 4]], [0, 45, 90], atol=1e-3)
    assert turned[1] < 22.5 - 3  # slower than a line at the start
    np.testing.assert_allclose(turned[1] + turned[3], 90, atol=1e-3)


def test_even_scale_shortens_what_is_below(tmp_path: Path) -> None:
    save(tmp_path / "a.glb", scale=(0.5, 0.5, 0.5))
    (clip,) = load_glb(tmp_path / "a.glb", fps=1)
    np.testing.assert_allclose(clip.rest_world()[0], [[0, 0, 0], [0, 1, 0], [0, 2, 0]], atol=1e-7)
    np.testing.assert_allclose(clip.world()[0][:, 2], [[0, 2, 0], [0, 3, 1]], atol=1e-4)


@pytest.mark.parametrize("scale", [(1.0, 1.0, 0.5), (0.0, 0.0, 0.0), (-1.0, -1.0, -1.0), (float("nan"),) * 3])
def test_uneven_scale_is_refused(tmp_path: Path, scale: tuple[float, float, float]) -> None:
    save(tmp_path / "a.glb", scale=scale)
    with pytest.raises(InputError, match="arm is scaled unevenly"):
        load_glb(tmp_path / "a.glb")


def test_without_a_skin_the_nodes_that_turn_are_joints(tmp_path: Path) -> None:
    save(tmp_path / "a.glb", skin={})
    (clip,) = load_glb(tmp_path / "a.glb", fps=2)
    assert clip.names == ("armature", "arm")
    assert bind_axes(tmp_path / "a.glb") == {}


def test_bound_pose(tmp_path: Path) -> None:
    """The arm was bound turned by a quarter about Z, and half as large."""
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    matrices = np.tile(np.eye(4), (2, 1, 1))
    matrices[0, :3, :3] = turn.T * 2
    save(tmp_path / "a.glb", skin={"joints": [1, 0], "matrices": matrices.transpose(0, 2, 1).reshape(2, 16)})
    axes = bind_axes(tmp_path / "a.glb")
    np.testing.assert_allclose(axes["arm"], turn, atol=1e-6)
    np.testing.assert_allclose(axes["hand"], np.eye(3), atol=1e-6)


@pytest.mark.parametrize("content", [b"", b"glTF" + bytes(40)])
def test_broken_file_has_no_bound_pose(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.glb").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.glb"):
        bind_axes(tmp_path / "bad.glb")


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": [{"children": [1]}, {"children": [0]}, {}, {}]},  # a circle
        {"accessors": [{"bufferView": 0, "componentType": 5126, "count": 10**12, "type": "SCALAR"}] * 3},
        {"accessors": [{"bufferView": 0, "componentType": 5126, "count": -1, "type": "SCALAR"}] * 3},
        {"skins": [{"joints": [99]}]},
        {"skins": 3},
    ],
)
def test_hostile_file(tmp_path: Path, change: dict[str, Any]) -> None:
    save(tmp_path / "bad.glb", **change)
    with pytest.raises(InputError, match=r"bad\.glb"):
        load_glb(tmp_path / "bad.glb")


def test_animation_of_years(tmp_path: Path) -> None:
    built = Builder()
    times, values = built.add([0.0, 1e12], "SCALAR"), built.add([(0, 0, 0, 1), (0, 0, 0, 1)], "VEC4")
    channel = {"sampler": 0, "target": {"node": 1, "path": "rotation"}}
    animation = {"samplers": [{"input": times, "output": values}], "channels": [channel]}
    built.save(tmp_path / "bad.glb", nodes=nodes(), skins=[{"joints": [1, 0]}], animations=[animation])
    with pytest.raises(InputError, match=r"bad\.glb"):
        load_glb(tmp_path / "bad.glb")


@pytest.mark.parametrize("content", [b"", b"not a glb at all", b"glTF" + b"\0" * 40])
def test_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.glb").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.glb"):
        load_glb(tmp_path / "bad.glb")
