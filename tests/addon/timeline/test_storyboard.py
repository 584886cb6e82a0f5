# SPDX-License-Identifier: GPL-3.0-or-later
"""Storyboards: what a file holds comes back as it was, and a bad file changes nothing."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.addon.helpers import write_wave


def _import(path: Path, **options: Any) -> set[str]:
    return bpy.ops.freetalker.import_storyboard(filepath=str(path), **options)


def _export(path: Path) -> set[str]:
    return bpy.ops.freetalker.export_storyboard(filepath=str(path))


def _state() -> list[Any]:
    """All that an import could change."""
    settings = bpy.context.scene.freetalker
    animations = [owner.animation_data for owner in (*bpy.data.objects, bpy.context.scene)]
    strips = [
        (track.name, strip.name, strip.frame_start, strip.frame_end)
        for animation in animations
        if animation
        for track in animation.nla_tracks
        for strip in track.strips
    ]
    names = [sorted(one.name for one in data) for data in (bpy.data.actions, bpy.data.sounds, bpy.data.objects)]
    return [strips, names, settings.guidance, settings.seed, settings.model]


def _refused(part: str, operator: Any, **options: Any) -> None:
    """It says one sentence that holds `part`, and changes nothing."""
    before = _state()
    with pytest.raises(RuntimeError) as caught:
        operator(**options)
    sentence = str(caught.value).removeprefix("Error: ").strip()
    assert part in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert _state() == before


@pytest.fixture
def whole(ft: SimpleNamespace, tmp_path: Path) -> Any:
    """A timeline with everything in it, on frames of 24 a second."""
    core = ft.timeline
    return core.Timeline(
        text=(
            core.TextStrip(0.0, 2.0, "a person walks forward", guidance=2.5),
            core.TextStrip(1.5, 3.0, "ein Mensch 立つ\nund winkt", guidance=((1.5, 1.0), (2.25, 0.125), (2.6, 3.0))),
            core.TextStrip(4.0, 5.0, "a person bows", scope="upper body"),
        ),
        speech=(
            core.SpeechStrip(2.5, write_wave(tmp_path / "voice.wav", 2.0), 3.5, offset=0.5),
            core.SpeechStrip(4.0, write_wave(tmp_path / "more.wav", 1.0), 5.0),
        ),
        fps=24.0,
        seed=2**31 - 1,
        guidance=((0.0, 0.0), (1.7, 2.5), (4.0, 0.1)),
        model="open",
    )


def test_round_trip(ft: SimpleNamespace, armature: Any, whole: Any, tmp_path: Path) -> None:
    ft.files.save_timeline(whole, tmp_path / "in.json")
    assert _import(tmp_path / "in.json") == {"FINISHED"}
    assert _export(tmp_path / "out.json") == {"FINISHED"}
    read = ft.files.load_timeline(tmp_path / "out.json")
    assert read.text == whole.text
    assert read.speech == whole.speech
    assert (read.fps, read.seed, read.model) == (24.0, 2**31 - 1, "open")
    assert read.guidance == whole.guidance
    assert [row["audio"] for row in json.loads((tmp_path / "out.json").read_text("utf-8"))["speech"]] == [
        "voice.wav",
        "more.wav",
    ]


def test_a_second_import_replaces_the_curve(ft: SimpleNamespace, armature: Any, whole: Any, tmp_path: Path) -> None:
    ft.files.save_timeline(whole, tmp_path / "in.json")
    _import(tmp_path / "in.json")
    before = _state()
    _import(tmp_path / "in.json", replace=True)
    assert [(a, b) for _, _, a, b in _state()[0]] == [(a, b) for _, _, a, b in before[0]]
    assert len(bpy.data.actions) == 6  # five strips and the scene's curve
    assert ft.convert.timeline(bpy.context.scene, armature).guidance == whole.guidance
    flat = {"guidance": 1.5, "text": [{"start": 0, "end": 1, "prompt": "a person bows"}]}
    (tmp_path / "flat.json").write_text(json.dumps(flat))
    _import(tmp_path / "flat.json", replace=True)
    assert ft.convert.timeline(bpy.context.scene, armature).guidance == 1.5
    assert len(bpy.context.scene.sequence_editor.strips) == 0


def test_eased_keys_become_straight_lines(ft: SimpleNamespace, armature: Any) -> None:
    scene = bpy.context.scene
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    for frame, value in ((1, 0.0), (97, 2.0), (400, 2.0)):
        scene.freetalker.guidance = value
        scene.freetalker.keyframe_insert("guidance", frame=frame)
    curve = ft.guidance.guidance_curve(scene, scene.freetalker)
    for point in curve.keyframe_points:
        point.interpolation = "BEZIER"
    keys = ft.convert.timeline(scene, armature).guidance
    assert len(keys) < 100
    for frame in range(1, 400):
        told = ft.timeline.guidance_at(keys, (frame - 1) / 24)
        assert told == pytest.approx(max(0.0, curve.evaluate(frame)), abs=2e-4)
    curve.mute = True
    assert ft.convert.timeline(scene, armature).guidance == scene.freetalker.guidance


def test_subtitles(ft: SimpleNamespace, armature: Any, whole: Any, tmp_path: Path) -> None:
    ft.files.save_timeline(whole, tmp_path / "in.json")
    _import(tmp_path / "in.json")
    _export(tmp_path / "out.srt")
    settings = bpy.context.scene.freetalker
    settings.seed = 5
    _import(tmp_path / "out.srt", replace=True)
    read = ft.convert.timeline(bpy.context.scene, armature)
    assert [(s.start, s.end, s.prompt) for s in read.text] == [(s.start, s.end, s.prompt) for s in whole.text]
    assert read.speech == ()
    assert read.seed == 5
    assert read.guidance == whole.guidance  # subtitles say nothing of the scene's settings


def test_another_frame_rate_is_kept(armature: Any, tmp_path: Path) -> None:
    text = [{"start": 0.0, "end": 1.02, "prompt": "a person bows"}]
    (tmp_path / "in.json").write_text(json.dumps({"fps": 30, "text": text}))
    _import(tmp_path / "in.json")
    assert bpy.context.scene.render.fps == 24
    (strip,) = armature.animation_data.nla_tracks[0].strips
    assert (strip.frame_start, strip.frame_end) == (1, 25)


def test_import_is_one_undo_step(ft: SimpleNamespace, armature: Any, whole: Any, tmp_path: Path) -> None:
    ft.files.save_timeline(whole, tmp_path / "in.json")
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    bpy.ops.ed.undo_push(message="Before")
    before = _state()
    bpy.ops.freetalker.import_storyboard("EXEC_DEFAULT", True, filepath=str(tmp_path / "in.json"), replace=True)
    after = _state()
    bpy.ops.ed.undo()
    assert _state() == before
    bpy.ops.ed.redo()
    assert _state() == after


def test_packed_speech_is_written_beside_the_file(ft: SimpleNamespace, armature: Any, tmp_path: Path) -> None:
    path = write_wave(tmp_path / "voice.wav", 1.0)
    bpy.ops.freetalker.add_speech_strip(filepath=str(path))
    bpy.data.sounds[0].pack()
    path.rename(tmp_path / "moved.wav")
    home = tmp_path / "home"
    home.mkdir()
    (home / "voice.wav").write_bytes(b"someone else's")
    for _ in range(2):
        _export(home / "out.json")
    (spoken,) = ft.files.load_timeline(home / "out.json").speech
    assert spoken.audio == home / "voice-2.wav"
    assert spoken.audio.read_bytes() == (tmp_path / "moved.wav").read_bytes()
    assert sorted(file.name for file in home.iterdir()) == ["out.json", "voice-2.wav", "voice.wav"]


def test_muted_strips_are_left_out(ft: SimpleNamespace, armature: Any, tmp_path: Path) -> None:
    for prompt in ("a person waves", "a person bows"):
        bpy.ops.freetalker.add_text_strip(prompt=prompt, seconds=2.0)
    armature.animation_data.nla_tracks[0].strips[0].mute = True
    said = ft.storyboard.write(bpy.context.scene, armature, tmp_path / "out.json")
    assert said == "Exported 1 text strip to out.json; 1 muted skipped"


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.json", "{", "is not valid JSON"),
        ("a.json", json.dumps({"text": []}), "empty"),
        ("a.json", json.dumps({"speech": [{"start": 0, "audio": "gone.wav"}]}), "gone.wav"),
        ("a.json", json.dumps({"speech": [{"start": 0, "audio": "a.json"}]}), "cannot be read as audio"),
        ("a.json", json.dumps({"speech": [{"start": 0, "audio": "speech.wav", "offset": 2}]}), "reduce its offset"),
        ("a.json", json.dumps({"guidance": 50, "text": [{"start": 0, "end": 1, "prompt": "bow"}]}), "from 0 to 20"),
        ("a.json", json.dumps({"guidance": [[0, -1]], "text": [{"start": 0, "end": 1, "prompt": "bow"}]}), "-1"),
        ("a.srt", "a person walks", "has no times"),
        ("a.txt", "a person walks", "is not valid JSON"),
    ],
)
def test_bad_files(armature: Any, speech: Path, tmp_path: Path, name: str, content: str, part: str) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    (tmp_path / name).write_text(content)
    for replace in (False, True):
        _refused(part, bpy.ops.freetalker.import_storyboard, filepath=str(tmp_path / name), replace=replace)


def test_no_such_file(armature: Any, tmp_path: Path) -> None:
    _refused("cannot be read", bpy.ops.freetalker.import_storyboard, filepath=str(tmp_path / "none.json"))


def test_export_that_cannot_be_done(armature: Any, tmp_path: Path) -> None:
    export = bpy.ops.freetalker.export_storyboard
    _refused("no text or speech strip", export, filepath=str(tmp_path / "out.json"))
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    _refused("ends in .json or .srt", export, filepath=str(tmp_path / "out.txt"))
    _refused("cannot be written", export, filepath=str(tmp_path / "no folder" / "out.json"))
    assert not list(tmp_path.iterdir())
