# SPDX-License-Identifier: GPL-3.0-or-later
"""Exponential maps against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats import SourceClip
from core.formats.expmap import load_expmap

REST = np.tile([1.0, 0.0, 0.0, 0.0], (3, 1))
OFFSETS = np.array([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 0.0, 0.0]])
BONES = SourceClip("bones", ("hips", "arm", "arm_end"), (-1, 0, 1), OFFSETS, REST, OFFSETS[None], REST[None], 120.0)
QUARTER = np.pi / 2


def line(root: tuple[float, ...], *turns: tuple[float, ...]) -> str:
    return ",".join(str(x) for part in (root, *turns) for x in part)


NONE = (0, 0, 0)


def test_frames(tmp_path: Path) -> None:
    rows = [line((1, 2, 3), NONE, NONE, NONE), line((1, 2, 3), NONE, (0, 0, QUARTER), NONE)]
    (tmp_path / "a.txt").write_text("\n".join(rows) + "\n")
    clip = load_expmap(tmp_path / "a.txt", BONES)
    assert (clip.fps, clip.names) == (120, BONES.names)
    end = clip.world()[0][:, 2]
    # row vectors turn the other way: the arm points down, not up
    np.testing.assert_allclose(end, [[2, 4, 3], [1, 3, 3]], atol=1e-9)


def test_every_other_frame(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(line((i, 0, 0), NONE, NONE, NONE) for i in range(5)))
    clip = load_expmap(tmp_path / "a.txt", BONES, every=2)
    assert clip.fps == 60
    assert clip.translations[:, 0, 0].tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "1,2,3",
        line((0, 0, 0), NONE, NONE, NONE) + "\n" + line((0, 0, 0), NONE),  # breaks off
        line((0, 0, 0), NONE, NONE, NONE, NONE),
        line((0, 0, 0), NONE, NONE, ("a", 0, 0)),  # type: ignore[arg-type]
        "0," * 200_000,
        "\x00\x01",
    ],
)
def test_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.txt").write_text(content)
    with pytest.raises(InputError, match=r"bad\.txt cannot be read as exponential maps"):
        load_expmap(tmp_path / "bad.txt", BONES)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(InputError, match=r"bad\.txt"):
        load_expmap(tmp_path / "bad.txt", BONES)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_values_that_are_no_numbers(tmp_path: Path, value: str) -> None:
    (tmp_path / "bad.txt").write_text(line((0, 0, 0), NONE, NONE, NONE).replace("0", value, 1))
    with pytest.raises(InputError, match="not finite"):
        load_expmap(tmp_path / "bad.txt", BONES)
