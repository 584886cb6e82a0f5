# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare` on tiny recordings: which sources go in, and what the report says of them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.formats.bvh import save_bvh
from core.motion.clip import Motion, rest_motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
)
from core.motion.skeleton import INDEX, neutral_skeleton
from core.training import joint_maps, prepare, source_readers
from core.training.joint_maps import JOINT_MAPS
from core.training.sources import LICENSES

SKELETON = neutral_skeleton()


def moving(seed: int, frames: int = 60) -> Motion:
    """Arms hanging, the left one swinging, at 30 fps."""
    motion = rest_motion(frames, SKELETON, fps=30.0)
    swing = np.zeros((frames, 55, 3))
    swing[:, INDEX["left_shoulder"], 2] = -1.2 + 0.4 * np.sin(np.arange(frames) / (5 + seed))
    swing[:, INDEX["right_shoulder"], 2] = 1.2
    return Motion(motion.translation, axis_angle_to_quaternion(swing), 30.0)


def write_sources(folder: Path) -> None:
    """Two usable files of each of two sources, and in both a file that breaks off and one that is something else."""
    for name, files in {
        "cmu": ("walk_a", "walk_b"),
        "bandai_namco": ("dataset-1_bow_sad_001", "dataset-1_bow_sad_002"),
    }.items():
        (folder / name).mkdir(parents=True)
        for i, stem in enumerate(files):
            save_bvh(moving(i + len(name)), folder / name / f"{stem}.bvh")
    whole = (folder / "cmu" / "walk_a.bvh").read_text()
    (folder / "cmu" / "broken.bvh").write_text(whole[: len(whole) // 2])
    (folder / "bandai_namco" / "dataset-1_bow_happy_001.bvh").write_text("a letter")
    (folder / "speech").mkdir()
    (folder / "speech" / "bad.wav").write_text("no sound")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sources whose joints have SMPL-X's names, and families of them."""
    names = {joint: (joint,) for joint in JOINT_MAPS["zebra"]}
    monkeypatch.setattr(joint_maps, "JOINT_MAPS", {"own": names})
    monkeypatch.setattr(source_readers, "bandai_rest", dict)
    monkeypatch.setattr(
        prepare,
        "FAMILIES",
        {"open": {"cmu": "cmu"}, "stage-nc": {"cmu": "cmu", "bandai_namco": "bandai_namco"}},
    )
    monkeypatch.setattr(prepare, "make_pairs", lambda *_: iter(()))
    monkeypatch.setattr(prepare, "readable_sounds", lambda files, counts: files)
    monkeypatch.setattr("core.training.packing.encode_texts", _lengths)
    write_sources(tmp_path / "data")
    return tmp_path / "data"


def _lengths(words: Sequence[str], _: str) -> np.ndarray:
    return np.array([[len(word)] for word in words], np.float32)


def run(source: Path, out: Path, family: str) -> tuple[list[dict], list[str], str]:
    """The clips, the words and the report."""
    arguments = ["--source", str(source), "--out", str(out), "--family", family, "--speech-minutes", "0"]
    assert prepare.main(arguments) == 0
    header = json.loads((out / "clips.json").read_text())
    return header["clips"], header["words"], (out / "report.md").read_text()


def test_families(sources: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips, words, report = run(sources, tmp_path / "open", "open")
    assert {(clip["source"], clip["license"]) for clip in clips} == {("cmu", "CMU mocap")}
    assert "Commercial use is allowed." in report
    assert "broken.bvh cannot be read as a complete BVH file: it declares 60 frames" in caplog.text
    assert "| cmu | CMU mocap | 0.1 | 2 | unreadable 1 |" in report
    assert not any(word.endswith("sadly") for word in words)

    clips, words, report = run(sources, tmp_path / "stage", "stage-nc")
    assert {clip["license"] for clip in clips} == {"CMU mocap", "CC-BY-NC-4.0"}
    assert "For non-commercial use only: bandai_namco is CC-BY-NC-4.0." in report
    assert "dataset-1_bow_happy_001.bvh" in caplog.text
    assert "| bandai_namco | CC-BY-NC-4.0 | 0.1 | 2 | unreadable 1 |" in report
    assert any(word.endswith("bows sadly") for word in words)
    bows = sum(clip["action"] == "bow" for clip in clips)
    assert bows > 0
    assert f"| bow | {bows} | bandai_namco {bows} |" in report
    assert not list((tmp_path / "stage").glob("*.part"))


def test_speech_is_paired_with_unrestricted_motion_only(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked: list[str] = []
    monkeypatch.setattr(prepare, "straight_walks", lambda clips: [walked.append(clip.source) for clip in clips])
    prepare.prepare(sources, tmp_path / "out", 0.0, family="stage-nc")
    assert set(walked) == {"cmu"}


def test_the_same_clips_every_time(sources: Path, tmp_path: Path) -> None:
    run(sources, tmp_path / "a", "stage-nc")
    run(sources, tmp_path / "b", "stage-nc")
    for name in ("features.npy", "sentences.npy", "clips.json", "report.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_missing_source_is_named(sources: Path, tmp_path: Path) -> None:
    for file in (sources / "bandai_namco").iterdir():
        file.unlink()
    with pytest.raises(InputError, match="contains no bandai_namco clips"):
        prepare.prepare(sources, tmp_path / "out", 0.0, family="stage-nc")
    assert not (tmp_path / "out").exists()


def test_recordings_that_are_no_sound_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soundfile

    soundfile.write(tmp_path / "good.wav", np.zeros(1600, np.float32), 16000)
    (tmp_path / "bad.wav").write_text("no sound")
    files = prepare.speech_files(tmp_path)
    counts = prepare.Counter[str]()
    assert [file.name for file in prepare.readable_sounds(files, counts)] == ["good.wav"]
    assert counts == {"kept": 1, "unreadable": 1}
    assert "bad.wav" in caplog.text


def test_the_default_family_may_be_sold() -> None:
    assert set(prepare.FAMILIES["open"]) < set(prepare.FAMILIES["stage-nc"])
    assert not {"bandai_namco", "hdm05"} & set(prepare.FAMILIES["open"])
    assert all("-NC-" not in LICENSES[kind] for kind in prepare.FAMILIES["open"])


def test_optional_sources_need_their_folder(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "OPTIONAL", {"open": {"cmu_more": "more/cmu_more"}})
    _, intakes = prepare.read_sources(sources, "open")
    assert [intake.source for intake in intakes] == ["cmu"]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "skipped" in line]
    assert line.startswith("cmu_more: ")
    (sources / "more").mkdir()
    with pytest.raises(InputError, match="cmu_more"):  # part of the sources is missing
        prepare.read_sources(sources, "open")
