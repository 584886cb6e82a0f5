# SPDX-License-Identifier: GPL-3.0-or-later
"""Read any Biovision hierarchy file (.bvh), and write a `Motion` as one.

BVH defines neither a unit nor an up axis; lengths keep the file's unit. `save_bvh` writes centimeters, Y up, with
SMPL-X joint names and the T-pose as the zero pose.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import write_whole
from ..motion.clip import Motion
from ..motion.rotation import (
    Array,
    continuous,
    euler_to_matrix,
    matrix_to_euler,
    matrix_to_quaternion,
    quaternion_to_matrix,
)
from ..motion.skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton
from . import SourceClip

CENTIMETERS = 100.0  # per meter
_ORDER = "ZXY"  # gimbal lock only where a bone's rest up axis points straight forward or back, at any heading
_CHANNELS = {f"{axis}{kind}": (axis, kind) for axis in "XYZ" for kind in ("position", "rotation")}


def load_bvh(path: Path | str, for_fps: float | None = None) -> SourceClip:
    """Read a file. The rest pose is the zero pose, and end sites become joints named after their parent plus `_end`.

    A position channel replaces the joint's offset.

    Args:
        path: the .bvh file.
        for_fps: skip frames that are not needed for this rate; for 20 every sixth of 120 frames per second is read.

    Raises:
        InputError: the file is no BVH, or is truncated; the message names it.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return _parse(path.stem, lines, for_fps)
    except (OSError, ValueError, IndexError, KeyError, StopIteration) as error:
        raise InputError(f"{path.name} cannot be read as a complete BVH file: {error}.") from error


@dataclass
class _Hierarchy:
    """Content of the HIERARCHY block; channels are (axis, "position" or "rotation")."""

    names: list[str] = field(default_factory=list[str])
    parents: list[int] = field(default_factory=list[int])
    offsets: list[list[float]] = field(default_factory=list[list[float]])
    channels: list[list[tuple[str, str]]] = field(default_factory=list[list[tuple[str, str]]])
    open_joints: list[int] = field(default_factory=list[int])

    def parse_line(self, words: list[str]) -> None:
        """Add one line, split into words."""
        match words:
            case ["ROOT" | "JOINT", *name]:
                self.names.append(" ".join(name))
            case ["End", *_]:
                self.names.append(f"{self.names[self.open_joints[-1]]}_end")
            case ["{"]:
                self.parents.append(self.open_joints[-1] if self.open_joints else -1)
                self.offsets.append([0.0, 0.0, 0.0])
                self.channels.append([])
                self.open_joints.append(len(self.parents) - 1)
            case ["}"]:
                self.open_joints.pop()
            case ["OFFSET", x, y, z]:
                self.offsets[self.open_joints[-1]] = [float(x), float(y), float(z)]
            case ["CHANNELS", _, *kinds]:
                self.channels[self.open_joints[-1]] = [_CHANNELS[kind.capitalize()] for kind in kinds]
            case _:
                pass


def _frame_stride(fps: float, for_fps: float | None) -> int:
    """Number of frames to advance to read at for_fps, or at least 3 * for_fps if fps is no multiple of it."""
    if for_fps is None:
        return 1
    times = round(fps / for_fps)
    return times if times and abs(fps / for_fps - times) < 0.01 else max(1, int(fps / for_fps / 3))


