# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys on bones give the pose that core means, on every joint; the oracle is core's own forward kinematics."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

from tests.addon.helpers import bone_heads, expected_heads, wild_motion


@pytest.mark.parametrize("first_frame", [1, 0, 101])
def test_generated_strip_poses_every_joint(ft: SimpleNamespace, armature: Any, first_frame: int) -> None:
    scene = bpy.context.scene
    scene.frame_start = first_frame
    motion = wild_motion(ft)
    ft.generated.place(scene, armature, motion)
    expected = expected_heads(ft, motion)
    for frame in range(len(motion)):
        np.testing.assert_allclose(bone_heads(ft, armature, first_frame + frame), expected[frame], atol=1e-4)


def test_motion_is_in_the_armatures_own_space(ft: SimpleNamespace, armature: Any) -> None:
    motion = wild_motion(ft, frames=3)
    armature.location, armature.rotation_euler = (3.0, -2.0, 0.5), (0.0, 0.0, 1.0)
    ft.generated.place(bpy.context.scene, armature, motion)
    bpy.context.view_layer.update()
    world = np.array(armature.matrix_world)
    expected = expected_heads(ft, motion)[1] @ world[:3, :3].T + world[:3, 3]
    np.testing.assert_allclose(bone_heads(ft, armature, 2), expected, atol=1e-4)


