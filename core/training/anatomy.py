# SPDX-License-Identifier: GPL-3.0-or-later
"""What recordings do that bodies cannot: knees bent forward, hands inside the hips; and a floor that is not flat.

Markers and other bodies' proportions put a knee a few degrees past straight and a hand into the pelvis. The leg is made
straight along its line from hip to ankle, so that the foot stays; the hand goes out the shortest way, and the arm after
it. Feet and hands keep their directions.
"""

import numpy as np

from ..motion.clip import Motion
from ..motion.filters import gaussian_filter
from ..motion.rotation import (
    Array,
    axis_angle_to_matrix,
    continuous,
    matrix_to_quaternion,
    quaternion_to_matrix,
    rotation_between,
)
from ..motion.skeleton import INDEX, PARENTS, Skeleton

_SIDES = ("left", "right")
_PELVIS, _THIGH = 0.115, 0.085  # meters from the line between the hips, and from the upper thigh's, to the skin
_THIGH_SHARE = 0.45  # of the thigh that a hanging hand comes near
_HAND = 0.015  # meters: half the thickness of a hand
_FARTHEST = np.pi / 2  # past straight; more is a knee bent so far that the angle has come around
_ROUNDS = 4
_ASIDE = 0.5  # of the way out of its own thigh, what a hand goes to the side at least
_LEAST = 1e-4  # meters, radians: less is left as it is


def mended(rotations: Array, skeleton: Skeleton) -> Array:
    """Knees at most straight, and hands outside the hips.

    Args:
        rotations: (T, 55, 4) local unit quaternions.
        skeleton: The body that they turn.

    Returns:
        The same array where nothing is to mend, else a copy, in which neighboring frames lie in one hemisphere.
    """
    local = quaternion_to_matrix(rotations)  # (T, 55, 3, 3)
    changed = [_straighten_knee(local, skeleton, side) for side in _SIDES]
    for _ in range(_ROUNDS):  # out of the pelvis a hand may come into a thigh
        pushed = [_push_out_hand(local, skeleton, side) for side in _SIDES]
        changed += pushed
        if not any(pushed):
            break
    return continuous(matrix_to_quaternion(local)) if any(changed) else rotations


def knee_bend(local: Array, skeleton: Skeleton, side: str) -> Array:
    """How far a knee is bent.

    Args:
        local: (T, 55, 3, 3) local rotations.
        skeleton: The body that they turn.
        side: "left" or "right".

    Returns:
        (T,) radians about the thigh's own X axis, from straight; negative where the shin is in front of the line.
    """
    thigh = skeleton.offsets[INDEX[f"{side}_knee"]]
    shin = local[:, INDEX[f"{side}_knee"]] @ skeleton.offsets[INDEX[f"{side}_ankle"]]  # (T, 3)
    return np.arctan2(thigh[1] * shin[:, 2] - thigh[2] * shin[:, 1], thigh[1] * shin[:, 1] + thigh[2] * shin[:, 2])


