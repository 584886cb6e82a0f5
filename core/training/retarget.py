# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded motion of other skeletons -> Motion on the neutral SMPL-X skeleton.

A target joint's world rotation is D * A: D is how far its source joint has turned from the source's rest pose, A takes
the SMPL-X rest bone to the source's rest bone. A keeps the trunk upright, swings the limbs by the smallest rotation
that aligns the bones (inherited down the limb, so an A-pose is no trouble), turns feet about the vertical only (both
rest poses stand on flat feet) and aligns the palm by finger and knuckle line. The straight limbs of the SMPL-X rest
pose have their elbows and knees off the line (by 21 and 14 degrees of bend), other rigs have them on it: the line from
shoulder to wrist, or hip to ankle, stands for both bones, or elbows and knees would bend sideways for ever.
"""

import csv
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..errors import InputError
from ..formats import SourceClip
from ..formats.amc import load_amc, load_asf
from ..formats.bvh import load_bvh
from ..formats.gltf import load_glb
from ..formats.skm import SkSkeleton, load_sk, load_skm
from ..motion import CORE_FPS, Motion
from ..rotation import (
    Array,
    axis_angle_to_matrix,
    continuous,
    matrix_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_matrix,
    rotation_between,
    rotation_y,
    slerp,
)
from ..skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton

T = TypeVar("T")
log = logging.getLogger(__name__)

JointMap = Mapping[str, tuple[str, ...]]
"""SMPL-X joint -> source joints along its bone: the first is the place, the last one there is the orientation."""

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_SIDES = ("left", "right")


def _zebra() -> dict[str, tuple[str, ...]]:
    """The names of SmartBody's characters; the last twist joint carries what SMPL-X's shoulder and elbow need."""
    names: dict[str, tuple[str, ...]] = {
        "pelvis": ("JtRoot",), "spine1": ("JtSpineA",), "spine2": ("JtSpineB",), "spine3": ("JtSpineC",),
        "neck": ("JtNeckA", "JtNeckB"), "head": ("JtSkullA",),
    }  # fmt: skip
    for side, s in zip(_SIDES, ("Lf", "Rt"), strict=True):
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
    for side in _SIDES:
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
    for side, s in zip(_SIDES, "LR", strict=True):
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
    for side in _SIDES:
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
    for side in _SIDES:
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
    for side in _SIDES:
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
    for side in _SIDES:
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
    for side in _SIDES:
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
    for side, s in zip(_SIDES, "LR", strict=True):
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


def _bandai_rest() -> dict[str, Array]:
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


_UPRIGHT = ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "left_collar", "right_collar")
_BONE_END = {
    name: JOINT_NAMES[PARENTS.index(i)] if i in PARENTS else None
    for i, name in enumerate(JOINT_NAMES)
    if name not in _UPRIGHT
} | {f"{side}_wrist": f"{side}_middle1" for side in _SIDES}


_LIMBS = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))


def rest_bones(skeleton: Skeleton) -> dict[str, Array]:
    """The rest vector of each limb bone by the joint that turns it; in arms and legs along the line of the limb."""
    rest = skeleton.rest_positions
    bones = {joint: rest[INDEX[end]] - rest[INDEX[joint]] for joint, end in _BONE_END.items() if end is not None}
    for side in _SIDES:
        for limb in _LIMBS:
            root, middle, end = (f"{side}_{joint}" for joint in limb)
            line = rest[INDEX[end]] - rest[INDEX[root]]
            line = line / np.linalg.norm(line)
            bones |= {joint: line * np.linalg.norm(bones[joint]) for joint in (root, middle)}
    return bones


@dataclass(frozen=True)
class _Plan:
    """What depends on the two rest poses alone.

    sources: SMPL-X joint -> index of the source joint that orients it.
    align: (55, 3, 3) A of the module's docstring. scale: target lengths a source length. hips: two source joints.
    """

    sources: Mapping[int, int]
    align: Array
    scale: float
    hips: tuple[int, int]


def _plan(clip: SourceClip, skeleton: Skeleton, names: JointMap) -> _Plan:
    here = {name: i for i, name in enumerate(clip.names)}
    place = {joint: here[chain[0]] for joint, chain in names.items() if chain[0] in here}
    sources = {
        INDEX[joint]: here[[name for name in chain if name in here][-1]]
        for joint, chain in names.items()
        if chain[0] in here
    }
    rest, _ = clip.rest_world()  # (J, 3)
    target, bones = skeleton.rest_positions, rest_bones(skeleton)  # (55, 3)

    def end_of(joint: str) -> Array | None:
        """Rest position of the far end of a source bone: the mapped child, or an end site."""
        child = _BONE_END[joint]
        if child in place:
            return rest[place[child]]
        site = here.get(f"{clip.names[place[joint]]}_end")
        return None if site is None else rest[site]

    across = rest[place["left_hip"]] - rest[place["right_hip"]]
    # rest poses face along an axis, and hips that are not quite level with it must not turn the body
    quarters = round(float(np.arctan2(-across[2], across[0])) / (np.pi / 2))
    facing = rotation_y(quarters * np.pi / 2)
    align = np.tile(facing, (len(JOINT_NAMES), 1, 1))  # (55, 3, 3)
    for i, joint in enumerate(JOINT_NAMES):
        if joint in _UPRIGHT:
            continue
        inherited = align[PARENTS[i]]
        end = end_of(joint) if joint in place else None
        if end is None or joint not in bones:
            align[i] = facing if joint.endswith("_foot") else inherited
            continue
        bone, wanted = bones[joint], end - rest[place[joint]]
        if joint.endswith(("_hip", "_knee")):  # sources stand on straight legs, their knees a little off the line
            root, _, tip = (f"{joint.split('_')[0]}_{part}" for part in _LIMBS[0])
            wanted = rest[place[tip]] - rest[place[root]]
        if joint.endswith("_ankle"):
            flat = np.array([1.0, 0.0, 1.0])
            align[i] = rotation_between(facing @ (bone * flat), wanted * flat) @ facing
        elif joint.endswith("_wrist") and f"{joint[:-5]}index1" in place:
            knuckles = [f"{joint[:-5]}{finger}1" for finger in ("index", "pinky")]
            ours = target[INDEX[knuckles[1]]] - target[INDEX[knuckles[0]]]
            theirs = rest[place[knuckles[1]]] - rest[place[knuckles[0]]]
            align[i] = _frame(wanted, theirs) @ _frame(bone, ours).T
        else:
            align[i] = rotation_between(inherited @ bone, wanted) @ inherited
    for side in _SIDES:
        align[INDEX[f"{side}_foot"]] = align[INDEX[f"{side}_ankle"]]
    ours = np.linalg.norm(bones["left_hip"]) + np.linalg.norm(bones["left_knee"])
    theirs = sum(np.linalg.norm(rest[place[f"left_{b}"]] - rest[place[f"left_{a}"]]) for a, b in pairwise(_LIMBS[0]))
    return _Plan(sources, align, float(ours / theirs), (place["left_hip"], place["right_hip"]))


def _frame(along: Array, beside: Array) -> Array:
    """A right-handed frame (3, 3), in columns, with its first axis along one vector and its second near the other."""
    x = along / np.linalg.norm(along)
    z = np.cross(x, beside)
    z /= np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z], -1)


def retarget(clip: SourceClip, skeleton: Skeleton | None = None, names: JointMap | None = None) -> Motion:
    """The clip as a Motion on the neutral skeleton, at its own frame rate.

    Lengths are scaled by the legs and the feet put on the floor; fingers that the source lacks are relaxed.
    Raises InputError where no joint map fits.
    """
    skeleton = skeleton or neutral_skeleton()
    plan = _plan(clip, skeleton, names or joint_map(clip))
    positions, world = clip.world()  # (T, J, 3), (T, J, 3, 3)
    _, rest_world = clip.rest_world()  # (J, 3, 3)
    default = np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))  # (55, 3, 3)
    default[25:] = axis_angle_to_matrix(skeleton.relaxed_hands)
    joints = range(len(JOINT_NAMES))
    turned = np.empty((len(clip), len(JOINT_NAMES), 3, 3))
    local = np.empty_like(turned)
    for i in joints:
        parent = turned[:, PARENTS[i]] if i else np.eye(3)
        if i in plan.sources:
            source = plan.sources[i]
            turned[:, i] = world[:, source] @ rest_world[source].T @ plan.align[i]
        else:
            turned[:, i] = parent @ default[i]
        if i == INDEX["spine2"] and i not in plan.sources and INDEX["spine3"] in plan.sources:
            source = plan.sources[INDEX["spine3"]]  # a spine of two joints bends evenly over SMPL-X's three
            above = world[:, source] @ rest_world[source].T @ plan.align[INDEX["spine3"]]
            halves = slerp(matrix_to_quaternion(parent), matrix_to_quaternion(above), np.array(0.5))
            turned[:, i] = quaternion_to_matrix(halves)
        local[:, i] = np.swapaxes(parent, -1, -2) @ turned[:, i]
    rotations = _twist_in_forearm(matrix_to_quaternion(local), skeleton)
    hips = plan.scale * positions[:, list(plan.hips)].mean(1)  # (T, 3)
    ours = skeleton.rest_positions[[INDEX["left_hip"], INDEX["right_hip"]]].mean(0) - skeleton.rest_positions[0]
    root = hips - turned[:, 0] @ ours
    reached, _ = skeleton.forward_kinematics(local, root)
    root[:, 1] += _floor_shift(reached, skeleton)
    return Motion(root, continuous(rotations), clip.fps)


def _twist_in_forearm(rotations: Array, skeleton: Skeleton) -> Array:
    """Local rotations (T, 55, 4) with each wrist's twist about the forearm given to the elbow; the hands stay as posed.

    Rigs disagree on who carries it: some turn the wrist by 50 degrees in a clip where others turn the forearm.
    """
    rotations = rotations.copy()
    for side in _SIDES:
        elbow, wrist = INDEX[f"{side}_elbow"], INDEX[f"{side}_wrist"]
        axis = skeleton.offsets[wrist] / np.linalg.norm(skeleton.offsets[wrist])
        along = rotations[:, wrist, 1:] @ axis  # (T,)
        twist = np.concatenate([rotations[:, wrist, :1], along[:, None] * axis], -1)
        twist /= np.maximum(np.linalg.norm(twist, axis=-1, keepdims=True), 1e-9)
        rotations[:, elbow] = quaternion_multiply(rotations[:, elbow], twist)
        rotations[:, wrist] = quaternion_multiply(quaternion_conjugate(twist), rotations[:, wrist])
    return rotations


def sole_clearance(positions: Array, skeleton: Skeleton) -> Array:
    """Height (T,) of the lower sole over the floor, from ankles and balls of the feet of positions (T, 55, 3)."""
    feet = [INDEX[f"{side}_{joint}"] for side in _SIDES for joint in ("ankle", "foot")]
    return (positions[:, feet, 1] - skeleton.rest_positions[feet, 1]).min(1)


def _floor_shift(positions: Array, skeleton: Skeleton) -> float:
    """What lifts the lower sole to the floor in all but the lowest twentieth of the frames."""
    return -float(np.percentile(sole_clearance(positions, skeleton), 5))


@dataclass(frozen=True)
class Clip:
    """One recording ready to be learned from.

    motion: at 20 fps on the neutral skeleton. name: the file's (or animation's) own.
    phases: gesture moments in seconds. meta: what the source says about it, such as a title or sentences.
    """

    motion: Motion
    name: str
    source: str
    licence: str
    phases: Mapping[str, float] | None = None
    meta: Mapping[str, str] = field(default_factory=dict[str, str])


LICENCES: Mapping[str, str] = {
    "smartbody": "LGPL-2.1-or-later",
    "mesh2motion": "CC0-1.0",
    "cmu": "CMU mocap",
    "bandai_namco": "CC-BY-NC-4.0",
    "hdm05": "CC-BY-SA-3.0",
}
_SHORTEST = 10  # frames at 20 fps
_FASTEST_TURN = np.radians(100)  # a frame at 20 fps; the quickest punches stay under it
_POP = np.radians(60)  # a turn in one frame, where the frames beside it hardly turn: more than in a runner's ankle
_BY_MARKERS = ("cmu", "bandai_namco", "hdm05")  # a few markers on the wrist may be taken for one another
_LARGEST_TWIST = np.radians(120)


def load_source(
    kind: str, folder: Path | str, counts: Counter[str] | None = None, at_most: int | None = None
) -> Iterator[Clip]:
    """The usable clips of "smartbody", "mesh2motion", "cmu", "bandai_namco" or "hdm05" in their unpacked folder.

    Unreadable files are logged and passed over, as are copies, poses, glitches, pops, twisted forearms and clips of
    under ten frames; `counts` gathers how many of each. at_most: how many recordings of the same action and style are
    read, spread evenly over those of "bandai_namco" and "hdm05", which name both. Raises InputError for another kind,
    or a folder with no such files.
    """
    counts = Counter() if counts is None else counts
    readers = {
        "smartbody": _smartbody, "mesh2motion": _mesh2motion, "cmu": _cmu,
        "bandai_namco": partial(_bandai_namco, at_most=at_most), "hdm05": partial(_hdm05, at_most=at_most),
    }  # fmt: skip
    if kind not in readers:
        raise InputError(f"There is no source named {kind}: use {', '.join(readers)}.")
    skeleton = neutral_skeleton()
    seen: set[bytes] = set()
    found = False
    for source, meta in readers[kind](Path(folder), counts):
        found = True
        try:
            motion = retarget(source, skeleton).resampled(CORE_FPS)
        except InputError as error:
            log.warning("%s", error)
            counts["no joint map"] += 1
            continue
        key = np.round(motion.rotations[:, :22], 3).tobytes()
        if key in seen:
            counts["copy"] += 1
            continue
        seen.add(key)
        fault = fault_of(motion)
        if kind in _BY_MARKERS and fault is None and largest_twist(motion, skeleton) > _LARGEST_TWIST:
            fault = "twisted forearm"
        counts[fault or "kept"] += 1
        if fault:
            log.info("%s: %s", source.name, fault)
            continue
        if kind == "mesh2motion":
            motion = unrolled(motion, source.name, skeleton)
        yield Clip(motion, source.name, kind, LICENCES[kind], source.phases or None, meta)
    if not found:
        raise InputError(f"No {kind} clips lie in {folder}: give the folder that the archive was unpacked to.")


def fault_of(motion: Motion) -> str | None:
    """Why a motion at 20 fps is unfit for learning, or None.

    "short"; "glitch": a turn or a leap that no body makes; "pop": a jump of one frame; "still": a pose held; "T-pose".
    """
    if len(motion) < _SHORTEST:
        return "short"
    body = motion.rotations[:, :22]
    cosine = np.abs((body[1:] * body[:-1]).sum(-1)).clip(0, 1)  # (T-1, 22)
    turns = 2 * np.arccos(cosine)
    if turns.max() > _FASTEST_TURN or np.abs(np.diff(motion.translation, axis=0)).max() > 0.5:
        return "glitch"
    beside = np.maximum(turns[:-2], turns[2:])  # (T-3, 22)
    if (turns[1:-1] > np.maximum(_POP, 6 * beside)).any():
        return "pop"
    shoulders = [INDEX["left_shoulder"], INDEX["right_shoulder"]]
    raised = 2 * np.arccos(np.abs(body[:, shoulders, 0]).clip(0, 1))
    if turns.max() < 1e-3:
        return "T-pose" if raised.max() < np.radians(20) else "still"
    return None


def largest_twist(motion: Motion, skeleton: Skeleton) -> float:
    """Radians that the more twisted forearm is turned about itself, in all but the worst twentieth of the frames."""
    largest = 0.0
    for side in _SIDES:
        bone = skeleton.offsets[INDEX[f"{side}_wrist"]]
        turn = motion.rotations[:, INDEX[f"{side}_elbow"]]  # (T, 4)
        half = np.arctan2(np.abs(turn[:, 1:] @ bone) / np.linalg.norm(bone), np.abs(turn[:, 0]))
        largest = max(largest, float(np.percentile(2 * half, 95)))
    return largest


def _read(files: list[Path], counts: Counter[str], read: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
    for file in files:
        try:
            yield file, read(file)
        except InputError as error:
            log.warning("%s", error)
            counts["unreadable"] += 1


def _smartbody(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every .skm with the skeleton that belongs to it: beside it, or the character's or the `common` one."""
    table = folder / "gestures.csv"
    gestures: dict[str, Mapping[str, str]] = {}
    if table.is_file():
        with open(table, encoding="utf-8", newline="") as file:
            gestures = {row["clip"]: row for row in csv.DictReader(file)}
    skeletons = sorted(folder.rglob("*.sk"))

    def read(file: Path) -> SourceClip:
        return load_skm(file, _skeleton_for(file, skeletons))

    for file, clip in _read(sorted(folder.rglob("*.skm")), counts, read):
        yield clip, {"folder": file.parent.relative_to(folder).as_posix(), **gestures.get(clip.name, {})}


