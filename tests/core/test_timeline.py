# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline file: read, written, and refused with one sentence."""

import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.timeline import SpeechStrip, TextStrip, Timeline, guidance_at, load_timeline, save_timeline

WALK = {"start": 0.0, "end": 4.0, "prompt": "a person walks forward"}


def written(folder: Path, content: object) -> Path:
    path = folder / "scene.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_round_trip(tmp_path):
    timeline = Timeline(
        text=(TextStrip(0, 4, "a person walks forward", 1.5), TextStrip(5, 6, "ein Mensch 立つ")),
        speech=(SpeechStrip(7, tmp_path / "voice.flac", 18), SpeechStrip(20, tmp_path / "more.wav", offset=2.5)),
        fps=24,
        seed=7,
        guidance=((0.0, 1.0), (9.0, 0.25)),
    )
    save_timeline(timeline, tmp_path / "scene.json")
    assert load_timeline(tmp_path / "scene.json") == timeline
    assert json.loads((tmp_path / "scene.json").read_text())["speech"][0]["audio"] == "voice.flac"


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
    ("change", "told"),
    [
        ({"mood": 1}, "unknown key 'mood'"),
        ({"text": [WALK | {"colour": 1}]}, "unknown key 'colour'"),
        ({"text": [{"start": 0, "end": 1}]}, "lacks the key 'prompt'"),
        ({"text": [WALK | {"prompt": "   "}]}, "empty prompt"),
        ({"text": [WALK | {"end": 0.0}]}, "not after its start"),
        ({"text": [WALK | {"start": -1}]}, "begins at 0"),
        ({"text": [WALK | {"start": "soon"}]}, "must be a number"),
        ({"text": WALK}, "list of strips"),
        ({"text": [3]}, "JSON object"),
        ({"fps": 0}, "fps"),
        ({"seed": 2**31}, "seed"),
        ({"seed": True}, "seed"),
        ({"guidance": [[1, 2], [0, 2]]}, "in order"),
        ({"guidance": "strong"}, "guidance"),
        ({"model": 3}, "must be text"),
        ({"text": []}, "empty"),
        ({"speech": [{"start": 1, "audio": "a.wav", "end": 1}]}, "a.wav"),
        ({"speech": [{"start": 1, "audio": "a.wav", "offset": -1}]}, "offset"),
    ],
)
def test_wrong_values_are_named_in_one_sentence(tmp_path, change, told):
    with pytest.raises(InputError) as error:
        load_timeline(written(tmp_path, {"text": [WALK]} | change))
    message = str(error.value)
    assert told in message
    assert message.startswith("scene.json: ")
    assert "\n" not in message


@pytest.mark.parametrize("content", ["", "{", "walk", "[1, 2]", "null", '{"text": NaN}'])
def test_not_a_timeline(tmp_path, content):
    with pytest.raises(InputError, match=r"scene\.json"):
        load_timeline(written(tmp_path, content))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json"):
        load_timeline(tmp_path / "absent.json")


def test_times_that_are_not_finite():
    with pytest.raises(InputError, match="finite"):
        TextStrip(0, float("inf"), "walk")


def test_guidance_between_keys_and_outside():
    keys = ((1.0, 0.0), (3.0, 1.0))
    assert [guidance_at(keys, t) for t in (0, 1, 2, 3, 9)] == [0, 0, 0.5, 1, 1]
    assert guidance_at(2.0, 5) == 2.0