def _straighten_knee(local: Array, skeleton: Skeleton, side: str) -> bool:
    """Take a knee's overstretch out of local rotations (T, 55, 3, 3), in place; whether there was any."""
    bend = knee_bend(local, skeleton, side)
    frames = np.flatnonzero((bend < -_LEAST) & (bend > -_FARTHEST))
    if not len(frames):
        return False
    hip, knee, ankle = (INDEX[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
    before = local[frames][:, [hip, knee, ankle]]  # (F, 3, 3, 3)
    line = skeleton.offsets[knee] + before[:, 1] @ skeleton.offsets[ankle]  # hip to ankle, seen from the thigh
    straight = axis_angle_to_matrix(-bend[frames, None] * [1.0, 0.0, 0.0]) @ before[:, 1]
    now = skeleton.offsets[knee] + straight @ skeleton.offsets[ankle]
    swing = rotation_between(now, line)
    local[frames, hip] = before[:, 0] @ swing
    local[frames, knee] = straight
    foot = before[:, 1] @ before[:, 2]  # seen from the thigh as it was
    local[frames, ankle] = _transposed(swing @ straight) @ foot
    return True


def _push_out_hand(local: Array, skeleton: Skeleton, side: str) -> bool:
    """Take a hand out of pelvis and thighs in local rotations (T, 55, 3, 3), in place; whether it was inside."""
    root = np.zeros((len(local), 3))
    positions, world = skeleton.forward_kinematics(local, root)
    move = hand_depth(positions, side)  # (T, 3)
    frames = np.flatnonzero(np.linalg.norm(move, axis=-1) > _LEAST)
    if not len(frames):
        return False
    shoulder, elbow, wrist = (INDEX[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    places, turned = positions[frames], world[frames]
    wanted = places[:, wrist] + move[frames] - places[:, shoulder]  # (F, 3)
    upper, lower = places[:, elbow] - places[:, shoulder], places[:, wrist] - places[:, elbow]
    a, b = np.linalg.norm(upper, axis=-1), np.linalg.norm(lower, axis=-1)
    distance = np.clip(np.linalg.norm(wanted, axis=-1), np.abs(a - b) + 1e-4, a + b - 1e-4)
    fold = np.arccos(np.clip((distance**2 - a**2 - b**2) / (2 * a * b), -1, 1))  # of the elbow, 0 where straight
    axis = np.cross(upper, lower)
    size = np.linalg.norm(axis, axis=-1, keepdims=True)
    axis = np.where(size > 1e-6, axis / np.maximum(size, 1e-6), turned[:, elbow, :, 1])
    bent = np.arctan2(size[:, 0], (upper * lower).sum(-1))
    forearm = axis_angle_to_matrix((fold - bent)[:, None] * axis)  # in the world
    swing = rotation_between(upper + (forearm @ lower[..., None])[..., 0], wanted)
    arms = {
        shoulder: swing @ turned[:, shoulder], elbow: swing @ forearm @ turned[:, elbow], wrist: turned[:, wrist]
    }  # fmt: skip
    above = turned[:, PARENTS[shoulder]]
    for joint in (shoulder, elbow, wrist):
        local[frames, joint] = _transposed(above) @ arms[joint]
        above = arms[joint]
    return True


def hand_depth(positions: Array, side: str) -> Array:
    """What takes a hand out of the body around the hips.

    Args:
        positions: (T, 55, 3) places of the joints, in meters.
        side: "left" or "right".

    Returns:
        (T, 3) the way out of pelvis and upper thighs for the deeper of wrist and middle knuckle, in meters; 0 outside.
    """
    hips = {s: positions[:, INDEX[f"{s}_hip"]] for s in _SIDES}
    other = _SIDES[1 - _SIDES.index(side)]
    outward = (hips[side] - hips[other]) / np.linalg.norm(hips[side] - hips[other], axis=-1, keepdims=True)
    capsules = [(hips[side], hips[other], _PELVIS, np.zeros_like(outward))]
    for s in _SIDES:
        thigh = positions[:, INDEX[f"{s}_knee"]] - hips[s]
        # out of its own thigh a hand goes to the outside, not between the legs
        capsules.append((hips[s], hips[s] + _THIGH_SHARE * thigh, _THIGH, outward if s == side else 0 * outward))
    move = np.zeros((len(positions), 3))
    deepest = np.zeros(len(positions))
    for joint in (f"{side}_wrist", f"{side}_middle1"):
        point = positions[:, INDEX[joint]]
        for start, end, radius, preferred in capsules:
            along = end - start
            share = ((point - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12)
            away = point - (start + np.clip(share, 0, 1)[:, None] * along)
            distance = np.linalg.norm(away, axis=-1)
            aside = (away * preferred).sum(-1)
            lacking = np.maximum(_ASIDE * distance - aside, 0.0) * (preferred**2).sum(-1)
            out = away + lacking[:, None] * preferred
            out /= np.maximum(np.linalg.norm(out, axis=-1), 1e-6)[:, None]
            # how far along `out` the skin is
            slant = (away * out).sum(-1)
            left = slant**2 + (radius + _HAND) ** 2 - distance**2
            depth = np.where(distance < radius + _HAND, np.sqrt(np.maximum(left, 0.0)) - slant, 0.0)
            deeper = depth > deepest
            move = np.where(deeper[:, None], depth[:, None] * out, move)
            deepest = np.maximum(deepest, depth)
    return move


def _transposed(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)


def on_level_ground(motion: Motion, clearance: Array, seconds: float = 0.3) -> Motion:
    """A walk over steps and slopes as if on a flat floor.

    Args:
        motion: T frames.
        clearance: (T,) meters that the lower sole is over the floor.
        seconds: Standard deviation of the Gaussian by which the ground under the feet is averaged.

    Returns:
        The motion lowered and lifted by what the lower sole was over the floor, on average around each frame.
    """
    sigma = seconds * motion.fps
    ground = gaussian_filter(clearance, sigma, round(2 * sigma))
    return Motion(
        motion.translation - ground[:, None] * [0.0, 1.0, 0.0], motion.rotations, motion.fps, motion.betas,
        motion.gender,
    )  # fmt: skip
