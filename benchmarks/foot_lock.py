# SPDX-License-Identifier: GPL-3.0-or-later
"""How still feet stand on rigs of other proportions, with and without the foot lock, as shown in Blender.

    python -m benchmarks.foot_lock MOTION.npz [--rigify FILE.blend]

MOTION.npz is written by `python -m core generate`. FILE.blend contains Rigify's armatures `metarig` and `rig`.

Slide: mean horizontal speed of the balls of planted feet, or of the ankles while only heels stand. Knee: the largest
bend between two frames. Lowest: of ankles and balls, relative to rest.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np

from benchmarks.source_tree import source
from tests.addon.helpers import append_object
from tests.addon.rig_makers import Y_UP_CENTIMETERS, make

_MODULES = (
    "addon.rigs.maps", "addon.takes.bake", "addon.takes.generated", "core.motion.clip", "core.motion.rotation",
    "core.motion.skeleton", "core.postprocess.contacts",
)  # fmt: skip


def rigs(ft: SimpleNamespace, rigify: Path | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield names of rigs, and functions that make them."""
    yield "SMPL-X", lambda: make(ft, "SMPL-X", straight=False)
    yield "Mixamo", lambda: make(ft, "Mixamo", to_world=Y_UP_CENTIMETERS)
    yield (
        "Mixamo, shins a fifth longer, A-pose, rolls",
        lambda: make(ft, "Mixamo", shins=1.2, rolls=True, arms_down=45, to_world=Y_UP_CENTIMETERS),
    )
    yield "VRM", lambda: make(ft, "VRM", arms_down=5.0)
    yield (
        "VRM, shins a fifth shorter, hips half as wide again",
        lambda: make(ft, "VRM", arms_down=5.0, shins=0.8, wide=1.5),
    )
    if rigify is not None:
        yield "Rigify metarig", lambda: append_object(rigify, "metarig")
        yield "Rigify, FK", lambda: append_object(rigify, "rig")
        yield "Rigify, IK", lambda: append_object(rigify, "rig")


def measured(ft: SimpleNamespace, armature: Any, motion: Any) -> str:
    """Return the three figures of motion on an armature as cells of a table."""
    bones = source("addon.rigs.armature").bone_map(armature)
    stands_for = ft.maps.family(bones.family).shown
    names = [bones.bones[f"{side}_{joint}"][0] for side in ft.maps.SIDES for joint in ("hip", "knee", "ankle", "foot")]
    matrix = np.array(armature.matrix_world)
    rest = np.array([armature.data.bones[name].head_local for name in names]) @ matrix[:3, :3].T
    shown = ft.bake.pose_bones_at(armature, range(1, len(motion) + 1))
    heads = np.array([[posed[stands_for.get(name, name)].head[:] for name in names] for posed in shown])
    heads = (heads @ matrix[:3, :3].T).reshape(len(motion), 2, 4, 3)  # meters, apart from the object's position
    skeleton = ft.skeleton.neutral_skeleton()
    planted = ft.contacts.planted_feet(motion.positions(skeleton), skeleton, motion.fps)  # (T, 4)
    heels, balls = ((planted[1:] & planted[:-1])[:, part::2] for part in (0, 1))  # (T - 1, 2)
    steps = np.linalg.norm(np.diff(heads[..., :2], axis=0), axis=-1)  # (T - 1, 2, 4)
    steps = np.concatenate([steps[..., 3][balls], steps[..., 2][heels & ~balls]])
    thigh, shin = (np.diff(heads[:, :, part : part + 2], axis=2)[:, :, 0] for part in (0, 1))
    cosine = (thigh * shin).sum(-1) / np.linalg.norm(thigh, axis=-1) / np.linalg.norm(shin, axis=-1)
    knee = np.abs(np.diff(np.degrees(np.arccos(np.clip(cosine, -1, 1))), axis=0)).max()
    lowest = (heads[:, :, 2:, 2] - rest.reshape(2, 4, 3)[:, 2:, 2]).min()
    return f"{100 * motion.fps * steps.mean():.2f} cm/s | {knee:.1f} deg | {100 * lowest:.1f} cm"


def main() -> None:
    """Print a row for each rig."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motion", type=Path)
    parser.add_argument("--rigify", type=Path)
    given = parser.parse_args()
    source("addon").register()
    try:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        ft = SimpleNamespace(**{name.rpartition(".")[2]: source(name) for name in _MODULES})
        motion = ft.clip.Motion.load(given.motion)
        bpy.context.scene.render.fps = round(motion.fps)
        print("| rig | slide | knee | lowest | locked: slide | knee | lowest |\n|---|---|---|---|---|---|---|")
        for name, build in rigs(ft, given.rigify):
            armature = build()
            kept = armature.freetalker_rig
            kept.legs = "IK" if name.endswith("IK") else "FK"
            cells = []
            for kept.foot_lock in (False, True):
                ft.generated.place(bpy.context.scene, armature, motion)
                cells.append(measured(ft, armature, motion))
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
            bpy.data.objects.remove(armature)
    finally:
        source("addon").unregister()


if __name__ == "__main__":
    main()
