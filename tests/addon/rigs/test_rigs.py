# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs of other makers do what core means: where Blender puts their bones, against core's own forward kinematics."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from tests.addon.helpers import append_object, bone_heads, expected_heads, wild_motion
from tests.addon.rig_makers import Y_UP_CENTIMETERS, make
from tests.addon.ui.test_panels import Layout

DEGREES = 0.1
METERS = 1e-4
_TURNED = Matrix.Translation((3, -2, 0.5)) @ Matrix.Rotation(2.0, 4, "Z") @ Matrix.Scale(100.0, 4)
RIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "smplx": ("SMPL-X", {"straight": False}),
    "smplx_package": ("SMPL-X (smplx package)", {"straight": False, "rolls": True}),
    "metarig_names": ("Rigify metarig", {"arms_down": 30.0}),
    "mixamo": ("Mixamo", {"rename": lambda name: f"mixamorig:{name}", "to_world": Y_UP_CENTIMETERS}),
    "mixamo_eulers": ("Mixamo", {"rename": lambda name: f"mixamorig1:{name}", "euler": True, "rolls": True}),
    "vrm": ("VRM", {"arms_down": 5.0}),
    "vrm_words": ("VRM 1.0 humanoid", {"to_world": Y_UP_CENTIMETERS}),
    "unreal4": ("Unreal 4", {"arms_down": 50.0, "rolls": True}),
    "unreal5": ("Unreal 5", {"arms_down": 50.0}),
    "a_pose_rolls_scaled": ("Mixamo", {"arms_down": 45.0, "rolls": True, "to_world": _TURNED}),
    "odd_names": ("Unreal 4", {"rename": lambda name: f'ünï "{name}"'[:-1].upper(), "rolls": True}),
}


@pytest.fixture
def armature_of(ft: SimpleNamespace, request: pytest.FixtureRequest) -> Callable[[str], tuple[Any, Any]]:
    """Builds a rig by name: (armature, joint -> the bones that show where it went)."""

    def build(name: str) -> tuple[Any, Any]:
        if name in RIGS:
            family, options = RIGS[name]
            armature = make(ft, family, **options)
            armature.freetalker_rig.foot_lock = False
            return armature, ft.rig.bone_map(armature).bones
        armature = append_object(request.getfixturevalue("rigify"), name)
        armature.freetalker_rig.foot_lock = False
        shown = ft.maps.family("Rigify metarig").bones
        if name == "rig":  # what deforms, not what is keyed; but the spine's bones lean over to the next one
            shown = {joint: tuple(f"ORG-{bone}" for bone in bones) for joint, bones in shown.items()}
            keyed = ft.maps.family("Rigify").bones
            shown |= {joint: keyed[joint] for joint in ("pelvis", "spine1", "spine2", "spine3", "neck")}
            shown = {joint: bones for joint, bones in shown.items() if "eye" not in joint and joint != "jaw"}
        return armature, shown

    return build


EVERY_RIG = [*RIGS, "metarig", "rig"]


def _posed(armature: Any, frame: int) -> dict[str, Any]:
    """Each bone's matrix in the armature's space, (4, 4), as Blender evaluates it."""
    bpy.context.scene.frame_set(frame)
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {bone.name: np.array(bone.matrix) for bone in evaluated.pose.bones}


def _degrees(a: Any, b: Any) -> Any:
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))


