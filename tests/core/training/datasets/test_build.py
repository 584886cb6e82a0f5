# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare DATASET`: the packed clips, their split, and what a killed run leaves."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.conditions.speech import load_audio, speech_features
from core.training.clip import CAPTIONED_ACTION, SPEECH_ACTION
from core.training.clip_set import ClipSet
from core.training.datasets import build, cache
from core.training.datasets.build import prepare_dataset, split_groups
from core.training.datasets.cache import Conditions
from core.training.datasets.recording import Options, Recording
from tests.core.tiny_networks import make_wavlm
from tests.core.training.datasets.makers import WRITERS, contents, header


def test_humanml3d_clips(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("humanml3d", datasets / "humanml3d", tmp_path, conditions)
    data = header(tmp_path)
    clips = data["clips"]
    assert {clip["action"] for clip in clips} == {CAPTIONED_ACTION}
    first = [clip for clip in clips if clip["name"] == "000000"]
    words = [[data["words"][i] for i in clip["sentences"]] for clip in first]
    assert words == [
        ["a man raises his left hand.", "a man lifts an arm"],
        ["he waves"],
        ["a man raises his right hand."],
    ]
    rows = np.load(tmp_path / "features.npy")
    assert len(rows) == clips[-1]["stop"]
    assert len(np.load(tmp_path / "speech.npy")) == 0
    # the mirror image turns the other way
    yaw = [rows[clip["start"] + 1, 0] for clip in (first[0], first[2])]
    assert yaw[0] == pytest.approx(-yaw[1], abs=1e-6)
    assert abs(yaw[0]) > 1e-4


def test_speech_lies_on_its_frames(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    data = header(tmp_path)
    speech = np.load(tmp_path / "speech.npy")
    for clip in data["clips"]:
        assert clip["action"] == SPEECH_ACTION
        expected = speech_features(load_audio(datasets / "beat" / "2" / f"{clip['name']}.wav"), conditions.blocks)
        frames = clip["stop"] - clip["start"]
        assert frames >= 79
        np.testing.assert_array_equal(speech[clip["speech"] : clip["speech"] + frames], expected[:frames])
    assert data["speech_blocks"] == list(conditions.blocks)
    assert data["encoder"] == conditions.encoder


def test_styles_and_anybodys_words(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("zeggs", datasets / "zeggs", tmp_path / "zeggs", conditions)
    data = header(tmp_path / "zeggs")
    said = {clip["name"]: " / ".join(data["words"][i] for i in clip["sentences"]) for clip in data["clips"]}
    assert "happily" in said["002_Happy_0_x_1_0"]
    assert "happily" not in said["001_Neutral_0_x_1_0"]
    assert len(said) == 3  # of `clean` alone
    prepare_dataset("bvh", datasets / "bvh", tmp_path / "own", conditions, Options(license="mine"))
    data = header(tmp_path / "own")
    clips = {clip["name"]: clip for clip in data["clips"]}
    assert {name: clip["action"] for name, clip in clips.items()} == {
        "both": SPEECH_ACTION, "monday/walk": CAPTIONED_ACTION, "talk": SPEECH_ACTION, "tuesday/walk": CAPTIONED_ACTION,
    }  # fmt: skip
    assert clips["both"]["captioned"]
    assert [data["words"][i] for i in clips["both"]["sentences"]] == ["a guide explains the map"]
    assert not clips["talk"]["captioned"]
    assert {clip["license"] for clip in clips.values()} == {"mine"}


def test_splits_are_8_1_1_seeded_and_recorded(datasets: Path, tmp_path: Path, conditions: Conditions):
    names = [f"n{i}" for i in range(100)]
    splits = split_groups(names, 3)
    assert [list(splits.values()).count(part) for part in ("train", "val", "test")] == [80, 10, 10]
    assert splits == split_groups(names[::-1], 3) != split_groups(names, 4)
    assert sorted(split_groups(["a", "b", "c"], 1).values()) == ["test", "train", "val"]
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions, seed=5)
    recorded = json.loads((tmp_path / "splits.json").read_text())
    assert recorded.pop("seed") == 5
    clips = ClipSet(tmp_path)
    for clip in clips.clips:
        assert clip.name in recorded[clip.split]
        assert clips.split.held_out(clip) == (clip.split != "train")
    assert sorted(len(names) for names in recorded.values()) == [1, 1, 1]


def test_a_mirror_image_is_in_the_split_of_its_recording(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("humanml3d", datasets / "humanml3d", tmp_path, conditions)
    of_name: dict[str, set[str]] = {}
    for clip in header(tmp_path)["clips"]:
        of_name.setdefault(clip["name"], set()).add(clip["split"])
    assert all(len(parts) == 1 for parts in of_name.values())


def test_a_killed_run_goes_on_and_ends_the_same(
    datasets: Path, tmp_path: Path, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
):
    prepare_dataset("bvh", datasets / "bvh", tmp_path / "whole", conditions)
    make, read = build.make_part, []

    def killed(path: Path, kind: str, recording: Recording, *more) -> object:
        if len(read) == 2:
            raise KeyboardInterrupt
        read.append(recording.name)
        return make(path, kind, recording, *more)

    monkeypatch.setattr(build, "make_part", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare_dataset("bvh", datasets / "bvh", tmp_path / "again", conditions)
    assert not (tmp_path / "again" / "clips.json").exists()

    def counted(path: Path, kind: str, recording: Recording, *more) -> object:
        read.append(recording.name)
        return make(path, kind, recording, *more)

    monkeypatch.setattr(build, "make_part", counted)
    prepare_dataset("bvh", datasets / "bvh", tmp_path / "again", conditions)
    assert sorted(read) == ["both", "monday/walk", "talk", "tuesday/walk"]  # each once
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")
    assert not (tmp_path / "again" / "parts").exists()


def test_conditions_are_cached_and_configured(
    datasets: Path, tmp_path: Path, encoder: str, monkeypatch: pytest.MonkeyPatch
):
    wavlm = make_wavlm(tmp_path / "wavlm", width=16)
    blocks = ("onset", f"wavlm={wavlm}", "prosody")
    prepare_dataset("beat", datasets / "beat", tmp_path / "out", Conditions(encoder, blocks))
    before = contents(tmp_path / "out")
    assert np.load(tmp_path / "out" / "speech.npy").shape[1] == 21
    assert np.load(tmp_path / "out" / "sentences.npy").shape[1] == 8
    clip = header(tmp_path / "out")["clips"][0]
    expected = speech_features(load_audio(datasets / "beat" / "2" / f"{clip['name']}.wav"), blocks)
    np.testing.assert_allclose(np.load(tmp_path / "out" / "speech.npy")[:79], expected[:79], atol=1e-5)
    for name in ("load_audio", "encode_texts"):
        monkeypatch.setattr(cache, name, lambda *_: pytest.fail("it is in the cache"))
    prepare_dataset("beat", datasets / "beat", tmp_path / "out", Conditions(encoder, blocks))
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("kind", list(WRITERS))
@pytest.mark.parametrize("recipe", ["open", "freetalker"])
def test_a_model_trains_on_them(prepared: Path, tmp_path: Path, kind: str, recipe: str):
    command = ["train", "--clips", str(prepared / kind), "--out", str(tmp_path), "--name", "tiny", "--recipe", recipe]
    assert main([*command, *SMALL]) == 0
    config = json.loads((tmp_path / "tiny" / "config.json").read_text())
    assert config["license"] == ("NOASSERTION" if kind == "bvh" else "CC-BY-NC-4.0")
    card = (tmp_path / "tiny" / "card.md").read_text()
    assert f"\n- {kind}: " in card
    assert "made by rule" not in card


SMALL = (
    "--width", "16", "--layers", "1", "--feedforward", "16", "--batch", "2", "--steps", "2", "--classifier-steps", "3",
)  # fmt: skip
