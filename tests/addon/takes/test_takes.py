# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: only what changed is generated, locked strips stay, results lie side by side, and none leaves an orphan."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

from tests.addon.helpers import bone_heads, expected_heads, wild_work


@pytest.fixture
def studio(ft: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A character with three text strips of a second, at 24 fps, and a stand-in for core that makes wild motion."""
    asked: list[Any] = []
    monkeypatch.setattr(ft.worker, "work", wild_work(ft, asked))
    monkeypatch.setattr(ft.runtime, "missing", lambda: ())
    for start, prompt in ((1, "a person waves"), (25, "a person bows"), (49, "a person nods")):
        bpy.ops.freetalker.add_text_strip(prompt=prompt, seconds=1.0, frame=start)
    return SimpleNamespace(asked=asked, **vars(ft))


def _armature() -> Any:
    """Found anew, for undo and loading replace it."""
    return bpy.context.scene.freetalker.character


def _strip(studio: SimpleNamespace, number: int) -> Any:
    return studio.strips.find_strips(_armature(), "TEXT")[number]


def _keys(studio: SimpleNamespace, action: Any) -> dict[tuple[str, int], Any]:
    """The keys (T, 2) of each curve as they are stored, and how each goes on to the next."""
    found = {}
    for curve in studio.compat.channelbag(action).fcurves:
        keys, kinds = (
            np.empty(2 * len(curve.keyframe_points), np.float32),
            np.empty(len(curve.keyframe_points), np.int32),
        )
        curve.keyframe_points.foreach_get("co", keys)
        curve.keyframe_points.foreach_get("interpolation", kinds)
        found[curve.data_path, curve.array_index] = keys.reshape(-1, 2), kinds
    return found


def _shown(studio: SimpleNamespace) -> Any:
    (one,) = studio.strips.find_strips(_armature(), "GENERATED")
    return one.strip.action


def _changed(studio: SimpleNamespace) -> list[tuple[int, int]]:
    flags = studio.asked[-1].changed
    return [(start, stop) for start, stop in studio.segments.runs(flags) if flags[start]]


def test_only_what_changed_is_generated_and_the_other_keys_keep_their_bits(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    assert studio.asked[0].changed is None
    first = _shown(studio)
    before = _keys(studio, first)
    _strip(studio, 1).data.prompt = "a person jumps"
    bpy.ops.freetalker.generate()
    assert _changed(studio) == [(12, 60)]  # the strip's frames 24 to 48, and 12 on either side
    after = _keys(studio, _shown(studio))
    assert before.keys() == after.keys()
    for path, (keys, _) in before.items():
        assert keys[:12].tobytes() == after[path][0][:12].tobytes()
        assert keys[60:].tobytes() == after[path][0][60:].tobytes()
    motion = studio.storage.read(_shown(studio)).motion
    for frame in (0, 11, 12, 30, 59, 60, 72):
        np.testing.assert_allclose(
            bone_heads(studio, _armature(), 1 + frame), expected_heads(studio, motion)[frame], atol=1e-4
        )
    takes = _armature().freetalker.takes
    assert [(take.name, take.note) for take in takes] == [("Take 1", "seed 0"), ("Take 2", "0.5-2.5 s")]


def test_between_frames_nothing_spins(studio: SimpleNamespace) -> None:
    """Numbers of a rotation may end with another sign than those of the kept key: half a frame on it is still near."""
    bpy.ops.freetalker.generate()
    for _ in range(3):
        bpy.ops.freetalker.reroll(strip=_strip(studio, 1).key)
    scene, armature = bpy.context.scene, _armature()
    held = 0
    for edge in (12, 60):  # the frame after each seam
        poses = []
        for half in (0, 1):
            scene.frame_set(edge, subframe=half * 0.5)  # frame `edge` of the scene is frame `edge` - 1 of the motion
            shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
            poses.append(np.array([bone.matrix_basis.to_quaternion() for bone in shown]))
        scene.frame_set(edge + 1)
        shown = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        following = np.array([bone.matrix_basis.to_quaternion() for bone in shown])
        step = np.abs((poses[0] * following).sum(axis=1)).clip(0, 1)
        there = np.maximum(np.abs((poses[1] * poses[0]).sum(axis=1)), np.abs((poses[1] * following).sum(axis=1)))
        assert (there.clip(0, 1) > step - 1e-3).all()
        held += 1
    assert held == 2


def test_keys_edited_by_hand_stay(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    (curve, *_) = studio.compat.channelbag(_shown(studio)).fcurves
    path, index = curve.data_path, curve.array_index
    curve.keyframe_points[70].co[1] = 0.625
    curve.keyframe_points[70].interpolation = "BEZIER"
    bpy.ops.freetalker.reroll(strip=_strip(studio, 0).key)
    keys, kinds = _keys(studio, _shown(studio))[path, index]
    assert keys[70].tolist() == [71.0, 0.625]
    assert kinds[70] != kinds[69]


def test_reroll_changes_its_strip_alone_and_its_seed(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    _strip(studio, 0).data.prompt = "a person jumps"  # stale, and not asked for
    bpy.ops.freetalker.reroll(strip=_strip(studio, 2).key)
    assert _changed(studio) == [(36, 73)]
    data = _strip(studio, 2).data
    assert data.use_seed
    assert data.seed == studio.asked[-1].timeline.text[2].seed
    bpy.ops.freetalker.generate()
    assert _changed(studio) == [(0, 36)]  # now the first


def test_a_strip_of_the_upper_body_leaves_root_and_legs(studio: SimpleNamespace) -> None:
    def moved() -> list[tuple[int, int]]:
        flags = studio.asked[-1].legs_changed
        return [(start, stop) for start, stop in studio.segments.runs(flags) if flags[start]]

    bpy.ops.freetalker.generate()
    bpy.ops.freetalker.add_text_strip(prompt="a person points", seconds=1.0, frame=31, scope="UPPER")
    bpy.ops.freetalker.generate()
    assert _changed(studio) == [(18, 66)]
    assert moved() == []
    (over,) = [one for one in studio.strips.find_strips(_armature(), "TEXT") if one.data.scope == "UPPER"]
    bpy.ops.freetalker.reroll(strip=over.key)
    assert _changed(studio) == [(18, 66)]
    assert moved() == []
    over.data.scope = "WHOLE"
    bpy.ops.freetalker.generate()
    assert moved() == [(18, 60)]  # below it another begins at 48
    over.data.scope = "UPPER"
    over.strip.frame_start_ui, over.strip.frame_end_ui = 1, 73  # over all there is
    bpy.ops.freetalker.generate(everything=True)
    over.data.seed += 1
    bpy.ops.freetalker.generate()
    assert studio.asked[-1].changed.all()
    assert moved() == []


def test_cancelled_reroll_keeps_the_seed(studio: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    bpy.ops.freetalker.generate()

    def fail(*_: Any) -> None:
        raise studio.errors.InputError("no")

    monkeypatch.setattr(studio.worker, "work", fail)
    with pytest.raises(RuntimeError, match="no"):
        bpy.ops.freetalker.reroll(strip=_strip(studio, 2).key)
    assert not _strip(studio, 2).data.use_seed
    assert len(_armature().freetalker.takes) == 1


def test_a_locked_strip_is_never_changed(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    _strip(studio, 1).data.lock = True
    _strip(studio, 1).data.prompt = "a person jumps"
    assert bpy.ops.freetalker.generate() == {"FINISHED"}
    assert len(studio.asked) == 1  # nothing to do
    assert "locked" in studio.session.message().text
    with pytest.raises(RuntimeError, match="unlock it"):
        bpy.ops.freetalker.reroll(strip=_strip(studio, 1).key)
    bpy.context.scene.freetalker.seed = 9
    bpy.ops.freetalker.generate(everything=True)
    assert _changed(studio) == [(0, 24), (48, 73)]
    _strip(studio, 1).data.lock = False
    bpy.ops.freetalker.generate()  # it is still to be made
    assert _changed(studio) == [(12, 60)]


def test_generating_with_nothing_changed_says_so(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    bpy.ops.freetalker.generate()
    assert len(studio.asked) == 1
    assert "Nothing has changed" in studio.session.message().text
    bpy.ops.freetalker.generate(everything=True)
    assert studio.asked[-1].changed is None


def test_switching_takes(studio: SimpleNamespace, tmp_path: Path) -> None:
    for seed in (3, 4):
        bpy.context.scene.freetalker.seed = seed
        bpy.ops.freetalker.generate()
    kept = _armature().freetalker
    motions = [studio.storage.read(take.action).motion for take in kept.takes]
    assert [studio.storage.read(take.action).record.timeline.seed for take in kept.takes] == [3, 4]
    for index in (0, 1, 0):
        kept.take = index
        np.testing.assert_allclose(
            bone_heads(studio, _armature(), 31), expected_heads(studio, motions[index])[30], atol=1e-4
        )
        assert len(studio.strips.find_strips(_armature(), "GENERATED")) == 1
    bpy.context.scene.freetalker.seed = 3
    bpy.ops.freetalker.generate()
    assert len(studio.asked) == 2  # the take at hand is of that seed
    path = str(tmp_path / "takes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    kept = _armature().freetalker
    assert kept.take == 0
    for take, motion in zip(kept.takes, motions, strict=True):
        read = studio.storage.read(take.action).motion
        assert read.rotations.tobytes() == motion.rotations.tobytes()
    kept.take = 1
    np.testing.assert_allclose(bone_heads(studio, _armature(), 31), expected_heads(studio, motions[1])[30], atol=1e-4)


def test_undo_and_redo(studio: SimpleNamespace) -> None:
    scene = bpy.context.scene
    bpy.ops.ed.undo_push(message="Before")
    for _ in range(2):
        bpy.ops.freetalker.reroll(strip=_strip(studio, 1).key)
        bpy.ops.ed.undo_push(message="Re-rolled")
    seed = _strip(studio, 1).data.seed
    bpy.ops.ed.undo()
    assert [take.name for take in _armature().freetalker.takes] == ["Take 1"]
    assert _strip(studio, 1).data.seed != seed
    bpy.ops.ed.redo()
    assert [take.name for take in _armature().freetalker.takes] == ["Take 1", "Take 2"]
    assert _strip(studio, 1).data.seed == seed
    assert studio.storage.read(_shown(studio)) is not None
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert len(_armature().freetalker.takes) == 0
    assert scene is not None


def test_many_generations_leave_no_orphans(studio: SimpleNamespace) -> None:
    scene = bpy.context.scene
    scene.freetalker.keep_takes = 3
    bpy.ops.freetalker.generate()
    _armature().freetalker.takes[0].pinned = True
    counts = set()
    for number in range(12):
        bpy.ops.freetalker.reroll(strip=_strip(studio, number % 3).key)
        if number > 3:
            counts.add(tuple(len(getattr(bpy.data, kind)) for kind in ("actions", "armatures", "objects", "meshes")))
    assert len(counts) == 1
    assert [take.name for take in _armature().freetalker.takes] == ["Take 1", "Take 11", "Take 12", "Take 13"]
    assert all(action.users > 0 for action in bpy.data.actions)
    while len(_armature().freetalker.takes):
        assert bpy.ops.freetalker.remove_take() == {"FINISHED"}
    assert not [action for action in bpy.data.actions if action.freetalker.kind == "GENERATED"]
    assert not studio.strips.find_strips(_armature(), "GENERATED")
    with pytest.raises(RuntimeError, match="no take yet"):
        bpy.ops.freetalker.remove_take()


def test_removing_the_take_at_hand_shows_another(studio: SimpleNamespace) -> None:
    for seed in (3, 4, 5):
        bpy.context.scene.freetalker.seed = seed
        bpy.ops.freetalker.generate()
    kept = _armature().freetalker
    kept.take = 1
    bpy.ops.freetalker.remove_take()
    assert [take.name for take in kept.takes] == ["Take 1", "Take 3"]
    assert _shown(studio) == kept.takes[kept.take].action


def test_baking_leaves_the_takes(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    bpy.ops.freetalker.bake_to_action()
    kept = _armature().freetalker
    assert not studio.strips.find_strips(_armature(), "GENERATED")
    kept.take = 0
    assert _shown(studio) == kept.takes[0].action


@pytest.mark.parametrize("renamed", [False, True])
def test_takes_of_bones_that_are_gone(studio: SimpleNamespace, renamed: bool) -> None:
    """A finger that was cut off or renamed after a take was made is no trouble to the next, nor to the way back."""
    bpy.ops.freetalker.generate()
    bpy.ops.freetalker.generate(everything=True)
    bpy.ops.object.mode_set(mode="EDIT")
    bones = _armature().data.edit_bones
    if renamed:
        bones["left_index3"].name = "tip"
    else:
        bones.remove(bones["left_index3"])
    bpy.ops.object.mode_set(mode="OBJECT")
    assert bpy.ops.freetalker.generate(everything=True) == {"FINISHED"}
    kept = _armature().freetalker
    assert [take.name for take in kept.takes] == ["Take 1", "Take 2", "Take 3"]
    for index in (0, 2, 0):
        kept.take = index
        assert _shown(studio) == kept.takes[index].action
    assert bpy.ops.freetalker.bake_to_action(reduce=True) == {"FINISHED"}
    assert not studio.strips.find_strips(_armature(), "GENERATED")


def test_each_character_has_its_own(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    first = _armature()
    bpy.ops.freetalker.add_character()
    second = bpy.context.object
    second.location.x = 2.0
    bpy.ops.freetalker.add_text_strip(prompt="a person runs", seconds=2.0, frame=1)
    bpy.ops.freetalker.generate()
    assert studio.asked[-1].changed is None
    assert [strip.prompt for strip in studio.asked[-1].timeline.text] == ["a person runs"]
    assert len(first.freetalker.takes) == len(second.freetalker.takes) == 1
    assert first.freetalker.takes[0].action != second.freetalker.takes[0].action


def test_a_longer_and_a_shorter_timeline(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    before = _keys(studio, _shown(studio))
    bpy.ops.freetalker.add_text_strip(prompt="a person sits", seconds=1.0, frame=73)
    bpy.ops.freetalker.generate()
    assert _changed(studio) == [(60, 97)]
    assert all(len(keys) == 97 for keys, _ in _keys(studio, _shown(studio)).values())
    bpy.ops.freetalker.remove_strip(strip=_strip(studio, 3).key)
    bpy.ops.freetalker.generate()
    after = _keys(studio, _shown(studio))
    assert all(len(keys) == 73 for keys, _ in after.values())
    assert all(keys[:60].tobytes() == after[path][0][:60].tobytes() for path, (keys, _) in before.items())


def test_another_frame_rate_or_model_is_all_anew(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    bpy.context.scene.freetalker.steps = 7
    bpy.ops.freetalker.generate()
    assert studio.asked[-1].changed is None
    bpy.context.scene.render.fps = 25
    bpy.ops.freetalker.generate()
    assert studio.asked[-1].changed is None


def test_a_take_of_a_newer_version_is_left_alone(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    _shown(studio).freetalker.told = '{"timeline": {"mood": 1}, "steps": 0, "first_frame": 1, "left_stale": []}'
    assert studio.storage.read(_shown(studio)) is None
    bpy.ops.freetalker.generate()
    assert studio.asked[-1].changed is None
    assert len(_armature().freetalker.takes) == 2


def test_a_strip_deleted_meanwhile(studio: SimpleNamespace) -> None:
    studio.session.start(bpy.context, wait=False)
    bpy.ops.freetalker.remove_strip(strip=_strip(studio, 1).key)
    studio.job.current().thread.join(20)
    studio.job.pump()
    assert len(_armature().freetalker.takes) == 1
    order = studio.orders.make_order(bpy.context.scene, _armature())
    assert [(start, stop) for start, stop in studio.segments.runs(order.changed) if order.changed[start]] == [(12, 60)]


def test_what_is_stale_or_locked_is_shown(studio: SimpleNamespace) -> None:
    def shown() -> list[tuple[str, int, int]]:
        return [
            (one.kind, one.start, one.stop) for one in studio.stretches.find_stretches(bpy.context.scene, _armature())
        ]

    scene = bpy.context.scene
    assert shown() == []  # nothing is generated yet
    bpy.ops.freetalker.generate()
    assert shown() == []
    _strip(studio, 1).data.prompt = "a person jumps"
    assert shown() == [("STALE", 25, 49)]
    found = studio.stretches.find_stretches(scene, _armature())
    assert studio.stretches.describe(scene, "STALE", found) == "Changed since this take: 1.0-2.0 s"
    _strip(studio, 2).data.lock = True
    assert shown() == [("LOCKED", 49, 74), ("STALE", 25, 49)]
    assert (
        studio.stretches.describe(scene, "LOCKED", studio.stretches.find_stretches(scene, _armature()))
        == "Locked: 2.0-3.0 s"
    )
    studio.session.start(bpy.context, wait=False)
    assert ("RUNNING", 13, 49) in shown()
    studio.job.current().thread.join(20)
    studio.job.pump()
    assert shown() == [("LOCKED", 49, 74)]
    _armature().freetalker.take = 0
    assert shown() == [("LOCKED", 49, 74), ("STALE", 25, 49)]
    _strip(studio, 0).data.prompt = ""
    assert shown() == []  # Generate says what is wrong


def _stale(studio: SimpleNamespace) -> list[tuple[int, int]]:
    found = studio.stretches.find_stretches(bpy.context.scene, _armature())
    return [(one.start, one.stop) for one in found if one.kind == "STALE"]


def test_takes_are_switched_where_the_user_moved_and_cut_them(studio: SimpleNamespace) -> None:
    """The motion's timing is the user's; a strip that is re-rolled is made in place, and nothing else is stale."""
    for everything in (False, True):
        bpy.ops.freetalker.generate(everything=everything)
    (strip,) = (one.strip for one in studio.strips.find_strips(_armature(), "GENERATED"))
    strip.frame_start_ui, strip.blend_in, strip.influence = 6, 4, 0.5
    strip.action_frame_end = 60
    assert (strip.frame_start, strip.frame_end) == (6, 65)

    def shown() -> tuple[Any, ...]:
        (strip,) = (one.strip for one in studio.strips.find_strips(_armature(), "GENERATED"))
        return (strip.frame_start, strip.frame_end, strip.action_frame_start, strip.blend_in, strip.influence)

    kept = _armature().freetalker
    for take in (0, 1, 0):
        kept.take = take
        assert _shown(studio) == kept.takes[take].action
        assert shown() == (6, 65, 1, 4, 0.5)
    assert _stale(studio) == []
    bpy.ops.freetalker.reroll(strip=_strip(studio, 1).key)
    assert _changed(studio) == [(12, 60)]
    assert shown() == (6, 65, 1, 4, 0.5)
    bpy.ops.freetalker.generate(everything=True)
    assert shown() == (6, 65, 1, 4, 0.5)
    assert len([action for action in bpy.data.actions if action.freetalker.kind == "GENERATED"]) == len(kept.takes)


def test_a_take_moved_with_its_strips_goes_on_there(studio: SimpleNamespace) -> None:
    bpy.ops.freetalker.generate()
    bpy.ops.freetalker.generate(everything=True)
    armature = _armature()
    for one in reversed(studio.strips.find_strips(armature, "TEXT", "GENERATED")):
        one.strip.frame_start_ui += 30
    for take in (0, 1):
        armature.freetalker.take = take
        assert _stale(studio) == []
    _strip(studio, 1).data.prompt = "a person jumps"
    assert _stale(studio) == [(55, 79)]
    bpy.ops.freetalker.generate()
    assert _changed(studio) == [(12, 60)]
    (strip,) = (one.strip for one in studio.strips.find_strips(armature, "GENERATED"))
    assert (strip.frame_start, strip.frame_end) == (31, 103)
    assert _stale(studio) == []
    first, second = (studio.storage.read(armature.freetalker.takes[number].action).motion for number in (1, 2))
    assert (first.rotations == second.rotations).all(axis=(1, 2)).tolist() == [not 12 <= k < 60 for k in range(73)]

    bpy.ops.freetalker.add_text_strip(prompt="a person stands up", seconds=0.5, frame=1)  # before the take's beginning
    assert _stale(studio) == [(1, 104)]
    bpy.ops.freetalker.generate()
    assert studio.asked[-1].changed is None
    (strip,) = (one.strip for one in studio.strips.find_strips(armature, "GENERATED"))
    assert (strip.frame_start, strip.frame_end) == (1, 103)
    assert _stale(studio) == []


def _keyed(studio: SimpleNamespace, start: int, place: tuple[float, float], heading: float) -> Any:
    """An ordinary strip of one second, in which the character stands at (x, z) and faces `heading`."""
    armature = _armature()
    still = studio.clip.Motion(np.zeros((25, 3)) + np.array([0, 0.9, 0]), np.tile([1.0, 0, 0, 0], (25, 55, 1)), fps=24)
    motion = still.turned(heading).moved([place[0], 0.0, place[1]])
    action = studio.bake.new_action("ordinary", motion, armature, start)
    strip = armature.animation_data.nla_tracks.new().strips.new("ordinary", start, action)
    strip.action_slot, strip.extrapolation = action.slots[0], "HOLD_FORWARD"
    return motion


def test_begins_where_the_character_stands_and_ends_where_it_goes_on(studio: SimpleNamespace) -> None:
    """Other animation stands at (1, 2) facing left before, and is at (3, 2) facing the front in the end."""
    before = _keyed(studio, 1, (1.0, 2.0), 1.5)
    after = _keyed(studio, 80, (3.0, 2.0), 0.0)
    scene = bpy.context.scene
    scene.frame_set(7)
    scene.freetalker.meet = True
    order = studio.orders.make_order(scene, _armature())
    np.testing.assert_allclose(order.begin.translation[0], before.translation[0], atol=1e-3)
    np.testing.assert_allclose(order.end.translation[0], after.translation[0], atol=1e-3)
    walk = studio.clip.Motion(np.linspace([0, 0.9, 0], [0, 0.9, 2.0], 73), np.tile([1.0, 0, 0, 0], (73, 55, 1)), fps=24)
    motion = studio.worker.fit_ends(order, walk)
    np.testing.assert_allclose(motion.translation[0, [0, 2]], [1.0, 2.0], atol=1e-3)
    turned = studio.rotation.quaternion_to_axis_angle(motion.rotations[[0, -1], 0])
    np.testing.assert_allclose(turned, [[0, 1.5, 0], [0, 0, 0]], atol=1e-3)
    np.testing.assert_allclose(motion.translation[-1], after.translation[0], atol=1e-3)
    assert scene.frame_current == 7
    bpy.ops.freetalker.generate()
    assert not _armature().animation_data.nla_tracks[-1].mute
    scene.freetalker.meet = False
    assert studio.orders.make_order(scene, _armature(), everything=True).end is None
    _armature().freetalker_rig.travel = "IN_PLACE"
    assert studio.orders.make_order(scene, _armature(), everything=True).begin is None


def test_alone_it_begins_at_the_origin(studio: SimpleNamespace) -> None:
    order = studio.orders.make_order(bpy.context.scene, _armature())
    assert order.begin is order.end is None
