# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeline .json files: reading, writing, and one-sentence errors."""

import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.timeline.files import load_timeline, save_timeline
from core.timeline.strips import SpeechStrip, TextStrip, Timeline

WALK = {"start": 0.0, "end": 4.0, "prompt": "a person walks forward"}


def written(folder: Path, content: object) -> Path:
    path = folder / "scene.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_round_trip(tmp_path):
    timeline = Timeline(
        text=(
            TextStrip(0, 4, "a person walks forward", 1.5),
            TextStrip(1, 3, "a person waves", scope="upper body"),
            TextStrip(5, 6, "ein Mensch 立つ", seed=3),
        ),
        speech=(
            SpeechStrip(7, tmp_path / "voice.flac", 18),
            SpeechStrip(20, tmp_path / "more.wav", offset=2.5, seed=0),
        ),
        fps=24,
        seed=7,
        guidance=((0.0, 1.0), (9.0, 0.25)),
    )
    save_timeline(timeline, tmp_path / "scene.json")
    assert load_timeline(tmp_path / "scene.json") == timeline
    assert json.loads((tmp_path / "scene.json").read_text(encoding="utf-8"))["speech"][0]["audio"] == "voice.flac"


def test_audio_beside_the_folder_is_relative_too(tmp_path):
    timeline = Timeline(speech=(SpeechStrip(0, tmp_path / "audio" / "voice.flac"),))
    for home in ("here", "there"):
        (tmp_path / home / "boards").mkdir(parents=True)
    save_timeline(timeline, tmp_path / "here" / "scene.json")
    assert load_timeline(tmp_path / "here" / "scene.json") == timeline
    (tmp_path / "here" / "scene.json").rename(tmp_path / "there" / "boards" / "scene.json")
    (moved,) = load_timeline(tmp_path / "there" / "boards" / "scene.json").speech
    assert moved.audio == tmp_path / "there" / "audio" / "voice.flac"


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "scene.json").mkdir()
    with pytest.raises(InputError, match=r"scene\.json cannot be written"):
        save_timeline(Timeline(text=(TextStrip(0, 1, "a person bows"),)), tmp_path / "scene.json")
    assert [path.name for path in tmp_path.iterdir()] == ["scene.json"]


def test_the_documented_file(tmp_path):
    path = written(
        tmp_path,
        {"fps": 30, "seed": 7, "guidance": 1.0, "model": "open", "text": [WALK | {"guidance": 1.0}],
         "speech": [{"start": 7.0, "audio": "jfk_inaugural.flac", "end": 18.0}]},
    )  # fmt: skip
    timeline = load_timeline(path)
    assert timeline.text[0] == TextStrip(0, 4, "a person walks forward", 1.0)
    assert timeline.speech[0].audio == tmp_path / "jfk_inaugural.flac"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"mood": 1}, "unknown key 'mood'"),
        ({"text": [WALK | {"colour": 1}]}, "unknown key 'colour'"),
        ({"text": [{"start": 0, "end": 1}]}, "has no key 'prompt'"),
        ({"text": [WALK | {"prompt": "   "}]}, "empty prompt"),
        ({"text": [WALK | {"end": 0.0}]}, "end it after its start"),
        ({"text": [WALK | {"start": -1}]}, "start it at 0 or later"),
        ({"text": [WALK | {"start": "soon"}]}, "must be a number"),
        ({"text": WALK}, "list of strips"),
        ({"text": [3]}, "JSON object"),
        ({"fps": 0}, "fps"),
        ({"seed": 2**31}, "seed"),
        ({"seed": True}, "seed"),
        ({"guidance": [[1, 2], [0, 2]]}, "in order"),
        ({"guidance": "strong"}, "guidance"),
        ({"text": [WALK | {"scope": "legs"}]}, "'scope' must be 'whole' or 'upper body', not 'legs'"),
        ({"text": [WALK | {"scope": None}]}, "'scope' must be 'whole' or 'upper body', not None"),
        ({"model": 3}, "must be text"),
        ({"text": []}, "empty"),
        ({"speech": [{"start": 1, "audio": "a.wav", "end": 1}]}, "a.wav"),
        ({"speech": [{"start": 1, "audio": "a.wav", "offset": -1}]}, "offset"),
        ({"text": [WALK | {"end": 10**400}]}, "a number from"),
        ({"guidance": 10**400}, "guidance"),
        ({"guidance": [[0, True]]}, "guidance"),
        ({"text": [WALK | {"prompt": "walk \ud800"}]}, "Unicode"),
    ],
)
def test_wrong_values_are_named_in_one_sentence(tmp_path, change, expected):
    with pytest.raises(InputError) as error:
        load_timeline(written(tmp_path, {"text": [WALK]} | change))
    message = str(error.value)
    assert expected in message
    assert message.startswith("scene.json: ")
    assert "\n" not in message


@pytest.mark.parametrize("content", ["", "{", "walk", "[1, 2]", "null", '{"text": NaN}', "[" * 100000])
def test_not_a_timeline(tmp_path, content):
    with pytest.raises(InputError, match=r"scene\.json"):
        load_timeline(written(tmp_path, content))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json"):
        load_timeline(tmp_path / "absent.json")


def test_missing_settings_are_the_timelines_defaults(tmp_path):
    timeline = load_timeline(written(tmp_path, {"text": [WALK]}))
    assert timeline == Timeline(text=(TextStrip(0.0, 4.0, "a person walks forward"),))
    assert (timeline.fps, timeline.seed, timeline.guidance, timeline.model) == (30.0, 0, 1.0, "open")
