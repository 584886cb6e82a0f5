# SPDX-License-Identifier: GPL-3.0-or-later
"""Text / Audio of a character's own, among several characters in a scene."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.addon.helpers import wild_motion, wild_work


@pytest.fixture
def two(ft: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Two characters with a text strip of two seconds each; the first is at hand."""
    monkeypatch.setattr(ft.worker, "work", wild_work(ft, []))
    monkeypatch.setattr(ft.runtime, "missing", lambda: ())
    bpy.ops.freetalker.add_character()
    second = bpy.context.object
    for one in (second, armature):
        _at_hand(one)
        bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=2.0, frame=1)
    return SimpleNamespace(first=armature, second=second, **vars(ft))


def _at_hand(armature: Any) -> None:
    bpy.context.view_layer.objects.active = armature


def _told(two: SimpleNamespace) -> tuple[Any, Any]:
    """What counts for the first character and for the second."""
    scene = bpy.context.scene
    return tuple(two.convert.timeline(scene, one).guidance for one in (two.first, two.second))


def _key(slider: Any, *keys: tuple[int, float]) -> None:
    for frame, value in keys:
        slider.guidance = value
        slider.keyframe_insert("guidance", frame=frame)


def test_each_character_follows_its_own_slider(two: SimpleNamespace) -> None:
    scene = bpy.context.scene
    scene.freetalker.guidance = 1.5
    assert bpy.ops.freetalker.own_guidance() == {"FINISHED"}
    assert _told(two) == (1.5, 1.5)  # it begins with the scene's
    own = two.guidance.slider(scene, two.first)
    own.guidance, scene.freetalker.guidance = 4.0, 0.5
    assert _told(two) == (4.0, 0.5)
    (strip,) = two.strips.find_strips(two.first, "TEXT")
    strip.data.use_guidance, strip.data.guidance = True, 3.0
    assert two.convert.timeline(scene, two.first).text[0].guidance == 3.0
    bpy.ops.freetalker.own_guidance()
    assert _told(two) == (0.5, 0.5)
    bpy.ops.freetalker.own_guidance()
    assert _told(two) == (4.0, 0.5)  # which it kept meanwhile


def test_its_keys_are_honored_beside_the_scenes(two: SimpleNamespace) -> None:
    """And disturb neither the generated motion nor what is baked from it."""
    scene = bpy.context.scene
    two.generated.place(scene, two.first, wild_motion(two, 49))
    for one in (two.second, two.first):
        _at_hand(one)
        bpy.ops.freetalker.own_guidance()
    first, second = (two.guidance.slider(scene, one) for one in (two.first, two.second))
    _key(first, (1, 0.0), (25, 2.0))
    _key(second, (1, 3.0))
    _key(scene.freetalker, (1, 1.0), (49, 4.0))
    for point in two.guidance.guidance_curve(scene, first).keyframe_points:
        point.interpolation = "LINEAR"
    assert _told(two) == (((0.0, 0.0), (1.0, 2.0)), ((0.0, 3.0),))
    assert two.first.animation_data.action is None
    assert two.generated.hidden_reason(two.first) == ""
    bpy.ops.freetalker.bake_to_action()
    assert _told(two)[0] == ((0.0, 0.0), (1.0, 2.0))


def test_a_change_of_it_is_stale_for_that_character_alone(two: SimpleNamespace) -> None:
    scene = bpy.context.scene
    for one in (two.second, two.first):
        _at_hand(one)
        bpy.ops.freetalker.generate()

    def stale() -> list[bool]:
        return [bool(two.stretches.find_stretches(scene, one)) for one in (two.first, two.second)]

    bpy.ops.freetalker.own_guidance()
    assert stale() == [False, False]
    slider = two.guidance.slider(scene, two.first)
    slider.guidance = 4.0
    assert stale() == [True, False]
    bpy.ops.freetalker.generate()
    assert stale() == [False, False]
    _key(slider, (1, 4.0), (49, 1.0))
    assert stale() == [True, False]
    bpy.ops.freetalker.generate()
    assert stale() == [False, False]
    two.guidance.guidance_curve(scene, slider).keyframe_points[0].interpolation = "CONSTANT"
    assert stale() == [True, False]


def test_undo_saving_and_another_character_in_its_place(two: SimpleNamespace, tmp_path: Path) -> None:
    names = two.first.name, two.second.name
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.freetalker.own_guidance()
    bpy.ops.ed.undo_push(message="Own")
    _key(two.guidance.slider(bpy.context.scene, bpy.data.objects[names[0]]), (1, 4.0), (25, 4.0))
    bpy.ops.ed.undo_push(message="Keys")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "two.blend"))
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    two.first, two.second = (bpy.data.objects[name] for name in names)
    assert _told(two) == (two.timeline.DEFAULT_GUIDANCE, two.timeline.DEFAULT_GUIDANCE)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "two.blend"))
    two.first, two.second = (bpy.data.objects[name] for name in names)
    assert _told(two)[0] == ((0.0, 4.0), (1.0, 4.0))
    bpy.data.objects.remove(two.first)
    _at_hand(two.second)
    bpy.ops.freetalker.own_guidance()
    assert two.convert.timeline(bpy.context.scene, two.second).guidance == two.timeline.DEFAULT_GUIDANCE
    assert len(bpy.context.scene.freetalker.sliders) == 1


def test_a_storyboard_sets_the_one_that_counts(two: SimpleNamespace) -> None:
    scene = bpy.context.scene
    bpy.ops.freetalker.own_guidance()
    source = two.timeline.Timeline(
        text=(two.timeline.TextStrip(3.0, 4.0, "a person bows"),), guidance=((0.0, 1.0), (2.0, 3.0))
    )
    two.convert.add_timeline(scene, two.first, source)
    assert _told(two) == (((0.0, 1.0), (2.0, 3.0)), two.timeline.DEFAULT_GUIDANCE)
