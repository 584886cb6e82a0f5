# SPDX-License-Identifier: GPL-3.0-or-later
"""BVH: reading against numbers worked out by hand, writing by the round trip."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats.bvh import load_bvh, motion_from_bvh, save_bvh
from core.motion.clip import Motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
)
from core.motion.skeleton import JOINT_NAMES, neutral_skeleton

TINY = """HIERARCHY
ROOT hip
{
  OFFSET 0 10 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT upper arm
  {
    OFFSET 2 0 0
    CHANNELS 6 XPOSITION Yposition Zposition Xrotation Yrotation Zrotation
    End Site
    {
      OFFSET 3 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.05
0 10 0 0 0 0  2 0 0 0 0 0
1 10 0 0 0 90  4 0 0 90 0 90
"""


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "tiny.bvh"
    path.write_text(TINY)
    clip = load_bvh(path)
    assert clip.names == ("hip", "upper arm", "upper arm_end")
    assert clip.parents == (-1, 0, 1)
    assert clip.fps == 20
    positions, _ = clip.world()
    np.testing.assert_allclose(positions[0], [[0, 10, 0], [2, 10, 0], [5, 10, 0]], atol=1e-9)
    # The hip turns left: the arm, moved out to 4, lies along -Z. The tip goes x -> y by Z, then y -> z by X in the
    # arm's frame, and z -> x by the hip.
    np.testing.assert_allclose(positions[1], [[1, 10, 0], [1, 10, -4], [4, 10, -4]], atol=1e-9)


def random_motion(frames: int, rng: np.random.Generator) -> Motion:
    spins = rng.normal(size=(frames, len(JOINT_NAMES), 3)) * 0.8
    spins[:, 0] = np.linspace([0, -4, 0], [0.3, 5, 0.2], frames)  # more than a whole turn
    return Motion(rng.normal(size=(frames, 3)), axis_angle_to_quaternion(spins), fps=24.0)


def test_round_trip(tmp_path: Path) -> None:
    motion = random_motion(9, np.random.default_rng(0))
    save_bvh(motion, tmp_path / "out.bvh")
    clip = load_bvh(tmp_path / "out.bvh")
    back = motion_from_bvh(clip)
    assert back.fps == motion.fps
    np.testing.assert_allclose(back.translation, motion.translation, atol=1e-7)
    apart = quaternion_multiply(quaternion_conjugate(motion.rotations), back.rotations)
    assert np.degrees(np.linalg.norm(quaternion_to_axis_angle(apart), axis=-1)).max() < 1e-4
    order = [clip.index(name) for name in JOINT_NAMES]
    drawn = clip.world()[0][:, order] / 100  # as any other program would place the joints
    np.testing.assert_allclose(drawn, motion.positions(neutral_skeleton()), atol=1e-6)


def test_written_angles_do_not_jump(tmp_path: Path) -> None:
    heading = np.zeros((40, len(JOINT_NAMES), 3))
    heading[:, 0, 1] = np.linspace(0, 8, 40)
    save_bvh(Motion(np.zeros((40, 3)), axis_angle_to_quaternion(heading)), tmp_path / "turn.bvh")
    rows = np.loadtxt((tmp_path / "turn.bvh").read_text().splitlines()[-40:])
    assert np.abs(np.diff(rows, axis=0)).max() < 15


@pytest.mark.parametrize(
    "broken",
    [
        "",
        TINY[:200],
        TINY.replace("Frames: 2", "Frames: 3"),
        TINY[:-9],
        TINY.replace("0.05", "0"),
        TINY.replace("Zrotation", "W"),
    ],
)
def test_broken_file_is_named(tmp_path: Path, broken: str) -> None:
    (tmp_path / "bad.bvh").write_text(broken)
    with pytest.raises(InputError, match=r"bad\.bvh"):
        load_bvh(tmp_path / "bad.bvh")


def test_other_joints_are_no_motion(tmp_path: Path) -> None:
    (tmp_path / "tiny.bvh").write_text(TINY)
    with pytest.raises(InputError, match="retarget"):
        motion_from_bvh(load_bvh(tmp_path / "tiny.bvh"))
