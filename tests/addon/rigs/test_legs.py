# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that stand on the neutral body stand on other rigs' legs, by their bones and by Rigify's IK controls."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from tests.addon.helpers import append_object, wild_motion
from tests.addon.rig_makers import Y_UP_CENTIMETERS, make

FPS = 24.0
SLIDES = 0.01  # meters a second that a foot slides without the lock, at the least
STANDS = 0.002  # and with it, at the most
_TURNED = Matrix.Translation((3, -2, 0)) @ Matrix.Rotation(2.0, 4, "Z") @ Matrix.Scale(100.0, 4)
RIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "short shins": ("VRM", {"shins": 0.75, "wide": 1.5}),
    "long shins, rolls, centimeters": ("Mixamo", {"shins": 1.3, "rolls": True, "to_world": Y_UP_CENTIMETERS}),
    "scaled and turned, Eulers": ("Unreal 4", {"shins": 1.3, "wide": 0.6, "to_world": _TURNED, "euler": True}),
}
EVERY_RIG = [*RIGS, "metarig", "rig"]


@pytest.fixture
def build(ft: SimpleNamespace, request: pytest.FixtureRequest) -> Callable[[str], Any]:
    def build(name: str) -> Any:
        if name in RIGS:
            family, options = RIGS[name]
            return make(ft, family, **options)
        return append_object(request.getfixturevalue("rigify"), name)

    return build


def swaying(ft: SimpleNamespace, seconds: float = 4.0) -> Any:
    """Someone who stands on both feet and sways, turns and sinks down."""
    skeleton = ft.skeleton.neutral_skeleton()
    times = np.arange(round(seconds * FPS)) / FPS
    motion = ft.clip.rest_motion(len(times), skeleton, FPS)
    swing = np.sin(2 * np.pi * times / seconds)
    path = np.stack([0.05 * swing, -0.06 - 0.03 * swing, 0.04 * np.sin(np.pi * times / seconds)], axis=1)
    turns = motion.rotations.copy()
    turns[:, 0] = ft.rotation.axis_angle_to_quaternion(np.outer(0.4 * swing, [0.0, 1.0, 0.0]))
    for side in ("left", "right"):
        for joint, share in (("hip", -1.0), ("knee", 2.0), ("ankle", -1.0)):
            bent = np.outer(np.full(len(times), 0.4 * share), [1.0, 0.0, 0.0])
            turns[:, ft.skeleton.INDEX[f"{side}_{joint}"]] = ft.rotation.axis_angle_to_quaternion(bent)
    motion = ft.clip.Motion(motion.translation + path, turns, FPS)
    return ft.clean.clean(motion, skeleton, np.ones((len(times), 4)))


def _foot_bones(ft: SimpleNamespace, armature: Any) -> list[str]:
    bones = ft.rig.bone_map(armature).bones
    return [bones[f"{side}_{joint}"][0] for side in ("left", "right") for joint in ("ankle", "foot")]


def feet(ft: SimpleNamespace, armature: Any, frames: int) -> Any:
    """Where Blender shows ankles and balls, in the world, (T, 4, 3)."""
    stands_for = ft.maps.family(ft.rig.bone_map(armature).family).shown
    names, matrix = _foot_bones(ft, armature), np.array(armature.matrix_world)
    shown = ft.bake.pose_bones_at(armature, range(1, frames + 1))
    heads = np.array([[posed[stands_for.get(name, name)].head[:] for name in names] for posed in shown])
    return heads @ matrix[:3, :3].T + matrix[:3, 3]


def speed(places: Any) -> float:
    """The mean speed of the balls, about which feet may turn, over the floor; meters a second."""
    return float(np.linalg.norm(np.diff(places[:, [1, 3], :2], axis=0), axis=-1).mean()) * FPS


