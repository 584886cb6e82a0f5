# SPDX-License-Identifier: GPL-3.0-or-later
"""MikuMikuDance files: skeletons of models (.pmd) and motions (.vmd), bone names in Japanese.

Both are left-handed, Y up, and face -Z; here they are mirrored in Z, so that a clip faces +Z and left is +X, in the
file's own lengths (about 8 cm). In the rest pose every bone has the world's axes. Keys are joined by Bezier curves.
Legs hang on inverse kinematics: the file moves a goal, and hip and knee follow it; that is solved here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    continuous,
    matrix_to_quaternion,
    rotation_between,
    slerp,
)
from . import SourceClip
from .records import Records

FPS = 30.0
"""Frames per second of every .vmd."""

_Keys: TypeAlias = npt.NDArray[np.void]  # of the type _KEY
_ENCODING = "cp932"
_MAGIC = b"Vocaloid Motion Data 0002"
_NO_BONE = 0xFFFF
_MOST_BONES = 4096
_LAST_FRAME = 60 * 60 * 30  # an hour
_TURNED = np.array([1.0, 1.0, -1.0])  # mirrors places in Z
_TWISTED = np.array([1.0, -1.0, -1.0, 1.0])  # and quaternions (w, x, y, z) with them


@dataclass(frozen=True)
class Chain:
    """Bones that follow a goal, as indices: `links` from the one nearest `tip` upward, which is to lie at `goal`."""

    goal: int
    tip: int
    links: tuple[int, ...]


@dataclass(frozen=True)
class PmdSkeleton:
    """names, parents (J, parents first), places (J, 3) at rest, facing +Z, and what inverse kinematics moves."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    places: Array
    chains: tuple[Chain, ...]


