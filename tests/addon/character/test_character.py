# SPDX-License-Identifier: GPL-3.0-or-later
"""The character: 55 bones where core has its joints, a figure that follows them, and who counts as one."""

from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest


def _figure(armature: Any) -> Any:
    return next(child for child in armature.children if child.type == "MESH")


def _shape(figure: Any) -> Any:
    mesh = figure.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def test_bones_rest_where_the_joints_are(ft: SimpleNamespace, armature: Any) -> None:
    assert [bone.name for bone in armature.data.bones if bone.name in ft.skeleton.JOINT_NAMES]
    assert len(armature.data.bones) == 55
    heads = np.array([list(armature.data.bones[name].head_local) for name in ft.skeleton.JOINT_NAMES])
    rest = ft.skeleton.neutral_skeleton().rest_positions
    rest = rest - rest[0] * [1.0, 0.0, 1.0]
    np.testing.assert_allclose(heads, np.stack([rest[:, 0], -rest[:, 2], rest[:, 1]], axis=1), atol=1e-6)
    assert all(bone.length > 0.01 for bone in armature.data.bones)
    assert ft.active.is_character(armature)


def test_stands_on_the_floor_facing_the_front_view(armature: Any) -> None:
    points = _shape(_figure(armature))
    assert abs(points[:, 2].min()) < 0.005
    assert 1.6 < points[:, 2].max() < 1.85
    feet = points[points[:, 2] < 0.05]
    assert feet[:, 1].min() < -0.1  # the toes point to -Y
    assert armature.data.bones["left_wrist"].head_local.x > 0.5


def test_every_vertex_follows_bones(ft: SimpleNamespace, armature: Any) -> None:
    mesh = _figure(armature).data
    names = [group.name for group in _figure(armature).vertex_groups]
    assert set(names) <= set(ft.skeleton.JOINT_NAMES)
    totals = [sum(group.weight for group in vertex.groups) for vertex in mesh.vertices]
    assert min(totals) > 0.97


def test_figure_bends_without_tearing(ft: SimpleNamespace, armature: Any) -> None:
    figure = _figure(armature)
    edges = np.empty(2 * len(figure.data.edges), np.int32)
    figure.data.edges.foreach_get("vertices", edges)
    edges = edges.reshape(-1, 2)
    before = _shape(figure)
    for name, angle in (("left_elbow", 1.2), ("right_knee", 1.2), ("left_shoulder", 0.8), ("spine2", 0.4)):
        armature.pose.bones[name].rotation_quaternion = (np.cos(angle / 2), np.sin(angle / 2), 0.0, 0.0)
    bpy.context.view_layer.update()
    after = _shape(figure)
    assert np.abs(after - before).max() > 0.2
    stretched = np.linalg.norm(after[edges[:, 0]] - after[edges[:, 1]], axis=1) - np.linalg.norm(
        before[edges[:, 0]] - before[edges[:, 1]], axis=1
    )
    assert stretched.max() < 0.04


def test_two_characters_share_materials_and_nothing_else(armature: Any) -> None:
    bpy.ops.freetalker.add_character()
    second = bpy.context.object
    assert second != armature
    assert second.data != armature.data
    assert len([material for material in bpy.data.materials if material.name.startswith("FreeTalker")]) == 2


def test_adding_is_one_undo_step(ft: SimpleNamespace) -> None:
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.freetalker.add_character("EXEC_DEFAULT", True)
    assert len(bpy.data.armatures) == 1
    bpy.ops.ed.undo()
    assert len(bpy.data.armatures) == 0


def test_found_by_selection_then_by_the_scene(ft: SimpleNamespace, armature: Any) -> None:
    view_layer = bpy.context.view_layer
    view_layer.objects.active = _figure(armature)
    assert ft.active.active_character(bpy.context) == armature
    view_layer.objects.active = None
    assert ft.active.active_character(bpy.context) == armature
    bpy.context.scene.freetalker.character = None
    assert ft.active.active_character(bpy.context) is None
    assert "add one" in ft.active.missing_character_reason(bpy.context)


@pytest.mark.parametrize("held", ["by a group", "by nothing", "and wears a hat"])
def test_found_by_a_mesh_that_it_bends(ft: SimpleNamespace, armature: Any, held: str) -> None:
    """Not the scene's, although the mesh is no child of its armature, or not its nearest."""
    active = figure = _figure(armature)
    if held == "and wears a hat":
        active = bpy.data.objects.new("Hat", bpy.data.meshes.new("Hat"))
        active.parent = figure
        bpy.context.collection.objects.link(active)
    else:
        figure.parent = bpy.data.objects.new("Group", None) if held == "by a group" else None
    bpy.ops.freetalker.add_character()
    assert bpy.context.scene.freetalker.character != armature
    bpy.context.view_layer.objects.active = active
    assert ft.active.active_character(bpy.context) == armature


def test_another_armature_is_not_a_character(ft: SimpleNamespace) -> None:
    bpy.ops.object.armature_add()
    other = bpy.context.object
    assert not ft.active.is_character(other)
    assert other.name in ft.active.missing_character_reason(bpy.context)
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.freetalker.add_text_strip(prompt="a person walks")
    assert not other.animation_data
