# SPDX-License-Identifier: GPL-3.0-or-later
"""After sampling (method section 5): no jumps and jitter, feet in contact stand still, soles stay above the floor.

Recorded motion passes almost unchanged. Everything works at any frame rate and turns and moves with the motion.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .features import CONTACT_JOINTS, CONTACT_SPEED
from .metrics import sole_heights
from .motion import Motion
from .rotation import (
    Array,
    axis_angle_to_quaternion,
    continuous,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    rotation_between,
)
from .runs import Bools, true_runs
from .skeleton import INDEX, Skeleton
from .smoothing import calmed, envelope, smoothed, without_jumps

FREE_SPEEDS = (0.30, 0.10)  # metres a second at which a foot that stood is let go: on the floor, and lifted
LIFTED = (0.005, 0.02)  # metres above its rest height from which it counts as lifted, and from which wholly
FREE_HEIGHT = 0.12  # metres above its rest height at which it is let go
PLANT_HEIGHT = 0.08  # metres above its rest height under which it may be planted
SHORTEST_SECONDS = 0.1  # a shorter contact is none, and a shorter break in one is none
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

_LEGS = tuple(tuple(INDEX[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle")) for side in ("left", "right"))
_LOCKED_KNEE = np.radians(3.0)  # beyond straight, from which a knee counts as overstretched
_KNEE_TURNS = 0.01  # metres of change in a leg's length from which an overstretched knee bends forward


def clean(
    motion: Motion, skeleton: Skeleton, contacts: npt.ArrayLike | None = None, seams: Iterable[int] = ()
) -> Motion:
    """The motion without jumps, jitter, foot skate and feet in the floor; of the same length, rate and shape.

    contacts: (T, 4), above 0.5 where left ankle, left foot, right ankle, right foot are on the floor, as in features
    at the motion's own frame rate; found by speed and height, with hysteresis, where not given. seams: the first frames
    of what is told, where it changes: see `calmed`.

    Feet in the air are kept out of the floor, and one that is dragged from one place to the next is lifted. What is
    done to a foot that stands: the path of the body takes up the slide that is common to the standing feet; what is
    left is held by bending knee and hip (two-bone IK), the foot keeping its orientation.

    Raises InputError for contacts of another shape.
    """
    motion = calmed(smoothed(without_jumps(motion)), seams)
    positions = motion.positions(skeleton)
    if contacts is not None and np.shape(contacts) != (len(motion), len(CONTACT_JOINTS)):
        raise InputError(f"Contacts of {len(motion)} frames are ({len(motion)}, 4) numbers, not {np.shape(contacts)}.")
    given = None if contacts is None else np.asarray(contacts, np.float64) > 0.5
    planted = planted_feet(positions, skeleton, motion.fps, given)  # (T, 4)
    shift = _path_shift(positions, planted, motion.fps)
    shift[:, 1] = _ground_shift(positions, planted, skeleton, motion.fps)
    motion = replace(motion, translation=motion.translation + shift)
    return _held(motion, planted, skeleton, step_lifts(positions + shift[:, None], planted, skeleton, motion.fps))


def hold_feet(motion: Motion, skeleton: Skeleton) -> Motion:
    """Feet that stand held where they stand, and out of the floor; the path of the body stays as it is."""
    return _held(motion, planted_feet(motion.positions(skeleton), skeleton, motion.fps), skeleton)


def planted_feet(positions: Array, skeleton: Skeleton, fps: float, contacts: Bools | None = None) -> Bools:
    """Which of left ankle, left foot, right ankle, right foot stand on the floor: (T, 4).

    Without contacts a joint is planted when slower than 0.15 m/s and less than 8 cm above its rest height, until it
    is faster than 0.3 m/s on the floor, 0.1 m/s lifted by 2 cm, or higher than 12 cm. With them, they say when it is
    planted, within those outer limits.
    """
    feet = positions[:, CONTACT_JOINTS]  # (T, 4, 3)
    speed = np.zeros(feet.shape[:2])
    if len(feet) > 1:
        step = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
        # A foot stands if it does so towards either neighbour.
        speed = np.minimum(np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]]))
    height = sole_heights(positions, skeleton)
    may_stand = (speed < np.interp(height, LIFTED, FREE_SPEEDS)) & (height < FREE_HEIGHT)
    stands = (speed < CONTACT_SPEED) & (height < PLANT_HEIGHT) if contacts is None else contacts
    planted = stands & may_stand
    if contacts is None:
        for order in (range(1, len(planted)), range(len(planted) - 2, -1, -1)):
            for k in order:
                planted[k] |= may_stand[k] & planted[k - 1 if order.step > 0 else k + 1]
    shortest = max(round(SHORTEST_SECONDS * fps), 1)
    for column in planted.T:
        _drop_short(column, False, shortest)
        _drop_short(column, True, shortest)
    return planted


def _drop_short(flags: Bools, value: bool, shortest: int) -> None:
    """Turn over, in place, inner runs of `value` of at most `shortest` frames (T,)."""
    for start, stop in true_runs(flags == value):
        if stop - start <= shortest and start > 0 and stop < len(flags):
            flags[start:stop] = not value


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


def _path_shift(positions: Array, planted: Bools, fps: float) -> Array:
    """How far to move the body (T, 3) so that its standing feet, taken together, do not slide."""
    shift = np.zeros((len(positions), 3))
    if len(positions) > 1:
        steps, stands = _standing_points(positions, planted)
        slide = _averaged(steps[..., [0, 2]], stands.astype(np.float64), PATH_SECONDS * fps)  # (T - 1, 2)
        shift[1:, [0, 2]] = -np.cumsum(slide, axis=0)
    return shift


def _ground_shift(positions: Array, planted: Bools, skeleton: Skeleton, fps: float) -> Array:
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


def _held(motion: Motion, planted: Bools, skeleton: Skeleton, lift: Array | None = None) -> Motion:
    """Standing feet held where they stand, all feet above the floor, by two-bone IK of hip, knee and ankle."""
    positions, world = motion.forward_kinematics(skeleton)
    drop, bends = standing_legs(positions, world, planted, skeleton, motion.fps, lift=lift)
    rotations = motion.rotations.copy()
    for leg, (flex, aim) in zip(_LEGS, bends, strict=True):
        _bend(rotations, world, leg, flex, aim)
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
    for side, leg in enumerate(_LEGS):
        drop = np.maximum(drop, _missing_reach(positions, leg, positions[:, leg[2]] + target[:, side]))
    drop = envelope(np.minimum(drop, LARGEST_DROP), max(round(0.1 * fps), 1))
    lowered = np.stack([np.zeros_like(drop), drop, np.zeros_like(drop)], -1)  # (T, 3)
    ankles = [positions[:, leg[2]] + target[:, side] + lowered for side, leg in enumerate(_LEGS)]
    return drop, [_reach(positions, world, leg, ankle) for leg, ankle in zip(_LEGS, ankles, strict=True)]


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


def _missing_reach(positions: Array, leg: tuple[int, ...], ankle: Array) -> Array:
    """How far the pelvis must go down (T,) for the leg to reach the ankle's target (T, 3) without overstretching."""
    hip, knee = positions[:, leg[0]], positions[:, leg[1]]
    now = np.linalg.norm(positions[:, leg[2]] - hip, axis=-1)
    bones = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(positions[:, leg[2]] - knee, axis=-1)
    reach = np.maximum(0.985 * bones, now)
    level = np.linalg.norm((ankle - hip)[:, [0, 2]], axis=-1)
    room = np.sqrt(np.maximum(reach**2 - level**2, 0))
    return np.maximum(hip[:, 1] - ankle[:, 1] - room, 0)


