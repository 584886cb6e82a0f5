# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates the default character: an armature with a wooden figure."""

from collections.abc import Sequence
from typing import Any, cast

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ...core.assets import WOODEN_FIGURE
from ...core.motion.skeleton import JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton
from .. import compat
from ..data import Context, armature_data, pose_bones, rig_data, scene_settings
from ..units import Z_UP, Array

NAME = "FreeTalker"
_ROOT = JOINT_NAMES[0]

# The child that a bone with several points to, and the (direction, meters) of bones without children, Y up.
_TOWARDS = {"pelvis": "spine1", "spine3": "neck", "left_wrist": "left_middle1", "right_wrist": "right_middle1"}
_TIPS = {
    "head": ((0.0, 1.0, 0.0), 0.16),
    "jaw": ((0.0, -0.3, 1.0), 0.08),
    "left_eye": ((0.0, 0.0, 1.0), 0.03),
    "right_eye": ((0.0, 0.0, 1.0), 0.03),
    "left_foot": ((0.0, 0.0, 1.0), 0.07),
    "right_foot": ((0.0, 0.0, 1.0), 0.07),
}
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_MATERIALS = (("FreeTalker Wood", (0.62, 0.36, 0.17), 0.45), ("FreeTalker Joint", (0.16, 0.075, 0.035), 0.35))