def _skeleton_for(file: Path, skeletons: list[Path]) -> SkSkeleton:
    """The skeleton of a SmartBody motion, by its joint names, its character's name and its folder."""
    with open(file, encoding="utf-8", errors="replace") as opened:
        first = {line.split()[0] for line in opened if line.split()[1:] == ["Quat"]}
    character = file.stem.split("@")[0].split("_")[0]
    near = [path for path in skeletons if path.parent in (file.parent.parent / "skeletons", file.parent.parent)]
    named = [path for path in near if path.stem == character]
    if "Hips" in first:  # this set came without its skeleton: a T-pose in centimetres, so only lengths are unknown
        return _stand_in(JOINT_MAPS["motionbuilder"], neutral_skeleton(), 100.0)
    if "base" not in first:
        fitting = named or near
    elif "l_upperarm2" in first and named:  # a character's own skeleton under the common names
        zebra, common = JOINT_MAPS["zebra"], JOINT_MAPS["common"]
        names = {a: b for joint in zebra for a, b in zip(zebra[joint], common[joint], strict=True)}
        return load_sk(named[0]).renamed(names)
    else:
        wanted = "test_utah" if character.lower().endswith("utah") else "common"
        fitting = [path for path in skeletons if path.stem == wanted]
    if not fitting:
        raise InputError(f"{file.name}: no skeleton (.sk) for it lies in or beside its folder.")
    return load_sk(fitting[0])


