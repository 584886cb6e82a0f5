# SPDX-License-Identifier: GPL-3.0-or-later
"""What is exported comes back where it was: every joint, by core's readers and by Blender's importers."""

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from tests.addon import rig_makers
from tests.addon.helpers import append_object, bone_heads, expected_heads, wild_motion

FRAMES = 12


@pytest.fixture
def moving(ft: SimpleNamespace, armature: Any) -> Any:
    """A character that moves wildly from frame 5 on, in a scene with more in it."""
    bpy.context.scene.frame_start = 5
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft, FRAMES))
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    bpy.context.collection.objects.link(other)
    return armature


def _export(kind: str, path: Path, **options: Any) -> None:
    assert bpy.ops.freetalker.export_motion(filepath=str(path), format=kind, **options) == {"FINISHED"}


def _shown(armature: Any, frames: range, names: list[str]) -> Any:
    """Where bones' heads are in the world, (T, N, 3)."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        out.append([posed.matrix_world @ posed.pose.bones[name].head for name in names])
    return np.array(out)


def _imported(before: set[Any]) -> tuple[Any, list[Any]]:
    new = [one for one in bpy.data.objects if one not in before]
    return next(one for one in new if one.type == "ARMATURE"), new


def _import(path: Path) -> tuple[Any, list[Any]]:
    """The armature and all objects of a file."""
    before = set(bpy.data.objects)
    for other in bpy.data.objects:
        other.select_set(False)
    if path.suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(path))
    elif path.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
    else:
        importlib.import_module("addon_utils").enable("io_anim_bvh")
        bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01)
    return _imported(before)


@pytest.mark.parametrize("kind", [".glb", ".fbx"])
def test_blender_reads_every_joint_where_it_was(ft: SimpleNamespace, moving: Any, tmp_path: Path, kind: str) -> None:
    moving.location, moving.rotation_euler = (0.5, -1.0, 0.0), (0.0, 0.0, 0.7)
    names = list(ft.skeleton.JOINT_NAMES)
    source = _shown(moving, range(5, 5 + FRAMES), names)
    path = tmp_path / f"out{kind}"
    _export(kind, path)
    armature, new = _import(path)
    assert {one.type for one in new} <= {"ARMATURE", "MESH", "EMPTY"}
    assert not any(one.name.startswith("Other") for one in new)
    assert any(one.type == "MESH" and one.vertex_groups for one in new)
    action = armature.animation_data.action or armature.animation_data.nla_tracks[0].strips[0].action
    first = round(action.frame_range[0])
    assert round(action.frame_range[1]) - first == FRAMES - 1
    back = _shown(armature, range(first, first + FRAMES), names)
    np.testing.assert_allclose(back, source, atol=1e-5)


def test_blender_reads_the_bvh_where_the_joints_were(ft: SimpleNamespace, moving: Any, tmp_path: Path) -> None:
    names = list(ft.skeleton.JOINT_NAMES)
    source = _shown(moving, range(5, 5 + FRAMES), names)
    _export(".bvh", tmp_path / "out.bvh")
    armature, _ = _import(tmp_path / "out.bvh")
    np.testing.assert_allclose(_shown(armature, range(1, FRAMES + 1), names), source, atol=3e-5)


def test_npz_and_bvh_hold_the_motion(ft: SimpleNamespace, moving: Any, tmp_path: Path) -> None:
    for kind in (".npz", ".bvh"):
        _export(kind, tmp_path / f"out{kind}")
    expected = wild_motion(ft, FRAMES)
    for back in (
        ft.clip.Motion.load(tmp_path / "out.npz"),
        ft.bvh.motion_from_bvh(ft.bvh.load_bvh(tmp_path / "out.bvh")),
    ):
        assert back.fps == 24.0
        np.testing.assert_allclose(expected_heads(ft, back), expected_heads(ft, expected), atol=1e-4)


RIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "mixamo": ("Mixamo", {"to_world": rig_makers.Y_UP_CENTIMETERS}),
    "a_pose_rolls": ("Unreal 4", {"arms_down": 50.0, "rolls": True, "to_world": Matrix.Scale(3.0, 4)}),
    "vrm": ("VRM", {"arms_down": 5.0}),
}


@pytest.mark.parametrize("travel", ["HIPS", "ROOT"])
@pytest.mark.parametrize("name", RIGS)
def test_motion_is_recovered_from_any_rig(ft: SimpleNamespace, name: str, travel: str, tmp_path: Path) -> None:
    family, options = RIGS[name]
    armature = rig_makers.make(ft, family, **options)
    motion = wild_motion(ft, FRAMES)
    found = ft.maps.family(family)
    armature.freetalker_rig.travel = travel if found.root else "HIPS"
    armature.freetalker_rig.foot_lock = False
    ft.generated.place(bpy.context.scene, armature, motion)
    _export(".npz", tmp_path / "out.npz")
    back = ft.clip.Motion.load(tmp_path / "out.npz")
    skeleton = ft.skeleton.neutral_skeleton()
    shown = [number for number, joint in enumerate(ft.skeleton.JOINT_NAMES) if found.bones.get(joint)]
    turns, expected = (one.forward_kinematics(skeleton)[1][:, shown] for one in (back, motion))
    np.testing.assert_allclose(turns, expected, atol=2e-3)
    hips = [ft.skeleton.INDEX[joint] for joint in ("left_hip", "right_hip")]
    places = [one.positions(skeleton)[:, hips].mean(axis=1) for one in (back, motion)]
    np.testing.assert_allclose(*places, atol=1e-4)


def test_edits_are_exported_as_they_are_seen(ft: SimpleNamespace, moving: Any, tmp_path: Path) -> None:
    """A constraint, and an action over the strip."""
    target = bpy.data.objects.new("Target", None)
    bpy.context.collection.objects.link(target)
    target.location = (0.0, -3.0, 1.0)
    constraint = moving.pose.bones["head"].constraints.new("DAMPED_TRACK")
    constraint.target = target
    names = list(ft.skeleton.JOINT_NAMES)
    source = _shown(moving, range(5, 5 + FRAMES), names)
    _export(".npz", tmp_path / "out.npz")
    back = ft.clip.Motion.load(tmp_path / "out.npz")
    np.testing.assert_allclose(expected_heads(ft, back), source, atol=1e-4)
    assert np.abs(source - expected_heads(ft, wild_motion(ft, FRAMES))).max() > 0.05


@pytest.mark.parametrize("push_down", [False, True])
def test_a_baked_action_is_exported_too(ft: SimpleNamespace, moving: Any, tmp_path: Path, push_down: bool) -> None:
    bpy.ops.freetalker.bake_to_action(push_down=push_down)
    _export(".npz", tmp_path / "out.npz")
    assert len(ft.clip.Motion.load(tmp_path / "out.npz")) == FRAMES


def test_deform_bones_alone_leave_a_control_rig_behind(ft: SimpleNamespace, rigify: Path, tmp_path: Path) -> None:
    armature = append_object(rigify, "rig")
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft, 3))
    deforming = {bone.name for bone in armature.data.bones if bone.use_deform}
    names = sorted(deforming)
    source = _shown(armature, range(1, 4), names)
    _export(".glb", tmp_path / "out.glb", deform_only=True)
    back, _ = _import(tmp_path / "out.glb")
    assert {bone.name for bone in back.data.bones} == deforming
    np.testing.assert_allclose(_shown(back, range(3), names), source, atol=1e-3)


@pytest.mark.parametrize("kind", [".fbx", ".glb", ".npz"])
def test_exporting_leaves_the_scene_as_it_was(ft: SimpleNamespace, moving: Any, tmp_path: Path, kind: str) -> None:
    scene, other = bpy.context.scene, bpy.data.objects["Other"]
    moving.select_set(True)
    bpy.context.view_layer.objects.active = moving
    bpy.ops.object.mode_set(mode="POSE")
    scene.frame_set(9)
    before = bone_heads(ft, moving, 9)

    def state() -> tuple[Any, ...]:
        frames = scene.frame_start, scene.frame_end, scene.frame_current
        selected = [one.select_get() for one in (moving, other)]
        return frames, selected, bpy.context.mode, bpy.context.view_layer.objects.active, moving.hide_get()

    if kind != ".npz":
        bpy.ops.object.mode_set(mode="OBJECT")
        moving.hide_set(kind == ".fbx")
    was = state()
    data = {kind: len(getattr(bpy.data, kind)) for kind in ("actions", "objects", "meshes", "armatures")}
    ft.export.write(scene, moving, tmp_path / f"out{kind}")
    assert state() == was
    assert {kind: len(getattr(bpy.data, kind)) for kind in data} == data
    np.testing.assert_allclose(bone_heads(ft, moving, 9), before, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == [f"out{kind}"]


def _no_result(ft: SimpleNamespace, armature: Any, folder: Path) -> Path:
    armature.animation_data_clear()
    return folder / "out.glb"


def _unknown_kind(ft: SimpleNamespace, armature: Any, folder: Path) -> Path:
    return folder / "out.usd"


def _no_folder(ft: SimpleNamespace, armature: Any, folder: Path) -> Path:
    return folder / "nowhere" / "out.glb"


def _a_folder_of_that_name(ft: SimpleNamespace, armature: Any, folder: Path) -> Path:
    (folder / "out.bvh").mkdir()
    return folder / "out.bvh"


def _not_shown(ft: SimpleNamespace, armature: Any, folder: Path) -> Path:
    collection = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(collection)
    collection.objects.link(armature)
    for other in (bpy.context.scene.collection, *bpy.data.collections):
        if other != collection and armature.name in other.objects:
            other.objects.unlink(armature)
    bpy.context.view_layer.layer_collection.children["Hidden"].exclude = True
    return folder / "out.fbx"


def _at_rest(ft: SimpleNamespace, armature: Any, folder: Path) -> Path:
    armature.data.pose_position = "REST"
    return folder / "out.npz"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_result, "no motion to export yet"),
        (_unknown_kind, "unsupported file extension"),
        (_no_folder, "cannot be written: No such file or directory"),
        (_a_folder_of_that_name, "cannot be written: Is a directory"),
        (_not_shown, "not in a visible collection"),
        (_at_rest, "is in Rest Position"),
    ],
)
def test_bad_exports_are_one_sentence_and_touch_nothing(
    ft: SimpleNamespace, moving: Any, tmp_path: Path, spoil: Any, said: str
) -> None:
    path = spoil(ft, moving, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ft.errors.InputError, match=said) as caught:
        ft.export.write(bpy.context.scene, moving, path)
    assert len(str(caught.value).splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_an_exporter_that_fails_leaves_the_old_file(
    ft: SimpleNamespace, moving: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.glb"
    path.write_bytes(b"the user's")

    def failing(*_: Any, **__: Any) -> None:
        raise ft.errors.InputError("Blender's exporter failed.")

    monkeypatch.setattr(ft.export, "_export", failing)
    with pytest.raises(ft.errors.InputError):
        ft.export.write(bpy.context.scene, moving, path)
    assert [one.name for one in tmp_path.iterdir()] == ["out.glb"]
    assert path.read_bytes() == b"the user's"


def test_the_button_says_that_there_is_nothing_yet(ft: SimpleNamespace, armature: Any) -> None:
    assert not bpy.ops.freetalker.export_motion.poll()
    assert "press Generate" in bpy.types.FREETALKER_OT_export_motion.disabled_reason(bpy.context)