def new_character(context: Context, location: Sequence[float] | Vector = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """Add the wooden figure to the scene, facing -Y, and make it the active object and the scene's character.

    Args:
        context: In Object Mode.
        location: (3,) of its feet, in world space.

    Returns:
        The armature object.
    """
    skeleton = neutral_skeleton()
    armature = new_armature(context, skeleton)
    figure = _new_figure(skeleton)
    context.collection.objects.link(figure)
    figure.parent = armature
    add_armature_modifier(figure, armature)
    armature.location = location
    rig_data(armature).foot_lock = False  # motion is generated for legs of exactly this length
    scene_settings(context.scene).character = armature
    return armature


def add_armature_modifier(figure: bpy.types.Object, armature: bpy.types.Object) -> None:
    """Deform a mesh object by an armature."""
    cast("bpy.types.ArmatureModifier", figure.modifiers.new("Armature", "ARMATURE")).object = armature


def rest_heads(skeleton: Skeleton) -> Array:
    """Return the joints at rest in armature space, (55, 3): Z up, the soles at 0, the pelvis above the origin."""
    rest = skeleton.rest_positions - skeleton.rest_positions[0] * [1.0, 0.0, 1.0]
    return rest @ Z_UP.T


def new_armature(context: Context, skeleton: Skeleton, name: str = NAME) -> bpy.types.Object:
    """Add an armature with the 55 bones of a skeleton to the scene, active and selected.

    Args:
        context: In Object Mode.
        skeleton: Gives the rest positions of the joints.
        name: Name of the object and of its armature.
    """
    data = bpy.data.armatures.new(name)
    armature = bpy.data.objects.new(name, data)
    context.collection.objects.link(armature)
    for selected in context.selected_objects:
        selected.select_set(False)
    context.view_layer.objects.active = armature
    armature.select_set(True)
    heads = rest_heads(skeleton)  # (55, 3)
    ends = tails(heads)
    bpy.ops.object.mode_set(mode="EDIT")
    for joint, joint_name in enumerate(JOINT_NAMES):
        bone = data.edit_bones.new(joint_name)
        bone.head, bone.tail = heads[joint], ends[joint]
        bone.align_roll(_roll_axis(bone.tail - bone.head))
        if joint:
            bone.parent = data.edit_bones[JOINT_NAMES[PARENTS[joint]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    _set_up_bones(armature)
    return armature


def tails(heads: Array) -> Array:
    """Return the tails (55, 3) of bones with these heads (55, 3): at the child's head, or a little beyond the head."""
    ends = np.empty_like(heads)
    for joint, name in enumerate(JOINT_NAMES):
        children = [child for child, parent in enumerate(PARENTS) if parent == joint]
        if name in _TIPS:
            direction, length = _TIPS[name]
            direction = Z_UP @ np.array(direction)
            ends[joint] = heads[joint] + direction / np.linalg.norm(direction) * length
        elif children:
            target = _TOWARDS.get(name)
            ends[joint] = heads[JOINT_NAMES.index(target) if target else children[0]]
        else:  # the last bone of a finger continues the one before it
            ends[joint] = heads[joint] + 0.8 * (heads[joint] - heads[PARENTS[joint]])
    return ends


def _roll_axis(direction: Vector) -> Vector:
    """Return the direction of a bone's Z axis: up for a horizontal bone, forward for a vertical one."""
    return Vector((0.0, -1.0, 0.0)) if abs(direction.normalized().z) > 0.7 else Vector((0.0, 0.0, 1.0))


def _set_up_bones(armature: bpy.types.Object) -> None:
    """Set colors by side, bone collections for hiding fingers and face, rotation modes and locks."""
    data = armature_data(armature)
    data.display_type = "STICK"
    armature.show_in_front = True
    collections = {name: data.collections.new(name) for name in ("Body", "Hands", "Face")}
    for bone in data.bones:
        hand = any(finger in bone.name for finger in _FINGERS)
        face = bone.name in ("jaw", "left_eye", "right_eye")
        collections["Hands" if hand else "Face" if face else "Body"].assign(bone)
        bone.use_deform = not face
        color: Any = bone.color
        if bone.name.startswith("left_"):
            color.palette = "THEME01"
        elif bone.name.startswith("right_"):
            color.palette = "THEME04"
        else:
            color.palette = "THEME09"
    for bone in pose_bones(armature):
        bone.rotation_mode = "QUATERNION"
        if bone.name != _ROOT:
            bone.lock_location = (True, True, True)
        bone.lock_scale = (True, True, True)


def _new_figure(skeleton: Skeleton) -> bpy.types.Object:
    """Create the wooden figure as a mesh object with a vertex group per bone."""
    with np.load(WOODEN_FIGURE, allow_pickle=False) as file:
        data = {key: file[key] for key in file.files}
    low, high = data["low"].astype(np.float64), data["high"].astype(np.float64)
    vertices = low + data["vertices"] / 65535.0 * (high - low)  # (V, 3) relative to the pelvis, Y up
    vertices[:, 1] += skeleton.standing_height
    faces = data["faces"].astype(np.int32)  # (F, 3)
    mesh = new_mesh(f"{NAME} Figure", vertices @ Z_UP.T, faces)
    for name, color, roughness in _MATERIALS:
        mesh.materials.append(_material(name, color, roughness))
    mesh.polygons.foreach_set("material_index", np.unpackbits(data["joint_faces"])[: len(faces)].astype(np.int32))
    figure = bpy.data.objects.new(f"{NAME} Figure", mesh)
    _add_weights(figure, data["bones"].tolist(), data["bone_indices"], data["bone_weights"])
    return figure


def new_mesh(name: str, vertices: Array, faces: NDArray[np.int32]) -> bpy.types.Mesh:
    """Create a smooth-shaded mesh.

    Args:
        name: Name of the mesh.
        vertices: (V, 3) in meters, Z up.
        faces: (F, 3) vertex indices of triangles.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update(calc_edges=True)
    return mesh


def _add_weights(
    figure: bpy.types.Object, bones: list[str], indices: NDArray[np.uint8], weights: NDArray[np.uint8]
) -> None:
    """Add vertex groups from bone indices (V, 4) and weights (V, 4) in 255ths, all vertices of equal weight at once."""
    total = weights.sum(axis=1)  # (V,) only near 255, because each weight was rounded
    for number, bone in enumerate(bones):
        group = figure.vertex_groups.new(name=bone)
        rows, columns = np.nonzero((indices == number) & (weights > 0))
        shares = np.rint(weights[rows, columns] / total[rows] * 255).astype(int)
        order = np.argsort(shares, kind="stable")
        cuts = np.flatnonzero(np.diff(shares[order])) + 1
        for part in np.split(order, cuts):
            if len(part):
                group.add(rows[part].tolist(), float(shares[part[0]]) / 255.0, "REPLACE")


def _material(name: str, color: tuple[float, float, float], roughness: float) -> bpy.types.Material:
    """Return the material of this name, created with a fine wood grain if the file has none."""
    material = bpy.data.materials.get(name)
    if material is not None:
        return material
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*color, 1.0)  # used by Workbench
    material.roughness = roughness
    tree = compat.use_nodes(material)
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = roughness
    place, stretch, grain, ramp = (
        tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexCoord", "Mapping", "TexNoise", "ValToRGB")
    )
    for number, node in enumerate((place, stretch, grain, ramp)):
        node.location = (shader.location.x - 240 * (4 - number), shader.location.y)
    stretch.inputs["Scale"].default_value = (60.0, 12.0, 3.0)
    grain.inputs["Scale"].default_value = 2.0
    for element, shade in zip(ramp.color_ramp.elements, (0.6, 1.15), strict=True):
        element.color = (*(min(1.0, shade * value) for value in color), 1.0)
    tree.links.new(place.outputs["Generated"], stretch.inputs["Vector"])
    tree.links.new(stretch.outputs["Vector"], grain.inputs["Vector"])
    tree.links.new(next(one for one in grain.outputs if one.name in {"Fac", "Factor"}), ramp.inputs[0])
    tree.links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    return material
