# SPDX-License-Identifier: GPL-3.0-or-later
"""Few keys within a stated error, all bones as they are seen, and pushing down."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from tests.addon import rig_makers
from tests.addon.helpers import append_object, wild_motion


def _swaying(ft: SimpleNamespace, frames: int = 90) -> Any:
    """Every joint swaying at its own pace, with a little noise: as smooth as motion is."""
    random = np.random.default_rng(11)
    times = np.arange(frames)[:, None, None] / 24
    pace, phase = random.uniform(0.3, 1.5, (2, 55, 3))
    turns = 0.5 * np.sin(2 * np.pi * (pace * times + phase)) + random.normal(size=(frames, 55, 3)) * 0.002
    turns[:, 22:25] = 0.0  # jaw and eyes rest
    path = np.column_stack([times[:, 0, 0], np.ones(frames), 0.2 * np.sin(times[:, 0, 0])])
    return ft.clip.Motion(path, ft.rotation.axis_angle_to_quaternion(turns), fps=24.0)


def _poses(armature: Any, frames: range) -> Any:
    """Where all bones are in the world, (T, N, 4, 4)."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        out.append([posed.matrix_world @ bone.matrix for bone in posed.pose.bones])
    return np.array(out)


def _basis_degrees(armature: Any, frames: range) -> Any:
    """The bones' own rotations as matrices, (T, N, 3, 3)."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        out.append([bone.matrix_basis.to_3x3().normalized() for bone in armature.pose.bones])
    return np.array(out)


def _degrees_between(one: Any, other: Any) -> Any:
    chord = np.linalg.norm(one - other, axis=(-2, -1)) / np.sqrt(8)  # sin of half the angle
    return np.degrees(2 * np.arcsin(np.clip(chord, 0, 1)))


def _curves(ft: SimpleNamespace, action: Any) -> list[Any]:
    return list(ft.compat.channelbag(action).fcurves)


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"])
@pytest.mark.parametrize("limit", [0.1, 1.0])
def test_reduced_keys_keep_within_the_stated_error(ft: SimpleNamespace, armature: Any, mode: str, limit: float) -> None:
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    strip = ft.generated.place(bpy.context.scene, armature, _swaying(ft))
    frames = range(round(strip.frame_start), round(strip.frame_end) + 1)
    rotations, poses = _basis_degrees(armature, frames), _poses(armature, frames)
    action, keys = ft.generated.to_action(armature, limits=ft.bake.Limits(limit, 0.002))
    assert keys.after == sum(len(curve.keyframe_points) for curve in _curves(ft, action))
    assert keys.before == 90 * (55 * (3 if mode in {"XYZ", "ZXY"} else 4) + 3)
    off = _degrees_between(rotations, _basis_degrees(armature, frames)).max()
    path = np.linalg.norm((poses - _poses(armature, frames))[:, 0, :3, 3], axis=-1).max()
    assert off <= limit + 0.01  # what matrices of single precision tell
    assert path <= 0.002
    assert keys.degrees == pytest.approx(off, abs=0.02)
    assert keys.degrees <= limit
    assert keys.meters == pytest.approx(path, abs=1e-5)
    assert keys.after < keys.before / (4 if limit == 1.0 else 2)
    assert tuple(action.frame_range) == (frames[0], frames[-1])


def test_what_does_not_move_has_one_key(ft: SimpleNamespace, armature: Any) -> None:
    ft.generated.place(bpy.context.scene, armature, _swaying(ft))
    action, _ = ft.generated.to_action(armature, limits=ft.bake.Limits())
    counts = {curve.data_path: len(curve.keyframe_points) for curve in _curves(ft, action)}
    assert counts['pose.bones["jaw"].rotation_quaternion'] == 1
    assert counts['pose.bones["left_elbow"].rotation_quaternion'] > 2


def test_noise_keeps_the_keys_that_a_small_limit_needs(ft: SimpleNamespace, armature: Any) -> None:
    motion = wild_motion(ft, frames=40)
    strip = ft.generated.place(bpy.context.scene, armature, motion)
    frames = range(round(strip.frame_start), round(strip.frame_end) + 1)
    before = _poses(armature, frames)
    _, keys = ft.generated.to_action(armature, limits=ft.bake.Limits(0.001, 1e-5))
    assert keys.after > keys.before / 3  # a cubic goes through four frames of anything
    np.testing.assert_allclose(_poses(armature, frames), before, atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_motions_reduce(ft: SimpleNamespace, armature: Any, frames: int) -> None:
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft, frames=frames))
    before = _poses(armature, range(1, frames + 1))
    ft.generated.to_action(armature, limits=ft.bake.Limits(0.01, 1e-4))
    np.testing.assert_allclose(_poses(armature, range(1, frames + 1)), before, atol=2e-3)


def test_a_metre_is_a_metre_on_a_scaled_rig(ft: SimpleNamespace) -> None:
    armature = rig_makers.make(ft, "Mixamo", to_world=rig_makers.Y_UP_CENTIMETERS)
    strip = ft.generated.place(bpy.context.scene, armature, _swaying(ft))
    frames = range(round(strip.frame_start), round(strip.frame_end) + 1)
    before = _poses(armature, frames)
    _, keys = ft.generated.to_action(armature, limits=ft.bake.Limits(45.0, 0.01))
    hips = [bone.name for bone in armature.pose.bones].index("Hips")
    off = np.linalg.norm((_poses(armature, frames) - before)[:, hips, :3, 3], axis=-1).max()
    assert 0.003 < off <= 0.01
    assert keys.meters == pytest.approx(off, abs=1e-4)


def test_random_curves_are_within_any_limit(ft: SimpleNamespace) -> None:
    """The reduction by itself: rough, smooth, still and jumping curves, of one frame and of many."""
    random = np.random.default_rng(2)

    def distance(one: Any, other: Any) -> Any:
        return np.linalg.norm(one - other, axis=-1)

    for frames in (1, 2, 3, 4, 17, 200):
        steps = random.normal(size=(6, frames, 3)) * np.array([1.0, 0.1, 0.01, 0.0, 1.0, 5.0])[:, None, None]
        values = np.cumsum(steps, axis=1)
        values[4] = np.round(values[4])
        for limit in (1e-3, 0.1, 3.0):
            pieces = ft.reduction.reduced(values, distance, limit)
            for row in range(len(values)):
                kept = np.flatnonzero(pieces.kept[row])
                assert kept[0] == 0
                reached = values[row, :1].repeat(frames, axis=0)
                for a, b in pairwise(kept):
                    u = (np.arange(a, b + 1)[:, None] - a) / (b - a)
                    points = values[row, a], pieces.after[row, a], pieces.before[row, b], values[row, b]
                    weights = (1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3
                    reached[a : b + 1] = sum(w * p for w, p in zip(weights, points, strict=True))
                assert distance(reached, values[row]).max() <= limit


def _with_others(ft: SimpleNamespace, armature: Any) -> Any:
    """Generated motion, and above it an action of the user's that turns the head."""
    motion = _swaying(ft, 20)
    ft.generated.place(bpy.context.scene, armature, motion)
    head = armature.pose.bones["head"]
    head.rotation_mode = "XYZ"
    for frame, angle in ((1, 0.0), (20, 1.0)):
        head.rotation_euler = (0.0, angle, 0.0)
        head.keyframe_insert("rotation_euler", frame=frame)
    return motion


