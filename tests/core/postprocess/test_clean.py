# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleanup holds standing feet, keeps soles out of the floor, calms jitter, and leaves the rest as it was."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.motion.clip import Motion, rest_motion
from core.motion.metrics import foot_skate, jerk, jerk_profile, penetration, sole_heights
from core.motion.rotation import axis_angle_to_quaternion, quaternion_multiply, quaternion_to_matrix, rotation_y
from core.motion.skeleton import INDEX, neutral_skeleton
from core.postprocess.clean import clean
from core.postprocess.contacts import planted_feet
from core.postprocess.pops import remove_pops
from core.postprocess.settings import CLEANUP
from core.postprocess.smoothing import smooth_jitter, smooth_seams
from core.postprocess.steps import step_lifts
from tests.core.moves import wandering

SKELETON = neutral_skeleton()
LEFT, RIGHT = INDEX["left_foot"], INDEX["right_foot"]


def posed(frames: int = 60, fps: float = 20.0) -> Motion:
    """Standing with bent knees, swaying a little over feet that stay where they are."""
    sway = 0.10 + 0.03 * np.sin(np.arange(frames) / fps * 2)
    bent = rest_motion(frames, SKELETON, fps)
    rotations = bent.rotations.copy()
    for side in ("left", "right"):
        for joint, share in (("hip", -1), ("knee", 2), ("ankle", -1)):
            vectors = np.stack([share * sway, 0 * sway, 0 * sway], -1)
            rotations[:, INDEX[f"{side}_{joint}"]] = axis_angle_to_quaternion(vectors)
    bent = replace(bent, rotations=rotations)
    ankle = bent.positions(SKELETON)[:, INDEX["left_ankle"]]
    rest = SKELETON.rest_positions[INDEX["left_ankle"]]
    return replace(bent, translation=bent.translation + (rest - ankle) * [0, 1, 1])


def shaken(motion: Motion, seed: int = 0, metres: float = 0.004, radians: float = 0.01) -> Motion:
    """The motion with a wandering root and trembling joints."""
    rng = np.random.default_rng(seed)
    path = np.cumsum(rng.normal(size=(len(motion), 3)) * metres * [1, 0, 1], axis=0)
    path[:, 1] = metres * rng.normal(size=len(motion))
    tremor = axis_angle_to_quaternion(radians * rng.normal(size=(len(motion), 55, 3)))
    rotations = quaternion_multiply(motion.rotations, tremor)
    return replace(motion, translation=motion.translation + path, rotations=rotations)


def stepping(frames: int = 80, slip: float = 0.0) -> Motion:
    """The left foot lifted and put down while the body drifts; slip in metres a second."""
    motion = posed(frames)
    lift = np.clip(np.sin(np.linspace(0, 2 * np.pi, frames)), 0, 1)  # first half in the air
    rotations = motion.rotations.copy()
    for joint, share in (("left_hip", -0.6), ("left_knee", 1.0)):
        turn = axis_angle_to_quaternion(np.stack([share * lift, 0 * lift, 0 * lift], -1))
        rotations[:, INDEX[joint]] = quaternion_multiply(turn, rotations[:, INDEX[joint]])
    path = np.arange(frames)[:, None] / motion.fps * [0, 0, slip]
    return replace(motion, translation=motion.translation + path, rotations=rotations)


