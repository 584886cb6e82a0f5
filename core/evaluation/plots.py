# SPDX-License-Identifier: GPL-3.0-or-later
"""The plots of an evaluation: jerk around seams, and bars."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..motion.clip import CORE_FPS
from ..motion.rotation import Array

_COLORS = {"mocap": (60, 60, 60), "ours": (30, 90, 200), "shuffled": (200, 140, 20), "noise": (200, 60, 60)}
_GRAY = (205, 205, 205)


def plot_seams(profiles: Mapping[str, Mapping[str, Array]], path: Path) -> None:
    """Plot mean jerk profiles within one second of seams, a panel for each kind.

    Args:
        profiles: Kind of seam -> row -> profile.
        path: The PNG.
    """
    width, height, left = 400, 260, 60
    image = Image.new("RGB", (left + width * len(profiles), height + 50), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    # noise may leave the picture: what matters is how close the other rows are
    shown = [curve for rows in profiles.values() for row, curve in rows.items() if row != "noise"]
    top = 1.3 * max(float(curve.max()) for curve in shown)
    for panel, (kind, rows) in enumerate(profiles.items()):
        x0 = left + panel * width
        draw.text((x0 + 4, 4), f"{kind}: jerk around the seam, m/frame^3", fill="black", font=font)
        for k in range(5):
            y = 24 + height * (1 - k / 4)
            draw.line([(x0, y), (x0 + width - 20, y)], fill=_GRAY)
            if panel == 0:
                draw.text((4, y - 7), f"{top * k / 4:.3f}", fill="black", font=font)
        middle = x0 + (width - 20) / 2
        draw.line([(middle, 24), (middle, 24 + height)], fill=_GRAY)
        for row, curve in rows.items():
            span = (width - 20) / max(len(curve) - 1, 1)
            points = [(x0 + k * span, 24 + height * (1 - float(v) / top)) for k, v in enumerate(curve.clip(0, top))]
            draw.line(points, fill=_COLORS[row], width=2)
        seconds = len(next(iter(rows.values()))) / 2 / CORE_FPS
        draw.text((x0, height + 28), f"-{seconds:.1f} s", fill="black", font=font)
        draw.text((x0 + width - 60, height + 28), f"+{seconds:.1f} s", fill="black", font=font)
        for k, row in enumerate(rows):
            draw.text((x0 + 8 + 60 * k, 26), row, fill=_COLORS[row], font=font)
    image.save(path)


def plot_bars(
    values: Mapping[str, Sequence[float]], rows: Sequence[str], title: str, top: float, path: Path,
    line: float | None = None,
) -> None:  # fmt: skip
    """Plot horizontal bars.

    Args:
        values: Name -> a value for each row.
        rows: The rows.
        title: The title.
        top: Value of a full bar; longer ones are cut off but labeled with their value.
        path: The PNG.
        line: Value at which a vertical line is drawn.
    """
    step, left, width = 9 * len(rows) + 8, 170, 420
    image = Image.new("RGB", (left + width + 60, 30 + step * len(values)), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    draw.text((4, 4), title, fill="black", font=font)
    for k, row in enumerate(rows):
        draw.text((left + width - 120 + 60 * k, 4), row, fill=_COLORS[row], font=font)
    for i, (name, numbers) in enumerate(values.items()):
        y = 26 + i * step
        draw.text((4, y), name, fill="black", font=font)
        for k, number in enumerate(numbers):
            length = width * min(max(number, 0.0), top) / top
            draw.rectangle([left, y + 9 * k, left + length, y + 9 * k + 7], fill=_COLORS[rows[k]])
            draw.text((left + length + 4, y + 9 * k - 3), f"{number:.2f}", fill="black", font=font)
    if line is not None:
        x = left + width * line / top
        draw.line([(x, 22), (x, 30 + step * len(values))], fill=(0, 0, 0))
    image.save(path)
