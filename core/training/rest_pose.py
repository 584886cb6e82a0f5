# SPDX-License-Identifier: GPL-3.0-or-later
"""A rest pose for recordings whose zero pose is no pose of a body, read off their own frames.

Many rigs (ZeroEGGS, LAFAN1, the Trinity recordings) have all bones of the zero pose along one axis, so that "how far
a joint has turned from rest" says nothing. But each of its joints keeps one and the same angle to the SMPL-X joint that
it stands for: where the joints are tells the SMPL-X rotations (`core.fitting`), and the mean over many frames of the
rotation from the one to the other is that angle. On average the trunk is taken to be upright, the head level, the
collars as speakers carry them, and the feet flat while they stand.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..formats import SourceClip
from ..motion.fitting import KNOWN, fit
from ..motion.rotation import Array, axis_angle_to_matrix, matrix_to_quaternion, nearest_rotation, quaternion_multiply
from ..motion.skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton
from .joint_maps import SIDES, JointMap
from .retarget import BONE_END, rest_bones

_FRAMES = 1200  # of all recordings together, spread evenly, are looked at
_STANDING = 25  # per cent of the frames, those in which a foot is lowest
_COLLAR = np.radians([-2.0, -10.0, -8.0])  # of the left one: mean of speakers in SmartBody's recordings
_Y_UP = axis_angle_to_matrix([-np.pi / 2, 0.0, 0.0])  # z -> y


def standing(clip: SourceClip, names: JointMap) -> SourceClip | None:
    """The clip with Y up; None where its rest pose is none in which a body stands."""
    up = _standing_axis(clip, names)
    return _turned(clip) if up == "z" else clip if up == "y" else None


def _standing_axis(clip: SourceClip, names: JointMap) -> str:
    """The axis along which the rest pose stands, "y" or "z", legs down and arms out or down; "" where it does not."""
    rest, _ = clip.rest_world()  # (J, 3)
    place = {joint: rest[clip.index(chain[0])] for joint, chain in names.items()}
    across = place["left_hip"] - place["right_hip"]
    size = np.linalg.norm(place["left_hip"] - place["left_ankle"])
    for axis in (1, 2):
        legs = [place[f"{side}_hip"] - place[f"{side}_ankle"] for side in SIDES]
        trunk = place["head"] - place["pelvis"]
        standing = all(bone[axis] > 0.85 * np.linalg.norm(bone) for bone in (*legs, trunk))
        arms = [place[f"{side}_wrist"] - place[f"{side}_shoulder"] for side in SIDES]
        low = all(arm[axis] < 0.35 * np.linalg.norm(arm) for arm in arms)
        apart = float((arms[0] - arms[1]) @ across) > 0 and abs(across[axis]) < 0.2 * size
        if standing and low and apart:
            return "yz"[axis - 1]
    return ""


def _turned(clip: SourceClip) -> SourceClip:
    """A clip whose Z is up, with Y up."""
    turn = matrix_to_quaternion(_Y_UP)
    roots = [joint for joint, parent in enumerate(clip.parents) if parent < 0]
    offsets, translations = clip.offsets.copy(), clip.translations.copy()
    rests, rotations = clip.rest_rotations.copy(), clip.rotations.copy()
    for root in roots:
        offsets[root], translations[:, root] = _Y_UP @ offsets[root], translations[:, root] @ _Y_UP.T
        rests[root] = quaternion_multiply(turn, rests[root])
        rotations[:, root] = quaternion_multiply(turn, rotations[:, root])
    return replace(clip, offsets=offsets, translations=translations, rest_rotations=rests, rotations=rotations)


def estimated_rest(clips: Sequence[SourceClip], names: JointMap, skeleton: Skeleton) -> dict[str, Array]:
    """The world axes (3, 3) of each joint in a T-pose that faces +Z, for `with_rest`.

    clips: recordings of one skeleton, from which 1200 frames are taken; the more they show, the better.
    """
    parts = [_some(clip, _FRAMES // len(clips)).world() for clip in clips]
    positions, world = (np.concatenate(part) for part in zip(*parts, strict=True))  # (T, J, 3), (T, J, 3, 3)
    clip = clips[0]
    ours = _smplx_rotations(_smplx_positions(clip, names, positions), _with_straight_limbs(skeleton))
    frames: dict[str, Array] = {}
    for joint, chain in names.items():
        source = clip.index(chain[-1])
        # ours = theirs @ angle in every frame, and ours is the identity in the T-pose
        angle = nearest_rotation(np.einsum("tji,tjk->ik", world[:, source], ours[:, INDEX[joint]]))
        frames[chain[-1]] = angle.T
    for i, (name, parent) in enumerate(zip(clip.names, clip.parents, strict=True)):
        if name not in frames and parent >= 0:  # it keeps its mean angle to the joint above
            angle = nearest_rotation(np.einsum("tji,tjk->ik", world[:, parent], world[:, i]))
            frames[name] = frames.get(clip.names[parent], np.eye(3)) @ angle
    return frames


def _some(clip: SourceClip, frames: int) -> SourceClip:
    """At most so many frames of a clip, spread evenly."""
    chosen = np.unique(np.linspace(0, len(clip) - 1, min(frames, len(clip))).astype(int))
    return replace(clip, translations=clip.translations[chosen], rotations=clip.rotations[chosen])


def _with_straight_limbs(skeleton: Skeleton) -> Skeleton:
    """The skeleton with elbows and knees on the line of the limb, as `retarget` understands other rigs."""
    bones = {INDEX[end]: rest_bones(skeleton)[joint] for joint, end in BONE_END.items() if end is not None}
    offsets = skeleton.offsets
    rest = skeleton.rest_positions.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            straight = joint in bones and JOINT_NAMES[joint].endswith(("elbow", "wrist", "knee", "ankle"))
            rest[joint] = rest[parent] + (bones[joint] if straight else offsets[joint])
    return replace(skeleton, rest_positions=rest)


def _smplx_positions(clip: SourceClip, names: JointMap, positions: Array) -> Array:
    """World positions (T, 22 or 52, 3) of the SMPL-X joints that the clip's stand for, in any unit."""
    place = {joint: positions[:, clip.index(chain[0])] for joint, chain in names.items()}
    fingers = [name for name in JOINT_NAMES[25:] if name in place]
    known = KNOWN[52 if len(fingers) == 30 else 22]
    spine = [place[joint] for joint in ("pelvis", "spine1", "spine2", "spine3", "neck", "head") if joint in place]
    filled = np.zeros((len(positions), len(JOINT_NAMES), 3))
    for joint in known:
        name = JOINT_NAMES[joint]
        if name in place:
            filled[:, joint] = place[name]
        elif name.endswith("_foot"):  # it ends in its ankle: the toes point where the hips do
            across = place["left_hip"] - place["right_hip"]
            ahead = np.cross(across, [0.0, 1.0, 0.0])
            filled[:, joint] = place[name.replace("_foot", "_ankle")] + ahead
        elif name.endswith("_collar"):
            filled[:, joint] = 0.8 * place.get("neck", place["head"]) + 0.2 * place[name.replace("collar", "shoulder")]
        else:  # of the spine or the neck: between what is below and the head
            filled[:, joint] = 0.5 * (filled[:, PARENTS[joint]] + spine[-1])
    return filled[:, known]