def jumping(frames: int = 40) -> Motion:
    """A ballistic jump of 0.3 m from standing, with hanging legs."""
    seconds = (np.arange(frames) - frames // 2) / 20.0
    height = np.maximum(0.3 - 9.81 / 2 * seconds**2, 0)
    return replace(posed(frames), translation=posed(frames).translation + height[:, None] * [0, 1, 0])


def furthest(a: Motion, b: Motion) -> float:
    return float(np.linalg.norm(a.positions(SKELETON) - b.positions(SKELETON), axis=-1).max())


def flexion(motion: Motion) -> np.ndarray:
    """Signed angle (T, 2) of each knee about the thigh's x axis, straight at 0."""
    positions, world = motion.forward_kinematics(SKELETON)
    angles = []
    for side in ("left", "right"):
        hip, knee, ankle = (INDEX[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        thigh = np.einsum("tji,tj->ti", world[:, hip], positions[:, knee] - positions[:, hip])
        shank = np.einsum("tji,tj->ti", world[:, hip], positions[:, ankle] - positions[:, knee])
        cross = thigh[:, 1] * shank[:, 2] - thigh[:, 2] * shank[:, 1]
        angles.append(np.arctan2(cross, thigh[:, 1] * shank[:, 1] + thigh[:, 2] * shank[:, 2]))
    return np.stack(angles, -1)


@pytest.mark.parametrize("motion", [posed(), jumping(), rest_motion(30, SKELETON)])
def test_good_motion_stays(motion):
    assert furthest(clean(motion, SKELETON), motion) < 0.02  # a jump's take-off and landing are sharp


def test_slow_smooth_motion_is_not_smoothed_away():
    motion = wandering(90)
    assert furthest(smooth_jitter(motion), motion) < 0.01


def test_shaken_standing_becomes_calm():
    bad = shaken(posed())
    good = clean(bad, SKELETON)
    before, after = bad.positions(SKELETON), good.positions(SKELETON)
    assert foot_skate(before, 20) > 0.05
    assert foot_skate(after, 20) < 0.1 * foot_skate(before, 20)
    assert jerk(after, 20) < 0.3 * jerk(before, 20)
    assert penetration(after, SKELETON) < 0.2 * penetration(before, SKELETON)


def test_a_planted_foot_stands_still_while_the_other_steps():
    motion = stepping(slip=0.08)
    contacts = np.tile([False, False, True, True], (len(motion), 1))
    feet = clean(motion, SKELETON, contacts).positions(SKELETON)[:, RIGHT]
    assert np.linalg.norm(np.diff(feet[:, [0, 2]], axis=0), axis=-1).max() * 20 < 0.01


def shuffling(metres: float, both: bool = False, lift: float = 0.0) -> np.ndarray:
    """Positions (60, 55, 3) of standing whose left foot, or both, go sideways in 0.4 s, lifted by so much."""
    positions = posed().positions(SKELETON)
    share = np.clip((np.arange(60) - 20) / 8, 0, 1)
    for side in ("left", "right") if both else ("left",):
        for joint in (INDEX[f"{side}_ankle"], INDEX[f"{side}_foot"]):
            positions[:, joint, 0] += metres * share**2 * (3 - 2 * share)
            positions[:, joint, 1] += lift * np.sin(np.pi * share) ** 2
    return positions


@pytest.mark.parametrize("metres", [0.15, 0.3])
def test_a_foot_that_is_dragged_to_its_next_place_steps_there(metres):
    positions = shuffling(metres)
    lifts = step_lifts(positions, planted_feet(positions, SKELETON, 20), SKELETON, 20)
    assert (
        0.7 < lifts[:, 0].max() / min(CLEANUP.step_lift * metres, CLEANUP.largest_lift) <= 1
    )  # it stands for a part of the way
    assert abs(lifts[:, 0].argmax() - 24) <= 1  # highest in the middle of the way
    assert not lifts[[*range(15), *range(35, 60)]].any()
    assert not lifts[:, 1].any()


@pytest.mark.parametrize(
    "positions", [shuffling(0.02), shuffling(0.1, lift=0.06), shuffling(0.3, both=True)], ids=["short", "high", "both"]
)
def test_hardly_moving_feet_and_high_steps_and_a_glide_of_both_are_not_lifted(positions):
    planted = planted_feet(positions, SKELETON, 20)
    assert step_lifts(positions, planted, SKELETON, 20).max() < 0.004


def test_a_dragged_foot_is_lifted_by_its_leg_alone():
    motion = posed()
    share = np.clip((np.arange(60) - 20) / 8, 0, 1)
    turn = 0.25 * share**2 * (3 - 2 * share)  # the left leg swings out and stays there
    rotations = motion.rotations.copy()
    swing = axis_angle_to_quaternion(np.stack([0 * turn, 0 * turn, turn], -1))
    rotations[:, INDEX["left_hip"]] = quaternion_multiply(swing, rotations[:, INDEX["left_hip"]])
    dragged = replace(motion, rotations=rotations)
    before, after = dragged.positions(SKELETON), clean(dragged, SKELETON).positions(SKELETON)
    assert after[24, LEFT, 1] - before[24, LEFT, 1] > 0.03
    assert foot_skate(after, 20) < foot_skate(before, 20)
    assert np.abs(after[:, RIGHT] - before[:, RIGHT]).max() < 0.02


def test_a_slow_foot_stands_on_the_floor_but_not_lifted():
    positions = posed().positions(SKELETON)
    feet = [INDEX["left_ankle"], INDEX["left_foot"]]
    positions[20:, feet, 0] += 0.2 / 20 * np.arange(40)[:, None]  # 0.2 m/s, after standing
    assert planted_feet(positions, SKELETON, 20)[:, :2].all()
    positions[20:, feet, 1] += 0.03
    assert not planted_feet(positions, SKELETON, 20)[25:55, :2].any()


def test_feet_that_slide_apart_are_held_by_the_legs():
    motion = posed()
    apart = 0.03 * np.sin(np.arange(len(motion)) / 20 * 3)  # both thighs swing out and in
    rotations = motion.rotations.copy()
    for joint, sign in (("left_hip", 1), ("right_hip", -1)):
        swing = axis_angle_to_quaternion(np.stack([0 * apart, 0 * apart, sign * apart], -1))
        rotations[:, INDEX[joint]] = quaternion_multiply(swing, rotations[:, INDEX[joint]])
    sliding = replace(motion, rotations=rotations)
    before, after = sliding.positions(SKELETON), clean(sliding, SKELETON).positions(SKELETON)
    assert foot_skate(before, 20) > 0.02
    assert foot_skate(after, 20) < 0.005


def test_held_feet_keep_their_orientation():
    sliding = stepping(slip=0.08)
    calm = smooth_jitter(sliding)
    for joint in (INDEX["left_ankle"], INDEX["right_ankle"]):
        kept = calm.forward_kinematics(SKELETON)[1][:, joint]
        held = clean(sliding, SKELETON).forward_kinematics(SKELETON)[1][:, joint]
        np.testing.assert_allclose(held, kept, atol=1e-6)


@pytest.mark.parametrize("depth", [0.02, 0.05])
def test_a_sunk_body_comes_up(depth):
    sunk = posed().moved([0, -depth, 0])
    assert sole_heights(clean(sunk, SKELETON).positions(SKELETON), SKELETON).min() > -0.003


def test_one_sunk_foot_comes_up():
    motion = posed()
    rotations = motion.rotations.copy()
    tilt = axis_angle_to_quaternion([0, 0, 0.06])
    rotations[:, 0] = quaternion_multiply(tilt, rotations[:, 0])
    tilted = replace(motion, rotations=rotations)
    assert sole_heights(tilted.positions(SKELETON), SKELETON).min() < -0.005
    assert sole_heights(clean(tilted, SKELETON).positions(SKELETON), SKELETON).min() > -0.003


def test_a_standing_body_that_floats_comes_down():
    floating = posed().moved([0, 0.06, 0])
    assert sole_heights(clean(floating, SKELETON).positions(SKELETON), SKELETON).mean() < 0.03


def test_a_jump_keeps_its_height():
    motion = jumping()
    top = motion.positions(SKELETON)[:, [0, LEFT, RIGHT], 1].max(0)
    np.testing.assert_allclose(
        clean(motion, SKELETON).positions(SKELETON)[:, [0, LEFT, RIGHT], 1].max(0), top, atol=0.01
    )


def test_turning_on_the_spot_still_turns():
    motion = posed(40)
    turn = quaternion_multiply(
        axis_angle_to_quaternion(np.linspace(0, np.pi, 40)[:, None] * [0, 1, 0]), motion.rotations[:, 0]
    )
    turning = replace(motion, rotations=np.concatenate([turn[:, None], motion.rotations[:, 1:]], 1))
    cleaned = clean(turning, SKELETON)
    facing = quaternion_to_matrix(cleaned.rotations[-1, 0]) @ [0, 0, 1]
    assert facing[2] < -0.99
    assert np.abs(flexion(cleaned) - flexion(turning)).max() < np.radians(12)


@settings(deadline=None, max_examples=15)
@given(st.floats(-np.pi, np.pi), st.floats(-5, 5), st.integers(0, 100))
def test_it_turns_and_moves_with_the_motion(radians, metres, seed):
    motion = shaken(stepping(50, slip=0.1), seed)
    elsewhere = motion.turned(radians).moved([metres, 0, -metres])
    expected = clean(motion, SKELETON).positions(SKELETON) - motion.translation[0] * [1, 0, 1]
    expected = expected @ rotation_y(radians).T + motion.translation[0] * [1, 0, 1] + [metres, 0, -metres]
    np.testing.assert_allclose(clean(elsewhere, SKELETON).positions(SKELETON), expected, atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 100))
def test_cleaning_again_changes_little(seed):
    once = clean(shaken(stepping(60, slip=0.05), seed), SKELETON)
    before, after = (m.positions(SKELETON) - m.translation[:, None] for m in (once, clean(once, SKELETON)))
    assert np.linalg.norm(after - before, axis=-1).mean() < 0.004


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 50), st.integers(0, 1000), st.sampled_from([20.0, 30.0, 120.0]), st.booleans())
def test_any_motion_stays_finite_and_whole(frames, seed, fps, told):
    motion = replace(wandering(frames, seed=seed, turn=3.0), fps=fps)
    contacts = np.random.default_rng(seed).random((frames, 4)) if told else None
    cleaned = clean(motion, SKELETON, contacts)
    assert len(cleaned) == frames
    assert cleaned.fps == fps
    assert np.isfinite(cleaned.translation).all()
    np.testing.assert_allclose(np.linalg.norm(cleaned.rotations, axis=-1), 1, atol=1e-9)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 100))