@pytest.mark.parametrize("push_down", [False, True])
def test_all_bones_are_baked_as_they_are_seen(ft: SimpleNamespace, armature: Any, push_down: bool) -> None:
    _with_others(ft, armature)
    users = armature.animation_data.action
    frames = range(1, 21)
    before = _poses(armature, frames)
    bpy.context.scene.frame_set(7)
    action, _ = ft.generated.to_action(armature, all_bones=True, push_down=push_down)
    assert bpy.context.scene.frame_current == 7
    assert users.use_fake_user
    np.testing.assert_allclose(_poses(armature, frames), before, atol=1e-5)
    counts = {curve.data_path: len(curve.keyframe_points) for curve in _curves(ft, action)}
    assert {path.rpartition(".")[0] for path in counts} == {
        f'pose.bones["{bone.name}"]' for bone in armature.pose.bones
    }
    assert counts['pose.bones["head"].rotation_euler'] == 20
    assert counts['pose.bones["jaw"].scale'] == 1


def test_bones_of_the_map_push_down_beneath_the_users_action(ft: SimpleNamespace, armature: Any) -> None:
    _with_others(ft, armature)
    users = armature.animation_data.action
    before = _poses(armature, range(1, 21))
    assert bpy.ops.freetalker.bake_to_action(push_down=True, reduce=True, degrees=1e-4) == {"FINISHED"}
    animation = armature.animation_data
    assert animation.action == users
    (track,) = animation.nla_tracks
    (strip,) = track.strips
    assert (strip.frame_start, strip.frame_end, strip.action.freetalker.kind) == (1, 20, "NONE")
    assert track.name == strip.action.name == f"{armature.name} Baked"
    np.testing.assert_allclose(_poses(armature, range(1, 21)), before, atol=2e-4)