def _reach(positions: Array, world: Array, leg: tuple[int, ...], ankle: Array) -> tuple[Array, Array]:
    """Two-bone IK: the ankle goes to (T, 3) as seen from the hip where it now is.

    Returns how far the knee turns (T,) about its hinge, the x axis of the thigh, and then the leg as a whole (T, 4),
    by the smallest rotation. A leg never gets longer than it is; near that it gives way softly.
    """
    hip, knee, foot = leg
    thigh = np.einsum("tji,tj->ti", world[:, hip], positions[:, knee] - positions[:, hip])  # (T, 3) in the thigh's axes
    shank = np.einsum("tji,tj->ti", world[:, hip], positions[:, foot] - positions[:, knee])
    wanted = ankle - positions[:, hip]
    # Turning the shank by d about x: |thigh + shank|^2 = fixed + 2 hyp cos(d + bend), straightest where d = -bend.
    fixed = (thigh**2).sum(-1) + (shank**2).sum(-1) + 2 * thigh[:, 0] * shank[:, 0]
    a = thigh[:, 1] * shank[:, 1] + thigh[:, 2] * shank[:, 2]
    b = thigh[:, 2] * shank[:, 1] - thigh[:, 1] * shank[:, 2]
    hyp, bend = np.hypot(a, b), np.arctan2(-b, a)
    now = np.linalg.norm(thigh + shank, axis=-1)
    room = np.maximum(np.sqrt(fixed + 2 * hyp) - now, 1e-9)
    longer = np.linalg.norm(wanted, axis=-1) - now
    longer = np.where(longer > 0, room * -np.expm1(-np.maximum(longer, 0) / room), longer)
    angle = np.arccos(np.clip(((now + longer) ** 2 - fixed) / (2 * hyp), -1, 1))  # (T,) of bend, either way
    # A knee that was overstretched stays so, unless its leg changes length: then it bends as knees do.
    over = np.clip(-bend / _LOCKED_KNEE, 0, 1) * np.clip(1 - np.abs(longer) / _KNEE_TURNS, 0, 1)
    flex = angle * (1 - 2 * over) - bend
    cos, sin = np.cos(flex), np.sin(flex)
    bent = np.stack([shank[:, 0], cos * shank[:, 1] - sin * shank[:, 2], sin * shank[:, 1] + cos * shank[:, 2]], -1)
    reached = np.einsum("tij,tj->ti", world[:, hip], thigh + bent)  # (T, 3)
    return flex, matrix_to_quaternion(rotation_between(reached, wanted))


def _bend(rotations: Array, world: Array, leg: tuple[int, ...], flex: Array, aim: Array) -> None:
    """Put what `_reach` found on rotations (T, 55, 4), in place; the foot keeps its orientation in the world."""
    hip, knee, foot = leg
    hinge = axis_angle_to_quaternion(np.stack([flex, np.zeros_like(flex), np.zeros_like(flex)], -1))
    rotations[:, knee] = quaternion_multiply(hinge, rotations[:, knee])
    parent, old_hip = matrix_to_quaternion(world[:, 0]), matrix_to_quaternion(world[:, hip])
    new_hip = quaternion_multiply(aim, old_hip)
    rotations[:, hip] = quaternion_multiply(quaternion_conjugate(parent), new_hip)
    new_knee = quaternion_multiply(new_hip, rotations[:, knee])
    rotations[:, foot] = quaternion_multiply(quaternion_conjugate(new_knee), matrix_to_quaternion(world[:, foot]))
