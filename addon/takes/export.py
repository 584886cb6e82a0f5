# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's motion as a file: .npz and .bvh of the SMPL-X joints, .fbx and .glb of the character itself.

All four hold what the scene shows over the frames of the result: strips, edits and constraints are in it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.formats.bvh import save_bvh
from ...core.motion.clip import Motion
from ..rigs import armature as rig
from ..rigs import retarget
from ..units import frames_per_second
from . import bake


def frames_of_result(armature: bpy.types.Object) -> tuple[int, int]:
    """The first and the last frame of the generated strip on top; without one, of the action, or of the top strip.

    Raises InputError where there is nothing to export yet, or the armature is in Rest Position.
    """
    bake.check_posed(armature)
    animation: Any = armature.animation_data
    if animation is not None:
        tracks = [track for track in animation.nla_tracks if not track.mute]
        found = [strip for track in tracks for strip in track.strips if strip.action is not None and not strip.mute]
        ours = [strip for strip in found if strip.action.freetalker.kind == "GENERATED"]
        others = [strip for strip in found if strip.action.freetalker.kind == "NONE"]
        if not ours and animation.action is not None and animation.action.is_action_layered:
            first, last = animation.action.frame_range
            return round(first), round(last)
        for strip in [*reversed(ours), *reversed(others)]:
            return round(strip.frame_start), round(strip.frame_end)
    raise InputError(f"'{armature.name}' has no motion to export yet: press Generate.")


def motion(scene: bpy.types.Scene, armature: bpy.types.Object) -> Motion:
    """What the character does over the frames of its result, at the scene's frame rate, in the character's own space.

    Raises InputError where there is nothing yet, or no bone map.
    """
    first, last = frames_of_result(armature)
    return sample_animation(scene, armature, range(first, last + 1))


def sample_animation(scene: bpy.types.Scene, armature: bpy.types.Object, frames: range) -> Motion:
    """What the character does at frames of the scene at hand. Raises InputError where it has no bone map."""
    bones = rig.bone_map(armature)
    if bones is None or rig.mapping_error(armature):
        raise InputError(f"{rig.mapping_error(armature)}.")
    names = list(armature.pose.bones.keys())
    matrices = np.empty((len(frames), len(names), 4, 4), np.float32)
    for row, posed in enumerate(bake.shown(armature, frames)):
        posed.foreach_get("matrix", matrices[row].reshape(-1))
    matrices = np.swapaxes(matrices, -1, -2).astype(np.float64)  # Blender keeps columns together
    posed = {name: matrices[:, number] for number, name in enumerate(names)}
    fps = frames_per_second(scene)
    return retarget.recover(posed, rig.rest(armature), bones, armature.freetalker_rig.match, fps)


def write(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, deform_only: bool = False) -> str:
    """Write a file of the kind that its name's ending says. Returns what was done, as one sentence.

    deform_only: leave out bones that deform nothing, which a control rig has many of; of .fbx and .glb only.

    Raises InputError where there is nothing to export, the ending is unknown, or the file cannot be written; then a
    file of that name is as it was.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(_WRITERS)
        raise InputError(f"'{path.name}' is of no kind that can be written: let it end in one of {known}.")
    first, last = frames_of_result(armature)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        temporary.touch()  # Blender's exporters tell of a folder that cannot be written in a traceback
        writer(scene, armature, temporary, deform_only)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        if temporary.is_file():
            temporary.unlink()
    return f"Exported frames {first} to {last} to {path.name}"


def objects_of(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The armature and the meshes that it moves, as far as they are seen."""
    found = [armature]
    for one in bpy.context.view_layer.objects:
        bent = any(modifier.type == "ARMATURE" and modifier.object == armature for modifier in one.modifiers)
        if one.type == "MESH" and (bent or _hangs_on(one, armature)) and one.visible_get():
            found.append(one)
    return found


def _hangs_on(one: bpy.types.Object | None, armature: bpy.types.Object) -> bool:
    while one is not None and one != armature:
        one = one.parent
    return one is not None


def _write_npz(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, _: bool) -> None:
    motion(scene, armature).save(path)


def _write_bvh(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, _: bool) -> None:
    save_bvh(motion(scene, armature), path)


def _write_glb(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, deform_only: bool) -> None:
    with _alone(scene, armature):
        _export(
            "gltf",
            "glTF 2.0 format",
            filepath=str(path),
            export_format="GLB",
            use_selection=True,
            export_animations=True,
            export_animation_mode="SCENE",  # what is seen, tracks and constraints included, as one clip
            export_force_sampling=True,
            export_anim_scene_split_object=False,
            export_anim_slide_to_zero=True,
            export_def_bones=deform_only,
            export_cameras=False,
            export_lights=False,
        )


def _write_fbx(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, deform_only: bool) -> None:
    with _alone(scene, armature):
        _export(
            "fbx",
            "FBX format",
            filepath=str(path),
            check_existing=False,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            apply_scale_options="FBX_SCALE_ALL",  # else other programs show the armature at a scale of 100
            add_leaf_bones=False,
            use_armature_deform_only=deform_only,
            bake_anim=True,
            bake_anim_use_all_bones=True,
            bake_anim_use_nla_strips=False,  # one clip of what is seen, in place of one for each strip and action
            bake_anim_use_all_actions=False,
            bake_anim_force_startend_keying=True,
            bake_anim_simplify_factor=0.0,
            mesh_smooth_type="FACE",
        )


_WRITERS: dict[str, Callable[[bpy.types.Scene, bpy.types.Object, Path, bool], None]] = {
    ".npz": _write_npz,
    ".bvh": _write_bvh,
    ".fbx": _write_fbx,
    ".glb": _write_glb,
}
ENDINGS = tuple(_WRITERS)


def _export(operator: str, addon: str, **options: Any) -> None:
    """Run one of Blender's exporters. Raises InputError where it is switched off or fails."""
    if operator not in dir(bpy.ops.export_scene):
        raise InputError(f"Blender's exporter is switched off: enable '{addon}' in Preferences, Add-ons.")
    try:
        done = getattr(bpy.ops.export_scene, operator)(**options)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
        raise InputError(f"Blender's exporter failed: {reason}.") from error
    if done != {"FINISHED"} or not Path(options["filepath"]).stat().st_size:
        raise InputError("Blender's exporter wrote nothing: the console has its reasons.")


@contextmanager
def _alone(scene: bpy.types.Scene, armature: bpy.types.Object) -> Iterator[None]:
    """The character alone selected, the scene's frames those of the result; then all is put back."""
    layer: Any = bpy.context.view_layer
    layer.update()
    if armature.name not in layer.objects:
        raise InputError(f"'{armature.name}' is in no collection that is shown: show one, for exporters pass over it.")
    active, chosen = layer.objects.active, [one for one in layer.objects if one.select_get()]
    mode = active.mode if active is not None else "OBJECT"
    hidden = armature.hide_get(), armature.hide_viewport, armature.hide_select
    frames = scene.frame_start, scene.frame_end, scene.frame_current
    try:
        armature.hide_set(False)
        armature.hide_viewport = armature.hide_select = False
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        ours = objects_of(armature)
        for one in layer.objects:
            one.select_set(one in ours)
        layer.objects.active = armature
        scene.frame_start, scene.frame_end = frames_of_result(armature)
        yield
    finally:
        scene.frame_start, scene.frame_end = frames[:2]
        scene.frame_set(frames[2])
        for one in layer.objects:
            one.select_set(one in chosen)
        layer.objects.active = active
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
        armature.hide_set(hidden[0])
        armature.hide_viewport, armature.hide_select = hidden[1:]
