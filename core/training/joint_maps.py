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
        {finger: f"{prefix}@Hand{finger.capitalize()}#" for finger in FINGERS},
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
    finger: f"CC_Base_@_{'Mid' if finger == 'middle' else finger.capitalize()}#" for finger in FINGERS
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
        {finger: f"char:def_@_fng{'Mid' if finger == 'middle' else finger.capitalize()}#" for finger in FINGERS},
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
        {finger: f"char:@_{finger}_0#" for finger in FINGERS if finger != "pinky"},
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
    """Return the one of `JOINT_MAPS` that fits and contains most of the clip's joint names.

    Raises:
        InputError: None fits.
    """
    names = set(clip.names)
    fitting = [known for known in JOINT_MAPS.values() if all(known[joint][0] in names for joint in _NEEDED)]
    if fitting:
        return max(fitting, key=lambda known: sum(name in names for chain in known.values() for name in chain))
    raise InputError(f"{clip.name}: no joint map matches a skeleton with the joints {', '.join(clip.names[:6])} ...")
