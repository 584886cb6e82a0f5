# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own SMPL-X body: mesh, bones and sliders of its file; bones follow the shape, keys keep their meaning."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

from tests.addon.helpers import wild_motion
from tests.addon.ui.test_panels import Layout
from tests.smplx_files import write


@pytest.fixture
def body(ft: SimpleNamespace, tmp_path: Path) -> Any:
    file = write(tmp_path / "SMPLX_NEUTRAL.npz")
    assert bpy.ops.freetalker.add_smplx_body(filepath=str(file)) == {"FINISHED"}
    return bpy.context.object


def _heads(ft: SimpleNamespace, armature: Any) -> Any:
    bpy.context.view_layer.update()
    return np.array([armature.data.bones[name].head_local for name in ft.skeleton.JOINT_NAMES])


def _cubes(ft: SimpleNamespace, armature: Any) -> Any:
    """The middle of each joint's cube in the world as it is seen, (55, 3), and the lowest point."""
    figure = ft.smplx_body.figure_of(armature)
    seen = figure.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.array([seen.matrix_world @ vertex.co for vertex in seen.data.vertices])
    return points.reshape(55, 8, 3).mean(axis=1), points[:, 2].min()


def test_the_file_becomes_a_character(ft: SimpleNamespace, body: Any) -> None:
    found = ft.rig.bone_map(body)
    assert (found.family, len(found.bones)) == ("SMPL-X", 55)
    assert bpy.context.scene.freetalker.character == body
    rest = ft.skeleton.neutral_skeleton().rest_positions
    rest = rest - rest[0] * [1.0, 0.0, 1.0]
    wanted = np.column_stack([rest[:, 0], -rest[:, 2], rest[:, 1]])
    heads = _heads(ft, body)
    np.testing.assert_allclose(heads - heads[0], wanted - wanted[0], atol=1e-6)
    cubes, lowest = _cubes(ft, body)
    np.testing.assert_allclose(cubes, heads, atol=1e-6)
    assert lowest == pytest.approx(0.0, abs=1e-6)
    figure = ft.smplx_body.figure_of(body)
    assert (len(figure.data.vertices), len(figure.data.polygons)) == (440, 660)
    shared = {figure.vertex_groups[one.group].name: one.weight for one in figure.data.vertices[8 * 4].groups}
    assert shared == pytest.approx({"left_knee": 0.7, "left_hip": 0.3})


def test_bones_follow_the_sliders_and_the_body_stands_on_the_floor(ft: SimpleNamespace, body: Any) -> None:
    before = _heads(ft, body)
    sliders = ft.smplx_body.sliders(body)
    assert [(key.slider_min, key.slider_max) for key in sliders] == [(-5.0, 5.0)] * 10
    sliders[0].value, sliders[1].value, sliders[2].value = 2.0, -3.0, 1.5
    cubes, lowest = _cubes(ft, body)
    assert abs(lowest) > 0.1
    assert np.abs(cubes - before).max() > 0.1
    axes = {bone.name: np.array(bone.matrix_local)[:3, :3] for bone in body.data.bones}
    assert bpy.ops.freetalker.fit_bones() == {"FINISHED"}
    heads, (cubes, lowest) = _heads(ft, body), _cubes(ft, body)
    np.testing.assert_allclose(cubes, heads, atol=1e-5)
    assert lowest == pytest.approx(0.0, abs=1e-5)
    np.testing.assert_allclose(heads[0, :2], 0.0, atol=1e-6)
    head, ankle = ft.skeleton.INDEX["head"], ft.skeleton.INDEX["left_ankle"]
    assert heads[head, 2] - heads[ankle, 2] == pytest.approx(1.2 * (before[head, 2] - before[ankle, 2]), abs=1e-5)
    for bone in body.data.bones:
        np.testing.assert_allclose(np.array(bone.matrix_local)[:3, :3], axes[bone.name], atol=2e-4)
    assert (bpy.context.object, bpy.context.mode) == (body, "OBJECT")
    for key in sliders:
        key.value = 0.0
    bpy.ops.freetalker.fit_bones()
    np.testing.assert_allclose(_heads(ft, body), before, atol=1e-5)


