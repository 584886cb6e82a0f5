# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips and timelines as values: what they refuse, guidance over time, and audio paths."""

from pathlib import Path

import pytest

from core.errors import InputError
from core.timeline.strips import SpeechStrip, TextStrip, Timeline, guidance_at, resolve_audio_paths


def test_times_that_are_not_finite():
    with pytest.raises(InputError, match="finite"):
        TextStrip(0, float("inf"), "walk")


def test_guidance_between_keys_and_outside():
    keys = ((1.0, 0.0), (3.0, 1.0))
    assert [guidance_at(keys, t) for t in (0, 1, 2, 3, 9)] == [0, 0, 0.5, 1, 1]
    assert guidance_at(2.0, 5) == 2.0


def test_relative_audio_is_resolved_and_absolute_audio_kept(tmp_path):
    elsewhere = tmp_path / "b" / "c.wav"
    timeline = Timeline(speech=(SpeechStrip(0, Path("../a.wav")), SpeechStrip(1, elsewhere)))
    resolved = resolve_audio_paths(timeline, tmp_path / "home")
    assert [strip.audio for strip in resolved.speech] == [tmp_path / "a.wav", elsewhere]
