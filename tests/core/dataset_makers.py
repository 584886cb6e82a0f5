# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny datasets in the layouts as published: bodies that speak, BVH files of studio rigs, sounds and texts."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.formats import SourceClip
from core.motion.clip import Motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
    matrix_to_axis_angle,
    matrix_to_euler,
    matrix_to_quaternion,
    quaternion_to_matrix,
    rotation_y,
)
from core.motion.skeleton import INDEX, neutral_skeleton
from core.training.retarget import rest_bones

SKELETON = neutral_skeleton()
SIDES = ("left", "right")


def speaking(frames: int, seed: int = 0, fps: float = 20.0, heading: float = 0.0) -> Motion:
    """A standing body whose arms hang and gesture: elbows, knees and fingers are hinges, the trunk sways a little."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(frames) / fps

    def wave(low: float, high: float) -> np.ndarray:
        slow = np.sin(seconds * rng.uniform(1, 4) + rng.uniform(0, 6))
        return low + (high - low) * (0.5 + 0.5 * slow)

    turns = np.zeros((frames, 55, 3))
    for joint in ("spine1", "spine2", "spine3", "neck", "head"):
        turns[:, INDEX[joint]] = np.stack([wave(-0.08, 0.08), wave(-0.15, 0.15), wave(-0.05, 0.05)], -1)
    for side, mirror in zip(SIDES, (1, -1), strict=True):
        turns[:, INDEX[f"{side}_shoulder"]] = np.stack(
            [wave(-0.3, 0.3), mirror * wave(-0.5, 0.2), mirror * wave(-1.3, -0.7)], -1
        )
        turns[:, INDEX[f"{side}_elbow"], 1] = -mirror * wave(0.3, 1.7)
        turns[:, INDEX[f"{side}_wrist"], 2] = mirror * wave(-0.3, 0.3)
        turns[:, INDEX[f"{side}_hip"], 0] = -wave(0.0, 0.25)
        turns[:, INDEX[f"{side}_knee"], 0] = wave(0.1, 0.4)
        for first in range(INDEX[f"{side}_index1"], INDEX[f"{side}_thumb1"], 3):
            hinge = np.cross(SKELETON.offsets[first + 1], [0.0, -1.0, 0.0])  # the palm looks down at rest
            curl = wave(0.1, 0.6)[:, None] * hinge / np.linalg.norm(hinge)
            turns[:, first], turns[:, first + 1], turns[:, first + 2] = curl, curl, 0.7 * curl
    rotations = axis_angle_to_quaternion(turns)
    rotations[:, 0] = matrix_to_quaternion(rotation_y(heading + wave(-0.3, 0.3)))
    path = np.stack([wave(-0.05, 0.05), wave(0.93, 0.95), wave(-0.05, 0.05)], -1)
    return Motion(path, rotations, fps)


def studio_names() -> list[tuple[str, str, str]]:
    """(name, parent's name, SMPL-X joint or "") of a rig named as BEAT's, its parents first."""
    rows = [
        ("Hips", "", "pelvis"),
        ("Spine", "Hips", "spine1"),
        ("Spine1", "Spine", ""),
        ("Spine2", "Spine1", "spine2"),
    ]
    rows += [
        ("Spine3", "Spine2", "spine3"),
        ("Neck", "Spine3", "neck"),
        ("Neck1", "Neck", ""),
        ("Head", "Neck1", "head"),
    ]
    for side in SIDES:
        s = side.capitalize()
        rows += [(f"{s}Shoulder", "Spine3", f"{side}_collar"), (f"{s}Arm", f"{s}Shoulder", f"{side}_shoulder")]
        rows += [(f"{s}ForeArm", f"{s}Arm", f"{side}_elbow"), (f"{s}Hand", f"{s}ForeArm", f"{side}_wrist")]
        for finger in ("Middle", "Ring", "Pinky", "Index", "Thumb"):
            palm = f"{s}Hand{finger}" if finger in ("Ring", "Pinky", "Index") else f"{s}Hand"
            if palm != f"{s}Hand":
                rows.append((palm, f"{s}Hand", ""))
            above = [palm, *(f"{s}Hand{finger}{i}" for i in (1, 2, 3))]
            rows += [(above[i], above[i - 1], f"{side}_{finger.lower()}{i}") for i in (1, 2, 3)]
        rows += [(f"{s}UpLeg", "Hips", f"{side}_hip"), (f"{s}Leg", f"{s}UpLeg", f"{side}_knee")]
        rows += [(f"{s}Foot", f"{s}Leg", f"{side}_ankle"), (f"{s}ToeBase", f"{s}Foot", f"{side}_foot")]
    return rows


def studio_clip(motion: Motion, name: str = "clip") -> SourceClip:
    """The motion on such a rig in centimetres, in a T-pose at rest; arms and legs are straight there."""
    bones = rest_bones(SKELETON)
    ends = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
    straight = {f"{side}_{end}": bones[f"{side}_{start}"] for side in SIDES for start, end in ends}
    rows = studio_names()
    names = [row[0] for row in rows]
    offsets = np.array([100 * straight.get(joint, SKELETON.offsets[INDEX[joint]]) if joint else np.zeros(3)
                        for _, _, joint in rows])  # fmt: skip
    still = np.tile([1.0, 0.0, 0.0, 0.0], (len(motion), 1))
    rotations = np.stack([motion.rotations[:, INDEX[joint]] if joint else still for _, _, joint in rows], 1)
    translations = np.tile(offsets, (len(motion), 1, 1))
    translations[:, 0] = 100 * motion.translation
    parents = tuple(names.index(above) if above else -1 for _, above, _ in rows)
    rest = np.tile([1.0, 0.0, 0.0, 0.0], (len(rows), 1))
    return SourceClip(name, tuple(names), parents, offsets, rest, translations, rotations, motion.fps)


def with_axes_anywhere(clip: SourceClip, seed: int = 5) -> SourceClip:
    """The same to look at, but every joint has axes of its own: the zero pose is no pose of a body."""
    rng = np.random.default_rng(seed)
    axes = quaternion_to_matrix(axis_angle_to_quaternion(rng.normal(size=(len(clip.names), 3)) * 1.5))
    local = quaternion_to_matrix(clip.rotations)
    offsets, translations = clip.offsets.copy(), clip.translations.copy()
    for joint, parent in enumerate(clip.parents):
        local[:, joint] = local[:, joint] @ axes[joint]
        if parent >= 0:
            local[:, joint] = axes[parent].T @ local[:, joint]
            offsets[joint] = axes[parent].T @ offsets[joint]
            translations[:, joint] = translations[:, joint] @ axes[parent]
    return replace(clip, offsets=offsets, translations=translations, rotations=matrix_to_quaternion(local))


def write_bvh(clip: SourceClip, path: Path, order: str = "XYZ") -> None:
    """A file as motion capture programs write it: positions of the root, then its turns and those of all others."""
    children = [[j for j, parent in enumerate(clip.parents) if parent == i] for i in range(len(clip.names))]
    sequence: list[int] = []

    def joint(i: int, pad: str) -> str:
        sequence.append(i)
        kind = "ROOT" if clip.parents[i] < 0 else "JOINT"
        turns = " ".join(f"{axis}rotation" for axis in order)
        channels = f"6 Xposition Yposition Zposition {turns}" if kind == "ROOT" else f"3 {turns}"
        place = " ".join(f"{value:.6f}" for value in clip.offsets[i])
        text = f"{pad}{kind} {clip.names[i]}\n{pad}{{\n{pad}\tOFFSET {place}\n{pad}\tCHANNELS {channels}\n"
        text += "".join(joint(child, pad + "\t") for child in children[i])
        if not children[i]:
            text += f"{pad}\tEnd Site\n{pad}\t{{\n{pad}\t\tOFFSET {place}\n{pad}\t}}\n"
        return text + f"{pad}}}\n"

    text = "HIERARCHY\n" + joint(0, "")
    angles = np.degrees(matrix_to_euler(quaternion_to_matrix(clip.rotations), order))[:, sequence]
    rows = np.concatenate([clip.translations[:, 0], angles.reshape(len(clip), -1)], 1)
    text += f"MOTION\nFrames: {len(clip)}\nFrame Time: {1 / clip.fps:.6f}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in rows))


def write_voice(path: Path, seconds: float, hertz: float = 140.0) -> None:
    """A tone that comes and goes twice a second."""
    import soundfile

    times = np.arange(int(16000 * seconds)) / 16000
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * times) * (np.sin(4 * np.pi * times) > 0), 16000)


def write_smplx(
    motion: Motion, path: Path, up: str = "z", joints: int = 55, rate_name: str = "mocap_frame_rate"
) -> None:
    """An npz as MoSh++ writes it, with what else AMASS and BEAT2 put into it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    motion.save(path)
    with np.load(path) as file:
        data = {name: file[name] for name in file.files if name not in ("up_axis", "mocap_frame_rate")}
    if up == "y":
        turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # z -> y
        root = turn @ quaternion_to_matrix(axis_angle_to_quaternion(data["poses"][:, :3]))
        data["poses"][:, :3] = matrix_to_axis_angle(root)
        pelvis = data["trans"] + SKELETON.root_offset
        data["trans"] = pelvis @ turn.T - SKELETON.root_offset
    if joints == 52:
        data["poses"] = np.concatenate([data["poses"][:, :66], data["poses"][:, 75:]], 1)
    data[rate_name] = np.float64(motion.fps)
    np.savez(path, **data, labels=np.array(["LFHD", {"vertex": 1}], dtype=object))


def joint_positions(motion: Motion, joints: int = 22) -> np.ndarray:
    return motion.positions(SKELETON)[:, :joints]
