# SPDX-License-Identifier: GPL-3.0-or-later
"""Baked Actions as assets, with description, author, tags and a preview image."""

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...core.errors import InputError
from .. import compat
from ..data import current_context, strip_data
from ..rigs import armature as rig
from ..timeline import strips
from ..units import Array
from . import bake, export

FOLDER = "FreeTalker"
"""Subfolder of an asset library that Actions are written to."""

_PIXELS = 256
_MOMENTS = ((0.12, -0.21, 0.45), (0.88, 0.21, 0.45), (0.5, 0.0, 1.0))  # (share of the time, shift, opacity), back first
_MARGIN = 1.3  # for the body around the bones
_VIEW = Vector((0.35, -1.0, 0.12))  # from the character to the camera, in object space


def baked_action(armature: bpy.types.Object) -> bpy.types.Action | None:
    """Return the character's Action, else that of its topmost ordinary strip; None if there is neither."""
    animation = armature.animation_data
    if animation is None:
        return None
    below = [strip.action for track in animation.nla_tracks for strip in track.strips if strip.action is not None]
    for action in (animation.action, *reversed(below)):
        if action is not None and strip_data(action).kind == "NONE" and compat.channelbag(action) is not None:
            return action
    return None


def prompts(armature: bpy.types.Object, action: bpy.types.Action) -> str:
    """Join the prompts of the text strips that overlap the frames of an Action, in order."""
    first, last = action.frame_range
    found = [
        one.data.prompt
        for one in strips.find_strips(armature, "TEXT")
        if one.audible and one.strip.frame_start < last and one.strip.frame_end > first
    ]
    return ", then ".join(" ".join(prompt.split()) for prompt in found)


def add_asset(
    armature: bpy.types.Object,
    action: bpy.types.Action,
    description: str,
    author: str,
    tags: Iterable[str],
    library: Path | None = None,
) -> str:
    """Mark an Action as an asset of this file, or write it to an asset library.

    Args:
        armature: The character, drawn in the preview image.
        action: A baked Action.
        description: Metadata of the asset.
        author: Metadata of the asset.
        tags: Added to "FreeTalker" and the family of the rig.
        library: Folder of the asset library; this file by default.

    Returns:
        A message for the user, without a full stop.

    Raises:
        InputError: The library cannot be written; then nothing has changed.
    """
    if library is not None and not library.is_dir():
        raise InputError(f"The asset library {library} does not exist; correct its path in Preferences > File Paths.")
    picture = _picture(armature, action)
    was_asset = action.asset_data is not None
    action.asset_mark()
    data: Any = action.asset_data
    data.description, data.author = description, author
    found = rig.bone_map(armature)
    for tag in ("FreeTalker", found.family if found is not None else "", *tags):
        if tag.strip():
            data.tags.new(tag.strip(), skip_if_exists=True)
    preview: Any = action.preview_ensure()
    preview.image_size = (_PIXELS, _PIXELS)
    preview.image_pixels_float.foreach_set(picture.astype(np.float32).ravel())
    if library is None:
        return f"Marked '{action.name}' as an asset in this file"
    try:
        path = _write(action, library / FOLDER)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{library} cannot be written: {str(error).strip()}.") from error
    finally:
        if not was_asset:
            action.asset_clear()  # otherwise this file would list it a second time
    return f"Saved '{action.name}' to {path}"