def _parse(name: str, lines: list[str], for_fps: float | None) -> SourceClip:
    tree, rows = _Hierarchy(), iter(lines)
    for line in rows:
        if line.split() == ["MOTION"]:
            break
        tree.parse_line(line.split())
    frames = int(next(rows).split(":")[1])
    seconds = float(next(rows).split(":")[1])
    width = sum(len(kinds) for kinds in tree.channels)
    found = [row for row in rows if row.strip()]
    whole = sum(len(row.split()) == width for row in found)
    if not tree.names or whole != frames or not frames or len(found) != frames or seconds <= 0:
        raise ValueError(f"it declares {frames} frames of {width} values but contains {whole}")
    every = _frame_stride(1 / seconds, for_fps)
    values = np.array([np.array(row.split(), np.float64) for row in found[::every]])  # (T, channels)
    frames = len(values)
    rest = np.tile([1.0, 0.0, 0.0, 0.0], (len(tree.names), 1))
    translations, rotations = np.tile(tree.offsets, (frames, 1, 1)), np.tile(rest, (frames, 1, 1))
    column = 0
    for joint, kinds in enumerate(tree.channels):
        turns: list[int] = []
        for axis, kind in kinds:
            if kind == "position":
                translations[:, joint, "XYZ".index(axis)] = values[:, column]
            else:
                turns.append(column)
            column += 1
        order = "".join(axis for axis, kind in kinds if kind == "rotation")
        if order:
            rotations[:, joint] = matrix_to_quaternion(euler_to_matrix(np.radians(values[:, turns]), order))
    return SourceClip(
        name,
        tuple(tree.names),
        tuple(tree.parents),
        np.array(tree.offsets),
        rest,
        translations,
        continuous(rotations),
        round(1 / seconds / every, 3),
    )


def save_bvh(motion: Motion, path: Path | str, skeleton: Skeleton | None = None) -> None:
    """Write all 55 joints in centimeters.

    Args:
        motion: the motion to write.
        path: the .bvh file.
        skeleton: provides the offsets; by default the neutral skeleton with the motion's betas.

    Raises:
        InputError: the file cannot be written. An existing file is then left unchanged.
    """
    path = Path(path)
    skeleton = skeleton or neutral_skeleton(motion.betas)
    order = _depth_first()
    text = "HIERARCHY\n" + _joint(0, skeleton.offsets * CENTIMETERS, 0)
    angles = np.degrees(matrix_to_euler(quaternion_to_matrix(motion.rotations), _ORDER))[:, order]  # (T, 55, 3)
    angles = np.unwrap(angles, period=360.0, axis=0)  # importers interpolate angles between frames
    rows = np.concatenate([motion.translation * CENTIMETERS, angles.reshape(len(motion), -1)], 1)  # (T, 168)
    text += f"MOTION\nFrames: {len(motion)}\nFrame Time: {1 / motion.fps:.8f}\n"
    text += "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
    write_whole(path, text)


def motion_from_bvh(clip: SourceClip) -> Motion:
    """Convert a clip that was written by `save_bvh` back to a motion.

    Raises:
        InputError: the clip lacks some of the 55 SMPL-X joints.
    """
    if not set(JOINT_NAMES) <= set(clip.names):
        raise InputError(f"{clip.name} is not on the 55 SMPL-X joints; retarget it.")
    order = [clip.index(joint) for joint in JOINT_NAMES]
    translation = clip.translations[:, order[INDEX["pelvis"]]] / CENTIMETERS
    return Motion(translation, clip.rotations[:, order], clip.fps)


def _children(joint: int) -> list[int]:
    return [child for child, parent in enumerate(PARENTS) if parent == joint]


def _depth_first(joint: int = 0) -> list[int]:
    return [joint, *(deeper for child in _children(joint) for deeper in _depth_first(child))]


def _joint(joint: int, offsets: Array, depth: int) -> str:
    """Format a joint and its descendants."""
    pad = "  " * depth
    turns = " ".join(f"{axis}rotation" for axis in _ORDER)
    positions = "6 Xposition Yposition Zposition" if joint == 0 else "3"
    lines = [
        f"{pad}{'ROOT' if joint == 0 else 'JOINT'} {JOINT_NAMES[joint]}",
        f"{pad}{{",
        f"{pad}  OFFSET {' '.join(f'{value:.6f}' for value in offsets[joint])}",
        f"{pad}  CHANNELS {positions} {turns}",
    ]
    text = "\n".join(lines) + "\n"
    children = _children(joint)
    for child in children:
        text += _joint(child, offsets, depth + 1)
    if not children:  # lets importers give the last bone a length
        site = " ".join(f"{value:.6f}" for value in offsets[joint] * 0.8)
        text += f"{pad}  End Site\n{pad}  {{\n{pad}    OFFSET {site}\n{pad}  }}\n"
    return text + f"{pad}}}\n"