def test_knees_neither_flip_nor_jump(seed):
    motion = shaken(stepping(60, slip=0.15), seed, radians=0.005)
    after = flexion(clean(motion, SKELETON))
    assert after.min() > -np.radians(3)
    assert np.abs(np.diff(after, axis=0)).max() < np.abs(np.diff(flexion(motion), axis=0)).max() + np.radians(6)


def test_an_overstretched_knee_is_left_alone_where_the_foot_stays():
    motion = posed(30)
    rotations = motion.rotations.copy()
    for side in ("left", "right"):
        for joint, radians in (("hip", 0.06), ("knee", -0.12), ("ankle", 0.06)):
            rotations[:, INDEX[f"{side}_{joint}"]] = axis_angle_to_quaternion([radians, 0, 0])
    locked = replace(motion, rotations=rotations)
    locked = locked.moved([0, -sole_heights(locked.positions(SKELETON), SKELETON).min(), 0])
    assert flexion(locked).max() < -np.radians(3)
    assert furthest(clean(locked, SKELETON), locked) < 0.005


def test_only_legs_and_path_change_when_feet_are_held():
    sliding = stepping(slip=0.08)
    legs = [INDEX[f"{side}_{joint}"] for side in ("left", "right") for joint in ("hip", "knee", "ankle")]
    others = np.delete(np.arange(55), legs)
    np.testing.assert_allclose(
        clean(sliding, SKELETON).rotations[:, others], smooth_jitter(sliding).rotations[:, others], atol=1e-9
    )


