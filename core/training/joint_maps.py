# SPDX-License-Identifier: GPL-3.0-or-later
"""Which joints of other skeletons stand for those of SMPL-X, and the rest pose of a rig that has none."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..formats import SourceClip
from ..motion.rotation import Array, matrix_to_quaternion

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


def _named_sides(
    trunk: Mapping[str, tuple[str, ...]],
    limbs: Mapping[str, str],
    sides: tuple[str, str],
    fingers: Mapping[str, str] | None = None,
    phalanges: str = "123",
) -> dict[str, tuple[str, ...]]:
    """A map from patterns of names: `@` is the side, and `#` the phalanx of a finger."""
    names = dict(trunk)
    for side, s in zip(SIDES, sides, strict=True):
        names |= {f"{side}_{joint}": (pattern.replace("@", s),) for joint, pattern in limbs.items()}
        for finger, pattern in (fingers or {}).items():
            for i, phalanx in enumerate(phalanges, start=1):
                names[f"{side}_{finger}{i}"] = (pattern.replace("@", s).replace("#", phalanx),)
    return names


def _mixamo(prefix: str = "") -> dict[str, tuple[str, ...]]:
    """Mixamo's names: of Vircadia as they are, of Decentraland with a prefix."""
    return _named_sides(
        {
            "pelvis": (f"{prefix}Hips",), "spine1": (f"{prefix}Spine",), "spine2": (f"{prefix}Spine1",),
            "spine3": (f"{prefix}Spine2",), "neck": (f"{prefix}Neck",), "head": (f"{prefix}Head",),
        },
        {
            "hip": f"{prefix}@UpLeg", "knee": f"{prefix}@Leg", "ankle": f"{prefix}@Foot", "foot": f"{prefix}@ToeBase",
            "collar": f"{prefix}@Shoulder", "shoulder": f"{prefix}@Arm", "elbow": f"{prefix}@ForeArm",
            "wrist": f"{prefix}@Hand",
        },
        ("Left", "Right"),
        {finger: f"{prefix}@Hand{finger.capitalize()}#" for finger in _FINGERS},
    )  # fmt: skip


def _cmu_mocap() -> dict[str, tuple[str, ...]]:
    """CMU takes with the names of the MotionBuilder-friendly conversion; its fingers do not move."""
    return _named_sides(
        {
            "pelvis": ("Hips",), "spine1": ("LowerBack",), "spine2": ("Spine",), "spine3": ("Spine1",),
            "neck": ("Neck", "Neck1"), "head": ("Head",),
        },
        {
            "hip": "@UpLeg", "knee": "@Leg", "ankle": "@Foot", "foot": "@ToeBase", "collar": "@Shoulder",
            "shoulder": "@Arm", "elbow": "@ForeArm", "wrist": "@Hand",
        },
        ("Left", "Right"),
    )  # fmt: skip


CHARACTER_CREATOR_FINGERS: Mapping[str, str] = {
    finger: f"CC_Base_@_{'Mid' if finger == 'middle' else finger.capitalize()}#" for finger in _FINGERS
}


def character_creator(fingers: bool = False) -> dict[str, tuple[str, ...]]:
    """Character Creator's names, as some CMU takes have them; their fingers do not move, but tell where hands point."""
    return _named_sides(
        {
            "pelvis": ("CC_Base_Hip",), "spine1": ("CC_Base_Waist",), "spine2": ("CC_Base_Spine01",),
            "spine3": ("CC_Base_Spine02",), "neck": ("CC_Base_NeckTwist01", "CC_Base_NeckTwist02"),
            "head": ("CC_Base_Head",),
        },
        {
            "hip": "CC_Base_@_Thigh", "knee": "CC_Base_@_Calf", "ankle": "CC_Base_@_Foot",
            "foot": "CC_Base_@_ToeBase", "collar": "CC_Base_@_Clavicle", "shoulder": "CC_Base_@_Upperarm",
            "elbow": "CC_Base_@_Forearm", "wrist": "CC_Base_@_Hand",
        },
        ("L", "R"),
        CHARACTER_CREATOR_FINGERS if fingers else None,
    )  # fmt: skip


def _opensim() -> dict[str, tuple[str, ...]]:
    """The avatars of OpenSimulator and Second Life."""
    return _named_sides(
        {
            "pelvis": ("mPelvis",), "spine1": ("mTorso",), "spine3": ("mChest",), "neck": ("mNeck",),
            "head": ("mHead",),
        },
        {
            "hip": "mHip@", "knee": "mKnee@", "ankle": "mAnkle@", "foot": "mFoot@", "collar": "mCollar@",
            "shoulder": "mShoulder@", "elbow": "mElbow@", "wrist": "mWrist@",
        },
        ("Left", "Right"),
    )  # fmt: skip


