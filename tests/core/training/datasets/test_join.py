# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of packed clips are joined, trained on and evaluated."""

from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.errors import InputError
from core.evaluation.clips import Library
from core.evaluation.plan import plan_text
from core.training.clip import CAPTIONED_ACTION
from core.training.clip_set import ClipSet
from core.training.datasets.build import prepare_dataset
from core.training.datasets.cache import Conditions
from core.training.split import Split

SMALL = (
    "--width", "16", "--layers", "1", "--feedforward", "16", "--batch", "2", "--steps", "2", "--classifier-steps", "3",
)  # fmt: skip


def test_words_and_speech_are_joined(prepared: Path, tmp_path: Path):
    """As FreeTalker learns from HumanML3D and BEAT together."""
    folders = [prepared / "humanml3d", prepared / "beat"]
    assert main(["prepare", "join", "--source", *map(str, folders), "--out", str(tmp_path / "both")]) == 0
    apart, both = [ClipSet(folder) for folder in folders], ClipSet(tmp_path / "both")
    assert len(both.clips) == sum(len(clips.clips) for clips in apart)
    first = len(apart[0].clips)
    for clips, joined in ((apart[0], both.clips[:first]), (apart[1], both.clips[first:])):
        for a, b in zip(clips.clips, joined, strict=True):
            np.testing.assert_array_equal(clips.features[a.start : a.stop], both.features[b.start : b.stop])
            np.testing.assert_array_equal(clips.sentences[list(a.sentences)], both.sentences[list(b.sentences)])
            assert (a.speech < 0) == (b.speech < 0)
            assert clips.split.held_out(a) == both.split.held_out(b)
            if a.speech >= 0:
                frames = a.stop - a.start
                np.testing.assert_array_equal(
                    clips.speech[a.speech : a.speech + frames], both.speech[b.speech : b.speech + frames]
                )
    command = ["train", "--clips", str(tmp_path / "both"), "--out", str(tmp_path), "--name", "tiny"]
    assert main([*command, *SMALL]) == 0


def test_an_evaluation_reads_them(prepared: Path):
    library = Library.open(prepared / "humanml3d")
    plan = plan_text(library, Split.of(library.clips), 1)
    assert {item.action for item in plan.recorded} == {CAPTIONED_ACTION}
    assert {item.clip.split for item in plan.recorded} == {"val", "test"}
    speech = Library.open(prepared / "beat")
    with pytest.raises(InputError, match="contain only speech"):
        plan_text(speech, Split.of(speech.clips), 1)


def test_clips_that_were_prepared_differently_are_not_joined(
    datasets: Path, prepared: Path, tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
):
    prepare_dataset("beat2", datasets / "beat2", tmp_path / "other", Conditions(encoder, ("mfcc",)))
    sources = [str(prepared / "beat"), str(tmp_path / "other")]
    assert main(["prepare", "join", "--source", *sources, "--out", str(tmp_path / "both")]) == 2
    assert "the speech blocks mfcc" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()
    assert main(["prepare", "join", "--source", *sources[:1], "--out", sources[0]]) == 2
    assert "is one of the folders to be joined" in capsys.readouterr().err
