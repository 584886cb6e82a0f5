# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips on NLA tracks: what they keep, what of them is heard, and what is said about bad ones."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.addon.helpers import nla_editor, write_wave


def _tracks(armature: Any) -> list[tuple[str, list[tuple[float, float]]]]:
    return [
        (track.name, [(strip.frame_start, strip.frame_end) for strip in track.strips])
        for track in armature.animation_data.nla_tracks
    ]


def _text(ft: SimpleNamespace, armature: Any) -> Any:
    return ft.strips.find_strips(armature, "TEXT")[0].strip


def test_text_strips_follow_one_another(armature: Any) -> None:
    for prompt in ("a person walks forward", "a person bows", "a person turns around"):
        assert bpy.ops.freetalker.add_text_strip(prompt=prompt, seconds=2.0) == {"FINISHED"}
    assert _tracks(armature) == [("Text", [(1, 49), (49, 97), (97, 145)])]
    assert [action.freetalker.prompt for action in bpy.data.actions if action.freetalker.prompt.endswith("bows")]


def test_a_strip_of_the_upper_body_lies_over_the_others(ft: SimpleNamespace, armature: Any) -> None:
    bpy.context.scene.frame_set(13)
    bpy.ops.freetalker.add_text_strip(prompt="a person walks forward", seconds=4.0, frame=1)
    for _ in range(2):
        bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=1.0, scope="UPPER")
    bpy.ops.freetalker.add_text_strip(prompt="a person bows", seconds=1.0)
    assert _tracks(armature) == [("Text", [(1, 97), (97, 121)]), ("Text", [(13, 37), (37, 61)])]
    texts = ft.convert.timeline(bpy.context.scene, armature).text
    assert [text.scope for text in texts] == ["whole", "upper body", "upper body", "whole"]
    _blender(bpy.ops.nla.duplicate, ft.strips.find_strips(armature, "TEXT")[1].strip, linked=False)
    bpy.context.scene.frame_set(20)
    _blender(bpy.ops.nla.split, ft.strips.find_strips(armature, "TEXT")[1].strip)
    texts = ft.convert.timeline(bpy.context.scene, armature).text
    assert [text.prompt for text in texts if text.scope == "upper body"] == ["a person waves"] * 4
    assert len(texts) == 6


def test_overlapping_text_goes_to_another_track(ft: SimpleNamespace, armature: Any) -> None:
    for start in (1, 20, 40):
        ft.strips.add_text(armature, "a person waves", start, 24)
    assert _tracks(armature) == [("Text", [(1, 25), (40, 64)]), ("Text", [(20, 44)])]
    timeline = ft.convert.timeline(bpy.context.scene, armature)
    assert [strip.start for strip in timeline.text] == pytest.approx([0, 19 / 24, 39 / 24])


def test_timeline_is_in_seconds_from_the_scenes_start(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.0
    scene.frame_start, scene.frame_current = 11, 41
    settings = scene.freetalker
    settings.seed, settings.guidance, settings.model = 7, 0.5, "other"
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=3.0)
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech), frame=71)
    strip = _text(ft, armature)
    strip.action.freetalker.use_guidance, strip.action.freetalker.guidance = True, 1.5
    timeline = ft.convert.timeline(scene, armature)
    assert (timeline.fps, timeline.seed, timeline.guidance, timeline.model) == (30, 7, 0.5, "other")
    (text,), (spoken,) = timeline.text, timeline.speech
    assert (text.start, text.end, text.prompt, text.guidance) == (1.0, 4.0, "a person waves", 1.5)
    assert (spoken.start, spoken.end, spoken.audio, spoken.offset) == (2.0, 4.0, speech, 0.0)


def test_muted_and_solo_strips(ft: SimpleNamespace, armature: Any) -> None:
    for start in (1, 10):
        ft.strips.add_text(armature, f"a person waves at {start}", start, 24)
    low, high = armature.animation_data.nla_tracks

    def heard() -> list[str]:
        return [one.data.prompt[-2:] for one in ft.strips.find_strips(armature, "TEXT") if one.audible]

    assert heard() == [" 1", "10"]
    low.strips[0].mute = True
    assert heard() == ["10"]
    low.strips[0].mute, high.mute = False, True
    assert heard() == [" 1"]
    high.mute, high.is_solo = False, True
    assert heard() == ["10"]


