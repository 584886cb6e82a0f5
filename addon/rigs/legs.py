# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that stand still on a rig's own legs, and legs that are led by a rig's IK controls. No bpy.

A rig walks as far as its legs are long. Where its thighs, shins, hips or feet have other proportions than those of the
neutral body, its feet slide and float a little all the same. So the foot lock of core is run on the rig's own legs, in
motion's axes and lengths.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...core.motion.metrics import sole_heights
from ...core.motion.rotation import Array, axis_angle_to_matrix, quaternion_to_matrix
from ...core.motion.skeleton import INDEX, JOINTS, Skeleton
from ...core.postprocess.contacts import FREE_HEIGHT, planted_feet
from ...core.postprocess.foot_lock import standing_legs
from .maps import SIDES, BoneMap, IkLeg

if TYPE_CHECKING:
    from .pose import Posed

_LEG = ("hip", "knee", "ankle")
_FRONT = 0.01  # of a leg's length: how far ahead the pole is drawn, for a straight leg has no plane


@dataclass(frozen=True)
class Body:
    """Motion on the neutral body: places (T, 55, 3), turns (T, 55, 3, 3) in the world, and a rig's lengths for its."""

    skeleton: Skeleton
    places: Array
    turns: Array
    fps: float
    scale: float


def lock(posed: "Posed", bones: BoneMap, world: Array, body: Body, path: Array) -> None:
    """Turn thighs and shins, and lower the carrier, so that feet stand still where those of the body stand.

    world: (3, 3) from motion's axes to the rig's. path: (T, 3) in the rig's space, which the rig does not go although
    the body does, as in place.
    """
    rig = _on_rig(posed, bones, world, body, path)
    planted = planted_feet(body.places, body.skeleton, body.fps)  # (T, 4)
    there = sole_heights(body.places, body.skeleton).reshape(-1, 2, 2).min(-1)  # (T, 2)
    here = sole_heights(rig.places, rig.skeleton).reshape(-1, 2, 2).min(-1)
    low = np.clip(2 - there / FREE_HEIGHT, 0, 1)
    lift = (there - here) * low * low * (3 - 2 * low)
    whole = len(planted) / body.fps
    drop, bends = standing_legs(rig.places, rig.turns, planted, rig.skeleton, rig.fps, whole, lift)
    posed.moved[bones.carrier] = posed.moved[bones.carrier] - drop[:, None] * body.scale * world[:, 1]
    for side, (flex, aim) in zip(SIDES, bends, strict=True):
        thigh = quaternion_to_matrix(aim)  # (T, 3, 3)
        shin = thigh @ axis_angle_to_matrix(flex[:, None] * rig.turns[:, INDEX[f"{side}_hip"], :, 0])
        for joint, turn in (("hip", thigh), ("knee", shin)):
            for bone in bones.bones[f"{side}_{joint}"]:
                posed.wanted[bone] = world @ turn @ world.T @ posed.wanted[bone]


def lead(posed: "Posed", bones: BoneMap, side: str, leg: IkLeg, front: Array) -> tuple[str, ...]:
    """Let the IK controls of a leg go where its bones are, instead of these. Returns the bones that they are for.

    front: (T, 3) where the knee bends to.
    """
    rest = posed.rest
    hip, knee, ankle = (bones.bones[f"{side}_{joint}"][0] for joint in _LEG)
    places = [posed.head(bone) for bone in (hip, knee, ankle)]
    sole, toe = bones.bones[f"{side}_ankle"][-1], bones.bones.get(f"{side}_foot", ())[-1:]
    offset = posed.turned(sole) @ (rest.head(leg.foot) - rest.head(ankle))
    posed.put(leg.foot, posed.turned(sole) @ rest.axes[rest.index[leg.foot]], places[2] + offset)
    for bone in toe:
        posed.put(leg.toe, posed.turned(bone) @ rest.axes[rest.index[leg.toe]])
    line = places[2] - places[0]
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    line = line / length
    ahead = places[1] - places[0] + _FRONT * length * front
    ahead -= (ahead * line).sum(-1, keepdims=True) * line
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    away = float(np.linalg.norm(rest.head(leg.pole) - rest.head(knee)))
    still = np.broadcast_to(rest.axes[rest.index[leg.pole]], (len(ahead), 3, 3))
    posed.put(leg.pole, still, places[1] + away * ahead)
    return tuple(bone for joint in (*_LEG, "foot") for bone in bones.bones.get(f"{side}_{joint}", ()))


def _on_rig(posed: "Posed", bones: BoneMap, world: Array, body: Body, path: Array) -> Body:
    """The legs of a rig as those of a body: in motion's axes, and in metres of the neutral body."""
    places, rest = np.zeros((len(body.places), JOINTS, 3)), np.zeros((JOINTS, 3))
    for side in SIDES:
        for joint in _LEG:
            bone = bones.bones[f"{side}_{joint}"][0]
            places[:, INDEX[f"{side}_{joint}"]] = (posed.head(bone) + path) @ world / body.scale
            rest[INDEX[f"{side}_{joint}"]] = posed.rest.head(bone) @ world / body.scale
        ankle, foot = INDEX[f"{side}_ankle"], INDEX[f"{side}_foot"]
        last = bones.bones[f"{side}_ankle"][-1]
        ball = bones.bones.get(f"{side}_foot")
        rest[foot] = (
            (posed.rest.head(ball[0]) if ball else posed.rest.tails[posed.rest.index[last]]) @ world / body.scale
        )
        turned = world.T @ posed.turned(last) @ world
        places[:, foot] = places[:, ankle] + turned @ (rest[foot] - rest[ankle])
    return replace(body, places=places, skeleton=replace(body.skeleton, rest_positions=rest), scale=1.0)
