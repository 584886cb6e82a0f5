# SPDX-License-Identifier: GPL-3.0-or-later
"""clips.json is written and read, and so is the takes.json of earlier versions."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.evaluation.clips import Library
from core.training.clip import Clip
from core.training.clip_set import ClipSet
from core.training.clips_file import ClipsHeader, find_clips_file, read_header, write_header

CLIPS = [
    Clip(0, 60, "walk", (0, 1), "Walk", "cmu", "free"),
    Clip(60, 120, "speech", (1,), "voice", "speech", "free", 0, True, "val"),
]
HEADER = ClipsHeader("tiny", ("prosody", "onset"), ["a person walks", "a person talks"], CLIPS)


def as_before(folder: Path) -> None:
    """Turn the clips.json of a folder into the takes.json of earlier versions."""
    data = json.loads((folder / "clips.json").read_text())
    data["takes"] = data.pop("clips")
    for row in data["takes"]:
        row["licence"], row["told"] = row.pop("license"), row.pop("captioned")
    (folder / "clips.json").unlink()
    (folder / "takes.json").write_text(json.dumps(data))


def test_a_header_comes_back_as_it_was_written(tmp_path: Path):
    write_header(tmp_path, HEADER)
    assert read_header(tmp_path) == HEADER
    assert "split" not in json.loads((tmp_path / "clips.json").read_text())["clips"][0]


def test_a_header_of_an_earlier_version_is_read_and_replaced(tmp_path: Path):
    write_header(tmp_path, HEADER)
    as_before(tmp_path)
    assert find_clips_file(tmp_path) == tmp_path / "takes.json"
    assert read_header(tmp_path) == HEADER
    write_header(tmp_path, HEADER)
    assert [path.name for path in tmp_path.iterdir()] == ["clips.json"]


def test_a_folder_of_an_earlier_version_is_trained_on_evaluated_and_joined(clips: ClipSet, tmp_path: Path):
    folder = tmp_path / "clips"
    batch = clips.batch(1, 0, 8, 0.4)
    as_before(folder)
    again = ClipSet(folder)
    assert again.clips == clips.clips
    for key, value in again.batch(1, 0, 8, 0.4).items():
        np.testing.assert_array_equal(value, batch[key])
    assert Library.open(folder).clips == clips.clips
    assert main(["prepare", "join", "--source", str(folder), "--out", str(tmp_path / "joined")]) == 0
    assert read_header(tmp_path / "joined").clips == clips.clips
    assert not (tmp_path / "joined" / "takes.json").exists()


@pytest.mark.parametrize("option", ["--clips", "--takes"])
def test_the_option_has_its_earlier_name_too(tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]):
    assert main(["train", option, str(tmp_path), "--out", str(tmp_path)]) == 2
    assert f"{tmp_path} contains no prepared clips" in capsys.readouterr().err