def test_strips_within_a_meta_strip_are_found(ft: SimpleNamespace, armature: Any) -> None:
    for start in (1, 25):
        ft.strips.add_text(armature, "a person waves", start, 24)
    for strip in armature.animation_data.nla_tracks[0].strips:
        strip.select = True
    with nla_editor():
        bpy.ops.nla.meta_add()
    assert [strip.type for strip in armature.animation_data.nla_tracks[0].strips] == ["META"]
    assert [strip.start for strip in ft.convert.timeline(bpy.context.scene, armature).text] == [0.0, 1.0]


def test_prompt_names_the_strip(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    strip = _text(ft, armature)
    strip.action.freetalker.prompt = "a person\nbows " + "深くお辞儀をする" * 20
    assert strip.name.startswith("a person bows 深く")
    assert strip.name.endswith("…")
    assert len(strip.name.encode()) <= 59
    assert ft.convert.timeline(bpy.context.scene, armature).text[0].prompt.endswith("する")


def test_strips_survive_saving_and_sync(ft: SimpleNamespace, armature: Any, speech: Path, tmp_path: Path) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=3.0)
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech))
    before = ft.convert.timeline(bpy.context.scene, armature)
    path = str(tmp_path / "strips.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    armature = scene.freetalker.character
    assert ft.convert.timeline(scene, armature) == before
    strip = _text(ft, armature)
    armature.animation_data.nla_tracks[0].select = True
    assert (strip.frame_start, strip.frame_end, strip.use_sync_length) == (1, 73, False)


def test_adding_is_one_undo_step(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.freetalker.add_text_strip("EXEC_DEFAULT", True, prompt="a person waves")
    assert len(bpy.data.actions) == 1
    bpy.ops.ed.undo()
    assert len(bpy.data.actions) == 0
    assert not ft.strips.find_strips(bpy.context.scene.freetalker.character, "TEXT")


def test_removing_a_strip_removes_its_action(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    bpy.ops.freetalker.remove_strip(strip="a person waves")
    assert ft.strips.find_strips(armature, "TEXT") == []
    assert len(bpy.data.actions) == 0


def test_timeline_round_trip(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    core = ft.timeline
    source = core.Timeline(
        text=(
            core.TextStrip(0.0, 2.0, "a person walks", guidance=1.25),
            core.TextStrip(1.0, 3.0, "a person waves"),
        ),
        speech=(core.SpeechStrip(2.5, speech, 3.5, offset=0.5), core.SpeechStrip(4.0, speech)),
        fps=24.0,
        seed=9,
        guidance=((0.0, 0.0), (4.0, 1.0)),
        model="open",
    )
    ft.convert.add_timeline(bpy.context.scene, armature, source)
    read = ft.convert.timeline(bpy.context.scene, armature)
    assert read.text == source.text
    assert [(s.start, s.end, s.offset) for s in read.speech] == [(2.5, 3.5, 0.5), (4.0, 6.0, 0.0)]
    assert (read.seed, read.model) == (9, "open")
    for seconds in (0.0, 4.0, 5.0):
        assert core.guidance_at(read.guidance, seconds) == pytest.approx(min(1.0, seconds / 4.0), abs=1e-5)


_SPAN = ("left_handle", "right_handle") if bpy.app.version >= (5, 2, 0) else ("frame_final_start", "frame_final_end")
_OFFSET = "left_handle_offset" if bpy.app.version >= (5, 2, 0) else "frame_offset_start"


def _sounds(scene: Any) -> list[tuple[int, int, int]]:
    strips = [strip for strip in scene.sequence_editor.strips if strip.type == "SOUND"]
    return [(*(getattr(strip, name) for name in _SPAN), strip.channel) for strip in strips]


def _passed_over(strip: Any) -> int:
    return int(getattr(strip, _OFFSET))


def test_speech_is_heard_where_its_strip_is(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    scene = bpy.context.scene
    for _ in range(2):
        bpy.ops.freetalker.add_speech_strip(filepath=str(speech), frame=10)
    assert sorted(_sounds(scene)) == [(10, 58, 1), (10, 58, 2)]
    strip = ft.strips.find_strips(armature, "SPEECH")[0].strip
    strip.frame_start_ui = 100
    ft.sequencer.mirror(scene)
    assert sorted(start for start, _, _ in _sounds(scene)) == [10, 100]
    before = _sounds(scene)
    ft.sequencer.mirror(scene)
    assert _sounds(scene) == before
    for one in ft.strips.find_strips(armature, "SPEECH"):
        one.track.strips.remove(one.strip)
    ft.sequencer.mirror(scene)
    assert _sounds(scene) == []


def test_the_sequencers_names_are_not_on_their_way_out(
    ft: SimpleNamespace, armature: Any, speech: Path, recwarn: pytest.WarningsRecorder
) -> None:
    for frame in (1, 100):
        bpy.ops.freetalker.add_speech_strip(filepath=str(speech), frame=frame)
    ft.strips.find_strips(armature, "SPEECH")[0].strip.frame_start_ui = 30
    ft.sequencer.mirror(bpy.context.scene)
    assert [str(one.message) for one in recwarn if issubclass(one.category, DeprecationWarning)] == []


def test_the_users_own_sounds_are_left_alone(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    scene = bpy.context.scene
    scene.sequence_editor_create().strips.new_sound("mine", str(speech), 1, 5)
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech), frame=10)
    ft.sequencer.mirror(scene)
    assert sorted(_sounds(scene)) == [(5, 53, 1), (10, 58, 2)]


def test_trimmed_speech_starts_later_in_the_recording(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    core = ft.timeline
    source = core.Timeline(speech=(core.SpeechStrip(1.0, speech, 2.0, offset=0.5),), fps=24.0)
    ft.convert.add_timeline(bpy.context.scene, armature, source)
    ft.sequencer.mirror(bpy.context.scene)
    assert _sounds(bpy.context.scene) == [(25, 49, 1)]
    assert [_passed_over(strip) for strip in bpy.context.scene.sequence_editor.strips] == [12]


def test_a_split_recording_goes_on_where_it_was_cut(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    scene = bpy.context.scene
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech), frame=1)
    scene.frame_set(25)
    with nla_editor():
        bpy.ops.nla.split()
    spoken = ft.convert.timeline(scene, armature).speech
    assert [(strip.start, strip.end, strip.offset) for strip in spoken] == [(0.0, 1.0, 0.0), (1.0, 2.0, 1.0)]
    ft.sequencer.mirror(scene)
    assert sorted((start, end) for start, end, _ in _sounds(scene)) == [(1, 25), (25, 49)]
    assert sorted(_passed_over(strip) for strip in scene.sequence_editor.strips) == [0, 24]


def test_a_duplicate_has_a_prompt_of_its_own(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    with nla_editor():
        bpy.ops.nla.duplicate(linked=False)
    first, second = ft.strips.find_strips(armature, "TEXT")
    second.data.prompt = "a person bows"
    assert first.data.prompt == "a person waves"
    assert second.strip.name == "a person bows"
    assert first.strip.name.startswith("a person waves")


def _blender(operator: Any, *selected: Any, **options: Any) -> Any:
    """Blender's own operator on these strips and no others, in the NLA editor."""
    for owner in bpy.data.objects:
        for track in owner.animation_data.nla_tracks if owner.animation_data else ():
            for strip in track.strips:
                strip.select = strip in selected
    with nla_editor():
        return operator(**options)


def _said(ft: SimpleNamespace, armature: Any) -> list[tuple[float, float, str]]:
    found = ft.convert.timeline(bpy.context.scene, armature).text
    return [(strip.start * 24, strip.end * 24, strip.prompt) for strip in found]


def test_the_name_is_the_prompt(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    _text(ft, armature).name = "a person bows deeply"
    assert _said(ft, armature) == [(0, 96, "a person bows deeply")]
    assert _text(ft, armature).name == "a person bows deeply"
    _text(ft, armature).name = ""  # Blender takes the action's name for an empty one
    assert _said(ft, armature) == [(0, 96, "a person bows deeply")]


def test_a_long_prompt_keeps_what_its_name_does_not_show(ft: SimpleNamespace, armature: Any) -> None:
    prompt = "a person walks forward,  and then turns around, and after that bows to the 観客 in front"
    bpy.ops.freetalker.add_text_strip(prompt=prompt)
    strip = _text(ft, armature)
    assert _said(ft, armature)[0][2] == prompt
    shown = strip.name
    strip.name = shown.replace("walks", "runs")
    assert _said(ft, armature)[0][2] == " ".join(prompt.split()).replace("walks", "runs")
    strip.name = "a person bows"
    assert _said(ft, armature)[0][2] == "a person bows"


def test_names_of_an_older_version_are_no_prompts(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    strip = _text(ft, armature)
    strip.name, strip.action.freetalker.shown_name = "greeting", ""
    assert _said(ft, armature) == [(0, 96, "a person waves")]
    strip.name = "a person bows"
    assert _said(ft, armature) == [(0, 96, "a person bows")]


@pytest.mark.parametrize(
    "prompt", ["a person waves", "a person waves " + "and waves again " * 6, "深くお辞儀をする" * 9]
)
def test_duplicates_and_parts_are_no_renaming(ft: SimpleNamespace, armature: Any, prompt: str) -> None:
    bpy.ops.freetalker.add_text_strip(prompt=prompt)
    _blender(bpy.ops.nla.duplicate, _text(ft, armature), linked=False)
    _blender(bpy.ops.nla.duplicate, _text(ft, armature), linked=True)
    bpy.context.scene.frame_set(49)
    _blender(bpy.ops.nla.split, *[one.strip for one in ft.strips.find_strips(armature, "TEXT")])
    assert {text for _, _, text in _said(ft, armature)} == {prompt}
    assert sorted((start, end) for start, end, _ in _said(ft, armature)) == [(0, 48)] * 3 + [(48, 96)] * 3


def test_a_linked_duplicate_shares_until_it_is_renamed(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    _blender(bpy.ops.nla.duplicate, _text(ft, armature), linked=True)
    first, second = (one.strip for one in ft.strips.find_strips(armature, "TEXT"))
    assert ft.strips.find_strips(armature, "TEXT")[0].user_count == 2
    first.action.freetalker.prompt = "a person nods"
    assert [text for _, _, text in _said(ft, armature)] == ["a person nods"] * 2
    second.name = "a person bows"
    assert sorted(text for _, _, text in _said(ft, armature)) == ["a person bows", "a person nods"]
    assert {one.user_count for one in ft.strips.find_strips(armature, "TEXT")} == {1}


def test_a_part_of_a_split_strip_is_made_its_own(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    bpy.context.scene.frame_set(25)
    _blender(bpy.ops.nla.split, _text(ft, armature))
    _, second = (one.strip for one in ft.strips.find_strips(armature, "TEXT"))
    assert bpy.ops.freetalker.make_single(strip=second.name) == {"FINISHED"}
    second.action.freetalker.prompt = "a person bows"
    assert _said(ft, armature) == [(0, 24, "a person waves"), (24, 96, "a person bows")]
    assert bpy.ops.freetalker.remove_strip(strip=second.name) == {"FINISHED"}
    assert _said(ft, armature) == [(0, 24, "a person waves")]


def test_guidance_stays_with_what_it_was_set_for(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    data = _text(ft, armature).action.freetalker
    data.use_guidance, data.guidance_keys = True, "0:1, 4:3"
    _text(ft, armature).frame_start_ui = 25
    bpy.context.scene.frame_set(49)
    _blender(bpy.ops.nla.split, _text(ft, armature))
    texts = ft.convert.timeline(bpy.context.scene, armature).text
    assert [text.guidance for text in texts] == [((1.0, 1.0), (5.0, 3.0))] * 2
    ft.strips.find_strips(armature, "TEXT")[
        1
    ].strip.action_frame_start += 12  # trims what was first, and moves the rest up
    assert ft.convert.timeline(bpy.context.scene, armature).text[1].guidance == ((0.5, 1.0), (4.5, 3.0))


@pytest.mark.parametrize(
    "text", ["1", "0:1,", "0:1, 0:2", "1:1, 0:1", "0:-1", "0:nan", "x:1", "0:1:2", "inf:1", "0:21"]
)
def test_guidance_that_is_no_curve(ft: SimpleNamespace, armature: Any, text: str) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    data = _text(ft, armature).action.freetalker
    data.use_guidance, data.guidance_keys = True, text
    with pytest.raises(ft.errors.InputError, match=r"a person waves.*seconds:value"):
        ft.convert.timeline(bpy.context.scene, armature)


def test_speech_trimmed_from_the_left(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech), frame=25)
    strip = ft.strips.find_strips(armature, "SPEECH")[0].strip
    strip.action_frame_start = 12
    (spoken,) = ft.convert.timeline(bpy.context.scene, armature).speech
    assert (spoken.start, spoken.end, spoken.offset) == (1.0, 2.5, 0.5)
    ft.sequencer.mirror(bpy.context.scene)
    assert _sounds(bpy.context.scene) == [(25, 61, 1)]
    assert [_passed_over(strip) for strip in bpy.context.scene.sequence_editor.strips] == [12]


@pytest.mark.parametrize("change", [{"scale": 0.5}, {"repeat": 2.0}, {"use_reverse": True}])
def test_speech_keeps_its_speed(ft: SimpleNamespace, armature: Any, speech: Path, change: dict[str, Any]) -> None:
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech))
    for name, value in change.items():
        setattr(ft.strips.find_strips(armature, "SPEECH")[0].strip, name, value)
    with pytest.raises(ft.errors.InputError, match="not possible for a recording"):
        ft.convert.timeline(bpy.context.scene, armature)


def test_deleting_with_blenders_own_tools(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    scene = bpy.context.scene
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech))
    (spoken,) = ft.strips.find_strips(armature, "SPEECH")
    _blender(bpy.ops.nla.delete, spoken.strip)
    ft.sequencer.mirror(scene)
    assert _sounds(scene) == []
    assert ft.convert.timeline(scene, armature).speech == ()


def test_meta_strips_are_moved_muted_and_kept_whole(ft: SimpleNamespace, armature: Any, speech: Path) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=1.0)
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech))
    for kind in ("TEXT", "SPEECH"):
        _blender(bpy.ops.nla.meta_add, ft.strips.find_strips(armature, kind)[0].strip)
    for track in armature.animation_data.nla_tracks:
        track.strips[0].frame_start_ui = 49
    timeline = ft.convert.timeline(bpy.context.scene, armature)
    assert [(s.start, s.end) for s in (*timeline.text, *timeline.speech)] == [(2.0, 3.0), (2.0, 4.0)]
    _says("inside a meta strip", bpy.ops.freetalker.remove_strip, strip="a person waves")
    ft.strips.find_strips(armature, "TEXT")[0].track.strips[0].mute = True
    assert ft.convert.timeline(bpy.context.scene, armature).text == ()


def test_a_strip_in_a_meta_strip_may_have_the_name_of_another(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=1.0)
    _blender(bpy.ops.nla.meta_add, _text(ft, armature))
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=1.0)
    within, whole = ft.strips.find_strips(armature, "TEXT")
    within.strip.name = whole.strip.name = "a person bows"
    assert (within.strip.name, whole.strip.name) == ("a person bows", "a person bows")
    _says("inside a meta strip", bpy.ops.freetalker.remove_strip, strip=within.key)
    assert bpy.ops.freetalker.remove_strip(strip="a person bows") == {"FINISHED"}
    assert [one.key for one in ft.strips.find_strips(armature, "TEXT")] == [within.key]


def test_keys_are_blenders_own_for_other_strips(ft: SimpleNamespace, armature: Any, installed: Any) -> None:
    operators = installed("addon.ui.operators.strips")
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    with nla_editor():
        assert not operators._is_ordinary_selected(bpy.context)
        armature.animation_data.nla_tracks.new().strips.new(
            "ordinary", 1, bpy.data.actions.new("ordinary")
        ).select = True
        assert operators._is_ordinary_selected(bpy.context)
        _text(ft, armature).select = False
        assert operators._is_ordinary_selected(bpy.context)


def test_dropped_recordings_follow_one_another(ft: SimpleNamespace, armature: Any, tmp_path: Path) -> None:
    for name, seconds in (("a.wav", 1.0), ("b.wav", 2.0)):
        write_wave(tmp_path / name, seconds)
    files = [{"name": "a.wav"}, {"name": "b.wav"}]
    dropped = {"filepath": str(tmp_path / "a.wav"), "directory": str(tmp_path), "files": files}
    bpy.context.scene.frame_set(11)
    assert bpy.ops.freetalker.add_speech_strip(**dropped) == {"FINISHED"}
    spoken = ft.convert.timeline(bpy.context.scene, armature).speech
    assert [(s.audio.name, s.end - s.start) for s in spoken] == [("a.wav", 1.0), ("b.wav", 2.0)]
    assert spoken[1].start == spoken[0].end
    files.append({"name": "none.wav"})
    dropped["frame"] = 200
    _says("none.wav", bpy.ops.freetalker.add_speech_strip, **dropped)
    assert len(ft.strips.find_strips(armature, "SPEECH")) == 2


def test_sounds_are_taken_where_there_is_a_character(ft: SimpleNamespace) -> None:
    def taken(area: str) -> bool:
        with nla_editor():
            bpy.context.area.type = area
            return bpy.types.FREETALKER_FH_speech.poll_drop(bpy.context)

    assert not taken("NLA_EDITOR")
    bpy.ops.freetalker.add_character()
    assert [taken(area) for area in ("NLA_EDITOR", "VIEW_3D", "TEXT_EDITOR")] == [True, True, False]


def test_suggestions_are_what_the_model_knows(
    ft: SimpleNamespace, armature: Any, tmp_path: Path, installed: Any
) -> None:
    suggestions = installed("addon.timeline.suggestions")
    scene = bpy.context.scene
    found = suggestions.search(None, bpy.context, "hand RIGHT")
    assert "a person raises the right hand" in found
    assert all("right" in prompt and "hand" in prompt for prompt in found)
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    _blender(bpy.ops.nla.duplicate, _text(ft, armature), linked=True)
    bpy.ops.freetalker.suggest_prompt(strip=_text(ft, armature).name, prompt="a person bows")
    assert sorted(text for _, _, text in _said(ft, armature)) == ["a person bows", "a person waves"]
    listed = ("bows (bow)", "a person pleads (plead)", "jumps (jump_up)", "bows sadly (bow)", "pleads proudly (plead)")
    (tmp_path / "card.md").write_text("".join(f"- {line}\n" for line in listed))
    scene.freetalker.model = str(tmp_path)
    plain = ["a person bows", "a person jumps", "a person pleads"]
    assert suggestions.search(None, bpy.context, "") == [*plain, "bows sadly", "pleads proudly"]
    scene.freetalker.model = str(tmp_path / "none")
    assert len(suggestions.search(None, bpy.context, "")) > 40


def test_packed_speech_needs_no_file(ft: SimpleNamespace, armature: Any, tmp_path: Path) -> None:
    path = write_wave(tmp_path / "packed.wav", 1.0)
    bpy.ops.freetalker.add_speech_strip(filepath=str(path))
    (sound,) = bpy.data.sounds
    sound.pack()
    path.unlink()
    (spoken,) = ft.convert.timeline(bpy.context.scene, armature).speech
    assert spoken.audio.read_bytes()[:4] == b"RIFF"
    scene = bpy.context.scene
    scene.sequence_editor_clear()
    ft.sequencer.mirror(scene)
    assert len(_sounds(scene)) == 1
    assert list(bpy.data.sounds) == [sound]


@pytest.mark.parametrize(("rate", "channels", "width"), [(96000, 2, 2), (8000, 1, 1)])
def test_any_sample_format(ft: SimpleNamespace, tmp_path: Path, rate: int, channels: int, width: int) -> None:
    path = write_wave(tmp_path / "odd.wav", 1.5, rate, channels, width)
    sound = bpy.data.sounds.load(str(path))
    assert ft.sounds.sound_seconds(sound) == pytest.approx(1.5, abs=0.01)


def _says(part: str, operator: Any, **options: Any) -> None:
    """The operator refuses in one sentence that holds `part`, and changes nothing."""
    before = (len(bpy.data.actions), len(bpy.data.sounds), len(bpy.data.objects))
    with pytest.raises(RuntimeError) as caught:
        operator(**options)
    sentence = str(caught.value).removeprefix("Error: ").strip()
    assert part in sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "poll() " + part)) or "poll" in sentence
    assert (len(bpy.data.actions), len(bpy.data.sounds), len(bpy.data.objects)) == before


