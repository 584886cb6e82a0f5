# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMPL-X body of the user's own licensed file as a character, with sliders for its shape.

The armature keeps where the joints of each shape are, so that its bones can be fitted without the file.
"""

from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.formats.smplx_body import SHAPES, SmplxBody
from ...core.motion.skeleton import JOINT_NAMES
from ..units import Z_UP, Array
from .figure import new_armature, new_mesh, tails

NAME = "SMPL-X"
LARGEST = 5.0  # of a slider, either way
KEYS = tuple(f"Shape{number:03d}" for number in range(SHAPES))
_JOINTS = "freetalker_joints"  # on the armature object: (55, 3, 1 + 10), the joints of no shape and what each key adds
_LEAST_WEIGHT = 1e-4


def new_body(context: Any, body: SmplxBody, location: Any = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """Add a body to the scene, feet on the floor at `location`, facing -Y; its armature becomes the active object."""
    skeleton = body.skeleton()
    armature = new_armature(context, skeleton, NAME)
    armature.data.bones["jaw"].use_deform = True
    for side in ("left", "right"):
        armature.data.bones[f"{side}_eye"].use_deform = True
    armature.freetalker_rig.match = "KEEP"
    shift = skeleton.rest_positions[0] * [0.0, 1.0, 0.0] - skeleton.root_offset  # the soles at 0, the pelvis above it
    mesh = new_mesh(f"{NAME} Body", (body.vertices + shift) @ Z_UP.T, body.faces)
    mesh.validate()
    figure = bpy.data.objects.new(f"{NAME} Body", mesh)
    context.collection.objects.link(figure)
    figure.parent = armature
    _add_weights(figure, body.weights)
    figure.modifiers.new("Armature", "ARMATURE").object = armature
    _add_keys(figure, Z_UP @ body.shapes)
    moved = np.einsum("jv,vck->jck", body.regressor, body.shapes, optimize=True)  # (55, 3, 10)
    joints = np.concatenate([(body.regressor @ body.vertices + shift)[..., None], moved], axis=2)
    armature[_JOINTS] = (Z_UP @ joints).ravel().tolist()
    armature.location = location
    context.scene.freetalker.character = armature
    return armature


def figure_of(armature: bpy.types.Object | None) -> bpy.types.Object | None:
    """The mesh with the shape keys of an armature that was made here; None for any other."""
    if armature is None or _JOINTS not in armature:
        return None
    meshes = (child for child in armature.children if child.type == "MESH" and child.data.shape_keys is not None)
    return next((mesh for mesh in meshes if all(key in mesh.data.shape_keys.key_blocks for key in KEYS)), None)


def sliders(armature: bpy.types.Object | None) -> list[Any]:
    """The shape keys of a body, ten or none."""
    figure = figure_of(armature)
    return [figure.data.shape_keys.key_blocks[key] for key in KEYS] if figure is not None else []


def fit_bones(context: Any, armature: bpy.types.Object) -> None:
    """Put the bones' rests at the joints of the shape that is seen, and the body on the floor.

    Bones keep their axes, so that keys of rotations mean what they meant.

    Raises InputError where the armature is none of ours, or its bones are others by now.
    """
    figure = figure_of(armature)
    joints = np.array(armature.get(_JOINTS, ()), np.float64)
    if figure is None or joints.size != len(JOINT_NAMES) * 3 * (1 + SHAPES):
        raise InputError(f"'{armature.name}' has no shape sliders: add an SMPL-X body.")
    missing = [name for name in JOINT_NAMES if name not in armature.data.bones]
    if missing:
        raise InputError(f"'{armature.name}' has no bone '{missing[0]}' any longer: undo its renaming.")
    values = np.array([0.0 if key.mute else key.value for key in sliders(armature)])
    joints = joints.reshape(-1, 3, 1 + SHAPES)
    heads = joints[..., 0] + joints[..., 1:] @ values  # (55, 3)
    lowest = _shaped(figure, values)[:, 2].min()
    shift = np.array([-heads[0, 0], -heads[0, 1], -lowest])
    heads += shift
    lengths = np.linalg.norm(tails(heads) - heads, axis=1)
    _rest(context, armature, heads, lengths)
    figure.location = shift


def _rest(context: Any, armature: bpy.types.Object, heads: Array, lengths: Array) -> None:
    """Move the bones at rest, each along the axes that it has."""
    active, selected = context.view_layer.objects.active, list(context.selected_objects)
    hidden = armature.hide_get(), armature.hide_viewport
    armature.hide_viewport = False
    armature.hide_set(False)
    context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        bones = armature.data.edit_bones
        connected = [bone for bone in bones if bone.use_connect]
        for bone in connected:
            bone.use_connect = False
        for joint, name in enumerate(JOINT_NAMES):
            bone = bones[name]
            along, roll = bone.vector.normalized(), bone.roll
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


def _shaped(figure: bpy.types.Object, values: Array) -> Array:
    """The vertices (V, 3) of a shape, in the figure's own space."""
    keys = figure.data.shape_keys
    basis = _coordinates(keys.reference_key)
    return basis + sum(
        value * (_coordinates(keys.key_blocks[key]) - basis) for key, value in zip(KEYS, values, strict=True) if value
    )


def _coordinates(key: Any) -> Array:
    points = np.empty(3 * len(key.data), np.float32)
    key.data.foreach_get("co", points)
    return points.reshape(-1, 3).astype(np.float64)


def _add_weights(figure: bpy.types.Object, weights: Array) -> None:
    for joint, name in enumerate(JOINT_NAMES):
        group = figure.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(weights[:, joint] > _LEAST_WEIGHT):
            group.add([int(vertex)], float(weights[vertex, joint]), "REPLACE")


def _add_keys(figure: bpy.types.Object, shapes: Array) -> None:
    """A basis, and a key for each of shapes (V, 3, 10)."""
    basis = _coordinates(figure.shape_key_add(name="Basis", from_mix=False))
    for number, name in enumerate(KEYS):
        key = figure.shape_key_add(name=name, from_mix=False)
        key.slider_min, key.slider_max = -LARGEST, LARGEST
        key.value = 0.0
        key.data.foreach_set("co", (basis + shapes[..., number]).astype(np.float32).ravel())