@pytest.mark.parametrize("name", EVERY_RIG)
def test_feet_that_stand_stay_where_they_are(ft: SimpleNamespace, build: Any, name: str) -> None:
    armature = build(name)
    motion = swaying(ft)
    armature.freetalker_rig.foot_lock = False
    ft.generated.place(bpy.context.scene, armature, motion)
    assert speed(feet(ft, armature, len(motion))) > SLIDES
    armature.freetalker_rig.foot_lock = True
    ft.generated.place(bpy.context.scene, armature, motion)
    held = feet(ft, armature, len(motion))
    assert speed(held) < STANDS
    skeleton = ft.skeleton.neutral_skeleton()
    source = ft.metrics.sole_heights(motion.positions(skeleton), skeleton)  # (T, 4)
    rests = [armature.matrix_world @ armature.data.bones[bone].head_local for bone in _foot_bones(ft, armature)]
    shown = (held - np.array(rests))[..., 2].reshape(-1, 2, 2).min(axis=-1)
    np.testing.assert_allclose(shown, _taller(ft, armature) * source.reshape(-1, 2, 2).min(axis=-1), atol=0.005)


def _taller(ft: SimpleNamespace, armature: Any) -> float:
    """How long the rig's legs are at rest, in the world, for those of the neutral body."""
    bones, rest = ft.rig.bone_map(armature).bones, ft.skeleton.neutral_skeleton().rest_positions
    joints = [f"left_{joint}" for joint in ("hip", "knee", "ankle")]
    own = [armature.matrix_world @ armature.data.bones[bones[joint][0]].head_local for joint in joints]
    ours = [rest[ft.skeleton.INDEX[joint]] for joint in joints]
    return float((own[0] - own[2]).length / np.linalg.norm(ours[0] - ours[2]))


def _matrices(ft: SimpleNamespace, armature: Any, bones: Any, frames: int) -> Any:
    return np.array(
        [
            [np.array(posed[bone].matrix) for bone in bones]
            for posed in ft.bake.pose_bones_at(armature, range(1, frames + 1))
        ]
    )


@pytest.mark.parametrize("travel", ["HIPS", "ROOT", "IN_PLACE"])
@pytest.mark.parametrize("locked", [False, True])
def test_ik_controls_put_the_feet_where_the_bones_do(
    ft: SimpleNamespace, build: Any, travel: str, locked: bool
) -> None:
    armature = build("rig")
    kept = armature.freetalker_rig
    kept.travel, kept.foot_lock = travel, locked
    motion = swaying(ft, 1.0).turned(0.5)
    bones = [f"ORG-{bone}.{side}" for side in "LR" for bone in ("thigh", "shin", "foot", "toe")]
    shown, recovered, keyed = {}, {}, {}
    for kept.legs in ("FK", "IK"):
        strip = ft.generated.place(bpy.context.scene, armature, motion)
        shown[kept.legs] = _matrices(ft, armature, bones, len(motion))
        recovered[kept.legs] = ft.export.sample_animation(bpy.context.scene, armature, range(1, len(motion) + 1))
        keyed[kept.legs] = {curve.group.name for curve in ft.compat.channelbag(strip.action).fcurves}
    legs, controls = (
        {f"{bone}.{side}" for side in "LR" for bone in stems}
        for stems in (("thigh_fk", "shin_fk", "foot_fk", "toe_fk"), ("foot_ik", "thigh_ik_target", "toe_ik"))
    )
    assert keyed["FK"] & (legs | controls) == legs
    assert keyed["IK"] & (legs | controls) == controls
    apart = np.linalg.norm(shown["IK"][..., :3, 3] - shown["FK"][..., :3, 3], axis=-1).max(axis=0)
    knees = [i for i, bone in enumerate(bones) if "shin" in bone]
    assert apart[knees].max() < 0.03  # Rigify's IK legs give in length, by the hundredth
    assert np.delete(apart, knees).max() < 1e-3
    ends = [i for i, bone in enumerate(bones) if "foot" in bone or "toe" in bone]
    np.testing.assert_allclose(shown["IK"][:, ends, :3, :3], shown["FK"][:, ends, :3, :3], atol=1e-3)
    one, other = (recovered[legs].positions(ft.skeleton.neutral_skeleton()) for legs in ("FK", "IK"))
    np.testing.assert_allclose(other, one, atol=0.03)


def test_wild_legs_point_the_same_way_by_either(ft: SimpleNamespace, build: Any) -> None:
    armature = build("rig")
    kept = armature.freetalker_rig
    kept.foot_lock = False
    motion = wild_motion(ft, frames=12)
    bones = [f"ORG-{bone}.{side}" for side in "LR" for bone in ("thigh", "foot", "toe")]
    shown = {}
    for kept.legs in ("FK", "IK"):
        ft.generated.place(bpy.context.scene, armature, motion)
        shown[kept.legs] = _matrices(ft, armature, bones, len(motion))
    np.testing.assert_allclose(shown["IK"][..., :3, 3], shown["FK"][..., :3, 3], atol=0.02)


