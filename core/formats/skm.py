# SPDX-License-Identifier: GPL-3.0-or-later
"""Read SmartBody skeletons (.sk) and motions (.skm) with their gesture phases.

A .sk nests `joint NAME { offset X Y Z  prerot axis X Y Z ang DEGREES  channel ... }`. A .skm lists one channel per line
(`JOINT XPos|YPos|ZPos|Quat`), then one line of values per frame (`kt SECONDS fr ...`); a `Quat` channel is three
numbers, a rotation vector in radians. A joint's local rotation is prerot * exp(channel), and its translation is its
offset plus its position channels.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..motion.rotation import Array, axis_angle_to_quaternion, quaternion_multiply
from . import SourceClip

_AXES = {"XPos": 0, "YPos": 1, "ZPos": 2}
_PHASE = re.compile(r"^\s*(ready|strokeStart|emphasis|stroke|relax)(?:\s+time)?\s*:\s*([-+.\deE]+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class SkSkeleton:
    """Skeleton of a .sk file, in the file's own unit of length.

    Attributes:
        names: of the J joints, each listed after its parent.
        parents: index of each joint's parent; -1 for the root.
        offsets: (J, 3) position of each joint relative to its parent.
        prerot: (J, 4) rest rotations, unit quaternions (w, x, y, z).
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    prerot: Array

    def renamed(self, names: Mapping[str, str]) -> "SkSkeleton":
        """Return the skeleton with joints renamed by a mapping from old to new names."""
        return SkSkeleton(tuple(names.get(n, n) for n in self.names), self.parents, self.offsets, self.prerot)


def load_sk(path: Path | str) -> SkSkeleton:
    """Read a skeleton.

    Raises:
        InputError: the file cannot be read as a .sk; the message names it.
    """
    path = Path(path)
    try:
        tokens = re.sub(r"#.*", "", path.read_text(errors="replace")).split()
        return _parse_sk(tokens[tokens.index("root") :])
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path.name} cannot be read as a SmartBody skeleton (.sk): {error}.") from error


def _parse_sk(tokens: list[str]) -> SkSkeleton:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    prerots: list[list[float]] = []
    open_joints: list[int] = []
    at = 0
    while at < len(tokens):
        match tokens[at]:
            case "root" | "joint":
                parents.append(open_joints[-1] if open_joints else -1)
                names.append(tokens[at + 1])
                offsets.append([0.0, 0.0, 0.0])
                prerots.append([0.0, 0.0, 0.0])
                at += 2
            case "{":
                open_joints.append(len(names) - 1)
                at += 1
            case "}":
                open_joints.pop()
                if not open_joints:
                    break  # the rest of the file is not about joints
                at += 1
            case "offset":
                offsets[-1] = [float(value) for value in tokens[at + 1 : at + 4]]
                at += 4
            case "prerot":  # prerot axis X Y Z ang DEGREES
                x, y, z, degrees = (float(tokens[at + i]) for i in (2, 3, 4, 6))
                axis = np.array([x, y, z]) / max(float(np.linalg.norm([x, y, z])), 1e-9)
                prerots[-1] = list(axis * np.radians(degrees))
                at += 7
            case _:
                at += 1
    return SkSkeleton(tuple(names), tuple(parents), np.array(offsets), axis_angle_to_quaternion(prerots))


def load_skm(path: Path | str, skeleton: SkSkeleton) -> SourceClip:
    """Read a motion; channels of joints that the skeleton lacks are ignored.

    Raises:
        InputError: the file is no .skm, or is truncated; the message names it.
    """
    path = Path(path)
    try:
        text = path.read_text(errors="replace")
        head, marker, body = text.partition("\nkt ")
        channels = re.findall(r"^\s*(\S+)\s+(XPos|YPos|ZPos|Quat)\s*$", head, re.MULTILINE)
        rows = [line.split() for line in (marker + body).splitlines() if line.startswith("kt ")]
        times = np.array([float(row[1]) for row in rows])
        values = np.array([row[3:] for row in rows], np.float64)  # (T, channels)
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path.name} cannot be read as a SmartBody motion (.skm): {error}.") from error
    width = sum(3 if kind == "Quat" else 1 for _, kind in channels)
    if not channels or len(rows) == 0 or values.shape[1] < width:
        raise InputError(
            f"{path.name} is not a complete SmartBody motion (.skm): it has {len(rows)} frames of {width} values."
        )
    frames = len(rows)
    index = {name: i for i, name in enumerate(skeleton.names)}
    translations = np.tile(skeleton.offsets, (frames, 1, 1))
    rotations = np.tile(skeleton.prerot, (frames, 1, 1))
    column = 0
    for name, kind in channels:
        step = 3 if kind == "Quat" else 1
        if name in index:
            value = values[:, column : column + step]
            if kind == "Quat":
                turned = quaternion_multiply(skeleton.prerot[index[name]], axis_angle_to_quaternion(value))
                rotations[:, index[name]] = turned
            else:
                translations[:, index[name], _AXES[kind]] += value[:, 0]
        column += step
    # the median is robust to a wrong time of the first frame; most files have 30 fps
    fps = 1 / float(np.median(np.diff(times))) if frames > 1 else 30.0
    phases = {name: float(seconds) for name, seconds in _PHASE.findall(text)}
    return SourceClip(
        path.stem, skeleton.names, skeleton.parents, skeleton.offsets, skeleton.prerot, translations, rotations,
        round(fps, 3), phases,
    )  # fmt: skip