_FULL_WIDTH = "\uff10\uff11\uff12\uff13"  # the digits 0 to 3 as the names have them


def _mikumikudance() -> dict[str, tuple[str, ...]]:
    """MikuMikuDance models; twist bones of the arms carry what SMPL-X's shoulder and elbow need."""
    names = _named_sides(
        {
            "pelvis": ("下半身",), "spine1": ("上半身",), "spine3": ("上半身2",), "neck": ("首",), "head": ("頭",),
        },
        {
            "hip": "@足", "knee": "@ひざ", "ankle": "@足首", "foot": "@つま先EX", "collar": "@肩", "wrist": "@手首",
        },
        ("左", "右"),
        {"index": "@人指#", "middle": "@中指#", "pinky": "@小指#", "ring": "@薬指#"},
        _FULL_WIDTH[1:],
    )  # fmt: skip
    for side, s in zip(SIDES, "左右", strict=True):
        names |= {f"{side}_shoulder": (f"{s}腕", f"{s}腕捩"), f"{side}_elbow": (f"{s}ひじ", f"{s}手捩")}
        names |= {f"{side}_thumb{i}": (f"{s}親指{digit}",) for i, digit in enumerate(_FULL_WIDTH[:3], start=1)}
    return names


def _sumerian_adult() -> dict[str, tuple[str, ...]]:
    """The grown-up hosts of Amazon Sumerian."""
    return _named_sides(
        {
            "pelvis": ("char:def_c_hip",), "spine1": ("char:def_c_spineB",), "spine2": ("char:def_c_spineC",),
            "spine3": ("char:def_c_spineD",), "neck": ("char:def_c_neckA",), "head": ("char:def_c_neckB",),
        },
        {
            "hip": "char:def_@_thigh", "knee": "char:def_@_knee", "ankle": "char:def_@_ankle",
            "foot": "char:def_@_ball", "collar": "char:def_@_clav", "shoulder": "char:def_@_shoulder",
            "elbow": "char:def_@_elbow", "wrist": "char:def_@_wrist",
        },
        ("l", "r"),
        {finger: f"char:def_@_fng{'Mid' if finger == 'middle' else finger.capitalize()}#" for finger in _FINGERS},
        "ABC",
    )  # fmt: skip


def _sumerian_alien() -> dict[str, tuple[str, ...]]:
    """The alien host of Amazon Sumerian, which has no little finger."""
    return _named_sides(
        {
            "pelvis": ("char:hips",), "spine1": ("char:spine_02",), "spine2": ("char:spine_03",),
            "spine3": ("char:spine_04",), "neck": ("char:neck",), "head": ("char:head",),
        },
        {
            "hip": "char:@_thigh", "knee": "char:@_knee", "ankle": "char:@_ankle", "foot": "char:@_ball",
            "collar": "char:@_clav", "shoulder": "char:@_shoulder", "elbow": "char:@_elbow", "wrist": "char:@_wrist",
        },
        ("l", "r"),
        {finger: f"char:@_{finger}_0#" for finger in _FINGERS if finger != "pinky"},
    )  # fmt: skip


JOINT_MAPS: Mapping[str, JointMap] = {
    "zebra": _zebra(), "common": _common(), "rigify": _rigify(), "unreal": _unreal(), "daz": _daz(),
    "motionbuilder": _motionbuilder(), "acclaim": _acclaim("root"), "acclaim_bvh": _acclaim("hip"), "poser": _poser(),
    "bandai": _bandai(), "mixamo": _mixamo(), "decentraland": _mixamo("Avatar_"), "cmu_mocap": _cmu_mocap(),
    "character_creator": character_creator(), "opensim": _opensim(), "mikumikudance": _mikumikudance(),
    "sumerian_adult": _sumerian_adult(), "sumerian_alien": _sumerian_alien(),
}  # fmt: skip

_NEEDED = ("pelvis", "head", "left_knee", "right_knee", "left_ankle", "left_elbow", "right_elbow", "left_wrist")


def joint_map(clip: SourceClip) -> JointMap:
    """The joint map that fits the clip's names, and most of them. Raises InputError where none does."""
    names = set(clip.names)
    fitting = [known for known in JOINT_MAPS.values() if all(known[joint][0] in names for joint in _NEEDED)]
    if fitting:
        return max(fitting, key=lambda known: sum(name in names for chain in known.values() for name in chain))
    raise InputError(f"{clip.name}: no joint map fits a skeleton with joints {', '.join(clip.names[:6])} ...")


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDE_WORDS = {"left": "left", "l": "left", "right": "right", "r": "right"}
_NOISE = {"b", "base", "bip", "cc", "character", "def", "j", "jt", "mixamorig", "skel"}
_PARTS = {
    # names of the limbs, the surest first: a "hip" may be a joint above the thigh, and a "leg" the thigh or the shin
    "hip": ("upleg", "thigh", "upperleg", "hip", "leg"), "knee": ("knee", "shin", "calf", "lowerleg", "lowleg", "leg"),
    "ankle": ("foot", "ankle"), "shoulder": ("upperarm", "uparm", "arm", "shldr", "shoulder"),
    "elbow": ("forearm", "elbow", "lowerarm", "lowarm"), "wrist": ("hand", "wrist"),
}  # fmt: skip
_FINGER_WORDS = {
    "thumb": ("thumb",), "index": ("index",), "middle": ("middle", "mid"), "ring": ("ring",),
    "pinky": ("pinky", "little", "pinkie"),
}  # fmt: skip


