# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the animations of binary glTF 2.0 files (.glb), on the joints of the file's skins.

glTF is in meters and Y up. Scales that are equal along all axes are applied to the lengths. Specification: Khronos glTF
2.0, sections 3.6 (accessors), 3.11 (animations) and 4.4 (binary layout).
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..motion.rotation import Array, continuous, matrix_to_quaternion, nearest_rotation, slerp
from . import SourceClip

_MAGIC, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942
_TYPES: dict[int, np.dtype[Any]] = {
    5120: np.dtype("<i1"), 5121: np.dtype("<u1"), 5122: np.dtype("<i2"), 5123: np.dtype("<u2"),
    5125: np.dtype("<u4"), 5126: np.dtype("<f4"),
}  # fmt: skip
_LONGEST = 3600.0  # seconds
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def load_glb(path: Path | str, fps: float = 30.0) -> tuple[SourceClip, ...]:
    """Read every animation of a file as one clip each.

    The rest pose is that of the nodes. Nodes above the skeleton become joints too, which keeps its place in the scene.
    In a file without a skin, the nodes that its animations rotate are the joints.

    Args:
        path: the .glb file.
        fps: frame rate to sample the animations at.

    Raises:
        InputError: the file is no .glb with a skin or animations (the message names it), or a joint is scaled unevenly.
    """
    path = Path(path)
    try:
        document, binary = _chunks(path.read_bytes())
        return tuple(_clips(path.stem, document, binary, fps))
    except InputError:
        raise
    except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError, struct.error) as error:
        raise InputError(f"{path.name} cannot be read as a binary glTF file with a skin and animations.") from error


