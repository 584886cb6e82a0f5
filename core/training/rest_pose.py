# SPDX-License-Identifier: GPL-3.0-or-later
"""Rest poses: recognized, known in advance, or estimated from the recordings themselves.

In the zero pose of many rigs (ZeroEGGS, LAFAN1, the Trinity recordings) all bones lie along one axis, so how far a
joint has turned from it means nothing. But each joint keeps a constant rotation relative to the SMPL-X joint that it
corresponds to. The joint positions determine the SMPL-X rotations (`core.motion.fitting`), and the mean rotation
between the two over many frames is that constant. On average the trunk is assumed to be upright, the head level, the
collars as speakers carry them, and the feet flat while they stand.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..formats import SourceClip
from ..motion.fitting import JOINT_SUBSETS, fit
from ..motion.rotation import Array, axis_angle_to_matrix, matrix_to_quaternion, nearest_rotation, quaternion_multiply
from ..motion.skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton
from .joint_maps import SIDES, JointMap
from .retarget import BONE_END, rest_bones

_FRAMES = 1200  # spread evenly over all recordings, from which the rest pose is estimated
_STANDING = 25  # percent of the frames: those with the foot lowest
_COLLAR = np.radians([-2.0, -10.0, -8.0])  # the left collar's mean rotation in SmartBody's recordings of speakers
_Y_UP = axis_angle_to_matrix([-np.pi / 2, 0.0, 0.0])  # z -> y


def with_y_up(clip: SourceClip, names: JointMap) -> SourceClip | None:
    """Return the clip with Y up, or None if its rest pose is not one in which a body stands.

    Args:
        clip: The recording.
        names: Its joint map.
    """
    up = _standing_axis(clip, names)
    return _turned(clip) if up == "z" else clip if up == "y" else None


def _standing_axis(clip: SourceClip, names: JointMap) -> str:
    """Return the axis along which the rest pose stands with legs down and arms out or down, "y" or "z", or ""."""
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
    """Turn a clip with Z up to Y up."""
    turn = matrix_to_quaternion(_Y_UP)
    roots = [joint for joint, parent in enumerate(clip.parents) if parent < 0]
    offsets, translations = clip.offsets.copy(), clip.translations.copy()
    rests, rotations = clip.rest_rotations.copy(), clip.rotations.copy()
    for root in roots:
        offsets[root], translations[:, root] = _Y_UP @ offsets[root], translations[:, root] @ _Y_UP.T
        rests[root] = quaternion_multiply(turn, rests[root])
        rotations[:, root] = quaternion_multiply(turn, rotations[:, root])
    return replace(clip, offsets=offsets, translations=translations, rest_rotations=rests, rotations=rotations)


_LEFT, _UP, _FORWARD = np.eye(3)
_FOOT_SLOPE = np.arcsin((11.74 - 4.25) / 11.75)  # of the line from ankle to ball, from their heights and distance
_TOE_SLOPE = _FOOT_SLOPE - np.radians(16.58)  # toes of standing feet are bent up by this


def bandai_rest() -> dict[str, Array]:
    """Return the world axes of Bandai Namco's joints in a T-pose that faces +Z.

    The first axis runs along the bone, on the right side against it. Knees, which bend forward from 0 degrees, and
    elbows, which bend backward from 0, are hinges about the second axis. So it runs across the body in the legs, and up
    (down in the right arm) in arms whose palms face down. The feet are flat.

    Returns:
        Joint name -> (3, 3), axes in columns.
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
    """Give a clip another rest pose; its frames look the same.

    For rigs whose zero pose is not a pose of a body.

    Args:
        clip: The recording.
        frames: Joint name -> world axes (3, 3) in the rest pose, in columns; other joints follow their parent.
    """
    local, world = np.tile(np.eye(3), (2, len(clip.names), 1, 1))
    for joint, (name, parent) in enumerate(zip(clip.names, clip.parents, strict=True)):
        above = world[parent] if parent >= 0 else np.eye(3)
        world[joint] = frames.get(name, above)
        local[joint] = above.T @ world[joint]
    return replace(clip, rest_rotations=matrix_to_quaternion(local))