def _write(action: bpy.types.Action, folder: Path) -> Path:
    """Write an Action to a new file in a folder."""
    folder.mkdir(exist_ok=True)
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", action.name).strip(" .") or "Action"
    names = (f"{stem}{'' if number == 1 else f'-{number}'}.blend" for number in range(1, 10000))
    path = next(folder / name for name in names if not (folder / name).exists())
    temporary = folder / f".{os.getpid()}-{path.name}"
    try:
        bpy.data.libraries.write(str(temporary), {action}, fake_user=True, compress=True)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _picture(armature: bpy.types.Object, action: bpy.types.Action) -> Array:
    """Render three moments of an Action into one image (256, 256, 4), bottom row first, with straight alpha.

    Workbench renders the visible character in a temporary scene; an armature without meshes is drawn as sticks.
    """
    first, last = (round(frame) for frame in action.frame_range)
    frames = np.rint(first + np.array([share for share, _, _ in _MOMENTS]) * (last - first))
    posed = [
        np.array([[armature.matrix_world @ bone.head, armature.matrix_world @ bone.tail] for bone in bones])
        for bones in bake.pose_bones_at(armature, frames.tolist())
    ]  # (N, 2, 3) each
    objects = export.objects_of(armature)
    axes = _axes(armature)
    size = _size(axes, posed)
    scene = bpy.data.scenes.new("FreeTalker Picture")
    camera = bpy.data.objects.new("FreeTalker Picture", bpy.data.cameras.new("FreeTalker Picture"))
    made: list[Any] = [camera]
    try:
        for one in (*objects, camera):
            scene.collection.objects.link(one)
        _set_up_render(scene, camera)
        out = np.zeros((_PIXELS, _PIXELS, 4))
        for frame, places, (_, shift, opacity) in zip(frames, posed, _MOMENTS, strict=True):
            if len(objects) == 1:
                made.append(_sticks(places))
                scene.collection.objects.link(made[-1])
            _aim(camera, axes, places, size)
            scene.frame_set(int(frame))
            layer = np.roll(_render(scene), round(shift * _PIXELS), axis=1)
            alpha = layer[..., 3:] * opacity
            out[..., :3] = layer[..., :3] * alpha + out[..., :3] * (1 - alpha)
            out[..., 3:] = alpha + out[..., 3:] * (1 - alpha)
            if len(objects) == 1:
                scene.collection.objects.unlink(made[-1])
        out[..., :3] /= np.maximum(out[..., 3:], 1e-6)
        return out
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.batch_remove([*made, *(one.data for one in made)])


def _set_up_render(scene: Any, camera: bpy.types.Object) -> None:  # engines are only known at run time
    scene.camera = camera
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x = scene.render.resolution_y = _PIXELS
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    scene.display.shading.light = "STUDIO"
    scene.display.shading.color_type = "MATERIAL"
    scene.display.shading.show_cavity = True


def _axes(armature: bpy.types.Object) -> Array:
    """Return the image's axes as columns (3, 3): to the right, up, towards the viewer."""
    toward = np.array((armature.matrix_world.to_quaternion() @ _VIEW).normalized())
    right = np.cross([0.0, 0.0, 1.0], toward)
    right /= np.linalg.norm(right)
    return np.column_stack([right, np.cross(toward, right), toward])


def _aim(camera: Any, axes: Array, places: Array, size: float) -> None:
    """Point the camera at the center of the bones (N, 2, 3), with a view `size` meters wide."""
    projected = places.reshape(-1, 3) @ axes
    middle = (projected.min(axis=0) + projected.max(axis=0)) / 2
    camera.data.type = "ORTHO"
    camera.data.ortho_scale = size
    camera.data.clip_end = 40 * size
    place = axes @ middle + 10 * size * axes[:, 2]
    camera.matrix_world = Matrix.LocRotScale(place.tolist(), Matrix(axes.tolist()), None)


def _size(axes: Array, posed: list[Array]) -> float:
    """Return the width of the view in meters in which each moment fits after its shift."""
    sizes = [1e-3]
    for places, (_, shift, _) in zip(posed, _MOMENTS, strict=True):
        width, height, _ = np.ptp(places.reshape(-1, 3) @ axes, axis=0)
        sizes += [_MARGIN * height, _MARGIN * width / (1 - 2 * abs(shift))]
    return float(max(sizes))


def _sticks(places: Array) -> bpy.types.Object:
    """Create a curve object with a stick for each of the bones (N, 2, 3)."""
    curve = bpy.data.curves.new("FreeTalker Picture", "CURVE")
    curve.dimensions = "3D"
    curve.bevel_depth = float(np.ptp(places[..., 2])) * 0.012
    for bone in places:
        spline = curve.splines.new("POLY")
        spline.points.add(1)
        for point, place in zip(spline.points, bone, strict=True):
            point.co = (*place, 1.0)
    return bpy.data.objects.new("FreeTalker Picture", curve)


def _render(scene: bpy.types.Scene) -> Array:
    """Render a scene to an image (256, 256, 4), bottom row first."""
    pixels = np.empty(_PIXELS * _PIXELS * 4, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder, "picture.png"))
        # with the scene as an argument, Blender would render its first frame
        with current_context().temp_override(scene=scene, view_layer=scene.view_layers[0]):
            bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(scene.render.filepath)
        try:
            data: Any = image.pixels
            data.foreach_get(pixels)  # reads the file
        finally:
            bpy.data.images.remove(image)
    return pixels.reshape(_PIXELS, _PIXELS, 4).astype(np.float64)
