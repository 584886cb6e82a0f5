# SPDX-License-Identifier: GPL-3.0-or-later
"""Which joints of other skeletons stand for those of SMPL-X, and the rest pose of a rig that has none."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..formats import SourceClip
from ..rotation import (
    Array,
    matrix_to_quaternion,
)

JointMap = Mapping[str, tuple[str, ...]]
"""SMPL-X joint -> source joints along its bone: the first is the place, the last one there is the orientation."""

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
SIDES = ("left", "right")


def _zebra() -> dict[str, tuple[str, ...]]:
    """The names of SmartBody's characters; the last twist joint carries what SMPL-X's shoulder and elbow need."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("JtRoot",), "spine1": ("JtSpineA",), "spine2": ("JtSpineB",), "spine3": ("JtSpineC",),
        "neck": ("JtNeckA", "JtNeckB"), "head": ("JtSkullA",),
    }  # fmt: skip
    for side, s in zip(SIDES, ("Lf", "Rt"), strict=True):
        names |= {
            f"{side}_hip": (f"JtHip{s}",), f"{side}_knee": (f"JtKnee{s}",), f"{side}_ankle": (f"JtAnkle{s}",),
            f"{side}_foot": (f"JtBall{s}",), f"{side}_collar": (f"JtClavicle{s}",),
            f"{side}_shoulder": (f"JtShoulder{s}", f"JtUpperArmTwistB{s}"),
            f"{side}_elbow": (f"JtElbow{s}", f"JtForearmTwistB{s}"), f"{side}_wrist": (f"JtWrist{s}",),
        }  # fmt: skip
        for finger in _FINGERS:
            stem = "Little" if finger == "pinky" else finger.capitalize()
            names |= {f"{side}_{finger}{i}": (f"Jt{stem}{'ABC'[i - 1]}{s}",) for i in (1, 2, 3)}
    return names


def _common() -> dict[str, tuple[str, ...]]:
    """The names of SmartBody's `common` skeleton."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("base",), "spine1": ("spine1",), "spine2": ("spine2",), "spine3": ("spine3",),
        "neck": ("spine4", "spine5"), "head": ("skullbase",),
    }  # fmt: skip
    for side in SIDES:
        s = side[0]
        names |= {
            f"{side}_hip": (f"{s}_hip",), f"{side}_knee": (f"{s}_knee",), f"{side}_ankle": (f"{s}_ankle",),
            f"{side}_foot": (f"{s}_forefoot",), f"{side}_collar": (f"{s}_sternoclavicular",),
            f"{side}_shoulder": (f"{s}_shoulder", f"{s}_upperarm2"),
            f"{side}_elbow": (f"{s}_elbow", f"{s}_forearm"), f"{side}_wrist": (f"{s}_wrist",),
        }  # fmt: skip
        names |= {f"{side}_{finger}{i}": (f"{s}_{finger}{i}",) for finger in _FINGERS for i in (1, 2, 3)}
    return names


def _rigify() -> dict[str, tuple[str, ...]]:
    """Rigify deform bones, as Mesh2Motion's base library has them."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("DEF-hips",), "spine1": ("DEF-spine.001",), "spine2": ("DEF-spine.002",),
        "spine3": ("DEF-spine.003",), "neck": ("DEF-neck",), "head": ("DEF-head",),
    }  # fmt: skip
    for side, s in zip(SIDES, "LR", strict=True):
        names |= {
            f"{side}_hip": (f"DEF-thigh.{s}",), f"{side}_knee": (f"DEF-shin.{s}",), f"{side}_ankle": (f"DEF-foot.{s}",),
            f"{side}_foot": (f"DEF-toe.{s}",), f"{side}_collar": (f"DEF-shoulder.{s}",),
            f"{side}_shoulder": (f"DEF-upper_arm.{s}",), f"{side}_elbow": (f"DEF-forearm.{s}",),
            f"{side}_wrist": (f"DEF-hand.{s}",),
        }  # fmt: skip
        for finger in _FINGERS:
            stem = finger if finger == "thumb" else f"f_{finger}"
            names |= {f"{side}_{finger}{i}": (f"DEF-{stem}.0{i}.{s}",) for i in (1, 2, 3)}
    return names


