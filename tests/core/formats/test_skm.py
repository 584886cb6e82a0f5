# SPDX-License-Identifier: GPL-3.0-or-later
"""SmartBody skeletons and motions against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats.skm import load_sk, load_skm

SKELETON = """# a comment with { braces }
set_name Tiny

skeleton
root JtRoot
{ offset 0 1 0
  prerot axis 0 0 0 ang 0
  channel XPos 0 free
  channel Quat

  joint JtArm
  { offset 0.5 0 0
    prerot axis 0 0 1 ang 90
    channel Quat

    joint JtHand
    { offset 0.3 0 0
    }
  }
}
something after the skeleton
joint NotAJoint
"""
MOTION = """SkMotion
name "Tiny@Wave01"
channels 4
JtRoot XPos
JtRoot Quat
JtUnknown Quat
JtArm Quat

frames 3
kt 0.0 fr 0.0  0 0 0  9 9 9  0 0 0
kt 0.04 fr 0.1  0 0 0  9 9 9  0 0 1.5707963267948966
kt 0.08 fr 0.2  0 1.5707963267948966 0  9 9 9  0 0 0

emphasis time: 0.04
strokeStart time: 0.02
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    skeleton, motion = tmp_path / "Tiny.sk", tmp_path / "Tiny@Wave01.skm"
    skeleton.write_text(SKELETON)
    motion.write_text(MOTION)
    return skeleton, motion


def test_skeleton(files: tuple[Path, Path]) -> None:
    skeleton = load_sk(files[0])
    assert skeleton.names == ("JtRoot", "JtArm", "JtHand")
    assert skeleton.parents == (-1, 0, 1)
    np.testing.assert_allclose(skeleton.offsets, [[0, 1, 0], [0.5, 0, 0], [0.3, 0, 0]])


def test_rest_pose_turns_by_prerot(files: tuple[Path, Path]) -> None:
    clip = load_skm(files[1], load_sk(files[0]))
    positions, _ = clip.rest_world()
    np.testing.assert_allclose(positions, [[0, 1, 0], [0.5, 1, 0], [0.5, 1.3, 0]], atol=1e-12)


def test_frames(files: tuple[Path, Path]) -> None:
    clip = load_skm(files[1], load_sk(files[0]))
    assert clip.fps == 25
    assert clip.phases == {"emphasis": 0.04, "strokeStart": 0.02}
    hand = clip.world()[0][:, clip.index("JtHand")]
    # at rest; the arm turned a further quarter, so it points back; the whole body turned a quarter to the left
    np.testing.assert_allclose(hand, [[0.5, 1.3, 0], [0.3, 1, 0], [0.2, 1.3, -0.5]], atol=1e-6)


def test_renamed(files: tuple[Path, Path]) -> None:
    assert load_sk(files[0]).renamed({"JtArm": "arm"}).names == ("JtRoot", "arm", "JtHand")


@pytest.mark.parametrize("broken", ["", "SkMotion\nchannels 1\nJtRoot Quat\nkt 0 fr 1 2\n", MOTION.replace("0.1", "x")])
def test_broken_motion_is_named(files: tuple[Path, Path], broken: str) -> None:
    files[1].write_text(broken)
    with pytest.raises(InputError, match=r"Tiny@Wave01\.skm"):
        load_skm(files[1], load_sk(files[0]))


def test_broken_skeleton_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.sk").write_text("root JtRoot { offset 0 zero 0 }")
    with pytest.raises(InputError, match=r"bad\.sk"):
        load_sk(tmp_path / "bad.sk")


def test_values_that_are_no_numbers(files: tuple[Path, Path]) -> None:
    files[1].write_text(MOTION.replace("fr 0.1", "fr nan"))
    with pytest.raises(InputError, match="not finite"):
        load_skm(files[1], load_sk(files[0]))
