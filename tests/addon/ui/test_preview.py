# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a motion while the rest is computed: the right lines at the right frame, and no trace of them."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from tests.addon.helpers import bone_heads, wild_motion
from tests.addon.rig_makers import Y_UP_CENTIMETERS, make

_PLACED = Matrix.Translation((3, -2, 0.5)) @ Matrix.Rotation(2.0, 4, "Z") @ Matrix.Scale(2.5, 4)


@pytest.fixture
def going(ft: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A character of 48 frames from frame 11 on; a stand-in for core shows the first 30, then waits at a gate."""
    scene = bpy.context.scene
    scene.frame_start = 11
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", frame=11, seconds=2.0)
    gate, motion = threading.Semaphore(0), wild_motion(ft, 49)
    watched: list[bool] = []

    def work(order: Any, report: Callable[..., None], cancelled: Callable[[], bool]) -> Any:
        show = ft.job.preview_callback()
        watched.append(show is not None)
        if show is not None:
            show(motion.slice(0, 30 if order.changed is None else None))
        assert gate.acquire(timeout=20)
        if cancelled():
            raise RuntimeError("as core does, with an exception of its own")
        report(1.0, "Step 1 of 1")
        return motion

    monkeypatch.setattr(ft.worker, "work", work)
    monkeypatch.setattr(ft.runtime, "missing", lambda: ())
    yield SimpleNamespace(gate=gate, motion=motion, watched=watched)
    gate.release()  # a worker that is still waiting can end


def _until(ft: SimpleNamespace, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited too long"
        ft.job.pump()
        time.sleep(0.005)


def _start(ft: SimpleNamespace, armature: Any) -> None:
    ft.session.start(bpy.context, wait=False)
    _until(ft, lambda: ft.session.preview(armature) is not None)


def _finish(ft: SimpleNamespace, going: SimpleNamespace) -> None:
    going.gate.release()
    _until(ft, lambda: ft.job.current() is None)


def _points(ft: SimpleNamespace, armature: Any, frame: int) -> Any:
    bpy.context.scene.frame_set(frame)
    return ft.preview.points(bpy.context.scene, armature)


def test_the_lines_are_where_the_bones_will_be(ft: SimpleNamespace, going: SimpleNamespace, armature: Any) -> None:
    armature.matrix_world = _PLACED
    _start(ft, armature)
    frames = (11, 12, 27, 40)
    seen = [_points(ft, armature, frame) for frame in frames]
    assert _points(ft, armature, 10) is None
    assert _points(ft, armature, 41) is None  # not computed yet
    _finish(ft, going)
    assert _points(ft, armature, 12) is None
    for frame, points in zip(frames, seen, strict=True):
        np.testing.assert_allclose(points, bone_heads(ft, armature, frame), atol=1e-4)


@pytest.mark.parametrize("travel", ["HIPS", "IN_PLACE"])
@pytest.mark.parametrize(
    ("family", "options"),
    [("Unreal 4", {"arms_down": 50.0, "rolls": True}), ("Mixamo", {"to_world": Y_UP_CENTIMETERS})],
)
def test_on_rigs_of_other_makers(
    ft: SimpleNamespace,
    going: SimpleNamespace,
    family: str,
    options: dict[str, Any],
    travel: str,
) -> None:
    """The hips are where they will be; other joints nearly, for limbs keep the proportions of the motion."""
    armature = make(ft, family, **options)
    armature.freetalker_rig.travel = travel
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", frame=11, seconds=2.0)
    _start(ft, armature)
    points = _points(ft, armature, 30)
    _finish(ft, going)
    bpy.context.scene.frame_set(30)
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    bones = ft.maps.family(family).bones

    def off(joints: tuple[str, ...]) -> float:
        heads = [evaluated.matrix_world @ evaluated.pose.bones[bones[joint][0]].head for joint in joints]
        there = [points[ft.skeleton.JOINT_NAMES.index(joint)] for joint in joints]
        return float(np.linalg.norm(np.mean(heads, axis=0) - np.mean(there, axis=0)))

    assert off(("left_hip", "right_hip")) < 1e-3
    for joint in ("left_knee", "right_ankle", "neck"):
        assert off((joint,)) < 0.15


def test_only_what_is_made_anew_is_shown(ft: SimpleNamespace, going: SimpleNamespace, armature: Any) -> None:
    going.gate.release()
    bpy.ops.freetalker.add_text_strip(prompt="a person bows", frame=35, seconds=1.0)
    bpy.ops.freetalker.generate()
    ft.strips.find_strips(armature, "TEXT")[1].data.prompt = "a person jumps"
    _start(ft, armature)
    changed = ft.session.running(armature).new
    assert changed.any()
    assert not changed.all()
    for k, new in enumerate(changed):
        assert (_points(ft, armature, 11 + k) is not None) == new
    kinds = [(one.kind, one.start, one.stop) for one in ft.stretches.find_stretches(bpy.context.scene, armature)]
    assert [one[1:] for one in kinds if one[0] == "SEEN"] == [one[1:] for one in kinds if one[0] == "RUNNING"]


def test_the_bar_and_the_panel_say_what_is_to_be_seen(
    ft: SimpleNamespace, going: SimpleNamespace, armature: Any
) -> None:
    def shown() -> list[tuple[str, int, int]]:
        return [(one.kind, one.start, one.stop) for one in ft.stretches.find_stretches(bpy.context.scene, armature)]

    assert shown() == []
    _start(ft, armature)
    assert shown() == [("RUNNING", 11, 60), ("SEEN", 11, 41)]
    found = ft.stretches.find_stretches(bpy.context.scene, armature)
    assert ft.stretches.describe(bpy.context.scene, "SEEN", found) == "Preview available: 0.0-1.2 s"
    _finish(ft, going)
    assert shown() == []


def _all_data(armature: Any) -> Any:
    """The names of all data-blocks, and what the character holds."""
    names = {
        name: sorted(block.name_full for block in getattr(bpy.data, name))
        for name in dir(bpy.data)
        if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)
    }
    pose = [tuple(map(tuple, bone.matrix_basis)) for bone in armature.pose.bones]
    tracks = [(track.name, [strip.name for strip in track.strips]) for track in armature.animation_data.nla_tracks]
    return names, pose, tracks, armature.animation_data.action, len(armature.freetalker.takes), list(armature.keys())


def test_nothing_of_the_file_changes(
    ft: SimpleNamespace, going: SimpleNamespace, armature: Any, tmp_path: Path
) -> None:
    before = _all_data(armature)
    name, path = armature.name, str(tmp_path / "meanwhile.blend")
    _start(ft, armature)
    assert _points(ft, armature, 20) is not None
    assert _all_data(armature) == before
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.freetalker.cancel()
    going.gate.release()
    _until(ft, lambda: ft.job.current() is None)
    assert _all_data(armature) == before
    bpy.ops.wm.open_mainfile(filepath=path)
    assert _all_data(bpy.data.objects[name]) == before


@pytest.mark.parametrize("end", ["cancel", "error", "new file", "deleted", "disabled"])
def test_it_is_gone_when_the_job_is(
    ft: SimpleNamespace, going: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    _start(ft, armature)
    if end == "cancel":
        bpy.ops.freetalker.cancel()  # not only once the thread has heard it
    elif end == "error":
        monkeypatch.setattr(ft.session, "place", lambda *_: (_ for _ in ()).throw(ft.errors.InputError("No.")))
        _finish(ft, going)
    elif end == "new file":
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    elif end == "deleted":
        bpy.data.objects.remove(armature)
    else:
        monkeypatch.setattr(ft.job, "_EXIT_SECONDS", 0.2)  # the worker waits at the gate for longer
        ft.job.unregister()
        ft.job.register()
    assert not any(ft.session.preview(one) for one in bpy.data.objects)
    assert not any(ft.preview.points(bpy.context.scene, one) is not None for one in bpy.data.objects)
    going.gate.release()
    _until(ft, lambda: ft.job.current() is None)


def test_undo_meanwhile(ft: SimpleNamespace, going: SimpleNamespace, armature: Any) -> None:
    """Of a character that is undone nothing is seen; one that is still there is shown what comes."""
    bpy.ops.ed.undo_push(message="One character")
    bpy.ops.freetalker.add_character("EXEC_DEFAULT", True)
    bpy.ops.freetalker.add_text_strip("EXEC_DEFAULT", True, prompt="a person waves", frame=11, seconds=2.0)
    name = bpy.context.object.name
    _start(ft, bpy.context.object)
    bpy.ops.ed.undo()
    assert len(ft.strips.find_strips(bpy.data.objects[name], "TEXT")) == 0
    assert _points(ft, bpy.data.objects[name], 20) is not None
    bpy.ops.ed.undo()
    assert name not in bpy.data.objects
    assert not any(ft.session.preview(one) for one in bpy.data.objects)
    _finish(ft, going)


def test_without_a_window_nothing_is_computed_or_drawn(
    ft: SimpleNamespace, going: SimpleNamespace, armature: Any
) -> None:
    assert bpy.app.background
    assert ft.preview._handlers == []
    going.gate.release()
    bpy.ops.freetalker.generate()
    assert going.watched == [False]


def test_another_bone_map_meanwhile(ft: SimpleNamespace, going: SimpleNamespace, armature: Any) -> None:
    _start(ft, armature)
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones["left_hip"].name = "something"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert _points(ft, armature, 20) is None


def test_the_time_left_is_counted_from_the_first_step(
    ft: SimpleNamespace, going: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading packages and networks takes time too, but only once."""
    now, told = [0.0], threading.Semaphore(0)
    monkeypatch.setattr(ft.job, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def work(_: Any, report: Callable[..., None], __: Any) -> Any:
        for done in range(3):
            report(done / 4, f"Step {done} of 4")
            assert told.acquire(timeout=20)
        return going.motion

    monkeypatch.setattr(ft.worker, "work", work)
    ft.session.start(bpy.context, wait=False)
    now[0] += 60
    _until(ft, lambda: ft.job.current().step == "Step 0 of 4")
    now[0] += 10
    told.release()
    _until(ft, lambda: ft.job.current().step == "Step 1 of 4")
    assert ft.job.current().status == "Step 1 of 4, 0:30 left"
    told.release(2)
    _until(ft, lambda: ft.job.current() is None)