def _unreal() -> dict[str, tuple[str, ...]]:
    """Unreal names, as Mesh2Motion's addon library has them."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("pelvis",), "spine1": ("spine_01",), "spine2": ("spine_02",), "spine3": ("spine_03",),
        "neck": ("neck_01",), "head": ("head",),
    }  # fmt: skip
    for side in SIDES:
        s = side[0]
        names |= {
            f"{side}_hip": (f"thigh_{s}",), f"{side}_knee": (f"calf_{s}",), f"{side}_ankle": (f"foot_{s}",),
            f"{side}_foot": (f"ball_{s}",), f"{side}_collar": (f"clavicle_{s}",),
            f"{side}_shoulder": (f"upperarm_{s}",), f"{side}_elbow": (f"lowerarm_{s}",),
            f"{side}_wrist": (f"hand_{s}",),
        }  # fmt: skip
        names |= {f"{side}_{finger}{i}": (f"{finger}_0{i}_{s}",) for finger in _FINGERS for i in (1, 2, 3)}
    return names


def _daz() -> dict[str, tuple[str, ...]]:
    """CMU takes converted for DAZ figures; two joints a finger, of which none moves."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("hip",), "spine1": ("abdomen",), "spine3": ("chest",), "neck": ("neck",), "head": ("head",),
    }  # fmt: skip
    for side in SIDES:
        s = side[0]
        names |= {
            f"{side}_hip": (f"{s}Thigh",), f"{side}_knee": (f"{s}Shin",), f"{side}_ankle": (f"{s}Foot",),
            f"{side}_collar": (f"{s}Collar",), f"{side}_shoulder": (f"{s}Shldr",), f"{side}_elbow": (f"{s}ForeArm",),
            f"{side}_wrist": (f"{s}Hand",),
        }  # fmt: skip
    return names


def _motionbuilder() -> dict[str, tuple[str, ...]]:
    """MotionBuilder's names, as SmartBody's PNGestures have them."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("Hips",), "spine1": ("Spine", "Spine1"), "spine2": ("Spine2",), "spine3": ("Spine3",),
        "neck": ("Neck",), "head": ("Head",),
    }  # fmt: skip
    for side in SIDES:
        s = side.capitalize()
        names |= {
            f"{side}_hip": (f"{s}UpLeg",), f"{side}_knee": (f"{s}Leg",), f"{side}_ankle": (f"{s}Foot",),
            f"{side}_collar": (f"{s}Shoulder",), f"{side}_shoulder": (f"{s}Arm",), f"{side}_elbow": (f"{s}ForeArm",),
            f"{side}_wrist": (f"{s}Hand",),
        }  # fmt: skip
        for finger in _FINGERS:
            stem = finger.capitalize()
            knuckle = () if finger == "thumb" else (f"{s}InHand{stem}",)
            names[f"{side}_{finger}1"] = (*knuckle, f"{s}Hand{stem}1")
            names |= {f"{side}_{finger}{i}": (f"{s}Hand{stem}{i}",) for i in (2, 3)}
    return names


def _acclaim(root: str) -> dict[str, tuple[str, ...]]:
    """Acclaim bone names, as CMU and HDM05 have them."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": (root,), "spine1": ("lowerback",), "spine2": ("upperback",), "spine3": ("thorax",),
        "neck": ("lowerneck", "upperneck"), "head": ("head",),
    }  # fmt: skip
    for side in SIDES:
        s = side[0]
        names |= {
            f"{side}_hip": (f"{s}femur",), f"{side}_knee": (f"{s}tibia",), f"{side}_ankle": (f"{s}foot",),
            f"{side}_foot": (f"{s}toes",), f"{side}_collar": (f"{s}clavicle",), f"{side}_shoulder": (f"{s}humerus",),
            f"{side}_elbow": (f"{s}radius",), f"{side}_wrist": (f"{s}wrist",),
        }  # fmt: skip
    return names