@pytest.mark.parametrize("metres", [0.0, 0.2])
def test_a_jump_between_intervals_is_spread(metres):
    motion = posed(80)
    jump = np.zeros((80, 55, 3))
    jump[40:, INDEX["right_shoulder"]] = [0.0, 0.3, 0.2]
    rotations = quaternion_multiply(motion.rotations, axis_angle_to_quaternion(jump))
    path = motion.translation + (np.arange(80) >= 40)[:, None] * [metres, 0, 0]
    broken = replace(motion, translation=path, rotations=rotations)
    mended = remove_pops(broken)
    worst = [jerk_profile(m.positions(SKELETON)).max() for m in (motion, broken, mended)]
    assert worst[1] > 10 * worst[0]
    assert worst[2] < 0.1 * worst[1]
    assert furthest(mended.slice(0, 30), motion.slice(0, 30)) < 1e-9
    assert furthest(mended.slice(50), broken.slice(50)) < 1e-9


@pytest.mark.parametrize(("speed", "leap", "is_one"), [(0.4, 1.6, True), (0.4, 1.1, False), (0.7, 1.6, False)])
def test_an_arm_that_moves_quickly_may_not_leap_out_of_its_way(speed, leap, is_one):
    """speed: radians that the shoulder turns in each frame; leap: how much further in one of them."""
    turn = np.zeros((40, 55, 3))
    turn[:, INDEX["right_shoulder"], 2] = speed * np.arange(40) + leap * (np.arange(40) >= 20)
    motion = posed(40)
    motion = replace(motion, rotations=quaternion_multiply(motion.rotations, axis_angle_to_quaternion(turn)))
    mended = remove_pops(motion)
    if not is_one:
        np.testing.assert_array_equal(mended.rotations, motion.rotations)
        return
    before, after = (jerk_profile(m.positions(SKELETON))[10:30].max() for m in (motion, mended))
    assert after < 0.5 * before
    assert furthest(mended.slice(0, 14), motion.slice(0, 14)) < 1e-9
    assert furthest(mended.slice(26), motion.slice(26)) < 1e-9


def test_smooth_motion_has_no_jumps():
    for seed in range(10):
        motion = wandering(80, seed=seed, turn=4.0)
        np.testing.assert_array_equal(remove_pops(motion).translation, motion.translation)
        np.testing.assert_array_equal(remove_pops(motion).rotations, motion.rotations)


