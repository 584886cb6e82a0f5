# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted feet held in place and out of the floor."""

from dataclasses import replace

import numpy as np

from ..motion.clip import Motion
from ..motion.features import CONTACT_JOINTS
from ..motion.metrics import sole_heights
from ..motion.rotation import Array, continuous
from ..motion.skeleton import Skeleton
from ..runs import Bools, true_runs
from .contacts import planted_feet
from .leg_ik import LEGS, bend_leg, missing_reach, reach
from .smoothing import envelope

BLEND_SECONDS = 0.2  # in which a foot comes to, and leaves, the place where it is held
LARGEST_SHIFT = 0.10  # metres that a foot is held off its own path; a worse slide is only slowed down
PATH_SECONDS = 0.15  # over which the slide of the standing feet is averaged to correct the path of the body
HOLD_SECONDS = 1.5  # over which a standing foot may follow a slow drift
GROUND_SECONDS = 0.4  # over which the height of the body above its standing feet is averaged
GROUND_TOLERANCE = 0.02  # metres that standing feet may be above the floor, as they are in recordings
STEP_LIFT = 0.3  # how high a foot goes for its way from one place to the next
LARGEST_LIFT = 0.06  # metres that this is at most
LIFT_SECONDS = 0.05  # over which it is averaged, so that no foot starts with a jerk
SHORTEST_STEP = 0.04  # metres of way from which a foot steps
STEP_SUPPORT = 0.6  # share of the time in which the other foot stands
LARGEST_DROP = 0.04  # metres that the pelvis goes down where a leg is too short


def hold_feet(motion: Motion, skeleton: Skeleton) -> Motion:
    """Feet that stand held where they stand, and out of the floor; the path of the body stays as it is."""
    return apply_foot_lock(motion, planted_feet(motion.positions(skeleton), skeleton, motion.fps), skeleton)


def _standing_points(positions: Array, planted: Bools) -> tuple[Array, Bools]:
    """The step of each foot's standing point to the next frame (T - 1, 2, 3), and whether it stands (T - 1, 2).

    That point is the ball of the foot, or the ankle while only the heel is down.
    """
    feet = positions[:, CONTACT_JOINTS]  # (T, 4, 3)
    steps = np.diff(feet, axis=0)
    both = planted[1:] & planted[:-1]  # (T - 1, 4)
    ball = both[:, [1, 3]]
    return np.where(ball[..., None], steps[:, [1, 3]], steps[:, [0, 2]]), ball | both[:, [0, 2]]


