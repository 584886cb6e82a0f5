# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets: motion as rows of stick figures in one picture."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..motion.clip import Motion
from ..motion.rotation import Array
from ..motion.skeleton import JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton

_SCALE = 62.0  # pixels per meter
_CELL = 118  # pixels between figures
_ROW = 142  # pixels of one view
_FLOOR = 128  # pixels of it above the floor
_TITLE = 16
_RED, _BLUE, _GRAY, _GREEN = (205, 30, 30), (40, 60, 120), (150, 150, 150), (20, 140, 60)
_VIEWS = (("front", 0), ("side", 2))  # (name, world axis that points right): seen from +Z and from -X


def _color(joint: int) -> tuple[int, int, int]:
    return _RED if JOINT_NAMES[joint].startswith("right_") else _BLUE


def _figure(draw: ImageDraw.ImageDraw, positions: Array, heading: Array, left: float, floor: float, axis: int) -> None:
    """Draw a pose (55, 3) seen along an axis, its pelvis in the middle of the cell, its heading (3,) on the floor."""
    middle = left + _CELL / 2
    across = middle + _SCALE * (positions[:, axis] - positions[0, axis])
    up = floor - _SCALE * positions[:, 1]
    draw.line([(middle, floor + 5), (middle + 0.45 * _SCALE * heading[axis], floor + 5)], fill=_GREEN, width=3)
    for joint, parent in enumerate(PARENTS[1:], start=1):
        if JOINT_NAMES[joint] in ("jaw", "left_eye", "right_eye"):
            continue
        width = 1 if joint > JOINT_NAMES.index("right_eye") else 2
        draw.line([(across[parent], up[parent]), (across[joint], up[joint])], fill=_color(joint), width=width)
    head = JOINT_NAMES.index("head")
    top = positions[head] + (positions[head] - positions[JOINT_NAMES.index("neck")]) * 0.6
    x, y, r = middle + _SCALE * (top[axis] - positions[0, axis]), floor - _SCALE * top[1], 0.09 * _SCALE
    draw.ellipse([x - r, y - r, x + r, y + r], outline=_BLUE)


def contact_sheet(
    motions: Motion | Sequence[Motion],
    path: Path | str,
    titles: Sequence[str] = (),
    every: int = 10,
    columns: int = 12,
    skeleton: Skeleton | None = None,
) -> None:
    """Draw a front row and a side row of figures for each motion into a PNG.

    The right side of the body is red. The gray line is the floor, the green bar shows where the pelvis faces. The front
    view is from +Z (a figure that faces the viewer has its red side on the left), the side view from -X (+Z is to the
    right).

    Args:
        motions: The motions.
        path: The PNG.
        titles: Name of each motion.
        every: Frames between two figures.
        columns: Figures per row at most.
        skeleton: The skeleton of the motions; the neutral one by default.
    """
    motions = [motions] if isinstance(motions, Motion) else list(motions)
    skeleton = skeleton or neutral_skeleton()
    height = len(motions) * (_TITLE + 2 * _ROW)
    sheet = Image.new("RGB", (columns * _CELL, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for row, motion in enumerate(motions):
        positions, world = motion.forward_kinematics(skeleton)  # (T, 55, 3), (T, 55, 3, 3)
        top = row * (_TITLE + 2 * _ROW)
        travelled = positions[-1, 0] - positions[0, 0]
        title = titles[row] if row < len(titles) else ""
        note = f"{title}   {len(motion)} frames at {motion.fps:g} fps"
        note += f", moves x {travelled[0]:+.2f} z {travelled[2]:+.2f} m"
        draw.text((4, top + 1), note, fill="black", font=font)
        for view, (name, axis) in enumerate(_VIEWS):
            floor = top + _TITLE + view * _ROW + _FLOOR
            draw.line([(0, floor), (columns * _CELL, floor)], fill=_GRAY)
            draw.text((4, floor + 1), name, fill=_GRAY, font=font)
            for column, frame in enumerate(range(0, len(motion), every)[:columns]):
                heading = world[frame, 0] @ np.array([0.0, 0.0, 1.0])
                _figure(draw, positions[frame], heading, column * _CELL, floor, axis)
    sheet.save(path)


def main(arguments: Sequence[str]) -> int:
    """Run `python -m core.evaluation.contact_sheet MOTION.npz... OUT.png`."""
    if len(arguments) < 2:
        sys.stderr.write("usage: python -m core.evaluation.contact_sheet MOTION.npz... OUT.png\n")
        return 2
    *files, out = [Path(argument) for argument in arguments]
    motions = [Motion.load(file) for file in files]
    every = max(1, max(len(motion) for motion in motions) // 12)
    contact_sheet(motions, out, titles=[file.stem for file in files], every=every)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
