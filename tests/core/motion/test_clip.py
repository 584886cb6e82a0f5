# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion: cut, joined, mirrored, resampled, saved and read back."""

import numpy as np
import pytest

from core.errors import InputError
from core.motion.clip import Motion, join
from core.motion.skeleton import INDEX, neutral_skeleton
from tests.core.moves import largest_angle, wandering

SKELETON = neutral_skeleton()


def test_slices_joined_are_the_whole():
    motion = wandering()
    again = join([motion.slice(0, 30), motion.slice(30, 31), motion.slice(31)])
    np.testing.assert_array_equal(again.translation, motion.translation)
    assert largest_angle(again, motion) < 1e-6


def test_joining_nothing_or_two_rates():
    with pytest.raises(InputError):
        join([])
    with pytest.raises(InputError):
        join([wandering(), wandering().resampled(30)])


def test_mirrored_positions_are_the_mirror_image():
    motion = wandering(40, turn=2.0)
    left, right = INDEX["left_wrist"], INDEX["right_wrist"]
    symmetric = SKELETON.rest_positions.copy()
    positions, mirrored = motion.positions(SKELETON), motion.mirrored().positions(SKELETON)
    # the neutral body is a little lopsided, and so is its mirror image
    lopsided = np.abs(symmetric[left] - symmetric[right] * [-1, 1, 1]).max() + 0.05
    assert np.abs(positions[:, left] - mirrored[:, right] * [-1, 1, 1]).max() < lopsided
    np.testing.assert_array_equal(motion.mirrored().mirrored().rotations, motion.rotations)


def test_turned_turns_about_the_first_pelvis():
    motion = wandering(20)
    turned = motion.turned(np.pi)
    np.testing.assert_allclose(turned.translation[0], motion.translation[0], atol=1e-12)
    before, after = motion.positions(SKELETON), turned.positions(SKELETON)
    pivot = motion.translation[0] * [1, 0, 1]
    np.testing.assert_allclose((after - pivot) * [-1, 1, -1], before - pivot, atol=1e-9)


def test_resampling_up_and_back_keeps_the_frames():
    motion = wandering(41)
    faster = motion.resampled(60)
    assert len(faster) == 121
    again = faster.resampled(20)
    np.testing.assert_allclose(again.translation, motion.translation, atol=1e-9)
    assert largest_angle(again, motion) < 1e-5


def test_resampling_holds_the_last_frame():
    motion = wandering(10)
    longer = motion.resampled(20, frames=14)
    np.testing.assert_array_equal(longer.translation[10:], np.repeat(motion.translation[-1:], 4, 0))


@pytest.mark.parametrize("fps", [0, -30])
def test_resampling_to_no_rate(fps):
    with pytest.raises(InputError, match="above 0"):
        wandering(4).resampled(fps)


def test_one_frame_can_be_resampled():
    assert len(wandering(1).resampled(30)) == 1


def test_npz_round_trip(tmp_path):
    motion = wandering(30, turn=4.0).resampled(30)
    motion.save(tmp_path / "a.npz")
    again = Motion.load(tmp_path / "a.npz")
    assert again.fps == 30
    np.testing.assert_allclose(again.positions(SKELETON), motion.positions(SKELETON), atol=1e-5)


def test_npz_is_amass_layout_with_z_up(tmp_path):
    motion = wandering(5)
    motion.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        assert file["poses"].shape == (5, 165)
        assert file["trans"].shape == (5, 3)
        assert str(file["gender"]) == "neutral"
        assert float(file["mocap_frame_rate"]) == 20
        height = file["trans"][:, 2] + SKELETON.root_offset[2]
    # AMASS: the pelvis is trans plus its place in the model, then Z is up
    assert np.abs(height - motion.translation[:, 1]).max() < 0.5
    assert np.ptp(height - motion.translation[:, 1]) < 1e-6


@pytest.mark.parametrize("columns", [66, 156, 165])
def test_other_joint_counts_are_read(tmp_path, columns):
    np.savez(tmp_path / "a.npz", poses=np.zeros((3, columns)), trans=np.zeros((3, 3)), mocap_framerate=120.0)
    assert Motion.load(tmp_path / "a.npz").rotations.shape == (3, 55, 4)


@pytest.mark.parametrize(
    "arrays",
    [
        {"poses": np.zeros((3, 165)), "trans": np.zeros((3, 3))},
        {"poses": np.zeros((3, 70)), "trans": np.zeros((3, 3)), "fps": 30},
        {"poses": np.full((3, 165), np.nan), "trans": np.zeros((3, 3)), "fps": 30},
        {"poses": np.zeros((3, 165)), "trans": np.zeros((2, 3)), "fps": 30},
    ],
)
def test_wrong_npz_is_named(tmp_path, arrays):
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(InputError, match=r"wrong\.npz"):
        Motion.load(tmp_path / "wrong.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"hello"])
def test_not_an_npz_is_named(tmp_path, content):
    (tmp_path / "wrong.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"wrong\.npz"):
        Motion.load(tmp_path / "wrong.npz")
