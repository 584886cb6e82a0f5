# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips are chained, cut, looped and padded without jumps."""

import numpy as np

from core.motion.rotation import (
    axis_angle_to_quaternion,
    quaternion_to_matrix,
)
from core.motion.skeleton import neutral_skeleton
from core.training.augmentation import chain_motions, extend_to_window, loop_cycle, split_into_windows
from core.training.clip import WINDOW
from tests.core.moves import wandering

SKELETON = neutral_skeleton()


def test_chained_clips_go_on_without_a_jump():
    first, second = wandering(50, seed=1), wandering(50, seed=2, heading=2.0).moved([5, 0, 5])
    joined = chain_motions([first, second])
    positions = joined.positions(SKELETON)
    speed = np.linalg.norm(np.diff(positions, axis=0), axis=-1).max(1)
    inside = max(np.linalg.norm(np.diff(clip.positions(SKELETON), axis=0), axis=-1).max() for clip in (first, second))
    assert speed[49] <= 1.5 * inside
    np.testing.assert_array_equal(joined.translation[:50], first.translation)


def test_windows_cover_a_long_clip():
    parts = split_into_windows(wandering(230))
    assert {len(part) for part in parts} == {WINDOW}
    np.testing.assert_array_equal(parts[-1].translation[-1], wandering(230).translation[-1])


def test_a_short_clip_is_led_in_and_out_by_standing_and_keeps_its_frames():
    rng, idle, clip = np.random.default_rng(0), wandering(120, seed=5), wandering(30, seed=6)
    longer = extend_to_window(clip, "bow", [idle], rng)
    assert 60 <= len(longer) <= WINDOW
    bodies = [
        np.abs(quaternion_to_matrix(longer.rotations[at, 1:]) - quaternion_to_matrix(clip.rotations[-1, 1:])).max()
        for at in range(len(longer))
    ]
    assert min(bodies) < 1e-6


def test_a_cycle_is_repeated_where_its_pose_comes_back():
    seconds = np.arange(50) / 20.0
    walk = wandering(50, seed=3)
    swing = axis_angle_to_quaternion(0.5 * np.sin(2 * np.pi * seconds)[:, None, None] * np.ones((1, 55, 3)))
    walk.rotations[:, 1:] = swing[:, 1:]  # one cycle a second, two and a half in all
    longer = loop_cycle(walk, 100)
    assert len(longer) == WINDOW
    wave = longer.rotations[:, 5, 1]
    np.testing.assert_allclose(wave[60:100], wave[40:80], atol=0.05)


def test_what_never_comes_back_is_not_repeated():
    walk = wandering(50)
    walk.rotations[:, 5] = axis_angle_to_quaternion(np.linspace(0, 2.5, 50)[:, None] * [1.0, 0.0, 0.0])
    assert loop_cycle(walk, 100) is walk