def humanoid_map(clip: SourceClip) -> JointMap:
    """The joint map of anybody's humanoid: limbs and fingers by their names, pelvis, spine and neck by the hierarchy.

    Understands the names of MotionBuilder, Mixamo, Xsens, Character Creator, SMPL-X and their like, and those of
    `JOINT_MAPS`. Raises InputError naming what is missing.
    """
    words = [_words(name) for name in clip.names]
    place = {"head": next((i for i, (_, said, _) in enumerate(words) if said in ("head", "skull", "skullbase")), -1)}
    for side in SIDES:
        for part, known in _PARTS.items():
            found = (i for name in known for i, (its, said, _) in enumerate(words) if (its, said) == (side, name))
            place[f"{side}_{part}"] = next(found, -1)
        if place[f"{side}_hip"] == place[f"{side}_knee"]:
            place[f"{side}_hip"] = -1
    missing = [joint.replace("_", " ") for joint, where in place.items() if where < 0]
    if missing:
        with suppress(InputError):
            return joint_map(clip)
        raise InputError(
            f"{clip.name}: no {missing[0]} was found among the joints {', '.join(clip.names[:6])} ...; a humanoid "
            f"whose joints are named as in MotionBuilder, Mixamo or SMPL-X is needed."
        )
    up = {joint: _ancestors(clip.parents, where) for joint, where in place.items()}
    pelvis = max({*up["left_hip"]} & {*up["right_hip"]}, default=0)  # joints come after their parents
    chest = max({*up["head"]} & {*up["left_shoulder"]}, default=0)
    chains = {"pelvis": [pelvis], **_spine_of([joint for joint in up["head"] if pelvis < joint <= chest][::-1])}
    chains["neck"] = [joint for joint in up["head"] if joint > chest][::-1]
    chains |= {joint: [where] for joint, where in place.items()}
    for side in SIDES:
        chains[f"{side}_collar"] = [joint for joint in up[f"{side}_shoulder"] if joint > chest][::-1]
        below = _descendants(clip.parents, place[f"{side}_ankle"])
        chains[f"{side}_foot"] = [joint for joint in below if {"toe", "toes", "ball"} & {*words[joint][2]}][:1]
        for joint in _descendants(clip.parents, place[f"{side}_wrist"]):
            said = words[joint][2]
            digits = [int(word) for word in said if word.isdigit()]
            for finger, known in _FINGER_WORDS.items():
                if {*known} & {*said} and digits and digits[-1] in (1, 2, 3):
                    chains.setdefault(f"{side}_{finger}{digits[-1]}", [joint])
    return {joint: tuple(clip.names[i] for i in chain) for joint, chain in chains.items() if chain}


def _words(name: str) -> tuple[str, str, list[str]]:
    """What a joint's name says: its side or "", the rest without numbers in one word, and the rest in single words."""
    said = [word.lower() for word in _WORDS.findall(name.rpartition(":")[2])]
    side = next((_SIDE_WORDS[word] for word in said if word in _SIDE_WORDS), "")
    rest = [word for word in said if word not in _SIDE_WORDS and word not in _NOISE]
    return side, "".join(word for word in rest if not word.isdigit()), rest


def _ancestors(parents: Sequence[int], joint: int) -> list[int]:
    """The joints above one, from its parent to the root."""
    above: list[int] = []
    while parents[joint] >= 0:
        joint = parents[joint]
        above.append(joint)
    return above


def _descendants(parents: Sequence[int], joint: int) -> list[int]:
    return [other for other in range(len(parents)) if joint in _ancestors(parents, other)]


def _spine_of(spine: list[int]) -> dict[str, list[int]]:
    """Joints of the spine, from the pelvis up, shared among SMPL-X's three; the chest carries the last."""
    if len(spine) < 3:
        return dict(zip(("spine1", "spine3"), ([joint] for joint in spine), strict=False))
    lower = spine[:-1]
    half = (len(lower) + 1) // 2
    return {"spine1": lower[:half], "spine2": lower[half:], "spine3": spine[-1:]}


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