def _smplx_rotations(positions: Array, skeleton: Skeleton) -> Array:
    """World rotations (T, 55, 3, 3) of the SMPL-X joints: the limbs' as they were, others' as they are on average."""
    # the frames are far apart in time, so that nothing is to be averaged over neighbours
    _, world = fit(positions, 1.0, skeleton).forward_kinematics(skeleton)
    rest = skeleton.rest_positions[: positions.shape[1]][None]
    lower, upper = (_trunk(positions, side) @ np.swapaxes(_trunk(rest, side), -1, -2) for side in ("hip", "shoulder"))
    for joint, turned in {"pelvis": lower, "spine1": lower, "spine2": upper, "spine3": upper, "neck": upper}.items():
        world[:, INDEX[joint]] = turned
    world[:, INDEX["head"]] = _level(upper[..., 2])
    for side, mirror in zip(SIDES, (1, -1), strict=True):
        world[:, INDEX[f"{side}_collar"]] = upper @ axis_angle_to_matrix(_COLLAR * [1, mirror, mirror])
        ankle, ball = INDEX[f"{side}_ankle"], INDEX[f"{side}_foot"]
        bone = (rest[:, ball] - rest[:, ankle]) * [1, 0, 1]
        flat = _level(positions[:, ball] - positions[:, ankle]) @ np.swapaxes(_level(bone), -1, -2)
        height = positions[:, [ankle, ball], 1].sum(1)
        lifted = height > np.percentile(height, _STANDING)
        flat[lifted] = 0.0  # these frames do not count in the mean
        world[:, ankle] = world[:, ball] = flat
    return world


def _level(ahead: Array) -> Array:
    """Axes (T, 3, 3), in columns: Y up, Z along the horizontal part of a direction (T, 3)."""
    z = _unit(ahead * [1.0, 0.0, 1.0])
    y = np.broadcast_to([0.0, 1.0, 0.0], z.shape)
    return np.stack([np.cross(y, z), y, z], -1)


def _trunk(positions: Array, side: str) -> Array:
    """Axes (T, 3, 3), in columns: across as the hips or shoulders are, up along the trunk, forward.

    Hips are not quite level in every rig: up goes before across.
    """
    left, right = (positions[:, INDEX[f"{name}_{side}"]] for name in SIDES)
    hips = 0.5 * (positions[:, INDEX["left_hip"]] + positions[:, INDEX["right_hip"]])
    y = _unit(positions[:, INDEX["neck"]] - hips)
    z = _unit(np.cross(left - right, y))
    return np.stack([np.cross(y, z), y, z], -1)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
