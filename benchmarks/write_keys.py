# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds to write keys on every bone, compared with keyframe_insert."""

import time
from typing import Any

import bpy
import numpy as np

from benchmarks.source_tree import source

FRAMES, BASELINE_FRAMES = 1200, 120


def keyframe_insert(armature: Any, values: Any) -> float:
    """Return the seconds for values (T, 55, 4) by Blender's own function, one bone and frame at a time."""
    names = source("core.motion.skeleton").JOINT_NAMES
    start = time.perf_counter()
    for frame, row in enumerate(values):
        for name, value in zip(names, row, strict=True):
            bone = armature.pose.bones[name]
            bone.rotation_quaternion = value
            bone.keyframe_insert("rotation_quaternion", frame=frame)
    return time.perf_counter() - start


def main() -> None:
    """Time both in this process."""
    addon = source("addon")
    addon.register()
    try:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        armature = source("addon.character.figure").new_character(bpy.context)
        turns = np.cumsum(np.random.default_rng(0).normal(size=(FRAMES, 55, 3)) * 0.05, axis=0)
        rotations = source("core.motion.rotation").axis_angle_to_quaternion(turns)
        motion = source("core.motion.clip").Motion(np.zeros((FRAMES, 3)), rotations, fps=30.0)
        bake = source("addon.takes.bake")
        bake.new_action("Warm", motion, armature, 1)
        start = time.perf_counter()
        bake.new_action("Keys", motion, armature, 1)
        ours = time.perf_counter() - start
        theirs = keyframe_insert(armature, rotations[:BASELINE_FRAMES].tolist()) / BASELINE_FRAMES * FRAMES
        print(f"| Write {FRAMES} frames x 55 bones of keys | {ours:.2f} s |")
        print(f"| The same by keyframe_insert ({BASELINE_FRAMES} frames timed, and scaled up) | {theirs:.1f} s |")
    finally:
        addon.unregister()


if __name__ == "__main__":
    main()