def test_empty_prompt(armature: Any) -> None:
    _says("prompt is empty", bpy.ops.freetalker.add_text_strip, prompt="   ")


def test_zero_length(armature: Any) -> None:
    _says("one frame or longer", bpy.ops.freetalker.add_text_strip, prompt="a person waves", seconds=0.0)


def test_missing_sound(armature: Any, tmp_path: Path) -> None:
    _says("does not exist", bpy.ops.freetalker.add_speech_strip, filepath=str(tmp_path / "no.wav"))


@pytest.mark.parametrize("content", [b"", b"this is not a sound"])
def test_not_a_sound(armature: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "not_a_sound.wav"
    path.write_bytes(content)
    _says("not_a_sound.wav", bpy.ops.freetalker.add_speech_strip, filepath=str(path))


def test_no_samples(armature: Any, tmp_path: Path) -> None:
    path = write_wave(tmp_path / "nothing.wav", 0.0)
    _says("nothing.wav", bpy.ops.freetalker.add_speech_strip, filepath=str(path))


def test_no_character(ft: SimpleNamespace) -> None:
    _says("There is no character", bpy.ops.freetalker.add_text_strip, prompt="a person waves")


def test_tweak_mode(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    armature.animation_data.nla_tracks[0].strips[0].select = True
    armature.animation_data.nla_tracks.active = armature.animation_data.nla_tracks[0]
    armature.animation_data.use_tweak_mode = True
    _says("tweak mode", bpy.ops.freetalker.add_text_strip, prompt="a person waves")
    armature.animation_data.use_tweak_mode = False
    assert (_text(ft, armature).frame_start, _text(ft, armature).frame_end) == (1, 97)


@pytest.mark.parametrize("linked", [False, True])
def test_a_strip_renamed_in_tweak_mode(ft: SimpleNamespace, armature: Any, linked: bool) -> None:
    """Its name is read at once, or after tweak mode where another strip shares its prompt."""
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=1.0)
    _blender(bpy.ops.nla.duplicate, _text(ft, armature), linked=linked)
    first, second = ft.strips.find_strips(armature, "TEXT")
    animation = armature.animation_data
    animation.nla_tracks.active, first.strip.select, second.strip.select = second.track, False, True
    animation.use_tweak_mode = True
    assert animation.action == second.strip.action
    assert first.user_count == second.user_count == 1 + linked
    second.strip.name = "a person bows"
    ft.names.adopt_names(armature)
    assert second.data.prompt == ("a person waves" if linked else "a person bows")
    animation.use_tweak_mode = False
    said = [text for _, _, text in _said(ft, armature)]
    assert sorted(said) == ["a person bows", "a person waves"]
    assert sorted(action.users for action in bpy.data.actions if action.users) == [1, 1]


def test_edit_mode_of_the_bones(ft: SimpleNamespace, armature: Any) -> None:
    """In which bones may have other names than their pose has."""
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones["left_knee"].name = "knee"
    for operator in (bpy.ops.freetalker.add_text_strip, bpy.ops.freetalker.bake_to_action, bpy.ops.freetalker.use_rig):
        _says("leave Edit Mode", operator)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(ft.strips.find_strips(armature, "TEXT")) == 1


def test_strips_on_a_locked_track_stay(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves", seconds=1.0)
    armature.animation_data.nla_tracks[0].lock = True
    _says("locked track", bpy.ops.freetalker.remove_strip, strip="a person waves")
    bpy.ops.freetalker.add_text_strip(prompt="a person bows", seconds=1.0)
    assert _tracks(armature) == [("Text", [(1, 25)]), ("Text", [(25, 49)])]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda strip, action: setattr(strip, "frame_start_ui", -20.0), "before the scene's first frame"),
        (lambda strip, action: setattr(action.freetalker, "sound", None), "has no sound"),
        (lambda strip, action: setattr(strip, "frame_end_ui", 200.0), "after its recording"),
        (lambda strip, action: setattr(strip, "mute", True), "no text or speech strip"),
        (lambda strip, action: setattr(action.freetalker.sound, "filepath", "//gone.wav"), "gone.wav"),
    ],
)
def test_speech_that_cannot_be_used(ft: SimpleNamespace, armature: Any, speech: Path, change: Any, part: str) -> None:
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech))
    strip = ft.strips.find_strips(armature, "SPEECH")[0].strip
    change(strip, strip.action)
    with pytest.raises(ft.errors.InputError, match=part):
        ft.convert.timeline(bpy.context.scene, armature)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_beyond_blenders_numbers(ft: SimpleNamespace, armature: Any, seed: int) -> None:
    source = ft.timeline.Timeline(text=(ft.timeline.TextStrip(0.0, 1.0, "a person waves", seed=seed),))
    with pytest.raises(ft.errors.InputError, match=f"The seed {seed} is out of range"):
        ft.convert.add_timeline(bpy.context.scene, armature, source)
    assert not ft.strips.find_strips(armature, "TEXT")


def test_prompt_made_empty_later(ft: SimpleNamespace, armature: Any) -> None:
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    _text(ft, armature).action.freetalker.prompt = ""
    with pytest.raises(ft.errors.InputError, match="empty prompt"):
        ft.convert.timeline(bpy.context.scene, armature)