def test_keys_mean_the_same_on_another_shape(ft: SimpleNamespace, body: Any) -> None:
    motion = wild_motion(ft, frames=4)
    body.freetalker_rig.foot_lock = False
    ft.generated.place(bpy.context.scene, body, motion)
    ft.smplx_body.sliders(body)[0].value = 3.0
    bpy.ops.freetalker.fit_bones()
    bpy.context.scene.frame_set(3)
    _, turns = motion.forward_kinematics(ft.skeleton.neutral_skeleton())
    up = ft.units.Z_UP
    posed = body.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    for joint, name in enumerate(ft.skeleton.JOINT_NAMES):
        rest = np.array(body.data.bones[name].matrix_local)[:3, :3]
        turn = np.array(posed[name].matrix)[:3, :3] @ rest.T
        np.testing.assert_allclose(turn, up @ turns[2, joint] @ up.T, atol=2e-3)
    cubes, _ = _cubes(ft, body)  # skinned with the shape's own joints as centers
    heads = np.array([body.matrix_world @ posed[name].head for name in ft.skeleton.JOINT_NAMES])
    alone = np.delete(np.arange(55), ft.skeleton.INDEX["left_knee"])
    np.testing.assert_allclose(cubes[alone], heads[alone], atol=1e-4)


def test_fitting_is_one_undo_step_and_survives_saving(ft: SimpleNamespace, body: Any, tmp_path: Path) -> None:
    ft.smplx_body.sliders(body)[0].value = 2.0
    before = _heads(ft, body)
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.freetalker.fit_bones("EXEC_DEFAULT", True)
    after = _heads(ft, bpy.context.object)
    assert np.abs(after - before).max() > 0.05
    bpy.ops.ed.undo()
    np.testing.assert_allclose(_heads(ft, bpy.context.object), before, atol=1e-6)
    file = str(tmp_path / "body.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    (tmp_path / "SMPLX_NEUTRAL.npz").unlink()  # it is not needed any more
    bpy.ops.wm.open_mainfile(filepath=file)
    assert bpy.ops.freetalker.fit_bones() == {"FINISHED"}
    np.testing.assert_allclose(_heads(ft, bpy.context.object), after, atol=1e-5)


def test_what_is_missing_is_one_sentence_and_nothing_is_added(ft: SimpleNamespace, tmp_path: Path) -> None:
    count = len(bpy.data.objects)
    with pytest.raises(RuntimeError, match="choose it in the preferences"):
        bpy.ops.freetalker.add_smplx_body()
    with pytest.raises(RuntimeError, match="no weights"):
        bpy.ops.freetalker.add_smplx_body(filepath=str(write(tmp_path / "SMPLX_NEUTRAL.npz", weights=None)))
    with pytest.raises(RuntimeError, match="pickle"):
        bpy.ops.freetalker.add_smplx_body(filepath=str(tmp_path / "SMPLX_NEUTRAL.pkl"))
    assert len(bpy.data.objects) == count
    assert not bpy.ops.freetalker.fit_bones.poll()
    bpy.ops.freetalker.add_character()
    assert not bpy.ops.freetalker.fit_bones.poll()


def test_a_renamed_bone_is_one_sentence(ft: SimpleNamespace, body: Any) -> None:
    body.data.bones["left_eye"].name = "eye"
    with pytest.raises(RuntimeError, match="'left_eye'"):
        bpy.ops.freetalker.fit_bones()
    assert bpy.context.mode == "OBJECT"


def test_the_preferences_file_is_used_and_panels_draw(
    ft: SimpleNamespace, installed: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    preferences = ft.preferences.get()
    preferences.smplx_file = str(write(tmp_path / "SMPLX_NEUTRAL.npz"))
    try:
        assert bpy.ops.freetalker.add_smplx_body() == {"FINISHED"}
        bpy.ops.freetalker.add_smplx_body()
        assert len(bpy.data.armatures) == 2
        shown: list[str] = []
        for name in ("FREETALKER_PT_view3d_character", "FREETALKER_PT_view3d_shape"):
            panel = getattr(bpy.types, name)
            assert getattr(panel, "poll", lambda _: True)(bpy.context)
            panel.draw(SimpleNamespace(layout=Layout(shown)), bpy.context)
        assert "operator freetalker.add_smplx_body" in shown
        assert "operator freetalker.fit_bones" in shown
    finally:
        preferences.smplx_file = ""
