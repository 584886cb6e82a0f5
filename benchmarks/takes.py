# SPDX-License-Identifier: GPL-3.0-or-later
"""What 100 re-generations leave behind in data-blocks and memory. The motion is made up, all else is the add-on."""

import gc
import resource
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.source_tree import source

ROUNDS, WARM = 100, 20  # the first rounds fill the list of takes and Blender's caches


def memory() -> float:
    """Return the resident MB of this process, or its maximum if the system does not tell the current value."""
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def made_up(order: Any, *_: Any) -> Any:
    """Replace core: return other motion in the frames to be changed."""
    random = np.random.default_rng()
    frames = source("core.planning.segments").frames_of(order.record.timeline)
    turns = source("core.motion.rotation").axis_angle_to_quaternion(random.normal(size=(frames, 55, 3)))
    motion = source("core.motion.clip").Motion(random.normal(size=(frames, 3)), turns, fps=order.timeline.fps)
    if order.base is not None:
        motion.translation[~order.changed] = order.base.translation[~order.changed]
        motion.rotations[~order.changed] = order.base.rotations[~order.changed]
    return motion


def blocks() -> int:
    """Return the number of data-blocks in the file."""
    return sum(len(getattr(bpy.data, kind)) for kind in ("actions", "armatures", "objects", "meshes", "sounds"))


def main() -> None:
    """Re-roll one of the strips of a 3-second timeline repeatedly."""
    addon = source("addon")
    addon.register()
    try:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        session, strips = source("addon.generation.session"), source("addon.timeline.strips")
        source("addon.character.figure").new_character(bpy.context)
        source("addon.generation.worker").work = made_up
        for k, prompt in enumerate(("a person waves", "a person bows", "a person nods")):
            bpy.ops.freetalker.add_text_strip(prompt=prompt, seconds=1.0, frame=1 + 24 * k)
        armature = bpy.context.scene.freetalker.character
        session.start(bpy.context, wait=True)
        for done in range(ROUNDS + 1):
            if done == WARM:
                gc.collect()
                first = blocks(), memory()
            session.start(bpy.context, wait=True, reroll=strips.find_strips(armature, "TEXT")[done % 3].key)
        gc.collect()
        orphans = sum(action.users == 0 for action in bpy.data.actions)
        more, grown = blocks() - first[0], (memory() - first[1]) * 1024 / (ROUNDS - WARM)
        print(f"| Orphans after {ROUNDS} re-rolls; data-blocks beyond those after {WARM} | {orphans}; {more} |")
        print(
            f"| Memory that a re-roll adds, after {WARM} of them until {ROUNDS} | {grown:.0f} kB of {first[1]:.0f} MB |"
        )
    finally:
        addon.unregister()


if __name__ == "__main__":
    main()
