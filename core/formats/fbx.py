# SPDX-License-Identifier: GPL-3.0-or-later
"""Animations of binary FBX files (.fbx) of versions 7.1 to 7.7: one SourceClip a take, on the file's bones.

A file is a tree of nodes with properties. Bones are `Model` nodes; curves hang on them by way of curve nodes, layers
and stacks, all joined by `Connections`. A bone turns by three angles about fixed axes, after which its pre-rotation
turns it. Lengths come back in meters, scales that are the same along all axes worked in, Y up. Meshes are passed over.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..errors import InputError
from ..motion.rotation import Array, axis_angle_to_quaternion, continuous, euler_to_matrix, matrix_to_quaternion
from ..motion.rotation import quaternion_multiply as multiply
from . import SourceClip
from .records import Records

_MAGIC = b"Kaydara FBX Binary  \x00\x1a\x00"
_TICKS = 46_186_158_000  # a second
_LONGEST = 3600.0  # seconds
_DEEPEST = 24  # nodes in nodes
_LARGEST = 1 << 26  # bytes of an array
_MOST_BONES = 4096
_ORDERS = ("XYZ", "XZY", "YZX", "YXZ", "ZXY", "ZYX")  # the first axis is turned about first
_PLAIN = {"Y": "h", "C": "?", "I": "i", "F": "f", "D": "d", "L": "q"}
_ARRAYS = {"i": "<i4", "l": "<i8", "f": "<f4", "d": "<f8", "b": "?", "c": "u1"}

Curves: TypeAlias = dict[str, dict[int, tuple[Array, Array]]]
"""Property of a bone -> axis -> times in seconds and values (K,)."""


@dataclass(frozen=True)
class _Node:
    name: str
    values: list[Any]
    nodes: "list[_Node]"

    def all(self, name: str) -> "Iterator[_Node]":
        return (node for node in self.nodes if node.name == name)

    def first(self, name: str) -> "_Node":
        for node in self.all(name):
            return node
        raise ValueError(f"it has no {name}")

    def properties(self) -> dict[str, list[Any]]:
        """The values of a Properties70 node by name."""
        found = (entry.values for block in self.all("Properties70") for entry in block.nodes)
        return {str(values[0]): values[4:] for values in found if len(values) >= 4}


def load_fbx(path: Path | str, fps: float = 30.0) -> tuple[SourceClip, ...]:
    """Read every take of a file.

    Args:
        path: The binary .fbx file.
        fps: Frames per second to sample it at.

    Returns:
        A clip for each take that turns bones; the rest pose is the one that the file was left in.

    Raises:
        InputError: The file is no binary FBX, breaks off, has no bones, or its bones are scaled unevenly.
    """
    path = Path(path)
    try:
        return tuple(_clips(path.stem, _tree(Records(path.read_bytes())), fps))
    except (OSError, ValueError, KeyError, IndexError, TypeError, zlib.error, struct.error) as error:
        raise InputError(f"{path.name} cannot be read as a binary FBX file: {error}.") from error


def _tree(file: Records) -> _Node:
    if file.take(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as one")
    version = int(file.numbers("I")[0])
    if not 7100 <= version <= 7799:
        raise ValueError(f"its version is {version / 1000:g}, and 7.1 to 7.7 are known")
    return _Node("", [], list(_nodes(file, "Q" if version >= 7500 else "I", None, 0)))


def _nodes(file: Records, size: str, end: int | None, depth: int) -> Iterator[_Node]:
    """The nodes up to an empty one, or up to byte `end`."""
    if depth > _DEEPEST:
        raise ValueError(f"its nodes are more than {_DEEPEST} deep")
    while end is None or file.at < end:
        stop, count, _, letters = (int(number) for number in file.numbers(f"3{size}B"))
        if stop == 0:
            return
        name = file.take(letters).decode("ascii", "replace")
        if count > file.left or stop < file.at or stop - file.at > file.left or (end is not None and stop > end):
            raise ValueError(f"its node {name} is longer than the file")
        values = [_value(file) for _ in range(count)]
        nodes = list(_nodes(file, size, stop, depth + 1)) if file.at < stop else []
        if file.at != stop:
            raise ValueError(f"its node {name} ends where it does not say")
        yield _Node(name, values, nodes)


def _value(file: Records) -> Any:
    """One property: a number, text, or an array (None where it is raw bytes)."""
    kind = chr(file.take(1)[0])
    if kind in _PLAIN:
        return file.numbers(_PLAIN[kind])[0]
    if kind in "SR":
        data = file.take(file.count("I", 1))
        return data.split(b"\0")[0].decode("utf-8", "replace") if kind == "S" else None
    if kind not in _ARRAYS:
        raise ValueError(f"it has a property of an unknown kind at byte {file.at}")
    of = np.dtype(_ARRAYS[kind])
    count, packed, length = (int(number) for number in file.numbers("3I"))
    size = count * of.itemsize
    if size > _LARGEST:
        raise ValueError(f"it has an array of {size} bytes")
    data = file.take(length if packed else size)
    if packed:
        data = zlib.decompressobj().decompress(data, size + 1)
    if len(data) != size:
        raise ValueError(f"it announces an array of {size} bytes that has {len(data)}")
    return np.frombuffer(data, of)


@dataclass(frozen=True)
class _Bone:
    """A bone as the file was left: place (3,), angles (3,) in degrees and their order, pre-rotation (4,) and scale."""

    name: str
    place: Array
    angles: Array
    order: str
    before: Array
    scale: float

    @staticmethod
    def of(node: _Node) -> "_Bone":
        own = node.properties()

        def three(name: str, usual: float = 0.0) -> Array:
            return np.array(own.get(name, [usual] * 3)[:3], np.float64)

        scale = three("Lcl Scaling", 1.0)
        size = float(scale.mean())
        name = str(node.values[1])
        if not 1e-6 < size < 1e6 or np.abs(scale / size - 1).max() > 1e-2:
            raise ValueError(f"its bone {name} is scaled unevenly")
        order = _ORDERS[int(own.get("RotationOrder", [0])[0])]
        before = matrix_to_quaternion(_turned(three("PreRotation"), "XYZ"))
        return _Bone(name, three("Lcl Translation"), three("Lcl Rotation"), order, before, size)

    def rotation(self, angles: Array) -> Array:
        """Quaternions (..., 4) of angles (..., 3) in degrees about X, Y and Z."""
        return multiply(self.before, matrix_to_quaternion(_turned(angles, self.order)))


def _turned(angles: Array, order: str) -> Array:
    """Matrices (..., 3, 3) of angles (..., 3) in degrees about X, Y and Z, turned about in that order."""
    back = order[::-1]
    return euler_to_matrix(np.radians(angles[..., ["XYZ".index(axis) for axis in back]]), back)


def _clips(stem: str, tree: _Node, fps: float) -> Iterator[SourceClip]:
    objects = {int(node.values[0]): node for node in tree.first("Objects").nodes if node.values}
    above: dict[int, list[tuple[int, str]]] = {}  # what an object is connected to, and as which property
    for link in tree.first("Connections").all("C"):
        kind, child, parent, *rest = link.values
        above.setdefault(int(child), []).append((int(parent), str(rest[0]) if kind == "OP" and rest else ""))
    models = {key: node for key, node in objects.items() if node.name == "Model"}
    parent_of = {
        key: next((parent for parent, _ in above.get(key, ()) if parent in models), 0) for key in models
    }  # fmt: skip
    order = _order(parent_of, {key for key, node in models.items() if "LimbNode" in node.values[2:]})
    bones = [_Bone.of(models[key]) for key in order]
    place = {key: i for i, key in enumerate(order)}
    parents = tuple(place.get(parent_of[key], -1) for key in order)
    unit, up = _world(tree)
    size = np.full(len(bones), unit)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            size[joint] = size[parent] * bones[parent].scale
    offsets = np.stack([bone.place for bone in bones]) * size[:, None]
    rest = np.stack([bone.rotation(bone.angles) for bone in bones])
    roots = [joint for joint, parent in enumerate(parents) if parent < 0]
    for stack in (key for key, node in objects.items() if node.name == "AnimationStack"):
        curves = _curves(objects, above, stack, place)
        every = (axes for of in curves.values() for axes in of.values())
        seconds = max((float(times[-1]) for axes in every for times, _ in axes.values()), default=-1.0)
        if seconds < 0:
            continue
        if not seconds <= _LONGEST:
            raise ValueError(f"it lasts {seconds:g} seconds, and {_LONGEST:g} are the most")
        at = np.arange(int(seconds * fps + 1e-3) + 1) / fps  # (T,)
        translations, rotations = np.tile(offsets, (len(at), 1, 1)), np.tile(rest, (len(at), 1, 1))
        for joint, of in curves.items():
            bone = bones[joint]
            if "Lcl Translation" in of:
                translations[:, joint] = _sampled(of["Lcl Translation"], bone.place, at) * size[joint]
            if "Lcl Rotation" in of:
                rotations[:, joint] = bone.rotation(_sampled(of["Lcl Rotation"], bone.angles, at))
        rests, starts = rest.copy(), offsets.copy()
        for root in roots:
            rests[root], rotations[:, root] = multiply(up, rest[root]), multiply(up, rotations[:, root])
            starts[root], translations[:, root] = _moved(up, offsets[root]), _moved(up, translations[:, root])
        names = tuple(bone.name for bone in bones)
        name = str(objects[stack].values[1]) or stem
        yield SourceClip(name, names, parents, starts, rests, translations, continuous(rotations), fps)


def _order(parent_of: dict[int, int], limbs: set[int]) -> list[int]:
    """The bones and what they hang on, parents first. Raises ValueError where there is none or they form a circle."""
    depths: dict[int, int] = {}
    for limb in limbs:
        chain: list[int] = []
        at = limb
        while at in parent_of:
            if at in chain or len(chain) > _MOST_BONES:
                raise ValueError("its bones hang on one another in a circle")
            chain.append(at)
            at = parent_of[at]
        for depth, key in enumerate(reversed(chain)):
            depths[key] = depth
    if not 0 < len(depths) <= _MOST_BONES:
        raise ValueError(f"it has {len(depths)} bones")
    return sorted(depths, key=lambda key: depths[key])


def _world(tree: _Node) -> tuple[float, Array]:
    """Metres of a unit, and the quaternion (4,) that takes the file's up axis to Y."""
    settings = tree.first("GlobalSettings").properties()
    unit = float(settings.get("UnitScaleFactor", [1.0])[0]) / 100
    if not 1e-6 < unit < 1e6:
        raise ValueError(f"its unit is {unit:g} meters")
    z_up = int(settings.get("UpAxis", [1])[0]) == 2
    return unit, axis_angle_to_quaternion([-np.pi / 2 if z_up else 0.0, 0.0, 0.0])


