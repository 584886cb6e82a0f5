# SPDX-License-Identifier: GPL-3.0-or-later
"""Foot lock on a rig's own legs, and IK controls for legs. No bpy.

Retargeting scales motion to the length of the rig's legs. If its thighs, shins, hips or feet have other proportions
than the neutral body, its feet still slide and float a little. The foot lock of core is therefore run on the rig's own
legs, in the axes and units of motion.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...core.motion.metrics import sole_heights
from ...core.motion.rotation import Array, axis_angle_to_matrix, quaternion_to_matrix
from ...core.motion.skeleton import INDEX, JOINTS, Skeleton
from ...core.postprocess.contacts import planted_feet
from ...core.postprocess.foot_lock import lock_legs
from ...core.postprocess.settings import CLEANUP
from .maps import SIDES, BoneMap, IkLeg

if TYPE_CHECKING:
    from .pose import Posed

_LEG = ("hip", "knee", "ankle")
_FRONT = 0.01  # of a leg's length: bias of the pole to the front, because a straight leg has no plane


@dataclass(frozen=True)
class Body:
    """Motion on the neutral body.

    Args:
        skeleton: The neutral body.
        positions: (T, 55, 3) of the joints, in meters.
        rotations: (T, 55, 3, 3) of the joints in world space.
        fps: Frames per second.
        scale: Length of the rig for one metre of the body.
    """

    skeleton: Skeleton
    positions: Array
    rotations: Array
    fps: float
    scale: float


def lock_feet(posed: "Posed", bones: BoneMap, world: Array, body: Body, path: Array) -> None:
    """Rotate thighs and shins, and lower the hips, so that the rig's feet are planted while those of the body are.

    Args:
        posed: The rig's pose, which is changed.
        bones: The rig's bone map.
        world: (3, 3) from the axes of motion to those of the rig.
        body: The motion on the neutral body.
        path: (T, 3) in armature space that the body travels but the rig does not, as with In Place.
    """
    rig = _on_rig(posed, bones, world, body, path)
    planted = planted_feet(body.positions, body.skeleton, body.fps)  # (T, 4)
    there = sole_heights(body.positions, body.skeleton).reshape(-1, 2, 2).min(-1)  # (T, 2)
    here = sole_heights(rig.positions, rig.skeleton).reshape(-1, 2, 2).min(-1)
    low = np.clip(2 - there / CLEANUP.release_height, 0, 1)
    lift = (there - here) * low * low * (3 - 2 * low)
    whole = len(planted) / body.fps
    drop, bends = lock_legs(rig.positions, rig.rotations, planted, rig.skeleton, rig.fps, whole, lift)
    posed.heads[bones.carrier] = posed.heads[bones.carrier] - drop[:, None] * body.scale * world[:, 1]
    for side, (flex, aim) in zip(SIDES, bends, strict=True):
        thigh = quaternion_to_matrix(aim)  # (T, 3, 3)
        shin = thigh @ axis_angle_to_matrix(flex[:, None] * rig.rotations[:, INDEX[f"{side}_hip"], :, 0])
        for joint, rotation in (("hip", thigh), ("knee", shin)):
            for bone in bones.bones[f"{side}_{joint}"]:
                posed.axes[bone] = world @ rotation @ world.T @ posed.axes[bone]


def drive_ik_leg(posed: "Posed", bones: BoneMap, side: str, leg: IkLeg, front: Array) -> tuple[str, ...]:
    """Drive the IK controls of a leg so that they give it the pose of its FK bones.

    Args:
        posed: The rig's pose, to which the controls are added.
        bones: The rig's bone map.
        side: "left" or "right".
        leg: The controls.
        front: (T, 3) direction in which the knee bends, in armature space.

    Returns:
        The FK bones that the controls replace.
    """
    rest = posed.rest
    hip, knee, ankle = (bones.bones[f"{side}_{joint}"][0] for joint in _LEG)
    heads = [posed.head(bone) for bone in (hip, knee, ankle)]
    sole, toe = bones.bones[f"{side}_ankle"][-1], bones.bones.get(f"{side}_foot", ())[-1:]
    offset = posed.rotation(sole) @ (rest.head(leg.foot) - rest.head(ankle))
    posed.drive(leg.foot, posed.rotation(sole) @ rest.axes[rest.index[leg.foot]], heads[2] + offset)
    for bone in toe:
        posed.drive(leg.toe, posed.rotation(bone) @ rest.axes[rest.index[leg.toe]])
    line = heads[2] - heads[0]
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    line = line / length
    ahead = heads[1] - heads[0] + _FRONT * length * front
    ahead -= (ahead * line).sum(-1, keepdims=True) * line
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    away = float(np.linalg.norm(rest.head(leg.pole) - rest.head(knee)))
    still = np.broadcast_to(rest.axes[rest.index[leg.pole]], (len(ahead), 3, 3))
    posed.drive(leg.pole, still, heads[1] + away * ahead)
    return tuple(bone for joint in (*_LEG, "foot") for bone in bones.bones.get(f"{side}_{joint}", ()))


def _on_rig(posed: "Posed", bones: BoneMap, world: Array, body: Body, path: Array) -> Body:
    """Return the rig's legs as those of a body: in the axes of motion, and in meters of the neutral body."""
    positions, rest = np.zeros((len(body.positions), JOINTS, 3)), np.zeros((JOINTS, 3))
    for side in SIDES:
        for joint in _LEG:
            bone = bones.bones[f"{side}_{joint}"][0]
            positions[:, INDEX[f"{side}_{joint}"]] = (posed.head(bone) + path) @ world / body.scale
            rest[INDEX[f"{side}_{joint}"]] = posed.rest.head(bone) @ world / body.scale
        ankle, foot = INDEX[f"{side}_ankle"], INDEX[f"{side}_foot"]
        last = bones.bones[f"{side}_ankle"][-1]
        ball = bones.bones.get(f"{side}_foot")
        rest[foot] = (
            (posed.rest.head(ball[0]) if ball else posed.rest.tails[posed.rest.index[last]]) @ world / body.scale
        )
        rotation = world.T @ posed.rotation(last) @ world
        positions[:, foot] = positions[:, ankle] + rotation @ (rest[foot] - rest[ankle])
    return replace(body, positions=positions, skeleton=replace(body.skeleton, rest_positions=rest), scale=1.0)
