# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion warped to given poses at its ends, place and heading included, so that it fits between frames that stay."""

from dataclasses import replace

import numpy as np

from ..motion.clip import Motion
from ..motion.features import headings
from ..motion.filters import smoothstep
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    continuous,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    rotation_y,
)
from ..motion.skeleton import Skeleton
from .foot_lock import hold_feet

JOIN_SECONDS = 0.5  # over which the pose at either end fades into that of the part
REST_SPEED = 0.05  # meters (or radians) per second: how much a body at rest takes up of what is missing


def warp_to_endpoints(
    part: Motion, before: Motion | None, after: Motion | None, skeleton: Skeleton, feet: bool = True
) -> Motion:
    """Warp motion so that its first frame is that of `before` and its last that of `after`.

    The part is turned and moved as a whole to where `before` stands. What its end then misses of the heading and place
    of `after` is spread over its steps, in proportion to their length: a walk gets a little longer or bends a little,
    and a body at rest is hardly shifted. What is left of the difference in pose at either end is faded over
    `JOIN_SECONDS`. A place far away cannot be reached in a natural way: the body then slides.

    Args:
        part: N frames.
        before, after: one frame each, or None.
        skeleton: the motion's.
        feet: hold planted feet again after the warp.
    """
    if before is not None:
        part = align_start(part, before, skeleton)
    if after is not None:
        part = _spread(part, after, skeleton)
        if feet:
            part = hold_feet(part, skeleton)
    return blend_endpoints(part, before, after)


def align_start(part: Motion, place: Motion, skeleton: Skeleton) -> Motion:
    """Turn and move motion as a whole, so that it starts where the first frame of `place` stands and faces."""
    part = part.turned(_heading(place, skeleton) - _heading(part, skeleton))
    return part.moved((place.translation[0] - part.translation[0]) * [1.0, 0.0, 1.0])


def _heading(motion: Motion, skeleton: Skeleton) -> float:
    """Heading of the first frame, in radians."""
    return float(headings(motion.slice(0, 1).positions(skeleton))[0])


def _spread(part: Motion, after: Motion, skeleton: Skeleton) -> Motion:
    """The part, spread over its steps to the heading and the place of `after`."""
    heading = headings(part.positions(skeleton))
    missing = _heading(after, skeleton) - _heading(part.slice(len(part) - 1), skeleton)
    missing = (missing + np.pi) % (2 * np.pi) - np.pi
    steps = np.diff(part.translation, axis=0) * [1.0, 0.0, 1.0]  # (N - 1, 3)
    share = (np.linalg.norm(steps, axis=-1) + np.abs(np.diff(heading))) * part.fps + REST_SPEED
    edge = np.minimum(np.arange(1, len(part)), np.arange(len(part) - 1, 0, -1))  # frames from the nearer end
    share *= np.minimum(edge / (JOIN_SECONDS * part.fps), 1.0)
    risen = np.concatenate([[0.0], np.cumsum(share) / share.sum()])  # (N,) from 0 to 1
    turn = rotation_y(risen * missing)  # (N, 3, 3)
    way = np.concatenate([np.zeros((1, 3)), np.cumsum(np.einsum("tij,tj->ti", turn[:-1], steps), axis=0)])
    translation = part.translation[0] + way
    translation += risen[:, None] * (after.translation[0] - translation[-1])
    translation[:, 1] = part.translation[:, 1]
    rotations = part.rotations.copy()
    rotations[:, 0] = quaternion_multiply(matrix_to_quaternion(turn), rotations[:, 0])
    return replace(part, translation=translation, rotations=rotations)


def blend_endpoints(part: Motion, before: Motion | None, after: Motion | None) -> Motion:
    """Fade in the poses of `before` and `after` at the ends; quaternions continue in the hemisphere of `before`."""
    translation, rotations = part.translation.copy(), part.rotations.copy()
    reach = max(1, min(round(JOIN_SECONDS * part.fps), len(part) - 1))
    fade = 1 - smoothstep(np.arange(len(part)) / reach)  # (N,) from 1 to 0
    for pose, end, weight in ((before, 0, fade), (after, -1, fade[::-1])):
        if pose is None:
            continue
        off = quaternion_multiply(quaternion_conjugate(part.rotations[end]), pose.rotations[0])
        added = weight[:, None, None] * quaternion_to_axis_angle(off)  # (N, 55, 3)
        rotations = quaternion_multiply(rotations, axis_angle_to_quaternion(added))
        translation += weight[:, None] * (pose.translation[0] - part.translation[end])
    if before is not None:
        rotations = np.concatenate([before.rotations, rotations])
    rotations = continuous(rotations)[-len(part) :]
    return replace(part, translation=translation, rotations=rotations)


def replace_frames(kept: Motion, part: Motion, start: int, stop: int) -> Motion:
    """Put `part` in place of the frames start..stop; all others keep their bits."""

    def put(old: Array, new: Array) -> Array:
        return np.concatenate([old[:start], new, old[stop:]])

    return replace(
        kept, translation=put(kept.translation, part.translation), rotations=put(kept.rotations, part.rotations)
    )