def test_the_legs_are_led_by_ik_while_the_strip_plays_and_as_they_were_after(ft: SimpleNamespace, build: Any) -> None:
    armature = build("rig")
    armature.freetalker_rig.legs = "IK"
    leg, arm = armature.pose.bones["thigh_parent.L"], armature.pose.bones["upper_arm_parent.L"]
    before = {key: leg[key] for key in ("IK_FK", "pole_vector", "IK_parent", "pole_parent")}
    strip = ft.generated.place(bpy.context.scene, armature, swaying(ft, 1.0))
    bpy.context.scene.frame_set(2)
    assert [leg["IK_FK"], bool(leg["pole_vector"]), leg["IK_parent"], leg["pole_parent"]] == [0.0, True, 1, 1]
    assert arm["IK_FK"] == 1.0
    strip.mute = True
    bpy.context.scene.frame_set(3)
    assert {key: leg[key] for key in before} == before


def test_keys_of_ik_legs_are_reduced_within_the_error(ft: SimpleNamespace, build: Any) -> None:
    armature = build("rig")
    armature.freetalker_rig.legs = "IK"
    motion = swaying(ft)
    ft.generated.place(bpy.context.scene, armature, motion)
    _, reduced = ft.generated.to_action(armature, limits=ft.bake.Limits(0.25, 0.001))
    assert reduced.meters <= 0.001
    assert reduced.after < 0.2 * reduced.before
    assert speed(feet(ft, armature, len(motion))) < 0.01


def test_rigs_without_ik_controls_are_driven_by_their_bones_whatever_is_set(ft: SimpleNamespace, build: Any) -> None:
    armature = build("short shins")
    armature.freetalker_rig.legs = "IK"
    assert not ft.rig.has_ik_legs(armature)
    strip = ft.generated.place(bpy.context.scene, armature, swaying(ft, 0.5))
    assert any("UpperLeg" in curve.data_path for curve in ft.compat.channelbag(strip.action).fcurves)


def test_in_place_the_feet_go_back_as_fast_as_the_body_would_go(ft: SimpleNamespace, build: Any) -> None:
    armature = build("short shins")
    motion = swaying(ft)
    shown = {}
    for travel in ("HIPS", "IN_PLACE"):
        armature.freetalker_rig.travel = travel
        ft.generated.place(bpy.context.scene, armature, motion)
        shown[travel] = feet(ft, armature, len(motion))
    between = shown["HIPS"] - shown["IN_PLACE"]  # the path, the same of both feet
    np.testing.assert_allclose(between[:, 1:], between[:, :1].repeat(3, axis=1), atol=1e-4)
    np.testing.assert_allclose(between[..., 2], 0.0, atol=1e-4)


def test_feet_in_the_air_are_left_alone(ft: SimpleNamespace, build: Any) -> None:
    armature = build("short shins")
    motion = swaying(ft, 1.0).moved((0.0, 0.5, 0.0))
    shown = {}
    for locked in (False, True):
        armature.freetalker_rig.foot_lock = locked
        ft.generated.place(bpy.context.scene, armature, motion)
        shown[locked] = feet(ft, armature, len(motion))
    np.testing.assert_allclose(shown[True], shown[False], atol=1e-5)


def test_our_own_figure_moves_as_it_was_generated(ft: SimpleNamespace, armature: Any) -> None:
    assert not armature.freetalker_rig.foot_lock


def test_motion_of_other_settings_is_not_joined_to_a_takes_keys(ft: SimpleNamespace, build: Any) -> None:
    armature = build("short shins")
    motion = swaying(ft, 1.0)
    strip = ft.timeline.TextStrip(0.0, 1.0, "a person stands")
    record = ft.storage.Record(ft.timeline.Timeline((strip,), fps=FPS))
    played = ft.generated.place(bpy.context.scene, armature, motion, record)
    take = ft.storage.read(played.action)
    assert ft.storage.splice(take, motion, armature) is not None
    armature.freetalker_rig.foot_lock = False
    assert ft.storage.splice(take, motion, armature) is None
