# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates a character with the SMPL-X body from the user's own licensed file, with sliders for its shape.

The armature stores how the joints depend on the shape, so that its bones can be fitted without the file.
"""

from collections.abc import Sequence
from typing import Any, cast

import bpy
import numpy as np
from mathutils import Vector

from ...core.errors import InputError
from ...core.formats.smplx_body import SHAPES, SmplxBody
from ...core.motion.skeleton import JOINT_NAMES
from ..data import Context, armature_data, mesh_data, rig_data, scene_settings
from ..units import Z_UP, Array
from .figure import add_armature_modifier, new_armature, new_mesh, tails

NAME = "SMPL-X"
LARGEST = 5.0  # limit of a slider in both directions
KEYS = tuple(f"Shape{number:03d}" for number in range(SHAPES))
_JOINTS = "freetalker_joints"  # on the armature object: (55, 3, 1 + 10), the neutral joints and the offset by each key
_LEAST_WEIGHT = 1e-4


def new_body(
    context: Context, body: SmplxBody, location: Sequence[float] | Vector = (0.0, 0.0, 0.0)
) -> bpy.types.Object:
    """Add a body to the scene, facing -Y, and make it the active object and the scene's character.

    Args:
        context: In Object Mode.
        body: The body model.
        location: (3,) of its feet, in world space.

    Returns:
        The armature object.
    """
    skeleton = body.skeleton()
    armature = new_armature(context, skeleton, NAME)
    for name in ("jaw", "left_eye", "right_eye"):
        armature_data(armature).bones[name].use_deform = True
    rig_data(armature).match = "KEEP"
    shift = skeleton.rest_positions[0] * [0.0, 1.0, 0.0] - skeleton.root_offset  # the soles at 0, the pelvis above it
    mesh = new_mesh(f"{NAME} Body", (body.vertices + shift) @ Z_UP.T, body.faces)
    mesh.validate()
    figure = bpy.data.objects.new(f"{NAME} Body", mesh)
    context.collection.objects.link(figure)
    figure.parent = armature
    _add_weights(figure, body.weights)
    add_armature_modifier(figure, armature)
    _add_keys(figure, Z_UP @ body.shapes)
    offsets = np.einsum("jv,vck->jck", body.regressor, body.shapes, optimize=True)  # (55, 3, 10)
    joints = np.concatenate([(body.regressor @ body.vertices + shift)[..., None], offsets], axis=2)
    armature[_JOINTS] = (Z_UP @ joints).ravel().tolist()
    armature.location = location
    scene_settings(context.scene).character = armature
    return armature


def figure_of(armature: bpy.types.Object | None) -> bpy.types.Object | None:
    """Return the mesh object with the shape keys of an armature created by `new_body`; None for any other."""
    if armature is None or _JOINTS not in armature:
        return None
    meshes = (child for child in armature.children if child.type == "MESH" and mesh_data(child).shape_keys is not None)
    return next((mesh for mesh in meshes if all(key in _shape_keys(mesh).key_blocks for key in KEYS)), None)


def _shape_keys(figure: bpy.types.Object) -> bpy.types.Key:
    return cast("bpy.types.Key", mesh_data(figure).shape_keys)


def sliders(armature: bpy.types.Object | None) -> list[bpy.types.ShapeKey]:
    """Return the ten shape keys of a body; empty for any other character."""
    figure = figure_of(armature)
    return [_shape_keys(figure).key_blocks[key] for key in KEYS] if figure is not None else []


def fit_bones(context: Context, armature: bpy.types.Object) -> None:
    """Move the bones at rest to the joints of the current shape, and the body onto the floor.

    Bones keep their axes, so that existing rotation keys keep their meaning.

    Raises:
        InputError: The armature was not created by `new_body`, or a bone was renamed.
    """
    figure = figure_of(armature)
    joints = np.array(armature.get(_JOINTS, ()), np.float64)
    if figure is None or joints.size != len(JOINT_NAMES) * 3 * (1 + SHAPES):
        raise InputError(f"'{armature.name}' has no shape sliders; add an SMPL-X body.")
    missing = [name for name in JOINT_NAMES if name not in armature_data(armature).bones]
    if missing:
        raise InputError(f"'{armature.name}' no longer has a bone '{missing[0]}'; restore its original name.")
    values = np.array([0.0 if key.mute else key.value for key in sliders(armature)])
    joints = joints.reshape(-1, 3, 1 + SHAPES)
    heads = joints[..., 0] + joints[..., 1:] @ values  # (55, 3)
    lowest = _shaped_vertices(figure, values)[:, 2].min()
    shift = np.array([-heads[0, 0], -heads[0, 1], -lowest])
    heads += shift
    lengths = np.linalg.norm(tails(heads) - heads, axis=1)
    _set_rest_pose(context, armature, heads, lengths)
    figure.location = Vector(shift.tolist())


def _set_rest_pose(context: Context, armature: bpy.types.Object, heads: Array, lengths: Array) -> None:
    """Give the bones these heads (55, 3) and lengths (55,) at rest, and keep their axes."""
    active, selected = context.view_layer.objects.active, list(context.selected_objects)
    hidden = armature.hide_get(), armature.hide_viewport
    armature.hide_viewport = False
    armature.hide_set(False)
    context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        bones = armature_data(armature).edit_bones
        connected = [bone for bone in bones if bone.use_connect]
        for bone in connected:
            bone.use_connect = False
        for joint, name in enumerate(JOINT_NAMES):
            bone = bones[name]
            along, roll = (bone.tail - bone.head).normalized(), bone.roll
            bone.head = heads[joint]
            bone.tail = bone.head + along * max(float(lengths[joint]), 1e-3)
            bone.roll = roll
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        armature.hide_set(hidden[0])
        armature.hide_viewport = hidden[1]
        context.view_layer.objects.active = active
        for one in selected:
            one.select_set(True)


def _shaped_vertices(figure: bpy.types.Object, values: Array) -> Array:
    """Return the vertices (V, 3) of a shape given by its key values (10,), in the figure's own space."""
    keys = _shape_keys(figure)
    basis = _coordinates(keys.reference_key)
    return basis + sum(
        value * (_coordinates(keys.key_blocks[key]) - basis) for key, value in zip(KEYS, values, strict=True) if value
    )


def _coordinates(key: bpy.types.ShapeKey) -> Array:
    data: Any = key.data
    points = np.empty(3 * len(data), np.float32)
    data.foreach_get("co", points)
    return points.reshape(-1, 3).astype(np.float64)


def _add_weights(figure: bpy.types.Object, weights: Array) -> None:
    for joint, name in enumerate(JOINT_NAMES):
        group = figure.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(weights[:, joint] > _LEAST_WEIGHT):
            group.add([int(vertex)], float(weights[vertex, joint]), "REPLACE")


def _add_keys(figure: bpy.types.Object, shapes: Array) -> None:
    """Add a basis and a shape key for each of the offsets (V, 3, 10)."""
    basis = _coordinates(figure.shape_key_add(name="Basis", from_mix=False))
    for number, name in enumerate(KEYS):
        key = figure.shape_key_add(name=name, from_mix=False)
        key.slider_min, key.slider_max = -LARGEST, LARGEST
        key.value = 0.0
        key.data.foreach_set("co", (basis + shapes[..., number]).astype(np.float32).ravel())