def test_any_roll_of_the_bones_will_do(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.object.mode_set(mode="EDIT")
    for number, bone in enumerate(armature.data.edit_bones):
        bone.roll += 0.1 * number
    bpy.ops.object.mode_set(mode="OBJECT")
    motion = wild_motion(ft, frames=3)
    ft.generated.place(bpy.context.scene, armature, motion)
    np.testing.assert_allclose(bone_heads(ft, armature, 3), expected_heads(ft, motion)[2], atol=1e-4)


def test_quaternions_do_not_flip_between_keys(ft: SimpleNamespace, armature: Any) -> None:
    motion = wild_motion(ft, frames=60)
    flipped = motion.rotations.copy()
    flipped[::2] *= -1
    action = ft.bake.new_action("Flipped", ft.clip.Motion(motion.translation, flipped), armature, 1)
    curves = [
        one
        for one in ft.compat.channelbag(action, action.slots[0]).fcurves
        if one.data_path.endswith("rotation_quaternion")
    ]
    assert len(curves) == 55 * 4
    rotations = np.stack([ft.bake.read_keys(curve)[:, 1] for curve in curves], axis=-1).reshape(60, 55, 4)
    assert (np.sum(rotations[1:] * rotations[:-1], axis=-1) >= 0).all()


def test_scene_frame_rate_is_respected_and_kept(ft: SimpleNamespace, armature: Any) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    before = (scene.render.fps, scene.render.fps_base, scene.frame_start, scene.frame_end)
    motion = wild_motion(ft, frames=41, fps=20.0)
    strip = ft.generated.place(scene, armature, motion)
    assert (scene.render.fps, scene.render.fps_base, scene.frame_start, scene.frame_end) == before
    assert strip.frame_end - strip.frame_start == pytest.approx(2.0 * 30 / 1.001, abs=1.0)
    resampled = motion.resampled(30 / 1.001)
    np.testing.assert_allclose(bone_heads(ft, armature, 31), expected_heads(ft, resampled)[30], atol=1e-4)


def test_generating_again_replaces_and_leaves_no_orphans(ft: SimpleNamespace, armature: Any) -> None:
    scene = bpy.context.scene
    for frames in (30, 12, 50):
        ft.generated.place(scene, armature, wild_motion(ft, frames))
    assert [action.users for action in bpy.data.actions] == [1]
    assert [track.name for track in armature.animation_data.nla_tracks] == ["FreeTalker Generated"]
    (strip,) = armature.animation_data.nla_tracks[0].strips
    assert (strip.frame_start, strip.frame_end) == (1, 50)
    assert strip.action_slot.name_display == armature.name


def test_a_take_is_kept_by_renaming_its_track(ft: SimpleNamespace, armature: Any) -> None:
    scene = bpy.context.scene
    first, second = wild_motion(ft, 12), wild_motion(ft, 20).mirrored()
    ft.generated.place(scene, armature, first)
    armature.animation_data.nla_tracks[0].name = "Take 1"
    for _ in range(2):
        ft.generated.place(scene, armature, second)
    assert [track.name for track in armature.animation_data.nla_tracks] == ["Take 1", "FreeTalker Generated"]
    assert len(bpy.data.actions) == 2
    np.testing.assert_allclose(bone_heads(ft, armature, 5), expected_heads(ft, second)[4], atol=1e-4)
    bpy.ops.freetalker.bake_to_action()
    assert [track.name for track in armature.animation_data.nla_tracks] == ["Take 1"]
    np.testing.assert_allclose(bone_heads(ft, armature, 5), expected_heads(ft, second)[4], atol=1e-4)


def test_bake_gives_an_ordinary_action(ft: SimpleNamespace, armature: Any) -> None:
    motion = wild_motion(ft)
    ft.generated.place(bpy.context.scene, armature, motion)
    assert bpy.ops.freetalker.bake_to_action() == {"FINISHED"}
    animation = armature.animation_data
    assert animation.action is not None
    assert animation.action_slot is not None
    assert animation.action.freetalker.kind == "NONE"
    assert len(animation.nla_tracks) == 0
    assert len(bpy.data.actions) == 1
    expected = expected_heads(ft, motion)
    for frame in (0, 13, len(motion) - 1):
        np.testing.assert_allclose(bone_heads(ft, armature, 1 + frame), expected[frame], atol=1e-4)


def test_baking_again_keeps_the_action_before(ft: SimpleNamespace, armature: Any, tmp_path: Path) -> None:
    for frames in (5, 9):
        ft.generated.place(bpy.context.scene, armature, wild_motion(ft, frames))
        bpy.ops.freetalker.bake_to_action()
    path = str(tmp_path / "baked.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert sorted(tuple(action.frame_range) for action in bpy.data.actions) == [(1.0, 5.0), (1.0, 9.0)]


def _moved(strip: Any) -> None:
    strip.frame_start_ui += 20


def _trimmed(strip: Any) -> None:
    strip.frame_end_ui -= 10


def _scaled(strip: Any) -> None:
    strip.scale = 2.0


def _reversed(strip: Any) -> None:
    strip.use_reverse = True


def _repeated(strip: Any) -> None:
    strip.repeat = 2.0


@pytest.mark.parametrize("change", [_moved, _trimmed, _scaled, _reversed, _repeated])
def test_bake_keeps_what_was_done_to_the_strip(ft: SimpleNamespace, armature: Any, change: Any) -> None:
    strip = ft.generated.place(bpy.context.scene, armature, wild_motion(ft))
    change(strip)
    first, last = round(strip.frame_start), round(strip.frame_end)
    frames = [first, first + 1, (first + last) // 2, last - 1]
    before = [bone_heads(ft, armature, frame) for frame in frames]
    bpy.ops.freetalker.bake_to_action()
    for frame, expected in zip(frames, before, strict=True):
        np.testing.assert_allclose(bone_heads(ft, armature, frame), expected, atol=2e-3)


def test_an_action_that_hides_the_result_is_named(ft: SimpleNamespace, armature: Any) -> None:
    scene = bpy.context.scene
    ft.generated.place(scene, armature, wild_motion(ft))
    assert ft.generated.hidden_reason(armature) == ""
    bpy.ops.freetalker.bake_to_action()
    ft.generated.place(scene, armature, wild_motion(ft))
    assert "Baked" in ft.generated.hidden_reason(armature)
    armature.animation_data.action = None
    armature.data.pose_position = "REST"
    assert "Pose Position" in ft.generated.hidden_reason(armature)
    armature.data.pose_position = "POSE"
    armature.animation_data.nla_tracks[-1].mute = True
    assert "unmute" in ft.generated.hidden_reason(armature)


@pytest.mark.parametrize("plays", ["moves the object", "is tweaked"])
def test_an_action_that_hides_nothing_is_not_named(ft: SimpleNamespace, armature: Any, plays: str) -> None:
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft))
    animation = armature.animation_data
    if plays == "is tweaked":
        animation.nla_tracks.active, animation.nla_tracks[0].strips[0].select = animation.nla_tracks[0], True
        animation.use_tweak_mode = True
    else:
        armature.keyframe_insert("location", frame=1)
    assert animation.action is not None
    assert ft.generated.hidden_reason(armature) == ""


@pytest.mark.parametrize("options", [{}, {"bones": "ALL"}, {"bones": "ALL", "push_down": True}])
@pytest.mark.parametrize("keys", [((1.5, 1.0), (20.0, 4.0)), ((5.0, 2.0),)])
def test_baking_leaves_the_path_of_the_object(
    ft: SimpleNamespace, armature: Any, options: dict[str, Any], keys: tuple[tuple[float, float], ...]
) -> None:
    """What the character's action moves beside the bones goes on."""
    for frame, place in keys:
        armature.location.x = place
        armature.keyframe_insert("location", frame=frame)
    before = armature.animation_data.action
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft))
    places = [bone_heads(ft, armature, frame) for frame in (1, 11, 30)]
    assert bpy.ops.freetalker.bake_to_action(**options) == {"FINISHED"}
    assert before.use_fake_user
    assert before != armature.animation_data.action
    np.testing.assert_allclose([bone_heads(ft, armature, frame) for frame in (1, 11, 30)], places, atol=1e-4)
