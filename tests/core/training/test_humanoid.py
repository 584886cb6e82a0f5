# SPDX-License-Identifier: GPL-3.0-or-later
"""Joints of any humanoid are found by their names and the hierarchy."""

import numpy as np
import pytest

from core.formats import SourceClip
from core.training.humanoid import humanoid_map

NAMINGS = {
    "Mixamo": ("mixamorig:{Side}{part}", "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand", "Spine2 Neck Head"),
    "Xsens": ("{Side}{part}", "Hip Knee Ankle Toe Collar Shoulder Elbow Wrist", "Chest4 Neck Head"),
    "GENEA": ("b_{s}_{part}", "upleg leg foot toe shoulder arm forearm wrist", "b_spine3 b_neck0 b_head"),
    "CC": ("CC_Base_{S}_{part}", "Thigh Calf Foot ToeBase Clavicle Upperarm Forearm Hand", "Spine02 Neck CC_Base_Head"),
    "Unreal": ("{part}_{s}", "thigh calf foot ball clavicle upperarm lowerarm hand", "spine_03 neck_01 head"),
    "SMPL-X": ("{side}_{part}", "hip knee ankle toes collar shoulder elbow wrist", "spine3 neck head"),
}  # fmt: skip


@pytest.mark.parametrize("family", NAMINGS)
def test_joints_are_found_by_name_and_place(family: str):
    pattern, limbs, trunk = NAMINGS[family]
    chest, neck, head = trunk.split()
    names, parents = ["World", "Root", chest, neck, head], [-1, 0, 1, 2, 3]
    joints = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
    expected = {"pelvis": ("Root",), "spine1": (chest,), "neck": (neck,), "head": (head,)}
    for side in ("left", "right"):
        words = {"side": side, "Side": side.capitalize(), "s": side[0], "S": side[0].upper()}
        for i, (joint, part) in enumerate(zip(joints, limbs.split(), strict=True)):
            parents.append({0: 1, 4: 2}.get(i, len(names) - 1))
            names.append(pattern.format(part=part, **words))
            expected[f"{side}_{joint}"] = (names[-1],)
        for i in (1, 2, 3):
            parents.append(len(names) - 1)
            names.append(f"{pattern.format(part='Index', **words)}_0{i}")
            expected[f"{side}_index{i}"] = (names[-1],)
    still = np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1))
    places = np.zeros((len(names), 3))
    clip = SourceClip(family, tuple(names), tuple(parents), places, still, places[None], still[None], 30.0)
    assert humanoid_map(clip) == expected
