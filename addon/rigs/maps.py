# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone maps: which bones of a rig represent the SMPL-X joints, how rig families name them, and .json files. No bpy."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.motion.skeleton import JOINT_NAMES

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
SIDES = ("left", "right")
BODY = JOINT_NAMES[:22]
NEEDED = (
    "pelvis", *(f"{side}_{joint}" for side in SIDES for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"))
)  # fmt: skip
"""Joints that every bone map needs; the bones of other missing joints keep their rest pose."""

_FORMAT = "freetalker-bone-map"
_MOST_BONES = 2  # per joint, as many as a row of the panel shows


@dataclass(frozen=True)
class BoneMap:
    """Which bones of a rig the joints of motion drive.

    Args:
        family: Name of the rig family; empty for a map made by hand.
        bones: Joint -> its bones from the body outward, which share the joint's rotation.
        mover: Bone that moves the body through space and rotates with the pelvis; the pelvis bone if empty.
        root: Bone on the floor that can take the path; empty if there is none.
    """

    family: str
    bones: Mapping[str, tuple[str, ...]]
    mover: str = ""
    root: str = ""

    @property
    def carrier(self) -> str:
        """Bone whose location is keyed."""
        return self.mover or self.bones["pelvis"][0]

    @property
    def missing(self) -> tuple[str, ...]:
        """Needed joints that have no bone."""
        return tuple(joint for joint in NEEDED if not self.bones.get(joint))

    def check(self, names: Iterable[str]) -> None:
        """Check that the map fits an armature.

        Args:
            names: Names of the armature's bones.

        Raises:
            InputError: A needed joint has no bone, a bone does not exist, or a bone is used twice.
        """
        if self.missing:
            raise InputError(f"The bone map has no bone for {', '.join(self.missing)}; choose one in the bone map.")
        here = set(names)
        taken: dict[str, str] = {}
        for joint, bones in self.bones.items():
            for bone in bones:
                if bone not in here:
                    raise InputError(
                        f"The armature has no bone '{bone}', which the bone map uses for {joint}; choose another bone "
                        "there."
                    )
                if bone in taken:
                    raise InputError(
                        f"The bone '{bone}' is mapped to both {taken[bone]} and {joint}; remove it from one of them."
                    )
                taken[bone] = joint
        for what, bone in (("mover", self.mover), ("root", self.root)):
            if bone and bone not in here:
                raise InputError(
                    f"The armature has no bone '{bone}', which the bone map uses as {what}; choose another bone there."
                )
            if bone in taken:
                raise InputError(
                    f"The bone '{bone}' is mapped to {taken[bone]} and also used as {what}; remove it from one of them."
                )

    def save(self, path: Path) -> None:
        """Write the map as .json.

        Raises:
            InputError: The file cannot be written.
        """
        bones = {joint: list(bones) for joint, bones in self.bones.items() if bones}
        data = {"format": _FORMAT, "version": 1, "family": self.family, "mover": self.mover, "root": self.root}
        try:
            path.write_text(json.dumps(data | {"bones": bones}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error

    @staticmethod
    def load(path: Path) -> "BoneMap":
        """Read a map from .json.

        Raises:
            InputError: The file cannot be read or is not a bone map of this version.
        """
        try:
            data: Any = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
        except ValueError as error:
            raise InputError(
                f"{path.name} is not a valid .json file; choose one that was written by Save Bone Map."
            ) from error
        if not isinstance(data, dict) or data.get("format") != _FORMAT or not isinstance(data.get("bones"), dict):
            raise InputError(f"{path.name} is not a bone map; choose a .json file that was written by Save Bone Map.")
        if data.get("version") != 1:
            raise InputError(f"{path.name} is from a newer version of this add-on; update the add-on.")
        for joint, bones in data["bones"].items():
            named = isinstance(bones, list) and all(isinstance(bone, str) for bone in bones)
            if joint not in JOINT_NAMES or not named or len(bones) > _MOST_BONES:
                raise InputError(
                    f"{path.name} maps '{joint}' to {bones}; give up to {_MOST_BONES} bone names for each joint."
                )
        family, mover, root = (data.get(key, "") for key in ("family", "mover", "root"))
        if not all(isinstance(value, str) for value in (family, mover, root)):
            raise InputError(f"{path.name} has a family, mover or root that is not a name; use bone names.")
        return BoneMap(family, {joint: tuple(bones) for joint, bones in data["bones"].items()}, mover, root)


@dataclass(frozen=True)
class IkLeg:
    """IK controls of a leg.

    Args:
        foot: Control of the foot.
        pole: Pole target of the knee.
        toe: Control of the toe.
        switches: (bone, custom property, value) that enables IK; these override the family's switches.
    """

    foot: str
    pole: str
    toe: str
    switches: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class Family:
    """Bone names of one kind of rig, compared by `recognize.plain`.

    Args:
        name: Shown to the user.
        bones, mover, root: See `BoneMap`.
        switches: (bone, custom property, value) that lets the mapped (FK) bones drive the rig.
        carried: Mechanism bone -> the mapped bone that it follows by a constraint.
        ik: Side -> the IK controls of that leg, if there are any.
        shown: Mapped bone -> the bone that shows its pose while IK is enabled.
    """

    name: str
    bones: Mapping[str, tuple[str, ...]]
    mover: str = ""
    root: str = ""
    switches: tuple[tuple[str, str, float], ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    ik: Mapping[str, IkLeg] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)


def _sided(
    center: Mapping[str, str | tuple[str, ...]], limbs: Mapping[str, str], fingers: str, **finger_names: str
) -> dict[str, tuple[str, ...]]:
    """Build a map from the names of the center line and patterns for both sides.

    Patterns contain {side} (left), {Side} (Left), {s} (l), {S} (L); `fingers` also {finger} and {i}.
    """
    names = {joint: (bones,) if isinstance(bones, str) else bones for joint, bones in center.items()}
    for one in SIDES:
        words = {"side": one, "Side": one.capitalize(), "s": one[0], "S": one[0].upper()}
        names |= {f"{one}_{joint}": (pattern.format(**words),) for joint, pattern in limbs.items()}
        for finger in FINGERS if fingers else ():
            stem = finger_names.get(finger, finger)
            names |= {f"{one}_{finger}{i}": (fingers.format(finger=stem, i=i, **words),) for i in (1, 2, 3)}
    return names


_LIMBS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")


def _limbs(pattern: str, *parts: str) -> dict[str, str]:
    """Insert the names of hip, knee, ankle, foot, collar, shoulder, elbow and wrist for {} in a pattern."""
    return {joint: pattern.replace("{}", part) for joint, part in zip(_LIMBS, parts, strict=True)}


def _spine(*names: str | tuple[str, ...]) -> dict[str, str | tuple[str, ...]]:
    return dict(zip(("pelvis", "spine1", "spine2", "spine3", "neck", "head"), names, strict=True))


def _vrm_fingers(thumb: tuple[str, str, str]) -> dict[str, tuple[str, ...]]:
    """Return the VRM specification's names of the finger bones."""
    parts = {finger: ("Proximal", "Intermediate", "Distal") for finger in FINGERS} | {"thumb": thumb}
    stems = {finger: finger.capitalize() for finger in FINGERS} | {"pinky": "Little"}
    return {
        f"{side}_{finger}{i + 1}": (f"{side}{stems[finger]}{parts[finger][i]}",)
        for side in SIDES
        for finger in FINGERS
        for i in range(3)
    }


_RIGIFY_PARTS = ("thigh", "shin", "foot", "toe", "shoulder", "upper_arm", "forearm", "hand")
_RIGIFY_FINGERS = {"index": "f_index", "middle": "f_middle", "pinky": "f_pinky", "ring": "f_ring"}
_ROOT_PARENT = 1.0  # of the parents that Rigify's IK controls can have


def _rigify_leg(side: str) -> IkLeg:
    parent = f"thigh_parent.{side}"
    led = {"IK_FK": 0.0, "pole_vector": 1.0, "IK_parent": _ROOT_PARENT, "pole_parent": _ROOT_PARENT}
    switches = tuple((parent, key, value) for key, value in led.items())
    return IkLeg(f"foot_ik.{side}", f"thigh_ik_target.{side}", f"toe_ik.{side}", switches)


_EPIC_PARTS = ("thigh", "calf", "foot", "ball", "clavicle", "upperarm", "lowerarm", "hand")
_VRM_LIMBS = ("UpperLeg", "LowerLeg", "Foot", "Toes", "Shoulder", "UpperArm", "LowerArm", "Hand")

VRM = "VRM"
VRM_HUMANOID: Mapping[str, tuple[str, ...]] = _sided(
    _spine("hips", "spine", "chest", "upperChest", "neck", "head") | {"jaw": "jaw"},
    _limbs("{side}{}", *_VRM_LIMBS) | {"eye": "{side}Eye"},
    "",
) | _vrm_fingers(("Metacarpal", "Proximal", "Distal"))
"""Joint -> its name in the VRM specification, which the data of the VRM add-on maps to bones."""

FAMILIES: tuple[Family, ...] = (
    Family("SMPL-X", {joint: (joint,) for joint in JOINT_NAMES}, root="root"),
    Family(
        "SMPL-X (smplx package)",
        {joint: (f"{joint}_smplhf" if joint.endswith("_eye") else joint,) for joint in JOINT_NAMES},
        root="root",
    ),
    Family(
        "Rigify",
        _sided(
            _spine("spine_fk", "spine_fk.001", "spine_fk.002", "spine_fk.003", "neck", "head") | {"jaw": "jaw_master"},
            _limbs("{}_fk.{S}", *_RIGIFY_PARTS) | {"collar": "shoulder.{S}"},
            "{finger}.0{i}.{S}",
            **_RIGIFY_FINGERS,
        ),
        mover="torso",
        root="root",
        switches=(
            *((f"{limb}_parent.{side}", "IK_FK", 1.0) for limb in ("upper_arm", "thigh") for side in "LR"),
            *((f"{limb}_parent.{side}", "FK_limb_follow", 0.0) for limb in ("upper_arm", "thigh") for side in "LR"),
            ("torso", "neck_follow", 1.0),
            ("torso", "head_follow", 1.0),
        ),
        carried={
            "MCH-torso.parent": "root",
            **{f"MCH-{one}.parent.{side}": "root" for one in ("foot_ik", "thigh_ik_target") for side in "LR"},
        },
        ik={side: _rigify_leg(side[0].upper()) for side in SIDES},
        shown={f"{bone}_fk.{side}": f"ORG-{bone}.{side}" for bone in _RIGIFY_PARTS[:4] for side in "LR"},
    ),
    Family(
        "Rigify metarig",
        _sided(
            _spine("spine", "spine.001", "spine.002", "spine.003", ("spine.004", "spine.005"), "spine.006")
            | {"jaw": "jaw"},
            _limbs("{}.{S}", *_RIGIFY_PARTS) | {"eye": "eye.{S}"},
            "{finger}.0{i}.{S}",
            **_RIGIFY_FINGERS,
        ),
        root="root",
    ),
    Family(
        "Mixamo",
        _sided(
            _spine("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head") | {"jaw": "Jaw"},
            _limbs("{Side}{}", "UpLeg", "Leg", "Foot", "ToeBase", "Shoulder", "Arm", "ForeArm", "Hand")
            | {"eye": "{Side}Eye"},
            "{Side}Hand{finger}{i}",
            **{finger: finger.capitalize() for finger in FINGERS},
        ),
        root="Root",
    ),
    Family(
        VRM,
        _sided(
            _spine("J_Bip_C_Hips", "J_Bip_C_Spine", "J_Bip_C_Chest", "J_Bip_C_UpperChest", "J_Bip_C_Neck",
                   "J_Bip_C_Head"),
            _limbs("J_Bip_{S}_{}", *_VRM_LIMBS) | {"foot": "J_Bip_{S}_ToeBase", "eye": "J_Adj_{S}_FaceEye"},
            "J_Bip_{S}_{finger}{i}",
            **{finger: finger.capitalize() for finger in FINGERS} | {"pinky": "Little"},
        ),
        root="Root",
    ),
    Family("VRM 1.0 humanoid", VRM_HUMANOID, root="Root"),
    Family(
        "VRM 0.x humanoid",
        {**VRM_HUMANOID, **_vrm_fingers(("Proximal", "Intermediate", "Distal"))},
        root="Root",
    ),
    Family(
        "Unreal 5",
        _sided(
            _spine("pelvis", "spine_01", ("spine_02", "spine_03"), ("spine_04", "spine_05"), ("neck_01", "neck_02"),
                   "head"),
            _limbs("{}_{s}", *_EPIC_PARTS),
            "{finger}_0{i}_{s}",
        ),
        root="root",
    ),
    Family(
        "Unreal 4",
        _sided(
            _spine("pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "head"),
            _limbs("{}_{s}", *_EPIC_PARTS),
            "{finger}_0{i}_{s}",
        ),
        root="root",
    ),
    Family(
        "Auto-Rig Pro",
        _sided(
            _spine("c_root.x", "c_spine_01.x", "c_spine_02.x", "c_spine_03.x", "c_neck.x", "c_head.x")
            | {"jaw": "c_jawbone.x"},
            _limbs("c_{}_fk.{s}", "thigh", "leg", "foot", "toes", "shoulder", "arm", "forearm", "hand")
            | {"collar": "c_shoulder.{s}"},
            "c_{finger}{i}.{s}",
        ),
        mover="c_root_master.x",
        root="c_traj",
        switches=tuple((f"c_{end}_ik.{side}", "ik_fk_switch", 1.0) for end in ("hand", "foot") for side in "lr"),
    ),
)  # fmt: skip


def family(name: str) -> Family:
    """Return the family of a name, or an empty one if it is unknown."""
    return next((one for one in FAMILIES if one.name == name), Family(name, {}))
