# SPDX-License-Identifier: GPL-3.0-or-later
"""Export of a character's motion: .npz and .bvh with the SMPL-X joints, .fbx and .glb with the character itself.

All formats contain the evaluated motion over the frames of the result, with strips, edits and constraints.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.formats.bvh import save_bvh
from ...core.motion.clip import Motion
from ..data import current_context, pose_bones, rig_data, strip_data
from ..rigs import armature as rig
from ..rigs import retarget
from ..units import frames_per_second
from . import bake


def frames_of_result(armature: bpy.types.Object) -> tuple[int, int]:
    """Return the (first, last) scene frame of the topmost generated strip, else of the Action, else of the top strip.

    Raises:
        InputError: There is nothing to export yet, or the armature is in Rest Position.
    """
    bake.check_posed(armature)
    animation = armature.animation_data
    if animation is not None:
        tracks = [track for track in animation.nla_tracks if not track.mute]
        found = [
            (strip, strip_data(strip.action).kind)
            for track in tracks
            for strip in track.strips
            if strip.action is not None and not strip.mute
        ]
        ours = [strip for strip, kind in found if kind == "GENERATED"]
        others = [strip for strip, kind in found if kind == "NONE"]
        if not ours and animation.action is not None and animation.action.is_action_layered:
            first, last = animation.action.frame_range
            return round(first), round(last)
        for strip in [*reversed(ours), *reversed(others)]:
            return round(strip.frame_start), round(strip.frame_end)
    raise InputError(f"'{armature.name}' has no motion to export yet; press Generate.")


def motion(scene: bpy.types.Scene, armature: bpy.types.Object) -> Motion:
    """Sample the character over the frames of its result, at the scene's frame rate, in armature space.

    Raises:
        InputError: There is nothing to export yet, or no bone map fits.
    """
    first, last = frames_of_result(armature)
    return sample_animation(scene, armature, range(first, last + 1))


def sample_animation(scene: bpy.types.Scene, armature: bpy.types.Object, frames: range) -> Motion:
    """Sample the character at frames of the current scene, in armature space.

    Raises:
        InputError: No bone map fits.
    """
    bones = rig.bone_map(armature)
    if bones is None or rig.mapping_error(armature):
        raise InputError(f"{rig.mapping_error(armature)}.")
    names = list(pose_bones(armature).keys())
    matrices = np.empty((len(frames), len(names), 4, 4), np.float32)
    for row, posed in enumerate(bake.pose_bones_at(armature, frames)):
        posed.foreach_get("matrix", matrices[row].reshape(-1))
    matrices = np.swapaxes(matrices, -1, -2).astype(np.float64)  # Blender stores matrices by columns
    posed = {name: matrices[:, number] for number, name in enumerate(names)}
    fps = frames_per_second(scene)
    return retarget.recover(posed, rig.rest(armature), bones, rig_data(armature).match, fps)


def write(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, deform_only: bool = False) -> str:
    """Export the character's motion in the format given by the file's extension.

    Args:
        scene: The current scene.
        armature: The character.
        path: A .npz, .bvh, .fbx or .glb file; an existing one is replaced.
        deform_only: Leave out bones that do not deform, of which control rigs have many; .fbx and .glb only.

    Returns:
        A message for the user, without a full stop.

    Raises:
        InputError: There is nothing to export, the extension is unknown, or the file cannot be written; then an
            existing file stays unchanged.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(_WRITERS)
        raise InputError(f"'{path.name}' has an unsupported file extension; use one of {known}.")
    first, last = frames_of_result(armature)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        temporary.touch()  # Blender's exporters raise a traceback if the folder cannot be written
        writer(scene, armature, temporary, deform_only)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        if temporary.is_file():
            temporary.unlink()
    return f"Exported frames {first} to {last} to {path.name}"


def objects_of(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """Return the armature and the visible meshes that it deforms or parents."""
    found = [armature]
    for one in current_context().view_layer.objects:
        deformed = any(_deforms_by(modifier, armature) for modifier in one.modifiers)
        if one.type == "MESH" and (deformed or _is_child(one, armature)) and one.visible_get():
            found.append(one)
    return found


def _deforms_by(modifier: Any, armature: bpy.types.Object) -> bool:
    return modifier.type == "ARMATURE" and modifier.object == armature


def _is_child(one: bpy.types.Object | None, armature: bpy.types.Object) -> bool:
    while one is not None and one != armature:
        one = one.parent
    return one is not None


def _write_npz(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, _: bool) -> None:
    motion(scene, armature).save(path)


def _write_bvh(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, _: bool) -> None:
    save_bvh(motion(scene, armature), path)


def _write_glb(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, deform_only: bool) -> None:
    with _isolated(scene, armature):
        _export(
            "gltf",
            "glTF 2.0 format",
            filepath=str(path),
            export_format="GLB",
            use_selection=True,
            export_animations=True,
            export_animation_mode="SCENE",  # the evaluated motion, tracks and constraints included, as one clip
            export_force_sampling=True,
            export_anim_scene_split_object=False,
            export_anim_slide_to_zero=True,
            export_def_bones=deform_only,
            export_cameras=False,
            export_lights=False,
        )


def _write_fbx(scene: bpy.types.Scene, armature: bpy.types.Object, path: Path, deform_only: bool) -> None:
    with _isolated(scene, armature):
        _export(
            "fbx",
            "FBX format",
            filepath=str(path),
            check_existing=False,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            apply_scale_options="FBX_SCALE_ALL",  # otherwise other programs show the armature at a scale of 100
            add_leaf_bones=False,
            use_armature_deform_only=deform_only,
            bake_anim=True,
            bake_anim_use_all_bones=True,
            bake_anim_use_nla_strips=False,  # one clip of the evaluated motion, instead of one per strip and Action
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
    """Run one of Blender's exporters.

    Raises:
        InputError: The exporter is disabled or fails.
    """
    if operator not in dir(bpy.ops.export_scene):
        raise InputError(f"Blender's exporter is disabled; enable '{addon}' in Preferences > Add-ons.")
    try:
        done = getattr(bpy.ops.export_scene, operator)(**options)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
        raise InputError(f"Blender's exporter failed: {reason}.") from error
    if done != {"FINISHED"} or not Path(options["filepath"]).stat().st_size:
        raise InputError("Blender's exporter did not write a file; see the console for details.")


@contextmanager
def _isolated(scene: bpy.types.Scene, armature: bpy.types.Object) -> Generator[None]:
    """Select only the character and set the scene's range to the result inside a with block, then restore both."""
    layer = current_context().view_layer
    layer.update()
    if armature.name not in layer.objects:
        raise InputError(
            f"'{armature.name}' is not in a visible collection, so exporters skip it; show one of its collections."
        )
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