def _bones_of_limbs(ft: SimpleNamespace) -> list[tuple[str, str]]:
    """(joint, next joint) of arms, legs and fingers."""
    pairs = [("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "middle1")]
    pairs += [(f"{finger}{i}", f"{finger}{i + 1}") for finger in ft.maps.FINGERS for i in (1, 2)]
    return [(f"{side}_{one}", f"{side}_{other}") for side in ("left", "right") for one, other in pairs]


@pytest.mark.parametrize("name", EVERY_RIG)
def test_limbs_point_where_the_joints_point(ft: SimpleNamespace, armature_of: Any, name: str) -> None:
    armature, shown = armature_of(name)
    armature.freetalker_rig.match = "JOINTS"
    motion = wild_motion(ft, frames=8)
    ft.generated.place(bpy.context.scene, armature, motion)
    world = ft.retarget.axes(ft.rig.rest(armature), ft.rig.bone_map(armature))
    expected = motion.positions(ft.skeleton.neutral_skeleton())  # (T, 55, 3)
    index = ft.skeleton.INDEX
    checked = 0
    for frame in (0, 3, 7):
        posed = _posed(armature, 1 + frame)
        for joint, following in _bones_of_limbs(ft):
            if joint in shown and following in shown:
                found = posed[shown[following][0]][:3, 3] - posed[shown[joint][0]][:3, 3]
                wanted = world @ (expected[frame, index[following]] - expected[frame, index[joint]])
                assert _degrees(found, wanted) < DEGREES, (joint, following, frame)
                checked += 1
    assert checked >= 3 * 8


@pytest.mark.parametrize(
    ("name", "match"),
    [*((name, match) for name in EVERY_RIG for match in ("LIMBS", "JOINTS")), *((name, "KEEP") for name in RIGS)],
)
def test_motion_comes_back_from_the_bones(ft: SimpleNamespace, armature_of: Any, name: str, match: str) -> None:
    """Where the body of SMPL-X would stand by the bones' rotations is where the motion put it.

    Rigify's deforming fingers leave out the twist of their first bone, which shows where rest poses are not matched.
    """
    armature, shown = armature_of(name)
    armature.freetalker_rig.match = match
    motion = wild_motion(ft, frames=6)
    found = ft.rig.bone_map(armature)
    rest, skeleton = ft.rig.rest(armature), ft.skeleton.neutral_skeleton()
    world = ft.retarget.axes(rest, found)
    align = ft.retarget.alignment(rest, found, skeleton, match)
    rotations = motion.rotations.copy()  # joints that the rig has not keep their rest
    for joint, joint_name in enumerate(ft.skeleton.JOINT_NAMES):
        if joint_name not in shown:
            rotations[:, joint] = [1.0, 0.0, 0.0, 0.0]
    motion = ft.clip.Motion(motion.translation, rotations, motion.fps)
    ft.generated.place(bpy.context.scene, armature, motion)
    expected, turns = motion.forward_kinematics(skeleton)
    at_rest = {bone.name: np.array(bone.matrix_local) for bone in armature.data.bones}
    hips = [shown[f"{side}_hip"][0] for side in ("left", "right")]
    middle = np.mean([at_rest[bone][:3, 3] for bone in hips], axis=0)
    scale = None
    for frame in (0, 2, 5):
        posed = _posed(armature, 1 + frame)
        back = turns[frame].copy()
        for joint, joint_name in enumerate(ft.skeleton.JOINT_NAMES):
            if joint_name in shown:
                bone = shown[joint_name][-1]
                turn = posed[bone][:3, :3] @ at_rest[bone][:3, :3].T
                back[joint] = world.T @ turn @ world @ align[joint].T
            elif joint:
                back[joint] = back[ft.skeleton.PARENTS[joint]]
        places = np.empty((55, 3))
        for joint, parent in enumerate(ft.skeleton.PARENTS):
            places[joint] = 0.0 if joint == 0 else places[parent] + back[parent] @ skeleton.offsets[joint]
        here = np.mean([posed[bone][:3, 3] for bone in hips], axis=0) @ world
        there = expected[frame, [1, 2]].mean(axis=0)
        if frame == 0:
            start_here, start_there = here, there
        else:
            scale = scale or np.linalg.norm(here - start_here) / np.linalg.norm(there - start_there)
            np.testing.assert_allclose((here - start_here) / scale, there - start_there, atol=METERS)
        places += there - places[[1, 2]].mean(axis=0)
        np.testing.assert_allclose(places, expected[frame], atol=METERS)
    if name == "smplx":
        assert scale == pytest.approx(1.0, abs=1e-4)
    assert middle.shape == (3,)


@pytest.mark.parametrize("name", ["mixamo", "unreal4", "a_pose_rolls_scaled", "metarig", "rig"])
def test_standing_in_the_rest_of_smplx_keeps_the_ankles_on_their_height(
    ft: SimpleNamespace, armature_of: Any, name: str
) -> None:
    armature, shown = armature_of(name)
    rest = ft.clip.rest_motion(2, ft.skeleton.neutral_skeleton(), 24.0)
    ft.generated.place(bpy.context.scene, armature, rest)
    up = ft.retarget.axes(ft.rig.rest(armature), ft.rig.bone_map(armature))[:, 1]
    posed = _posed(armature, 1)
    ankles = [shown[f"{side}_ankle"][0] for side in ("left", "right")]
    before = np.mean([np.array(armature.data.bones[bone].head_local) for bone in ankles], axis=0)
    after = np.mean([posed[bone][:3, 3] for bone in ankles], axis=0)
    size = np.linalg.norm(
        np.array(armature.data.bones[ankles[0]].head_local) - armature.data.bones[shown["head"][0]].head_local
    )
    assert abs((after - before) @ up) < 1e-4 * size
    for side in ("left", "right"):  # the soles stay flat
        turn = (
            posed[shown[f"{side}_ankle"][0]][:3, :3]
            @ np.array(armature.data.bones[shown[f"{side}_ankle"][0]].matrix_local)[:3, :3].T
        )
        np.testing.assert_allclose(turn @ up, up, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "family", "joints"),
    [
        ("smplx", "SMPL-X", 55), ("smplx_package", "SMPL-X (smplx package)", 55), ("metarig", "Rigify metarig", 55),
        ("rig", "Rigify", 53), ("mixamo", "Mixamo", 55), ("mixamo_eulers", "Mixamo", 55), ("vrm", "VRM", 54),
        ("vrm_words", "VRM 1.0 humanoid", 55), ("unreal4", "Unreal 4", 52), ("unreal5", "Unreal 5", 52),
        ("odd_names", "Unreal 4", 52),
    ],
)  # fmt: skip
def test_rigs_are_recognized(ft: SimpleNamespace, armature_of: Any, name: str, family: str, joints: int) -> None:
    armature, _ = armature_of(name)
    found = ft.rig.bone_map(armature)
    assert (found.family, len(found.bones)) == (family, joints)
    assert ft.active.active_character(bpy.context) == armature
    assert ft.rig.mapping_error(armature) == ""


def test_our_own_character_is_as_core_says(ft: SimpleNamespace, armature: Any) -> None:
    motion = wild_motion(ft)
    for match in ("LIMBS", "JOINTS", "KEEP"):
        armature.freetalker_rig.match = match
        ft.generated.place(bpy.context.scene, armature, motion)
        np.testing.assert_allclose(bone_heads(ft, armature, 20), expected_heads(ft, motion)[19], atol=METERS)


@pytest.mark.parametrize("name", ["smplx", "unreal4", "a_pose_rolls_scaled", "rig"])
def test_the_path_goes_on_the_root_bone_or_nowhere(ft: SimpleNamespace, armature_of: Any, name: str) -> None:
    armature, shown = armature_of(name)
    motion = wild_motion(ft, frames=12)
    found = ft.rig.bone_map(armature)
    world = ft.retarget.axes(ft.rig.rest(armature), found)
    if not found.root:
        ft.rig.store(armature, found)
        armature.freetalker_rig.root = armature.data.bones[0].name
        found = ft.rig.bone_map(armature)

    def poses(travel: str) -> list[dict[str, Any]]:
        armature.freetalker_rig.travel = travel
        ft.generated.place(bpy.context.scene, armature, motion)
        return [_posed(armature, frame) for frame in (1, 6, 12)]

    hips, root, still = poses("HIPS"), poses("ROOT"), poses("IN_PLACE")
    for one, other, fixed in zip(hips, root, still, strict=True):
        for bones in shown.values():
            size = np.abs(one[bones[0]][:3, 3]).max()
            np.testing.assert_allclose(other[bones[0]], one[bones[0]], atol=2e-5 * max(size, 1.0))
        moved = other[found.root][:3, 3] - np.array(armature.data.bones[found.root].head_local)
        assert abs(moved @ world[:, 1]) < 1e-4 * max(np.abs(moved).max(), 1.0)
        middle = np.mean([fixed[shown[f"{side}_hip"][0]][:3, 3] for side in ("left", "right")], axis=0)
        rest = np.mean([armature.data.bones[shown[f"{side}_hip"][0]].head_local for side in ("left", "right")], axis=0)
        across = (middle - rest) - ((middle - rest) @ world[:, 1]) * world[:, 1]
        np.testing.assert_allclose(across, 0.0, atol=1e-4 * max(np.abs(rest).max(), 1.0))
    assert np.abs(root[2][found.root][:3, 3] - root[0][found.root][:3, 3]).max() > 0


def test_locations_in_the_armatures_axes_and_bones_that_do_not_inherit(ft: SimpleNamespace, armature_of: Any) -> None:
    armature, shown = armature_of("unreal4")
    motion = wild_motion(ft, frames=4)
    ft.generated.place(bpy.context.scene, armature, motion)
    before = _posed(armature, 4)
    armature.data.bones["pelvis"].use_local_location = False
    for bone in ("spine_02", "upperarm_l", "head", "foot_r"):
        armature.data.bones[bone].use_inherit_rotation = False
    ft.generated.place(bpy.context.scene, armature, motion)
    after = _posed(armature, 4)
    for bones in shown.values():
        np.testing.assert_allclose(after[bones[0]], before[bones[0]], atol=1e-5)


def test_rigify_is_in_fk_while_the_strip_plays_and_no_longer(ft: SimpleNamespace, armature_of: Any) -> None:
    armature, _ = armature_of("rig")
    limb = armature.pose.bones["upper_arm_parent.L"]
    limb["IK_FK"] = 0.0
    strip = ft.generated.place(bpy.context.scene, armature, wild_motion(ft, frames=4))
    _posed(armature, 2)
    assert limb["IK_FK"] == 1.0
    strip.mute = True
    _posed(armature, 3)
    assert limb["IK_FK"] == 0.0


def test_no_key_goes_on_bones_outside_the_map(ft: SimpleNamespace, armature_of: Any) -> None:
    armature, _ = armature_of("unreal4")
    bpy.ops.object.mode_set(mode="EDIT")
    tail = armature.data.edit_bones.new("tail")
    tail.head, tail.tail = (0, 0.1, 1), (0, 0.5, 1)
    tail.parent = armature.data.edit_bones["pelvis"]
    bpy.ops.object.mode_set(mode="OBJECT")
    bone = armature.pose.bones["tail"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler.x = 0.7
    bone.keyframe_insert("rotation_euler", frame=1)
    kept = armature.animation_data.action
    strip = ft.generated.place(bpy.context.scene, armature, wild_motion(ft, frames=4))
    bag = ft.compat.channelbag(strip.action)
    assert not [curve.data_path for curve in bag.fcurves if "tail" in curve.data_path]
    assert armature.animation_data.action == kept
    _posed(armature, 3)
    assert bone.rotation_euler.x == pytest.approx(0.7)


@pytest.mark.parametrize("name", ["mixamo_eulers", "rig"])
def test_rotations_do_not_jump_from_frame_to_frame(ft: SimpleNamespace, armature_of: Any, name: str) -> None:
    armature, _ = armature_of(name)
    random = np.random.default_rng(1)
    steps = np.cumsum(random.normal(size=(80, 55, 3)) * 0.05, axis=0)
    motion = ft.clip.Motion(np.tile([0.0, 0.9, 0.0], (80, 1)), ft.rotation.axis_angle_to_quaternion(steps), 24.0)
    for path, _, _, values in ft.rig.curves(motion, armature):
        if path.endswith("rotation_euler"):
            assert np.abs(np.diff(values)).max() < np.pi, path
        if path.endswith("rotation_quaternion"):
            assert np.abs(np.diff(values)).max() < 0.5, path


def test_scene_frame_rate_is_kept(ft: SimpleNamespace, armature_of: Any) -> None:
    armature, _ = armature_of("mixamo")
    scene = bpy.context.scene
    scene.render.fps = 48
    strip = ft.generated.place(scene, armature, wild_motion(ft, frames=21, fps=20.0))
    assert (scene.render.fps, strip.frame_end - strip.frame_start) == (48, 48)


def test_a_map_is_edited_saved_and_loaded(ft: SimpleNamespace, armature_of: Any, tmp_path: Path) -> None:
    armature, _ = armature_of("odd_names")
    before = ft.rig.bone_map(armature)
    assert bpy.ops.freetalker.use_rig() == {"FINISHED"}
    assert ft.rig.bone_map(armature) == before
    assert bpy.context.scene.freetalker.character == armature
    row = armature.freetalker_rig.bones["neck"]
    row.bone = ""
    path = tmp_path / "map.json"
    bpy.ops.freetalker.save_bone_map(filepath=str(path))
    edited = ft.rig.bone_map(armature)
    assert "neck" not in edited.bones
    bpy.ops.freetalker.forget_bone_map()
    assert ft.rig.bone_map(armature) == before
    bpy.ops.freetalker.load_bone_map(filepath=str(path))
    assert ft.rig.bone_map(armature) == edited
    file = str(tmp_path / "rig.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    assert ft.rig.bone_map(bpy.context.scene.freetalker.character) == edited


def test_bones_named_like_nothing_can_be_mapped_by_hand(ft: SimpleNamespace, armature_of: Any) -> None:
    armature, _ = armature_of("unreal4")
    found = ft.rig.bone_map(armature)
    for number, bone in enumerate(armature.data.bones):
        bone.name = f"骨 {number} \\ \"']"
    assert "Use This Rig" in ft.active.missing_character_reason(bpy.context)
    assert ft.active.active_character(bpy.context) is None
    assert bpy.ops.freetalker.use_rig() == {"FINISHED"}
    assert "pelvis" in ft.rig.mapping_error(armature)
    names = iter(armature.data.bones.keys()[1:])
    for joint in found.bones:
        for _ in found.bones[joint]:
            armature.freetalker_rig.bones[joint].bone = next(names)
    assert ft.active.active_character(bpy.context) == armature
    motion = wild_motion(ft, frames=3)
    ft.generated.place(bpy.context.scene, armature, motion)
    before, after = _posed(armature, 1), _posed(armature, 3)
    assert all(
        np.abs(after[bone] - before[bone]).max() > 1e-3
        for bones in ft.rig.bone_map(armature).bones.values()
        for bone in bones
    )


def test_what_is_wrong_with_a_map_is_said(ft: SimpleNamespace, armature_of: Any, tmp_path: Path) -> None:
    armature, _ = armature_of("unreal4")
    bpy.ops.freetalker.use_rig()
    rows = armature.freetalker_rig.bones
    rows["left_knee"].bone = "calf_r"
    assert "both left_knee and right_knee" in ft.rig.mapping_error(armature)
    rows["left_knee"].bone = "gone"
    assert "no bone 'gone'" in ft.rig.mapping_error(armature)
    rows["left_knee"].bone = ""
    assert "left_knee" in ft.rig.mapping_error(armature)
    with pytest.raises(ft.errors.InputError, match="left_knee"):
        ft.generated.place(bpy.context.scene, armature, wild_motion(ft, frames=2))
    assert not armature.animation_data
    bpy.ops.freetalker.forget_bone_map()
    before = ft.rig.bone_map(armature)
    armature.freetalker_rig.travel = "ROOT"
    bpy.ops.freetalker.use_rig()
    armature.freetalker_rig.root = ""
    with pytest.raises(ft.errors.InputError, match="no root bone"):
        ft.generated.place(bpy.context.scene, armature, wild_motion(ft, frames=2))
    bpy.ops.freetalker.forget_bone_map()
    files = {
        "missing.json": (None, "cannot be read"),
        "empty.json": ("", "not a valid .json file"),
        "other.json": ("[1]", "not a bone map"),
        "newer.json": (json.dumps({"format": "freetalker-bone-map", "version": 2, "bones": {}}), "newer version"),
        "joint.json": (json.dumps({"format": "freetalker-bone-map", "version": 1, "bones": {"paw": ["x"]}}), "paw"),
        "less.json": (
            json.dumps({"format": "freetalker-bone-map", "version": 1, "bones": {"pelvis": ["pelvis"]}}),
            "no bone for",
        ),
    }
    for name, (text, said) in files.items():
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(RuntimeError, match=said):
            bpy.ops.freetalker.load_bone_map(filepath=str(tmp_path / name))
        assert ft.rig.bone_map(armature) == before


def test_a_spine_of_fewer_bones_carries_the_arms_all_the_same(ft: SimpleNamespace) -> None:
    names = tuple(bone for bones in ft.maps.family("Mixamo").bones.values() for bone in bones)
    found = ft.recognize.recognize(tuple(name for name in names if name not in {"Spine1", "Spine2"}))
    assert "spine1" not in found.bones
    assert found.bones["spine3"] == ("Spine",)


def test_names_that_say_little_are_no_rig(ft: SimpleNamespace) -> None:
    for names in ((), ("Bone",), ("Hips", "Bone.001"), ("pelvis", "spine_01", "tail"), ("", " ", "_")):
        assert ft.recognize.recognize(names) is None


def test_undo_brings_the_map_back(ft: SimpleNamespace, armature_of: Any) -> None:
    armature_of("unreal4")
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.freetalker.use_rig("EXEC_DEFAULT", True)
    assert len(bpy.context.object.freetalker_rig.bones) == 55
    bpy.ops.ed.undo()
    assert len(bpy.context.object.freetalker_rig.bones) == 0


def test_vrm_data_names_the_bones(ft: SimpleNamespace, armature_of: Any) -> None:
    armature, _ = armature_of("unreal4")
    for bone in armature.data.bones:
        bone.name = f"x{bone.name[::-1]}"
    words = {joint: bones[0] for joint, bones in ft.maps.VRM_HUMANOID.items()}
    bones = {joint: f"x{bones[0][::-1]}" for joint, bones in ft.maps.family("Unreal 4").bones.items()}
    human = SimpleNamespace(
        **{
            ft.rig._snake(words[joint]): SimpleNamespace(node=SimpleNamespace(bone_name=bone))
            for joint, bone in bones.items()
        }
    )
    extension = SimpleNamespace(spec_version="1.0", vrm1=SimpleNamespace(humanoid=SimpleNamespace(human_bones=human)))
    data = SimpleNamespace(vrm_addon_extension=extension, bones=armature.data.bones)
    assert ft.rig._vrm(data).bones == {joint: (bone,) for joint, bone in bones.items()}
    rows = [
        SimpleNamespace(bone=words[joint], node=human.__dict__[ft.rig._snake(words[joint])].node) for joint in bones
    ]
    data.vrm_addon_extension = SimpleNamespace(
        spec_version="0.0", vrm0=SimpleNamespace(humanoid=SimpleNamespace(human_bones=rows))
    )
    found = ft.rig._vrm(data)
    assert {joint: bone for joint, bone in found.bones.items() if "thumb" not in joint} == {
        joint: (bone,) for joint, bone in bones.items() if "thumb" not in joint
    }


@pytest.mark.parametrize("space", ["view3d", "nla"])
def test_the_rig_panel_draws_in_every_state(
    ft: SimpleNamespace, armature_of: Any, installed: Callable[[str], ModuleType], space: str
) -> None:
    panels = [
        one
        for one in installed("addon.ui.rig_panel").CLASSES
        if one.__name__.endswith((f"{space}_rig", f"{space}_bonemap"))
    ]
    assert len(panels) == 2

    def draw() -> str:
        shown: list[str] = []
        for panel in panels:
            assert getattr(panel, "poll", lambda _: True)(bpy.context)
            panel.draw(SimpleNamespace(layout=Layout(shown)), bpy.context)
        return " ".join(shown)

    armature, _ = armature_of("unreal4")
    assert "Unreal 4: 52 of 55 joints" in draw()
    bpy.ops.freetalker.use_rig()
    assert "operator freetalker.forget_bone_map" in draw()
    armature.freetalker_rig.bones["left_knee"].bone = ""
    assert "no bone for left_knee" in draw()
    row = installed("addon.ui.rig_panel").FREETALKER_UL_bones
    shown: list[str] = []
    for bone in armature.freetalker_rig.bones:
        row.draw_item(SimpleNamespace(), None, Layout(shown), armature.freetalker_rig, bone, 0, None, "")
    assert "Left knee" in shown
    bpy.ops.freetalker.forget_bone_map()
    armature.data.bones["pelvis"].name = "nothing"
    assert "operator freetalker.use_rig" in draw()


def test_rig_operators_and_properties_explain_themselves(ft: SimpleNamespace) -> None:
    kept = bpy.types.Object.bl_rna.properties["freetalker_rig"].fixed_type
    rows = kept.properties["bones"].fixed_type
    for prop in (*kept.properties, *rows.properties):
        assert prop.identifier in {"rna_type", "name", "bones"} or prop.description, prop.identifier


def test_an_overridden_rig_is_driven_and_mapped_and_a_linked_one_says_what_to_do(
    ft: SimpleNamespace, armature_of: Any, tmp_path: Path
) -> None:
    armature, _ = armature_of("unreal4")
    path = tmp_path / "library.blend"
    bpy.data.libraries.write(str(path), {armature}, fake_user=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (_, into):
        into.objects = ["Unreal 4"]
    (linked,) = into.objects
    bpy.context.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    assert ft.active.active_character(bpy.context) == linked
    assert "library override" in ft.strips.disabled_reason(linked)
    own = linked.override_create(remap_local_usages=True)
    bpy.context.view_layer.objects.active = own
    assert bpy.ops.freetalker.use_rig() == {"FINISHED"}
    own.freetalker_rig.bones["neck"].bone = ""
    own.freetalker_rig.travel = "IN_PLACE"
    ft.generated.place(bpy.context.scene, own, wild_motion(ft, frames=3))
    before, after = _posed(own, 1), _posed(own, 3)
    assert np.abs(before["hand_l"] - after["hand_l"]).max() > 1e-3
    file = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    kept = bpy.context.scene.freetalker.character
    assert (len(kept.freetalker_rig.bones), kept.freetalker_rig.travel) == (55, "IN_PLACE")
    assert "neck" not in ft.rig.bone_map(kept).bones
    np.testing.assert_allclose(_posed(kept, 3)["hand_l"], after["hand_l"], atol=1e-6)
