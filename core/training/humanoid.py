# SPDX-License-Identifier: GPL-3.0-or-later
"""A joint map for any humanoid: limbs and fingers by their names, spine and neck by the hierarchy."""

import re
from collections.abc import Sequence
from contextlib import suppress

from ..errors import InputError
from ..formats import SourceClip
from .joint_maps import SIDES, JointMap, joint_map

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDE_WORDS = {"left": "left", "l": "left", "right": "right", "r": "right"}
_NOISE = {"b", "base", "bip", "cc", "character", "def", "j", "jt", "mixamorig", "skel"}
_PARTS = {
    # the least ambiguous name first: a "hip" may be a joint above the thigh, and a "leg" the thigh or the shin
    "hip": ("upleg", "thigh", "upperleg", "hip", "leg"), "knee": ("knee", "shin", "calf", "lowerleg", "lowleg", "leg"),
    "ankle": ("foot", "ankle"), "shoulder": ("upperarm", "uparm", "arm", "shldr", "shoulder"),
    "elbow": ("forearm", "elbow", "lowerarm", "lowarm"), "wrist": ("hand", "wrist"),
}  # fmt: skip
_FINGER_WORDS = {
    "thumb": ("thumb",), "index": ("index",), "middle": ("middle", "mid"), "ring": ("ring",),
    "pinky": ("pinky", "little", "pinkie"),
}  # fmt: skip


def humanoid_map(clip: SourceClip) -> JointMap:
    """Find the joint map of a humanoid.

    Understands the names of MotionBuilder, Mixamo, Xsens, Character Creator, SMPL-X and similar rigs, and those of
    `JOINT_MAPS`.

    Raises:
        InputError: A limb is missing; the message names it.
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
            f"{clip.name}: no {missing[0]} was found among the joints {', '.join(clip.names[:6])} ...; use a humanoid "
            "whose joints are named as in MotionBuilder, Mixamo or SMPL-X."
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
    """Split a joint name into its side or "", the rest without numbers as one word, and the rest as single words."""
    said = [word.lower() for word in _WORDS.findall(name.rpartition(":")[2])]
    side = next((_SIDE_WORDS[word] for word in said if word in _SIDE_WORDS), "")
    rest = [word for word in said if word not in _SIDE_WORDS and word not in _NOISE]
    return side, "".join(word for word in rest if not word.isdigit()), rest


def _ancestors(parents: Sequence[int], joint: int) -> list[int]:
    """Return the joints above a joint, from its parent to the root."""
    above: list[int] = []
    while parents[joint] >= 0:
        joint = parents[joint]
        above.append(joint)
    return above


def _descendants(parents: Sequence[int], joint: int) -> list[int]:
    return [other for other in range(len(parents)) if joint in _ancestors(parents, other)]


def _spine_of(spine: list[int]) -> dict[str, list[int]]:
    """Distribute joints of the spine, from the pelvis up, over SMPL-X's three; the last one becomes the chest."""
    if len(spine) < 3:
        return dict(zip(("spine1", "spine3"), ([joint] for joint in spine), strict=False))
    lower = spine[:-1]
    half = (len(lower) + 1) // 2
    return {"spine1": lower[:half], "spine2": lower[half:], "spine3": spine[-1:]}