def waving_then_raised(frames: int = 80) -> Motion:
    """A forearm that waves twice a second and from the middle on is held up, its turn halted within a frame."""
    seconds = np.arange(frames) / 20.0
    turn = np.zeros((frames, 55, 3))
    turn[:, INDEX["right_elbow"], 2] = np.where(seconds < 2.0, 0.6 * np.sin(4 * np.pi * seconds), 0.8)
    motion = posed(frames)
    return replace(motion, rotations=quaternion_multiply(motion.rotations, axis_angle_to_quaternion(turn)))


def test_a_hand_goes_over_a_seam_without_a_jerk():
    motion = waving_then_raised()
    calm = smooth_seams(motion, [40])
    before, after = (jerk_profile(m.positions(SKELETON)).max() for m in (motion, calm))
    assert after < 0.5 * before
    reach = round(CLEANUP.seam_seconds * 20)
    assert furthest(calm.slice(0, 40 - reach), motion.slice(0, 40 - reach)) < 1e-9
    assert furthest(calm.slice(40 + reach), motion.slice(40 + reach)) < 1e-9
    assert furthest(clean(motion, SKELETON, seams=[40]), clean(motion, SKELETON)) > 0.01


def test_steady_motion_goes_over_a_seam_as_it_is():
    frames = np.arange(60)
    turn = np.zeros((60, 55, 3))
    turn[:, INDEX["right_elbow"], 1] = 0.05 * frames
    steady = replace(
        rest_motion(60, SKELETON),
        translation=rest_motion(60, SKELETON).translation + frames[:, None] * [0.0, 0.0, 0.06],
        rotations=quaternion_multiply(rest_motion(60, SKELETON).rotations, axis_angle_to_quaternion(turn)),
    )
    assert furthest(smooth_seams(steady, [30]), steady) < 1e-9
    assert furthest(smooth_seams(steady, []), steady) < 1e-12


@settings(max_examples=20, deadline=None)
@given(seams=st.lists(st.integers(1, 29), max_size=5), seed=st.integers(0, 20), fps=st.sampled_from([20.0, 5.0]))
def test_seams_anywhere_leave_the_motion_whole(seams: list[int], seed: int, fps: float):
    motion = replace(wandering(30, seed=seed), fps=fps)
    calm = smooth_seams(motion, seams)
    assert len(calm) == 30
    assert np.isfinite(calm.translation).all()
    np.testing.assert_allclose(np.linalg.norm(calm.rotations, axis=-1), 1.0, atol=1e-9)
    turned = motion.turned(1.0).moved([1.0, 0.0, 2.0])
    assert furthest(smooth_seams(turned, seams), calm.turned(1.0).moved([1.0, 0.0, 2.0])) < 1e-6


def test_smoothing_keeps_the_ends():
    motion = shaken(posed())
    calm = smooth_jitter(motion)
    np.testing.assert_allclose(calm.translation[[0, -1]], motion.translation[[0, -1]])
    assert furthest(calm.slice(0, 1), motion.slice(0, 1)) < 1e-9


def test_contacts_hang_on_and_short_ones_are_dropped():
    motion = rest_motion(40, SKELETON)
    path = np.zeros((40, 3))
    path[20:30, 2] = np.arange(1, 11) * 0.012  # 0.24 m/s: too fast to begin to stand, slow enough to go on
    path[30:, 2] = path[29, 2] + np.arange(1, 11) * 0.05  # 1 m/s
    planted = planted_feet(motion.positions(SKELETON) + path[:, None], SKELETON, 20.0)
    assert planted[:29].all()
    assert not planted[31:].any()
    contacts = np.ones((40, 4), bool)
    contacts[10:12] = False
    contacts[20:30] = False
    contacts[25] = True
    told = planted_feet(motion.positions(SKELETON), SKELETON, 20.0, contacts)
    assert told[:20].all()
    assert not told[20:30].any()


def test_told_contacts_do_not_hold_a_foot_in_the_air_or_in_flight():
    motion = rest_motion(20, SKELETON).moved([0, 0.4, 0])
    assert not planted_feet(motion.positions(SKELETON), SKELETON, 20.0, np.ones((20, 4), bool)).any()


def test_contacts_of_another_length_are_refused():
    with pytest.raises(InputError, match=r"\(30, 4\)"):
        clean(posed(30), SKELETON, np.ones((29, 4)))