def _poser() -> dict[str, tuple[str, ...]]:
    """CMU takes with the names of the Poser-friendly conversion."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("Hips",), "spine1": ("lowerback",), "spine2": ("Chest",), "spine3": ("Chest2",),
        "neck": ("lowerneck", "Neck"), "head": ("Head",),
    }  # fmt: skip
    for side in SIDES:
        s = side.capitalize()
        names |= {
            f"{side}_hip": (f"{s}Hip",), f"{side}_knee": (f"{s}Knee",), f"{side}_ankle": (f"{s}Ankle",),
            f"{side}_foot": (f"{s}Toe",), f"{side}_collar": (f"{s}Collar",), f"{side}_shoulder": (f"{s}Shoulder",),
            f"{side}_elbow": (f"{s}Elbow",), f"{side}_wrist": (f"{s}Wrist",),
        }  # fmt: skip
    return names


def _bandai() -> dict[str, tuple[str, ...]]:
    """Bandai Namco Research's names."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine3": ("Chest",), "neck": ("Neck",), "head": ("Head",),
    }  # fmt: skip
    for side, s in zip(SIDES, "LR", strict=True):
        names |= {
            f"{side}_hip": (f"UpperLeg_{s}",), f"{side}_knee": (f"LowerLeg_{s}",), f"{side}_ankle": (f"Foot_{s}",),
            f"{side}_foot": (f"Toes_{s}",), f"{side}_collar": (f"Shoulder_{s}",),
            f"{side}_shoulder": (f"UpperArm_{s}",), f"{side}_elbow": (f"LowerArm_{s}",),
            f"{side}_wrist": (f"Hand_{s}",),
        }  # fmt: skip
    return names


JOINT_MAPS: Mapping[str, JointMap] = {
    "zebra": _zebra(), "common": _common(), "rigify": _rigify(), "unreal": _unreal(), "daz": _daz(),
    "motionbuilder": _motionbuilder(), "acclaim": _acclaim("root"), "acclaim_bvh": _acclaim("hip"), "poser": _poser(),
    "bandai": _bandai(),
}  # fmt: skip

_NEEDED = ("pelvis", "head", "left_knee", "right_knee", "left_ankle", "left_elbow", "right_elbow", "left_wrist")


def joint_map(clip: SourceClip) -> JointMap:
    """The joint map that fits the clip's names. Raises InputError where none does."""
    names = set(clip.names)
    for known in JOINT_MAPS.values():
        if all(known[joint][0] in names for joint in _NEEDED):
            return known
    raise InputError(f"{clip.name}: no joint map fits a skeleton with joints {', '.join(clip.names[:6])} ...")


_LEFT, _UP, _FORWARD = np.eye(3)
_FOOT_SLOPE = np.arcsin((11.74 - 4.25) / 11.75)  # ankle and toe joint over the floor, and what lies between them
_TOE_SLOPE = _FOOT_SLOPE - np.radians(16.58)  # what the toes of standing feet are bent up by


def bandai_rest() -> dict[str, Array]:
    """The world axes (3, 3), in columns, of each of Bandai Namco's joints in a T-pose that faces +Z.

    The first axis runs along the bone, against it on the right side. Knees (forward from 0 degrees) and elbows
    (from 0 backward) are hinges about the second, so the second is across the body in the legs, and up, or down in
    the right arm, in arms whose palms look down. Feet stand flat.
    """

    def axes(first: Array, second: Array) -> Array:
        return np.stack([first, second, np.cross(first, second)], -1)

    trunk = axes(_UP, _FORWARD)
    frames = {"Hips": axes(_UP, -_LEFT), **dict.fromkeys(("Spine", "Chest", "Neck", "Head"), trunk)}
    for s, side in (("L", 1.0), ("R", -1.0)):
        arm, leg = axes(_LEFT, side * _UP), axes(-side * _UP, _LEFT)
        frames |= {f"{joint}_{s}": arm for joint in ("Shoulder", "UpperArm", "LowerArm", "Hand")}
        frames |= {f"{joint}_{s}": leg for joint in ("UpperLeg", "LowerLeg")}
        for joint, slope in (("Foot", _FOOT_SLOPE), ("Toes", _TOE_SLOPE)):
            frames[f"{joint}_{s}"] = axes(side * (np.cos(slope) * _FORWARD - np.sin(slope) * _UP), _LEFT)
    return frames


def with_rest(clip: SourceClip, frames: Mapping[str, Array]) -> SourceClip:
    """The clip with a rest pose in which the named joints have the world axes (3, 3) given; others follow their parent.

    For rigs whose zero pose is no pose of a body. What is seen in the clip's frames stays as it is.
    """
    local, world = np.tile(np.eye(3), (2, len(clip.names), 1, 1))
    for joint, (name, parent) in enumerate(zip(clip.names, clip.parents, strict=True)):
        above = world[parent] if parent >= 0 else np.eye(3)
        world[joint] = frames.get(name, above)
        local[joint] = above.T @ world[joint]
    return replace(clip, rest_rotations=matrix_to_quaternion(local))
