# SPDX-License-Identifier: GPL-3.0-or-later
"""Read Acclaim skeletons (.asf) and motions (.amc), as used by the CMU motion capture database.

A bone of an .asf starts at its parent's end and has its own direction, length and axes, all in the world coordinates
of the rest pose. Here each bone becomes a joint at its start whose rest axes are the world's: with C the bone's axes
and M a frame's rotation about them, the joint's local rotation is C M C^-1. Lengths keep the file's unit.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..motion.rotation import Array, continuous, euler_to_matrix, matrix_to_quaternion
from . import SourceClip

_ROOT = "root"
_POSITIONS = {"TX": 0, "TY": 1, "TZ": 2}


@dataclass(frozen=True)
class AsfSkeleton:
    """Skeleton of an .asf file.

    Attributes:
        names: of the J joints; the first is "root".
        parents: index of each joint's parent; -1 for the root.
        offsets: (J, 3) position of each joint relative to its parent.
        axes: (J, 3, 3) rotation from each bone's axes to the world.
        order: for each joint its rotation order, such as "XYZ": about X first.
        channels: for each joint the names of its values in a frame, such as ("RX", "RZ").
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    axes: Array
    order: tuple[str, ...]
    channels: tuple[tuple[str, ...], ...]


def _fixed_axes_to_matrix(degrees: Array, order: str) -> Array:
    """Convert rotations (..., 3) about fixed axes, applied in the given order, to matrices (..., 3, 3)."""
    return euler_to_matrix(np.radians(degrees[..., ::-1]), order[::-1])


def load_asf(path: Path | str) -> AsfSkeleton:
    """Read a skeleton.

    Raises:
        InputError: the file cannot be read as an .asf; the message names it.
    """
    path = Path(path)
    try:
        return _parse_asf(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise InputError(f"{path.name} cannot be read as an Acclaim skeleton (.asf): {error!r}.") from error


def _parse_asf(text: str) -> AsfSkeleton:
    sections = {part.split()[0]: part.splitlines()[1:] for part in text.split("\n:")[1:]}
    root = {words[0]: words[1:] for words in map(str.split, sections["root"]) if words}
    bones: dict[str, dict[str, list[str]]] = {}
    bone: dict[str, list[str]] = {}
    for words in map(str.split, sections["bonedata"]):
        match words:
            case ["begin"]:
                bone = {}
            case ["end"]:
                bones[bone["name"][0]] = bone
            case [key, *values]:
                bone[key] = values
            case _:
                pass
    names, parents = [_ROOT], [-1]
    for parent, *children in filter(None, map(str.split, sections["hierarchy"])):
        if parent not in ("begin", "end"):
            names += children
            parents += [names.index(parent)] * len(children)
    offsets, axes = np.zeros((len(names), 3)), np.tile(np.eye(3), (len(names), 1, 1))
    order, channels = [root["axis"][0].upper()], [tuple(word.upper() for word in root["order"])]
    axes[0] = _fixed_axes_to_matrix(np.array(root["orientation"], np.float64), order[0])
    for joint, name in enumerate(names[1:], start=1):
        if parents[joint] > 0:
            above = bones[names[parents[joint]]]
            offsets[joint] = np.array(above["direction"], np.float64) * float(above["length"][0])
        *degrees, axis = bones[name]["axis"]
        order.append(axis.upper())
        axes[joint] = _fixed_axes_to_matrix(np.array(degrees, np.float64), order[-1])
        channels.append(tuple(word.upper() for word in bones[name].get("dof", [])))
    return AsfSkeleton(tuple(names), tuple(parents), offsets, axes, tuple(order), tuple(channels))


def load_amc(path: Path | str, skeleton: AsfSkeleton, fps: float = 120.0) -> SourceClip:
    """Read a motion.

    Args:
        path: the .amc file.
        skeleton: the skeleton that the motion was recorded on.
        fps: frame rate, which the file does not store; CMU records at 120.

    Raises:
        InputError: the file is no .amc, is truncated, or belongs to another skeleton; the message names it.
    """
    path = Path(path)
    try:
        frames = _parse_amc(path.read_text(encoding="utf-8", errors="replace"))
        return _animate(path.stem, frames, skeleton, fps)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise InputError(f"{path.name} cannot be read as an Acclaim motion (.amc): {error!r}.") from error


def _parse_amc(text: str) -> list[dict[str, list[str]]]:
    frames: list[dict[str, list[str]]] = []
    for words in map(str.split, text.splitlines()):
        if len(words) == 1 and words[0].isdigit():
            frames.append({})
        elif frames and words:
            frames[-1][words[0]] = words[1:]
    if not frames:
        raise ValueError("it has no frames")
    return frames


def _animate(name: str, frames: list[dict[str, list[str]]], skeleton: AsfSkeleton, fps: float) -> SourceClip:
    joints = len(skeleton.names)
    translations = np.tile(skeleton.offsets, (len(frames), 1, 1))
    rest = np.tile([1.0, 0.0, 0.0, 0.0], (joints, 1))
    rotations = np.tile(rest, (len(frames), 1, 1))
    for joint, channels in enumerate(skeleton.channels):
        if not channels:
            continue
        values = np.array([frame[skeleton.names[joint]] for frame in frames], np.float64)  # (T, channels)
        degrees = np.zeros((len(frames), 3))
        for column, channel in enumerate(channels):
            if channel in _POSITIONS:
                translations[:, joint, _POSITIONS[channel]] = values[:, column]
            elif channel.startswith("R"):
                degrees[:, skeleton.order[joint].index(channel[1])] = values[:, column]
        axes = skeleton.axes[joint]
        rotations[:, joint] = matrix_to_quaternion(
            axes @ _fixed_axes_to_matrix(degrees, skeleton.order[joint]) @ axes.T
        )
    return SourceClip(
        name, skeleton.names, skeleton.parents, skeleton.offsets, rest, translations, continuous(rotations), fps
    )
