# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts as .srt subtitles, read and written."""

import pytest

from core.errors import InputError
from core.timeline.files import load_timeline, save_timeline
from core.timeline.strips import DEFAULT_GUIDANCE, SpeechStrip, TextStrip, Timeline

SUBTITLES = """\ufeff1\r
00:00:00,000 --> 00:00:04,500\r
a person walks forward\r
\r
\r
00:00:05.25 --> 01:00:08,5 X1:40 X2:600\r
{\\an8}a person <i>bows</i>\r
deeply\r
"""


def test_subtitles_are_prompts(tmp_path):
    path = tmp_path / "scene.SRT"
    path.write_bytes(SUBTITLES.encode())
    assert load_timeline(path).text == (
        TextStrip(0, 4.5, "a person walks forward"),
        TextStrip(5.25, 3608.5, "a person bows\ndeeply"),
    )


def test_subtitles_round_trip(tmp_path):
    text = (
        TextStrip(0.001, 2.999, "ein Mensch 立つ"),
        TextStrip(1.5, 359999.999, "a person\nwaves"),
        TextStrip(2.0, 3.0, "a person points", scope="upper body"),
    )
    save_timeline(Timeline(text=text, seed=4), tmp_path / "scene.srt")
    assert load_timeline(tmp_path / "scene.srt").text == text
    assert (tmp_path / "scene.srt").read_text(encoding="utf-8").startswith("1\n00:00:00,001 --> 00:00:02,999\nein ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no captions"),
        (b"a person walks", "Caption 1 has no times"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nwalk\n\n2\n00:00:03 -> 00:00:04\nbow", "Caption 2 has no times"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n", "empty prompt"),
        (b"1\n00:00:02,000 --> 00:00:01,000\nwalk", "end it after its start"),
        (b"1\n00:00:01,000 --> 00:00:02,000\ngr\xfc\xdfen", "UTF-8"),
    ],
)
def test_bad_subtitles(tmp_path, content, expected):
    path = tmp_path / "scene.srt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^scene\.srt") as error:
        load_timeline(path)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_speech_alone_makes_no_subtitles(tmp_path):
    with pytest.raises(InputError, match="contain only prompts"):
        save_timeline(Timeline(speech=(SpeechStrip(0, tmp_path / "a.wav"),)), tmp_path / "scene.srt")
    assert not list(tmp_path.iterdir())


def test_subtitles_are_generated_at_the_panels_guidance(tmp_path):
    """Subtitles cannot store guidance, and headless rendering has no panel to take it from."""
    path = tmp_path / "scene.srt"
    path.write_bytes(SUBTITLES.encode())
    assert load_timeline(path).guidance == DEFAULT_GUIDANCE == 3.5