def _gaussian(values: Array, sigma: float) -> Array:
    """Values (T, ...) convolved along time, zero beyond the ends; sigma in frames."""
    reach = min(int(np.ceil(3 * sigma)), len(values) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.concatenate([np.zeros((reach, *values.shape[1:])), values, np.zeros((reach, *values.shape[1:]))])
    return sum((weight * padded[k : k + len(values)] for k, weight in enumerate(kernel)), np.zeros_like(values))


def _averaged(values: Array, weights: Array, sigma: float) -> Array:
    """Weighted mean over time (T, D) of values (T, 2, D) with weights (T, 2); towards 0 far from any weight."""
    total = _gaussian((values * weights[..., None]).sum(1), sigma)
    return total / np.maximum(_gaussian(weights.sum(1), sigma), 0.3)[:, None]


def path_shift(positions: Array, planted: Bools, fps: float) -> Array:
    """How far to move the body (T, 3) so that its standing feet, taken together, do not slide."""
    shift = np.zeros((len(positions), 3))
    if len(positions) > 1:
        steps, stands = _standing_points(positions, planted)
        slide = _averaged(steps[..., [0, 2]], stands.astype(np.float64), PATH_SECONDS * fps)  # (T - 1, 2)
        shift[1:, [0, 2]] = -np.cumsum(slide, axis=0)
    return shift


def ground_shift(positions: Array, planted: Bools, skeleton: Skeleton, fps: float) -> Array:
    """How far to lift the body (T,) so that its standing feet are on the floor: slow, and nothing in the air."""
    balls = sole_heights(positions, skeleton)[:, [1, 3], None]  # (T, 2, 1)
    above = _averaged(balls, planted[:, [1, 3]].astype(np.float64), GROUND_SECONDS * fps)[:, 0]
    return -np.maximum(above - GROUND_TOLERANCE, 0) - np.minimum(above, 0)


def step_lifts(positions: Array, planted: Bools, skeleton: Skeleton, fps: float) -> Array:
    """How much higher each foot has to go (T, 2), in metres, where it shuffles from one place to the next.

    One that goes 4 cm or more while the other stands rises to 0.3 of its way in the middle of it, 6 cm at most; what it
    does by itself counts.
    """
    stands = planted.reshape(-1, 2, 2).any(-1)  # (T, 2)
    low = np.maximum(sole_heights(positions, skeleton).reshape(-1, 2, 2).min(-1), 0)
    balls = positions[:, CONTACT_JOINTS[1::2]][..., [0, 2]]
    lifts = np.zeros((len(positions), 2))
    for side in range(2):
        for start, stop in true_runs(~stands[:, side]):
            if start == 0 or stop == len(stands) or stands[start:stop, 1 - side].mean() < STEP_SUPPORT:
                continue
            way = np.linalg.norm(balls[stop, side] - balls[start - 1, side])
            if way >= SHORTEST_STEP:
                risen = np.sin(np.linspace(0, np.pi, stop - start + 2)[1:-1]) ** 2
                higher = min(STEP_LIFT * way, LARGEST_LIFT) * risen - low[start:stop, side]
                lifts[start:stop, side] = np.maximum(higher, 0)
    return _gaussian(lifts, LIFT_SECONDS * fps)


def apply_foot_lock(motion: Motion, planted: Bools, skeleton: Skeleton, lift: Array | None = None) -> Motion:
    """Standing feet held where they stand, all feet above the floor, by two-bone IK of hip, knee and ankle."""
    positions, world = motion.forward_kinematics(skeleton)
    drop, bends = standing_legs(positions, world, planted, skeleton, motion.fps, lift=lift)
    rotations = motion.rotations.copy()
    for leg, (flex, aim) in zip(LEGS, bends, strict=True):
        bend_leg(rotations, world, leg, flex, aim)
    lowered = np.stack([np.zeros_like(drop), drop, np.zeros_like(drop)], -1)  # (T, 3)
    return replace(motion, translation=motion.translation - lowered, rotations=continuous(rotations))


def standing_legs(
    positions: Array,
    world: Array,
    planted: Bools,
    skeleton: Skeleton,
    fps: float,
    hold_seconds: float = HOLD_SECONDS,
    lift: Array | None = None,
) -> tuple[Array, list[tuple[Array, Array]]]:
    """What keeps standing feet where they stand, and all feet above the floor, by two-bone IK that leaves feet as they
    are turned: (drop, bends).

    Of positions (T, 55, 3) only those of hips, knees, ankles and feet are read, of world rotations (T, 55, 3, 3) those
    of the hips, about whose x axis knees bend, and of the skeleton the heights of ankles and feet at rest. So they may
    be those of a rig with other legs, in metres of the neutral body.

    planted: (T, 4). hold_seconds: over which a standing foot may follow a slow drift. lift: (T, 2) metres that each
    foot is to go up besides.

    drop: (T,) metres that the pelvis goes down. bends: for the left and the right leg the angle that its knee bends
    more (T,), and the turn of the leg after that in the world (T, 4).
    """
    target = _foot_shifts(positions, planted, fps, hold_seconds)  # (T, 2, 3)
    if lift is not None:
        target[..., 1] += lift
    lowest = sole_heights(positions, skeleton).reshape(-1, 2, 2).min(-1) + (0.0 if lift is None else lift)  # (T, 2)
    target[..., 1] += envelope(np.maximum(-lowest, 0), 1)
    drop = np.zeros(len(positions))
    for side, leg in enumerate(LEGS):
        drop = np.maximum(drop, missing_reach(positions, leg, positions[:, leg[2]] + target[:, side]))
    drop = envelope(np.minimum(drop, LARGEST_DROP), max(round(0.1 * fps), 1))
    lowered = np.stack([np.zeros_like(drop), drop, np.zeros_like(drop)], -1)  # (T, 3)
    ankles = [positions[:, leg[2]] + target[:, side] + lowered for side, leg in enumerate(LEGS)]
    return drop, [reach(positions, world, leg, ankle) for leg, ankle in zip(LEGS, ankles, strict=True)]


def _foot_shifts(positions: Array, planted: Bools, fps: float, hold_seconds: float) -> Array:
    """Where to move each foot (T, 2, 3), on the level, so that it stands still while planted.

    A stretch of standing is held about the slow mean of its path; before and after it the shift fades in and out.
    """
    frames = len(positions)
    shifts = np.zeros((frames, 2, 3))
    if frames < 2:
        return shifts
    steps, stands = _standing_points(positions, planted)
    blend, sigma = max(round(BLEND_SECONDS * fps), 1), hold_seconds * fps
    for side in range(2):
        runs = [(start, stop + 1) for start, stop in true_runs(stands[:, side])]  # in frames
        for run, (start, stop) in enumerate(runs):
            path = np.zeros((stop - start, 3))
            path[1:, [0, 2]] = np.cumsum(steps[start : stop - 1, side], axis=0)[:, [0, 2]]
            hold = _gaussian(path, sigma) / _gaussian(np.ones((len(path), 1)), sigma) - path
            length = np.linalg.norm(hold, axis=-1, keepdims=True) / LARGEST_SHIFT
            hold /= (1 + length**4) ** 0.25
            shifts[start:stop, side] += hold
            before = start - (runs[run - 1][1] - 1 if run else -frames)
            after = (runs[run + 1][0] if run + 1 < len(runs) else 2 * frames) - (stop - 1)
            for edge, direction, room in ((start, -1, before), (stop - 1, 1, after)):
                width = min(blend + 1, room)
                k = np.arange(1, width)
                fade = 1 - k / width
                fade = fade * fade * (3 - 2 * fade)
                at = edge + direction * k
                inside = (at >= 0) & (at < frames)
                shifts[at[inside], side] += fade[inside, None] * hold[0 if direction < 0 else -1]
    return shifts
