# SPDX-License-Identifier: GPL-3.0-or-later
"""A file saved by an earlier version opens with its character, strips and takes."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

from tests.addon.helpers import bone_heads, expected_heads

FILE = Path(__file__).parents[1] / "data" / "strips_and_takes.blend"
RECORDING = "6078139c0605c7c0cf3fa96629db09a6"  # content hash of the packed recording

# Translation of the active take (float32) by frame.
TRANSLATION = {
    0: (0.0, 0.93736422, 0.0),
    10: (-0.01517746, 0.94094831, 1.3818841),
    20: (-0.02552404, 0.95146662, 1.8099494),
    35: (-0.02945587, 0.95097733, 1.81121194),
}


@pytest.fixture
def opened(ft: SimpleNamespace) -> Any:
    """Open the file and return its character."""
    bpy.ops.wm.open_mainfile(filepath=str(FILE))
    return bpy.context.scene.freetalker.character


def _stored_timeline(ft: SimpleNamespace, seed: int = 8) -> Any:
    """Return the timeline of the file as a take records it, with the hash of the recording instead of its path."""
    core = ft.timeline
    return core.Timeline(
        text=(
            core.TextStrip(0.0, 1.5, "a person walks forward", guidance=2.0),
            core.TextStrip(0.5, 1.2, "a person waves", scope="upper body"),
            core.TextStrip(1.5, 3.0, "the presenter bows", seed=5),
        ),
        speech=(core.SpeechStrip(2.5, Path(RECORDING), 3.5, offset=0.25),),
        fps=10.0,
        seed=seed,
        guidance=((0.0, 1.0), (2.0, 3.5)),
        model="open",
    )


def test_its_strips_are_the_same_timeline(ft: SimpleNamespace, opened: Any) -> None:
    assert ft.active.is_character(opened)
    assert ft.active.missing_character_reason(bpy.context) == ""
    timeline = ft.convert.timeline(bpy.context.scene, opened)
    (spoken,) = timeline.speech
    assert spoken.audio.is_file()
    assert bpy.data.sounds[0].packed_file is not None
    speech = (dataclasses.replace(spoken, audio=Path(RECORDING)),)
    assert dataclasses.replace(timeline, speech=speech) == _stored_timeline(ft)
    assert ft.orders.with_recording_hashes(timeline) == _stored_timeline(ft)


def test_its_takes_can_be_read_and_switched(ft: SimpleNamespace, opened: Any) -> None:
    takes = opened.freetalker.takes
    assert (len(takes), opened.freetalker.take) == (2, 1)
    active = ft.generated.active_take(opened)
    assert active.action == takes[1].action
    assert active.record == ft.storage.Record(_stored_timeline(ft), steps=0, first_frame=1)
    assert (len(active.motion), active.motion.fps) == (36, 10.0)
    for frame, expected in TRANSLATION.items():
        np.testing.assert_allclose(active.motion.translation[frame], expected, rtol=0, atol=1e-7)
    assert ft.stretches.find_stretches(bpy.context.scene, opened) == ()
    opened.freetalker.take = 0
    first = ft.generated.active_take(opened)
    assert first.action == takes[0].action
    assert first.record.timeline == _stored_timeline(ft, seed=7)
    assert not np.array_equal(first.motion.rotations, active.motion.rotations)
    expected = expected_heads(ft, first.motion)
    for frame in (1, 18, 36):
        np.testing.assert_allclose(bone_heads(ft, opened, frame), expected[frame - 1], atol=1e-4)


def test_its_strips_can_be_edited(ft: SimpleNamespace, opened: Any) -> None:
    scene = bpy.context.scene
    bow = ft.strips.find_strips(opened, "TEXT")[2]
    bow.data.prompt = "the presenter nods"
    bow.strip.frame_end_ui += 5
    assert bow.strip.name == "the presenter nods"
    assert bpy.ops.freetalker.add_text_strip(prompt="a person jumps", frame=41, seconds=1.0) == {"FINISHED"}
    prompts = [(strip.prompt, strip.start, strip.end) for strip in ft.convert.timeline(scene, opened).text]
    assert prompts[2:] == [("the presenter nods", 1.5, 3.5), ("a person jumps", 4.0, 5.0)]
    kinds = {one.kind for one in ft.stretches.find_stretches(scene, opened)}
    assert kinds == {"STALE"}
