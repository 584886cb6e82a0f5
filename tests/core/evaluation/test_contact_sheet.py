# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets show the body: red on the right side, and where it stands."""

from pathlib import Path

import numpy as np
from PIL import Image

from core.evaluation.contact_sheet import contact_sheet, main
from core.motion.clip import rest_motion
from core.motion.skeleton import neutral_skeleton

HALF_CELL = 59


def red_columns(path: Path) -> np.ndarray:
    """Columns of the first cell of the front row that hold red."""
    pixels = np.asarray(Image.open(path).convert("RGB"), int)[16:150, : 2 * HALF_CELL]
    return np.flatnonzero(((pixels[..., 0] > 180) & (pixels[..., 1] < 60)).any(0))


def test_right_side_is_red_and_on_the_viewers_left(tmp_path: Path) -> None:
    motion = rest_motion(30, neutral_skeleton())
    contact_sheet(motion, tmp_path / "front.png", ["rest"])
    assert len(red_columns(tmp_path / "front.png")) > 0
    assert red_columns(tmp_path / "front.png").max() <= HALF_CELL + 2
    contact_sheet(motion.turned(np.pi), tmp_path / "back.png")
    assert red_columns(tmp_path / "back.png").min() >= HALF_CELL - 2


def test_command(tmp_path: Path) -> None:
    motion = rest_motion(3, neutral_skeleton())
    motion.save(tmp_path / "rest.npz")
    assert main([str(tmp_path / "rest.npz"), str(tmp_path / "rest.npz"), str(tmp_path / "two.png")]) == 0
    assert Image.open(tmp_path / "two.png").size == (12 * 118, 2 * 300)
    assert main([]) == 2