def _stand_in(names: JointMap, skeleton: Skeleton, units_a_metre: float) -> SkSkeleton:
    """The neutral skeleton in its T-pose with straight limbs, under the names of a joint map."""
    bones = rest_bones(skeleton)
    order = [(joint, name) for joint in JOINT_NAMES if joint in names for name in names[joint]]
    places = {name: i for i, (_, name) in enumerate(order)}
    parents: list[int] = []
    offsets = np.zeros((len(order), 3))
    for i, (joint, name) in enumerate(order):
        chain = names[joint]
        if name != chain[0]:
            parents.append(i - 1)
        elif joint == "pelvis":
            parents.append(-1)
        else:
            above = JOINT_NAMES[PARENTS[INDEX[joint]]]
            parents.append(places[names[above][-1]])
            straight = above in bones and _BONE_END[above] == joint
            offsets[i] = (bones[above] if straight else skeleton.offsets[INDEX[joint]]) * units_a_metre
    return SkSkeleton(tuple(places), tuple(parents), offsets, np.tile([1.0, 0.0, 0.0, 0.0], (len(order), 1)))


_UNGROUNDED = ("Jump_Loop", "Swim", "Flying", "Levitate")
_ON_THE_SPOT = ("Walk_", "Jog_", "Sprint_", "Crouch_Fwd", "Run Anime")
_LOOP_SECONDS = 4.0