def load_pmd(path: Path | str) -> PmdSkeleton:
    """Read the skeleton of a model.

    Args:
        path: The .pmd file; its mesh and materials are passed over.

    Returns:
        The skeleton, parents before children.

    Raises:
        InputError: The file is no .pmd or breaks off.
    """
    path = Path(path)
    try:
        return _parse_pmd(Records(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a MikuMikuDance model (.pmd): {error}.") from error


def _parse_pmd(file: Records) -> PmdSkeleton:
    if file.take(3) != b"Pmd":
        raise ValueError("it does not begin as one")
    file.take(4 + 20 + 256)  # version, name and comment
    for size in (38, 2, 70):  # vertices, indices of faces, materials
        file.take(size * file.count("I", size))
    bones: list[tuple[str, int, tuple[float, ...]]] = []
    for _ in range(file.count("H", 39)):
        name = file.fixed_text(20, _ENCODING)
        parent = int(file.numbers("H")[0])
        file.take(5)  # where it points, what kind it is, what it hangs on
        bones.append((name, parent, file.numbers("3f")))
    if not 0 < len(bones) <= _MOST_BONES:
        raise ValueError(f"it has {len(bones)} bones")
    order = _parents_first([parent for _, parent, _ in bones])
    place = {bone: i for i, bone in enumerate(order)}
    chains: list[Chain] = []
    for _ in range(file.count("H", 11)):
        goal, tip, links, _, _ = file.numbers("HHBHf")
        indices = [int(index) for index in (goal, tip, *file.numbers(f"{links}H"))]
        if not set(indices) <= set(place):
            raise ValueError("its inverse kinematics names a bone that it does not have")
        moved = [place[index] for index in indices]
        chains.append(Chain(moved[0], moved[1], tuple(moved[2:])))
    return PmdSkeleton(
        tuple(bones[bone][0] for bone in order),
        tuple(place.get(bones[bone][1], -1) for bone in order),
        np.array([bones[bone][2] for bone in order], np.float64) * _TURNED,
        tuple(chains),
    )


def _parents_first(parents: list[int]) -> list[int]:
    """Indices in an order in which every parent comes before its children. Raises ValueError for a circle."""
    order: list[int] = []
    done: set[int] = {_NO_BONE}
    waiting = list(range(len(parents)))
    while waiting:
        free = [bone for bone in waiting if parents[bone] in done]
        if not free:
            raise ValueError("its bones hang on one another in a circle, or on none that it has")
        order += free
        done |= set(free)
        waiting = [bone for bone in waiting if bone not in done]
    return order


def load_vmd(path: Path | str, skeleton: PmdSkeleton, under: SourceClip | None = None) -> SourceClip:
    """Read a motion.

    Args:
        path: The .vmd file.
        skeleton: That of a model it is made for; keys of bones that the model lacks are passed over.
        under: A clip on the same skeleton, whose first frame is the pose of bones that this file has no keys for, or
            leaves as they are at rest in its first key: players blend such files into the pose that was there. The
            rest pose where not given.

    Returns:
        The clip at 30 frames per second, facing +Z, legs on their goals.

    Raises:
        InputError: The file is no .vmd, breaks off or lasts more than an hour.
    """
    path = Path(path)
    try:
        keys = _parse_vmd(Records(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a MikuMikuDance motion (.vmd): {error}.") from error
    return _animate(path.stem, keys, skeleton, under)


_KEY = np.dtype(
    [("name", "S15"), ("frame", "<u4"), ("place", "<f4", 3), ("turn", "<f4", 4), ("curves", "u1", 64)]
)  # 111 bytes


def _parse_vmd(file: Records) -> Mapping[str, _Keys]:
    if not file.take(30).startswith(_MAGIC):
        raise ValueError("it does not begin as one")
    file.take(20)  # the model's name
    keys = np.frombuffer(file.take(_KEY.itemsize * file.count("I", _KEY.itemsize)), _KEY)
    if len(keys) and int(keys["frame"].max()) > _LAST_FRAME:
        raise ValueError(f"its last frame is {int(keys['frame'].max())}, and {_LAST_FRAME} is the most")
    if not (np.isfinite(keys["place"]).all() and np.isfinite(keys["turn"]).all()):
        raise ValueError("it holds values that are not finite numbers")
    found: dict[str, _Keys] = {}
    for name in np.unique(keys["name"]):
        of_bone = keys[keys["name"] == name]
        text = bytes(name).split(b"\0", 1)[0].decode(_ENCODING, "replace")
        found[text] = of_bone[np.argsort(of_bone["frame"], kind="stable")]
    return found


def _animate(name: str, keys: Mapping[str, _Keys], skeleton: PmdSkeleton, under: SourceClip | None) -> SourceClip:
    last = max((int(of_bone["frame"][-1]) for bone, of_bone in keys.items() if bone in skeleton.names), default=0)
    frames = np.arange(last + 1.0)  # (T,)
    parents = np.array(skeleton.parents)
    offsets = skeleton.places - np.where(parents[:, None] >= 0, skeleton.places[parents], 0.0)
    rest = np.tile([1.0, 0.0, 0.0, 0.0], (len(skeleton.names), 1))
    translations, rotations = np.tile(offsets, (last + 1, 1, 1)), np.tile(rest, (last + 1, 1, 1))
    goals = {joint for chain in skeleton.chains for joint in (chain.goal, *chain.links)}
    for joint, bone in enumerate(skeleton.names):
        base = rest[joint] if under is None or joint in goals else under.rotations[0, joint]
        rotations[:, joint] = base
        if bone in keys:
            moves, rotations[:, joint] = _sample(keys[bone], frames, base)
            translations[:, joint] += moves
    clip = SourceClip(name, skeleton.names, skeleton.parents, offsets, rest, translations, rotations, FPS)
    for chain in skeleton.chains:
        _reach(clip, chain)
    return SourceClip(name, clip.names, clip.parents, offsets, rest, translations, continuous(rotations), FPS)


def _sample(keys: _Keys, frames: Array, base: Array) -> tuple[Array, Array]:
    """Moves (T, 3) and turns (T, 4) of a bone in the mirrored world at the frames (T,), from its sorted keys.

    base: (4,) the turn that the bone starts from where its first key is no turn.
    """
    times = keys["frame"].astype(np.float64)
    moves = keys["place"].astype(np.float64) * _TURNED
    turns = keys["turn"].astype(np.float64)[:, [3, 0, 1, 2]] * _TWISTED
    size = np.linalg.norm(turns, axis=-1, keepdims=True)
    turns = np.where(size > 1e-6, turns / np.maximum(size, 1e-6), [1.0, 0.0, 0.0, 0.0])
    if abs(turns[0, 0]) > 1 - 1e-6:
        turns[0] = base
    high = np.clip(np.searchsorted(times, frames), 1, max(len(times) - 1, 1))
    low, high = high - 1, np.minimum(high, len(times) - 1)
    share = np.clip((frames - times[low]) / np.maximum(times[high] - times[low], 1e-9), 0.0, 1.0)
    # the curve stands with the key it leads to; of its four copies, each shifted by a byte, the second is never spoiled
    curves = keys["curves"][high] / 127.0
    points = np.concatenate([curves[:, :1], curves[:, 16:31]], -1).reshape(-1, 4, 4)  # (T, x1 y1 x2 y2, X Y Z turn)
    eased = np.stack([_bezier(share, points[:, :, axis]) for axis in range(4)], -1)  # (T, 4)
    return moves[low] + eased[:, :3] * (moves[high] - moves[low]), slerp(turns[low], turns[high], eased[:, 3])


def _bezier(x: Array, points: Array) -> Array:
    """The height (T,) at x (T,) of curves from (0, 0) to (1, 1) with inner points x1, y1, x2, y2 (T, 4) in 0..1."""
    x1, y1, x2, y2 = np.clip(points, 0.0, 1.0).T

    def curve(t: Array, first: Array, second: Array) -> Array:
        return 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3

    low, high = np.zeros_like(x), np.ones_like(x)
    for _ in range(20):  # x rises with t, so halving finds it
        middle = (low + high) / 2
        below = curve(middle, x1, x2) < x
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(x <= 0, 0.0, np.where(x >= 1, 1.0, curve((low + high) / 2, y1, y2)))


def _reach(clip: SourceClip, chain: Chain) -> None:
    """Turn the links of a chain, in place, so that its tip lies at its goal; chains of more than two links are left."""
    if len(chain.links) > 2 or not chain.links:
        return
    root = chain.links[-1]
    if len(chain.links) == 2:
        knee = chain.links[0]
        positions, _ = clip.world()
        thigh, shin = clip.translations[:, knee], clip.translations[:, chain.tip]  # (T, 3)
        if clip.parents[knee] != root or clip.parents[chain.tip] != knee:
            return
        distance = np.linalg.norm(positions[:, chain.goal] - positions[:, root], axis=-1)
        clip.rotations[:, knee] = axis_angle_to_quaternion(_bend(thigh, shin, distance)[:, None] * [1.0, 0.0, 0.0])
    positions, world = clip.world()
    wanted, now = (positions[:, joint] - positions[:, root] for joint in (chain.goal, chain.tip))
    turned = rotation_between(now, wanted) @ world[:, root]
    above = clip.parents[root]
    local = np.swapaxes(world[:, above], -1, -2) @ turned if above >= 0 else turned
    clip.rotations[:, root] = matrix_to_quaternion(local)


def _bend(thigh: Array, shin: Array, distance: Array) -> Array:
    """Radians (T,) about the X axis, backward, by which a shin (T, 3) turns so that its end is so far from the hip."""
    lengths = [np.maximum(np.linalg.norm(bone[:, 1:], axis=-1), 1e-9) for bone in (thigh, shin)]
    across = (thigh[:, 0] + shin[:, 0]) ** 2
    cosine = (distance**2 - across - lengths[0] ** 2 - lengths[1] ** 2) / (2 * lengths[0] * lengths[1])
    rest = np.arctan2(
        thigh[:, 1] * shin[:, 2] - thigh[:, 2] * shin[:, 1], (thigh[:, 1:] * shin[:, 1:]).sum(-1)
    )  # what the rest pose bends already
    return np.arccos(np.clip(cosine, -1.0, 1.0)) - rest