def test_a_muted_strip_is_not_what_is_seen(ft: SimpleNamespace, armature: Any) -> None:
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft, 5))
    armature.animation_data.nla_tracks[0].mute = True
    with pytest.raises(RuntimeError, match="muted"):
        bpy.ops.freetalker.bake_to_action(bones="ALL")
    assert len(armature.animation_data.nla_tracks[0].strips) == 1
    assert len(bpy.data.actions) == 1


def test_rigify_bakes_all_its_bones(ft: SimpleNamespace, rigify: Path) -> None:
    """A generated rig with constraints, drivers and switches looks the same afterward, on every bone."""
    armature = append_object(rigify, "rig")
    ft.generated.place(bpy.context.scene, armature, _swaying(ft, 6))
    before = _poses(armature, range(1, 7))
    ft.generated.to_action(armature, all_bones=True, limits=ft.bake.Limits(0.001, 1e-5))
    np.testing.assert_allclose(_poses(armature, range(1, 7)), before, atol=1e-4)


def test_the_world_matrix_of_a_scaled_rig_is_kept(ft: SimpleNamespace, armature: Any) -> None:
    armature.matrix_world = Matrix.Scale(3.0, 4) @ Matrix.Rotation(1.0, 4, "Z")
    ft.generated.place(bpy.context.scene, armature, _swaying(ft, 10))
    bpy.context.view_layer.update()
    before = _poses(armature, range(1, 11))
    ft.generated.to_action(armature, all_bones=True)
    np.testing.assert_allclose(_poses(armature, range(1, 11)), before, atol=1e-5)


@pytest.mark.parametrize("push_down", [False, True])
def test_undo_and_redo_of_a_bake(ft: SimpleNamespace, armature: Any, push_down: bool) -> None:
    ft.generated.place(bpy.context.scene, armature, _swaying(ft, 10))

    def state() -> tuple[Any, ...]:
        animation = bpy.data.objects["FreeTalker"].animation_data
        strips = [[(one.name, one.action.name) for one in track.strips] for track in animation.nla_tracks]
        curves = {action.name: len(_curves(ft, action)) for action in bpy.data.actions}
        return animation.action and animation.action.name, strips, curves

    bpy.ops.ed.undo_push(message="Generated")
    before = state()
    bpy.ops.freetalker.bake_to_action(reduce=True, bones="ALL", push_down=push_down)
    bpy.ops.ed.undo_push(message="Baked")
    after = state()
    assert after != before
    bpy.ops.ed.undo()
    assert state() == before
    bpy.ops.ed.redo()
    assert state() == after
