# SPDX-License-Identifier: GPL-3.0-or-later
"""Which joints of known skeletons correspond to those of SMPL-X."""

from collections.abc import Mapping

from ..errors import InputError
from ..formats import SourceClip

JointMap = Mapping[str, tuple[str, ...]]
"""SMPL-X joint -> source joints along its bone: the first gives the position, the last existing one the orientation."""
FINGERS = ("index", "middle", "pinky", "ring", "thumb")
SIDES = ("left", "right")


def _zebra() -> dict[str, tuple[str, ...]]:
    """SmartBody's characters; the last twist joint carries the rotation of SMPL-X's shoulder or elbow."""
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
        for finger in FINGERS:
            stem = "Little" if finger == "pinky" else finger.capitalize()
            names |= {f"{side}_{finger}{i}": (f"Jt{stem}{'ABC'[i - 1]}{s}",) for i in (1, 2, 3)}
    return names


def _common() -> dict[str, tuple[str, ...]]:
    """SmartBody's `common` skeleton."""
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
        names |= {f"{side}_{finger}{i}": (f"{s}_{finger}{i}",) for finger in FINGERS for i in (1, 2, 3)}
    return names


def _rigify() -> dict[str, tuple[str, ...]]:
    """Rigify deform bones, as in Mesh2Motion's base library."""
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
        for finger in FINGERS:
            stem = finger if finger == "thumb" else f"f_{finger}"
            names |= {f"{side}_{finger}{i}": (f"DEF-{stem}.0{i}.{s}",) for i in (1, 2, 3)}
    return names


def _unreal() -> dict[str, tuple[str, ...]]:
    """Unreal Engine, as in Mesh2Motion's addon library."""
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
        names |= {f"{side}_{finger}{i}": (f"{finger}_0{i}_{s}",) for finger in FINGERS for i in (1, 2, 3)}
    return names


def _daz() -> dict[str, tuple[str, ...]]:
    """CMU recordings converted for DAZ figures; their finger joints never move."""
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
    """MotionBuilder, as in SmartBody's PNGestures."""
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
        for finger in FINGERS:
            stem = finger.capitalize()
            knuckle = () if finger == "thumb" else (f"{s}InHand{stem}",)
            names[f"{side}_{finger}1"] = (*knuckle, f"{s}Hand{stem}1")
            names |= {f"{side}_{finger}{i}": (f"{s}Hand{stem}{i}",) for i in (2, 3)}
    return names


def _acclaim(root: str) -> dict[str, tuple[str, ...]]:
    """Acclaim bones, as in CMU and HDM05."""
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
    """CMU recordings converted for Poser."""
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
    """Bandai Namco Research."""
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
    """Return the first of `JOINT_MAPS` that fits the clip's joint names.

    Raises:
        InputError: None fits.
    """
    names = set(clip.names)
    for known in JOINT_MAPS.values():
        if all(known[joint][0] in names for joint in _NEEDED):
            return known
    raise InputError(f"{clip.name}: no joint map matches a skeleton with the joints {', '.join(clip.names[:6])} ...")
