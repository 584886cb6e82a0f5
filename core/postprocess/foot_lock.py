# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted feet held in place and out of the floor, by two-bone IK that keeps the feet's orientation."""

from dataclasses import replace

import numpy as np

from ..motion.clip import Motion
from ..motion.filters import envelope, gaussian_filter_zero, smoothstep
from ..motion.metrics import sole_heights
from ..motion.rotation import Array, continuous
from ..motion.skeleton import Skeleton
from ..runs import Bools, true_runs
from .contacts import planted_feet, support_steps
from .leg_ik import LEGS, bend_leg, missing_reach, solve_leg
from .settings import CLEANUP, CleanupSettings


def hold_feet(motion: Motion, skeleton: Skeleton, settings: CleanupSettings = CLEANUP) -> Motion:
    """Hold planted feet in place and out of the floor; the path of the body stays as it is."""
    planted = planted_feet(motion.positions(skeleton), skeleton, motion.fps, settings=settings)
    return apply_foot_lock(motion, planted, skeleton, settings=settings)


def apply_foot_lock(
    motion: Motion,
    planted: Bools,
    skeleton: Skeleton,
    lift: Array | None = None,
    settings: CleanupSettings = CLEANUP,
) -> Motion:
    """Hold planted feet in place, and all feet above the floor, by bending hip, knee and ankle.

    Args:
        motion: T frames.
        planted: as `planted_feet` returns it, (T, 4).
        skeleton: the motion's.
        lift: meters that each foot is raised besides, (T, 2).
        settings: limits and lengths.
    """
    positions, world = motion.forward_kinematics(skeleton)
    drop, bends = lock_legs(positions, world, planted, skeleton, motion.fps, lift=lift, settings=settings)
    rotations = motion.rotations.copy()
    for leg, (flex, aim) in zip(LEGS, bends, strict=True):
        bend_leg(rotations, world, leg, flex, aim)
    lowered = np.stack([np.zeros_like(drop), drop, np.zeros_like(drop)], -1)  # (T, 3)
    return replace(motion, translation=motion.translation - lowered, rotations=continuous(rotations))


def lock_legs(
    positions: Array,
    world: Array,
    planted: Bools,
    skeleton: Skeleton,
    fps: float,
    hold_seconds: float | None = None,
    lift: Array | None = None,
    settings: CleanupSettings = CLEANUP,
) -> tuple[Array, list[tuple[Array, Array]]]:
    """Solve for the legs that hold planted feet in place and all feet above the floor.

    Only the positions of hips, knees, ankles and feet are read, the rotations of the hips, about whose x axis knees
    bend, and the skeleton's heights of ankles and feet at rest. So the legs may be those of another rig, scaled to the
    neutral body.

    Args:
        positions: joints in meters, (T, 55, 3).
        world: rotations of the joints in the world, (T, 55, 3, 3).
        planted: as `planted_feet` returns it, (T, 4).
        skeleton: gives the heights at rest.
        fps: frame rate.
        hold_seconds: in place of the settings' `hold_seconds`.
        lift: meters that each foot is raised besides, (T, 2).
        settings: limits and lengths.

    Returns:
        Meters that the pelvis is lowered (T,), and for the left and the right leg what `solve_leg` returns.
    """
    hold = settings.hold_seconds if hold_seconds is None else hold_seconds
    target = _foot_shifts(positions, planted, fps, hold, settings)  # (T, 2, 3)
    if lift is not None:
        target[..., 1] += lift
    lowest = sole_heights(positions, skeleton).reshape(-1, 2, 2).min(-1) + (0.0 if lift is None else lift)  # (T, 2)
    target[..., 1] += envelope(np.maximum(-lowest, 0), 1)
    drop = np.zeros(len(positions))
    for side, leg in enumerate(LEGS):
        drop = np.maximum(drop, missing_reach(positions, leg, positions[:, leg[2]] + target[:, side]))
    drop = envelope(np.minimum(drop, settings.largest_drop), max(round(0.1 * fps), 1))
    lowered = np.stack([np.zeros_like(drop), drop, np.zeros_like(drop)], -1)  # (T, 3)
    ankles = [positions[:, leg[2]] + target[:, side] + lowered for side, leg in enumerate(LEGS)]
    return drop, [solve_leg(positions, world, leg, ankle, settings) for leg, ankle in zip(LEGS, ankles, strict=True)]


def _foot_shifts(positions: Array, planted: Bools, fps: float, hold_seconds: float, settings: CleanupSettings) -> Array:
    """Where to move each foot on the floor (T, 2, 3), so that it stands still while it is planted.

    A contact is held about the slow mean of its path; before and after it the shift fades in and out.
    """
    frames = len(positions)
    shifts = np.zeros((frames, 2, 3))
    if frames < 2:
        return shifts
    steps, stands = support_steps(positions, planted)
    blend, sigma = max(round(settings.blend_seconds * fps), 1), hold_seconds * fps
    for side in range(2):
        contacts = [(start, stop + 1) for start, stop in true_runs(stands[:, side])]  # in frames
        for contact, (start, stop) in enumerate(contacts):
            path = np.zeros((stop - start, 3))
            path[1:, [0, 2]] = np.cumsum(steps[start : stop - 1, side], axis=0)[:, [0, 2]]
            hold = gaussian_filter_zero(path, sigma) / gaussian_filter_zero(np.ones((len(path), 1)), sigma) - path
            length = np.linalg.norm(hold, axis=-1, keepdims=True) / settings.largest_shift
            hold /= (1 + length**4) ** 0.25
            shifts[start:stop, side] += hold
            before = start - (contacts[contact - 1][1] - 1 if contact else -frames)
            after = (contacts[contact + 1][0] if contact + 1 < len(contacts) else 2 * frames) - (stop - 1)
            for edge, direction, room in ((start, -1, before), (stop - 1, 1, after)):
                width = min(blend + 1, room)
                k = np.arange(1, width)
                fade = smoothstep(1 - k / width)
                at = edge + direction * k
                inside = (at >= 0) & (at < frames)
                shifts[at[inside], side] += fade[inside, None] * hold[0 if direction < 0 else -1]
    return shifts
