# SPDX-License-Identifier: GPL-3.0-or-later
"""Two-bone inverse kinematics of the legs."""

import numpy as np

from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    rotation_between,
)
from ..motion.skeleton import INDEX
from .settings import CLEANUP, CleanupSettings

LEGS = tuple(tuple(INDEX[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle")) for side in ("left", "right"))
"""Hip, knee and ankle of the left and the right leg."""


def missing_reach(positions: Array, leg: tuple[int, ...], ankle: Array) -> Array:
    """How far the pelvis must be lowered for a leg to reach a target without overstretching.

    Args:
        positions: joints in meters, (T, 55, 3).
        leg: one of `LEGS`.
        ankle: the ankle's target, (T, 3).

    Returns:
        Meters, (T,).
    """
    hip, knee = positions[:, leg[0]], positions[:, leg[1]]
    now = np.linalg.norm(positions[:, leg[2]] - hip, axis=-1)
    bones = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(positions[:, leg[2]] - knee, axis=-1)
    reach = np.maximum(0.985 * bones, now)
    level = np.linalg.norm((ankle - hip)[:, [0, 2]], axis=-1)
    room = np.sqrt(np.maximum(reach**2 - level**2, 0))
    return np.maximum(hip[:, 1] - ankle[:, 1] - room, 0)


def solve_leg(
    positions: Array, world: Array, leg: tuple[int, ...], ankle: Array, settings: CleanupSettings = CLEANUP
) -> tuple[Array, Array]:
    """Solve a leg so that its ankle goes to a target, as seen from the hip where it is.

    A leg never gets longer than its bones; near that length it gives way softly.

    Args:
        positions: joints in meters, (T, 55, 3).
        world: rotations of the joints in the world, (T, 55, 3, 3).
        leg: one of `LEGS`.
        ankle: the ankle's target, (T, 3).
        settings: gives `overstretched_knee` and `knee_bends_at`.

    Returns:
        Radians that the knee turns about its hinge, the x axis of the thigh (T,), and the smallest rotation of the
        whole leg after that in the world, quaternions (T, 4).
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
    unchanged = np.clip(1 - np.abs(longer) / settings.knee_bends_at, 0, 1)
    over = np.clip(-bend / settings.overstretched_knee, 0, 1) * unchanged
    flex = angle * (1 - 2 * over) - bend
    cos, sin = np.cos(flex), np.sin(flex)
    bent = np.stack([shank[:, 0], cos * shank[:, 1] - sin * shank[:, 2], sin * shank[:, 1] + cos * shank[:, 2]], -1)
    reached = np.einsum("tij,tj->ti", world[:, hip], thigh + bent)  # (T, 3)
    return flex, matrix_to_quaternion(rotation_between(reached, wanted))


def bend_leg(rotations: Array, world: Array, leg: tuple[int, ...], flex: Array, aim: Array) -> None:
    """Apply what `solve_leg` returned; the foot keeps its orientation in the world.

    Args:
        rotations: local quaternions (T, 55, 4), changed in place.
        world: rotations of the joints in the world before, (T, 55, 3, 3).
        leg: one of `LEGS`.
        flex: radians that the knee turns, (T,).
        aim: rotation of the whole leg in the world, (T, 4).
    """
    hip, knee, foot = leg
    hinge = axis_angle_to_quaternion(np.stack([flex, np.zeros_like(flex), np.zeros_like(flex)], -1))
    rotations[:, knee] = quaternion_multiply(hinge, rotations[:, knee])
    parent, old_hip = matrix_to_quaternion(world[:, 0]), matrix_to_quaternion(world[:, hip])
    new_hip = quaternion_multiply(aim, old_hip)
    rotations[:, hip] = quaternion_multiply(quaternion_conjugate(parent), new_hip)
    new_knee = quaternion_multiply(new_hip, rotations[:, knee])
    rotations[:, foot] = quaternion_multiply(quaternion_conjugate(new_knee), matrix_to_quaternion(world[:, foot]))
