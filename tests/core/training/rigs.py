# SPDX-License-Identifier: GPL-3.0-or-later
"""Source skeletons made of the neutral one, and motion on them."""

from dataclasses import replace

import numpy as np

from core.formats import SourceClip
from core.motion.clip import Motion
from core.motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
)
from core.motion.skeleton import INDEX, JOINT_NAMES, PARENTS, neutral_skeleton
from core.training.joint_maps import JOINT_MAPS
from core.training.retarget import rest_bones, sole_clearance

SKELETON = neutral_skeleton()
ZEBRA = JOINT_MAPS["zebra"]
MAPPED = [joint for joint in JOINT_NAMES if joint in ZEBRA]
UNIT = np.array([1.0, 0.0, 0.0, 0.0])
LEFT = [INDEX[f"left_{joint}"] for joint in ("shoulder", "elbow", "wrist")]
STRAIGHT = {  # elbows, wrists, knees and ankles as a rig with straight limbs has them
    f"{side}_{end}": rest_bones(SKELETON)[f"{side}_{start}"]
    for side in ("left", "right")
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
}


def angles(a: Array, b: Array) -> Array:
    """Degrees between quaternions."""
    return np.degrees(
        np.linalg.norm(quaternion_to_axis_angle(quaternion_multiply(quaternion_conjugate(a), b)), axis=-1)
    )


def source_of(motion: Motion, scale: float = 1.0) -> SourceClip:
    """The motion on a skeleton of SmartBody names with the neutral rest pose; twist joints do the turning."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[Array] = []
    local: list[Array] = []
    still = np.tile(UNIT, (len(motion), 1))
    for joint in MAPPED:
        for name in ZEBRA[joint]:
            first, last = name == ZEBRA[joint][0], name == ZEBRA[joint][-1]
            above = names.index(ZEBRA[JOINT_NAMES[PARENTS[INDEX[joint]]]][-1]) if joint != "pelvis" else -1
            parents.append(above if first else len(names) - 1)
            offsets.append((STRAIGHT.get(joint, SKELETON.offsets[INDEX[joint]])) * scale * first)
            local.append(motion.rotations[:, INDEX[joint]] if last else still)
            names.append(name)
    translations = np.tile(np.array(offsets), (len(motion), 1, 1))
    translations[:, 0] = motion.translation * scale
    rest = np.tile(UNIT, (len(names), 1))
    rotations = np.stack(local, 1)
    return SourceClip("test", tuple(names), tuple(parents), np.array(offsets), rest, translations, rotations, 30.0)


def posed(clip: SourceClip, rest: dict[str, Array]) -> SourceClip:
    """The clip with rest rotations (w, x, y, z) of some joints; what is seen in its frames stays as it was."""
    rotations, rests = clip.rotations.copy(), clip.rest_rotations.copy()
    for name, turn in rest.items():
        rests[clip.index(name)] = turn
    return replace(clip, rotations=rotations, rest_rotations=rests)


def lively(frames: int = 12) -> Motion:
    """A motion on the floor with no twist in the wrists, knees bent backward, jaw and eyes at rest."""
    rng = np.random.default_rng(3)
    spins = rng.normal(size=(1, len(JOINT_NAMES), 3)) * 0.4 + rng.normal(size=(frames, len(JOINT_NAMES), 3)) * 0.05
    for wrist in ("left_wrist", "right_wrist"):
        axis = SKELETON.offsets[INDEX[wrist]] / np.linalg.norm(SKELETON.offsets[INDEX[wrist]])
        spins[:, INDEX[wrist]] -= (spins[:, INDEX[wrist]] @ axis)[:, None] * axis
    spins[:, [INDEX[joint] for joint in ("jaw", "left_eye", "right_eye")]] = 0
    knees = [INDEX["left_knee"], INDEX["right_knee"]]
    spins[:, knees, 0] = 0.2 + np.abs(spins[:, knees, 0])
    motion = Motion(rng.normal(size=(frames, 3)) * 0.05, axis_angle_to_quaternion(spins), fps=30.0)
    clearance = np.percentile(sole_clearance(motion.positions(SKELETON), SKELETON), 5)
    return motion.moved([0.0, -float(clearance), 0.0])