def _mesh2motion(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every animation of every .glb but those off the ground; of two with one name the newer library's."""
    done: set[str] = set()
    for file, clips in _read(sorted(folder.rglob("*.glb"), reverse=True), counts, load_glb):
        for clip in clips:
            if clip.name.startswith(_UNGROUNDED):
                counts["off the ground"] += 1
            elif clip.name in done:
                counts["copy"] += 1
            else:
                done.add(clip.name)
                yield clip, {"file": file.name}


def unrolled(motion: Motion, name: str, skeleton: Skeleton) -> Motion:
    """A loop repeated to about four seconds; one that walks on the spot goes forward as its standing feet demand."""
    if "_Loop" not in name and not name.startswith(_ON_THE_SPOT):
        return motion
    step = np.zeros(3)
    if name.startswith(_ON_THE_SPOT):
        positions = motion.positions(skeleton)
        feet = [INDEX["left_foot"], INDEX["right_foot"]]
        height = positions[:, feet, 1] - skeleton.rest_positions[feet, 1]  # (T, 2)
        lower = height.argmin(1)
        speed = np.diff(positions[:, feet], axis=0)  # (T-1, 2, 3)
        standing = np.stack([speed[t, lower[t]] for t in range(len(speed)) if height[t].min() < 0.03])
        step = -np.median(standing, axis=0) * [1.0, 0.0, 1.0]
    frames = len(motion) - 1  # the last frame of a loop is the first again
    rounds = max(1, int(np.ceil(_LOOP_SECONDS * motion.fps / frames)))
    order = np.tile(np.arange(frames), rounds)
    path = motion.translation[order] + np.arange(len(order))[:, None] * step
    return replace(motion, translation=path, rotations=continuous(motion.rotations[order]))


_T_POSE_SECONDS = 0.07
_NO_FLOOR = ("playground - climb", "walk on uneven terrain")


def _cmu(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every .bvh and .amc take on the floor, with its row of takes.csv; the DAZ conversions come out of a T-pose,
    which is cut off.
    """
    table = next(iter(sorted(folder.rglob("takes.csv"))), None)
    takes: dict[str, Mapping[str, str]] = {}
    if table is not None:
        with open(table, encoding="utf-8", newline="") as file:
            takes = {row["file"]: row for row in csv.DictReader(file)}
    files = [*folder.rglob("*.bvh"), *folder.rglob("*.amc")]
    for file, clip in _read(sorted(files), counts, _bvh_or_amc):
        take = takes.get(file.name, {})
        if take.get("title", "").startswith(_NO_FLOOR):
            counts["off the ground"] += 1
            continue
        first = round(_T_POSE_SECONDS * clip.fps) if "lButtock" in clip.names else 0
        yield replace(clip, translations=clip.translations[first:], rotations=clip.rotations[first:]), take


def _bvh_or_amc(file: Path) -> SourceClip:
    """A take; that of an .amc on the .asf named as its actor, which is its name up to the last `_` (or before)."""
    if file.suffix == ".bvh":
        return load_bvh(file)
    skeletons = [asf for asf in file.parent.glob("*.asf") if file.stem.startswith(f"{asf.stem}_")]
    if not skeletons:
        raise InputError(f"{file.name}: the .asf of its actor does not lie beside it.")
    return load_amc(file, load_asf(skeletons[0]))


def _bandai_namco(
    folder: Path, counts: Counter[str], at_most: int | None
) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every recording, in a T-pose at rest: dataset-<set>_<content>_<style>_<number>.bvh."""
    files = _sample(sorted(folder.rglob("dataset-*.bvh")), counts, at_most)
    for file, clip in _read(files, counts, load_bvh):
        _, content, style, *_ = f"{file.stem}__".split("_")
        yield with_rest(clip, _bandai_rest()), {"content": content, "style": style}


def _hdm05(folder: Path, counts: Counter[str], at_most: int | None) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every cut clip: HDM_<actor>_<class>_<number>_<fps>.amc."""
    files = sorted(folder.rglob("HDM_*.amc"), key=lambda file: file.stem.split("_")[2:])
    for file, clip in _read(_sample(files, counts, at_most, first=2), counts, _bvh_or_amc):
        _, actor, action, *_ = f"{file.stem}__".split("_")
        yield clip, {"actor": actor, "class": action}


def _sample(files: list[Path], counts: Counter[str], at_most: int | None, first: int = 0) -> list[Path]:
    """Of the files whose names agree but for their numbers, and what comes before the part `first`, an even sample."""
    groups: dict[str, list[Path]] = {}
    for file in files:
        kind = "_".join(part for part in file.stem.split("_")[first:] if not part.isdigit())
        groups.setdefault(kind, []).append(file)
    chosen: list[Path] = []
    for group in groups.values():
        kept = min(at_most or len(group), len(group))
        chosen += [group[i * len(group) // kept] for i in range(kept)]
        if kept < len(group):
            counts["enough of its kind"] += len(group) - kept
    return chosen
