# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion is led from one pose to another without a jump, and what it is put between keeps its bits."""

import numpy as np
import pytest

from core.motion.clip import Motion
from core.motion.skeleton import neutral_skeleton
from core.postprocess.stitching import align_start, replace_frames, warp_to_endpoints
from tests.core.moves import largest_angle, wandering

SKELETON = neutral_skeleton()


def speeds(motion: Motion) -> np.ndarray:
    """The fastest joint of every step, in metres a frame."""
    return np.linalg.norm(np.diff(motion.positions(SKELETON), axis=0), axis=-1).max(-1)


@pytest.mark.parametrize("turn", [0.0, 1.0, -3.0, 4.0])
@pytest.mark.parametrize("frames", [3, 12, 90])
def test_begins_and_ends_in_the_given_poses(frames: int, turn: float):
    part = wandering(frames, turn=turn, seed=1, heading=2.0)
    before, after = wandering(1, seed=2, heading=-1.0), wandering(40, turn=1.0, seed=3).slice(39)
    out = warp_to_endpoints(part, before, after, SKELETON, feet=False)
    assert len(out) == frames
    for pose, end in ((before, out.slice(0, 1)), (after, out.slice(frames - 1))):
        assert largest_angle(pose, end) < 1e-5
        np.testing.assert_allclose(end.translation, pose.translation, atol=1e-9)
    assert (np.sum(before.rotations[0] * out.rotations[0], axis=-1) > 0).all()


def test_one_end_alone_leaves_the_other_as_it_was():
    part, before = wandering(90, turn=1.0, seed=1), wandering(1, seed=2, heading=-1.0)
    out = warp_to_endpoints(part, before, None, SKELETON)
    there = align_start(part, before, SKELETON)
    assert largest_angle(out.slice(11), there.slice(11)) < 1e-5
    np.testing.assert_allclose(out.translation[11:], there.translation[11:], atol=1e-9)
    out = warp_to_endpoints(part, None, there.slice(89), SKELETON, feet=False)
    np.testing.assert_allclose(out.translation[0], part.translation[0], atol=1e-9)


def test_what_fits_already_is_not_touched():
    part = wandering(90, turn=1.0)
    out = warp_to_endpoints(part, part.slice(0, 1), part.slice(89), SKELETON, feet=False)
    assert largest_angle(out, part) < 1e-5
    np.testing.assert_allclose(out.translation, part.translation, atol=1e-9)


def test_a_walk_takes_up_what_is_missing_and_a_stand_does_not():
    """Two seconds of standing, then two of walking: a place further on is reached by longer steps."""
    frames = 80
    way = np.concatenate([np.zeros(40), np.arange(40) * 0.05])
    still = wandering(1)
    part = Motion(
        np.stack([np.zeros(frames), np.full(frames, 0.95), way], -1), np.repeat(still.rotations, frames, axis=0)
    )
    after = part.slice(frames - 1).moved([0.0, 0.0, 0.5])
    out = warp_to_endpoints(part, part.slice(0, 1), after, SKELETON, feet=False)
    moved = out.translation[:, 2] - part.translation[:, 2]
    assert moved[40] < 0.05
    assert moved[-1] == pytest.approx(0.5)
    assert (np.diff(moved) >= -1e-9).all()


def test_no_step_is_a_jump():
    part, whole = wandering(80, turn=1.0, seed=5), wandering(200, turn=2.0, seed=4)
    out = warp_to_endpoints(part, whole.slice(59, 60), whole.slice(138, 139), SKELETON, feet=False)
    assert speeds(out).max() < speeds(part).max() + 0.12  # 0.12 m a frame fades the poses in, which have nothing alike


def test_replaced_keeps_every_other_bit():
    whole, part = wandering(50), wandering(10, seed=1)
    out = replace_frames(whole, part, 20, 30)
    assert (len(out), len(replace_frames(whole, part, 50, 60))) == (50, 60)
    for old, new in ((whole, out), (whole.slice(0, 20), replace_frames(whole.slice(0, 20), part, 20, 30))):
        for rows, kept in ((new.translation, old.translation), (new.rotations, old.rotations)):
            assert rows[:20].tobytes() == kept[:20].tobytes()
            assert rows[30:].tobytes() == kept[30:].tobytes()
    assert out.rotations[20:30].tobytes() == part.rotations.tobytes()