def estimate_rest(clips: Sequence[SourceClip], names: JointMap, skeleton: Skeleton) -> dict[str, Array]:
    """Estimate a T-pose that faces +Z, for `with_rest`.

    Args:
        clips: Recordings of one skeleton; 1200 frames of them are used, and the more varied they are the better.
        names: The joint map of the skeleton.
        skeleton: The SMPL-X skeleton.

    Returns:
        Joint name -> world axes (3, 3) in the T-pose, in columns.
    """
    parts = [_some(clip, _FRAMES // len(clips)).world() for clip in clips]
    positions, world = (np.concatenate(part) for part in zip(*parts, strict=True))  # (T, J, 3), (T, J, 3, 3)
    clip = clips[0]
    smplx = _smplx_rotations(_smplx_positions(clip, names, positions), _with_straight_limbs(skeleton))
    frames: dict[str, Array] = {}
    for joint, chain in names.items():
        source = clip.index(chain[-1])
        # smplx = source @ angle in every frame, and smplx is the identity in the T-pose
        angle = nearest_rotation(np.einsum("tji,tjk->ik", world[:, source], smplx[:, INDEX[joint]]))
        frames[chain[-1]] = angle.T
    for i, (name, parent) in enumerate(zip(clip.names, clip.parents, strict=True)):
        if name not in frames and parent >= 0:  # it keeps its mean rotation relative to its parent
            angle = nearest_rotation(np.einsum("tji,tjk->ik", world[:, parent], world[:, i]))
            frames[name] = frames.get(clip.names[parent], np.eye(3)) @ angle
    return frames


def _some(clip: SourceClip, frames: int) -> SourceClip:
    """Return at most `frames` frames of a clip, spread evenly."""
    chosen = np.unique(np.linspace(0, len(clip) - 1, min(frames, len(clip))).astype(int))
    return replace(clip, translations=clip.translations[chosen], rotations=clip.rotations[chosen])


def _with_straight_limbs(skeleton: Skeleton) -> Skeleton:
    """Return the skeleton with elbows and knees on the line of the limb, as in other rigs; see `retarget`."""
    bones = {INDEX[end]: rest_bones(skeleton)[joint] for joint, end in BONE_END.items() if end is not None}
    offsets = skeleton.offsets
    rest = skeleton.rest_positions.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            straight = joint in bones and JOINT_NAMES[joint].endswith(("elbow", "wrist", "knee", "ankle"))
            rest[joint] = rest[parent] + (bones[joint] if straight else offsets[joint])
    return replace(skeleton, rest_positions=rest)


def _smplx_positions(clip: SourceClip, names: JointMap, positions: Array) -> Array:
    """Return world positions (T, 22 or 52, 3) of the SMPL-X joints that the clip's correspond to, in any unit."""
    place = {joint: positions[:, clip.index(chain[0])] for joint, chain in names.items()}
    fingers = [name for name in JOINT_NAMES[25:] if name in place]
    known = JOINT_SUBSETS[52 if len(fingers) == 30 else 22]
    spine = [place[joint] for joint in ("pelvis", "spine1", "spine2", "spine3", "neck", "head") if joint in place]
    filled = np.zeros((len(positions), len(JOINT_NAMES), 3))
    for joint in known:
        name = JOINT_NAMES[joint]
        if name in place:
            filled[:, joint] = place[name]
        elif name.endswith("_foot"):  # no toes: they are assumed to point where the hips face
            across = place["left_hip"] - place["right_hip"]
            ahead = np.cross(across, [0.0, 1.0, 0.0])
            filled[:, joint] = place[name.replace("_foot", "_ankle")] + ahead
        elif name.endswith("_collar"):
            filled[:, joint] = 0.8 * place.get("neck", place["head"]) + 0.2 * place[name.replace("collar", "shoulder")]
        else:  # of the spine or the neck: halfway between its parent and the head
            filled[:, joint] = 0.5 * (filled[:, PARENTS[joint]] + spine[-1])
    return filled[:, known]


def _smplx_rotations(positions: Array, skeleton: Skeleton) -> Array:
    """Return world rotations (T, 55, 3, 3) of the SMPL-X joints: limbs as fitted, others as they are on average."""
    # the frames are far apart in time, so nothing may be averaged over neighbors
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
        flat[lifted] = 0.0  # leaves these frames out of the mean
        world[:, ankle] = world[:, ball] = flat
    return world


def _level(ahead: Array) -> Array:
    """Return axes (T, 3, 3), in columns: Y up, Z along the horizontal part of a direction (T, 3)."""
    z = _unit(ahead * [1.0, 0.0, 1.0])
    y = np.broadcast_to([0.0, 1.0, 0.0], z.shape)
    return np.stack([np.cross(y, z), y, z], -1)


def _trunk(positions: Array, side: str) -> Array:
    """Return axes (T, 3, 3), in columns: across like the hips or shoulders, up along the trunk, forward.

    Hips are not quite level in every rig, so up is kept exact rather than across.
    """
    left, right = (positions[:, INDEX[f"{name}_{side}"]] for name in SIDES)
    hips = 0.5 * (positions[:, INDEX["left_hip"]] + positions[:, INDEX["right_hip"]])
    y = _unit(positions[:, INDEX["neck"]] - hips)
    z = _unit(np.cross(left - right, y))
    return np.stack([np.cross(y, z), y, z], -1)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