def bind_axes(path: Path | str) -> dict[str, Array]:
    """Read the pose that the skins of a file were bound in; its nodes may be in another.

    Args:
        path: The .glb file.

    Returns:
        The world axes (3, 3), in columns, of each joint that a skin has a matrix for, by name.

    Raises:
        InputError: The file is no .glb, or its matrices cannot be inverted.
    """
    path = Path(path)
    try:
        document, binary = _chunks(path.read_bytes())
        axes: dict[str, Array] = {}
        for skin in document.get("skins", ()):
            if "inverseBindMatrices" not in skin:
                continue
            columns = _accessor(document, binary, skin["inverseBindMatrices"]).reshape(-1, 4, 4)
            worlds = np.linalg.inv(columns.transpose(0, 2, 1))[:, :3, :3]
            for joint, world in zip(skin["joints"], worlds, strict=False):
                name = str(document["nodes"][joint].get("name", f"node{joint}"))
                axes.setdefault(name, nearest_rotation(world / np.cbrt(np.abs(np.linalg.det(world)))))
        return axes
    except (OSError, ValueError, KeyError, IndexError, TypeError, np.linalg.LinAlgError, struct.error) as error:
        raise InputError(f"{path.name} cannot be read as a binary glTF file with skins.") from error


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    magic, _, _ = struct.unpack_from("<III", data)
    if magic != _MAGIC:
        raise ValueError("not a glb")
    chunks: dict[int, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        length, kind = struct.unpack_from("<II", data, at)
        chunks.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 8 + length
    return json.loads(chunks[_JSON]), chunks.get(_BINARY, b"")


def _accessor(document: dict[str, Any], binary: bytes, index: int) -> Array:
    """Read an accessor's elements (count, width) as float64; normalized integers become fractions."""
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    kind, width, count = _TYPES[accessor["componentType"]], _WIDTHS[accessor["type"]], accessor["count"]
    step = view.get("byteStride") or kind.itemsize * width
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    if not 0 < count * kind.itemsize * width <= len(binary):
        raise ValueError("an accessor of more than the file holds")
    rows = np.arange(count, dtype=np.int64)[:, None] * step
    columns = np.arange(kind.itemsize * width, dtype=np.int64)
    values = np.frombuffer(binary, np.uint8)[start + rows + columns].view(kind)  # (count, width)
    if accessor.get("normalized") and kind.kind in "iu":
        return np.maximum(values / np.iinfo(kind).max, -1.0)
    return values.astype(np.float64)


def _rest(node: dict[str, Any]) -> tuple[Array, Array, Array]:
    """Return translation (3,), unit quaternion (4,) (w, x, y, z) and scale (3,) of a node."""
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        translation, rotation = matrix[:3, 3], matrix_to_quaternion(matrix[:3, :3] / scale)
    else:
        scale = np.array(node.get("scale", (1.0, 1.0, 1.0)), np.float64)
        translation = np.array(node.get("translation", (0.0, 0.0, 0.0)), np.float64)
        rotation = np.array(node.get("rotation", (0.0, 0.0, 0.0, 1.0)), np.float64)[[3, 0, 1, 2]]
    return translation, rotation / np.linalg.norm(rotation), scale


def _size(node: dict[str, Any], scale: Array) -> float:
    """Return the factor that joints below a node inherit from its scale (3,); raises InputError if it is uneven."""
    size = float(scale.mean())
    if not 1e-6 < size < 1e6 or np.abs(scale / size - 1).max() > 1e-2:
        raise InputError(f"The joint {node.get('name')} is scaled unevenly; apply scales before exporting the file.")
    return size


def _joints(document: dict[str, Any]) -> list[int]:
    """Return the nodes of all skins (a prop may have its own), or without skins, those that animations rotate."""
    if document.get("skins"):
        return [joint for skin in document["skins"] for joint in skin["joints"]]
    targets = (channel["target"] for animation in document["animations"] for channel in animation["channels"])
    return sorted({target["node"] for target in targets if target["path"] == "rotation"})


def _clips(stem: str, document: dict[str, Any], binary: bytes, fps: float) -> list[SourceClip]:
    nodes = document["nodes"]
    parent_of = {child: i for i, node in enumerate(nodes) for child in node.get("children", ())}
    wanted: set[int] = set()
    for joint in _joints(document):
        at: int | None = joint
        while at is not None and at not in wanted:
            wanted.add(at)
            at = parent_of.get(at)

    def depth(node: int) -> int:
        return 0 if node not in parent_of else 1 + depth(parent_of[node])

    order = sorted(wanted, key=depth)
    place = {node: i for i, node in enumerate(order)}
    rests = [_rest(nodes[node]) for node in order]
    size = np.ones(len(order))  # what a joint's own axes measure in the world's, by the scales above it
    for joint, node in enumerate(order):
        if node in parent_of:
            above = place[parent_of[node]]
            size[joint] = size[above] * _size(nodes[parent_of[node]], rests[above][2])
    offsets, rest_rotations = np.stack([r[0] for r in rests]) * size[:, None], np.stack([r[1] for r in rests])
    names = tuple(str(nodes[node].get("name", f"node{node}")) for node in order)
    parents = tuple(place[parent_of[node]] if node in parent_of else -1 for node in order)
    clips: list[SourceClip] = []
    for number, animation in enumerate(document.get("animations", ())):
        samplers, channels = animation["samplers"], animation["channels"]
        seconds = max(float(_accessor(document, binary, sampler["input"]).max()) for sampler in samplers)
        if not 0 <= seconds <= _LONGEST:
            raise ValueError("an animation of more than an hour")
        times = np.arange(int(np.floor(seconds * fps + 1e-3)) + 1) / fps  # (T,)
        translations = np.tile(offsets, (len(times), 1, 1))
        rotations = np.tile(rest_rotations, (len(times), 1, 1))
        for channel in channels:
            node, kind = channel["target"].get("node"), channel["target"]["path"]
            if node not in place or kind not in ("translation", "rotation"):
                continue
            sampler = samplers[channel["sampler"]]
            values = _sample(document, binary, sampler, times, kind == "rotation")
            if kind == "rotation":
                rotations[:, place[node]] = values
            else:
                translations[:, place[node]] = values * size[place[node]]
        name = str(animation.get("name", f"{stem} {number}"))
        clips.append(
            SourceClip(name, names, parents, offsets, rest_rotations, translations, continuous(rotations), fps)
        )
    return clips


def _sample(document: dict[str, Any], binary: bytes, sampler: dict[str, Any], times: Array, rotation: bool) -> Array:
    """Evaluate a sampler at times (T,), constant outside its keys; quaternions are returned as (w, x, y, z)."""
    keys = _accessor(document, binary, sampler["input"])[:, 0]  # (K,)
    values = _accessor(document, binary, sampler["output"])
    kind = sampler.get("interpolation", "LINEAR")
    tangents_in = tangents_out = values
    if kind == "CUBICSPLINE":  # three elements per key: in-tangent, value, out-tangent
        tangents_in, values, tangents_out = values[0::3], values[1::3], values[2::3]
    low = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, max(len(keys) - 2, 0))
    high = np.minimum(low + 1, len(keys) - 1)
    gap = np.maximum(keys[high] - keys[low], 1e-9)
    weight = np.clip((times - keys[low]) / gap, 0.0, 1.0)
    a, b = values[low], values[high]
    if kind == "STEP":
        result = np.where((weight >= 1)[:, None], b, a)
    elif kind == "CUBICSPLINE":
        t, step = weight[:, None], gap[:, None]
        result = (2 * t**3 - 3 * t**2 + 1) * a + (t**3 - 2 * t**2 + t) * step * tangents_out[low]
        result += (3 * t**2 - 2 * t**3) * b + (t**3 - t**2) * step * tangents_in[high]
    elif rotation:
        return slerp(a[:, [3, 0, 1, 2]], b[:, [3, 0, 1, 2]], weight)
    else:
        result = (1 - weight[:, None]) * a + weight[:, None] * b
    if not rotation:
        return result
    return (result / np.linalg.norm(result, axis=-1, keepdims=True))[:, [3, 0, 1, 2]]