def _moved(turn: Array, places: Array) -> Array:
    """Places (..., 3) turned by a quaternion (4,)."""
    zero = np.zeros((*places.shape[:-1], 1))
    turned = multiply(multiply(turn, np.concatenate([zero, places], -1)), turn * [1.0, -1.0, -1.0, -1.0])
    return turned[..., 1:]


def _curves(
    objects: dict[int, _Node], above: dict[int, list[tuple[int, str]]], stack: int, place: dict[int, int]
) -> dict[int, Curves]:
    """The curves of each joint in a take."""
    found: dict[int, Curves] = {}
    layers = {
        key for key, node in objects.items() if node.name == "AnimationLayer" and (stack, "") in above.get(key, ())
    }
    for key, node in objects.items():
        if node.name != "AnimationCurve":
            continue
        for group, channel in above.get(key, ()):
            targets = above.get(group, ())
            if channel not in ("d|X", "d|Y", "d|Z") or not any(layer in layers for layer, _ in targets):
                continue
            times = node.first("KeyTime").values[0].astype(np.float64) / _TICKS
            values = node.first("KeyValueFloat").values[0].astype(np.float64)
            if not len(times) or len(times) != len(values) or (np.diff(times) < 0).any():
                raise ValueError("it has a curve whose keys do not match or are out of order")
            for bone, kind in targets:
                if bone in place and kind in ("Lcl Translation", "Lcl Rotation"):
                    found.setdefault(place[bone], {}).setdefault(kind, {})["XYZ".index(channel[-1])] = (times, values)
    return found


def _sampled(axes: dict[int, tuple[Array, Array]], usual: Array, at: Array) -> Array:
    """Values (T, 3) at the times (T,), straight from key to key; an axis without keys keeps what it had."""
    values = np.tile(usual, (len(at), 1))
    for axis, (times, keys) in axes.items():
        values[:, axis] = np.interp(at, times, keys)
    return values
