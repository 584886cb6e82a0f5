# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged, missing and foreign files are one sentence each, and leave what was there."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.errors import InputError
from core.training.datasets import beat, cache, clips_writer, parts
from core.training.datasets.build import prepare_dataset
from core.training.datasets.cache import Conditions, digest
from core.training.datasets.recording import Options
from tests.core.dataset_makers import SKELETON, speaking, write_smplx
from tests.core.training.datasets.makers import WRITERS, contents, header, turning, write_beat


def test_half_of_the_files_gone(
    datasets: Path, tmp_path: Path, conditions: Conditions, caplog: pytest.LogCaptureFixture
):
    source = tmp_path / "beat"
    write_beat(source, 6)
    folder = source / "2"
    whole = (folder / "2_scott_0_1_1.bvh").read_text()
    (folder / "2_scott_0_1_1.bvh").write_text(whole[: len(whole) // 2])
    (folder / "2_scott_0_2_2.wav").unlink()
    sound = (folder / "2_scott_0_3_3.wav").read_bytes()
    (folder / "2_scott_0_3_3.wav").write_bytes(sound[: len(sound) // 4])
    (folder / "2_scott_0_4_4.wav").write_bytes(b"RIFF")
    (folder / "2_scott_0_5_5.bvh").write_text(
        (folder / "2_scott_0_5_5.bvh").read_text().replace("LeftLeg", "Propeller")
    )
    with caplog.at_level(logging.WARNING):
        prepare_dataset("beat", source, tmp_path / "out", conditions)
    said = (tmp_path / "out" / "report.md").read_text()
    assert (
        "| beat | LicenseRef-BEAT-NC-research | 1 | unreadable 3, no sound 1, different lengths 1 | 1 | 0.1 |" in said
    )
    assert "For non-commercial use only." in said
    for sentence in (
        "2_scott_0_1_1.bvh cannot be read as a complete BVH file: it declares 480 frames",
        "2_scott_0_2_2 has no sound of the same name",
        "2_scott_0_3_3 moves for 4.0 s, but 2_scott_0_3_3.wav lasts 1.0 s; cut them to the same length.",
        "'2_scott_0_4_4.wav' cannot be read as audio",
        "2_scott_0_5_5: no left knee was found among the joints Hips, Spine",
    ):
        assert sentence in said
        assert sentence in caplog.text
    assert not list((tmp_path / "out").rglob("*.part"))


def test_damaged_humanml3d(datasets: Path, tmp_path: Path, conditions: Conditions):
    source = tmp_path / "humanml3d"
    shutil.copytree(datasets / "humanml3d", source)
    npz = source / "amass_data/KIT/3/kick_high_left02_poses.npz"
    npz.write_bytes(npz.read_bytes()[:2000])
    write_smplx(turning(300, 100.0), source / "amass_data/EyesJapanDataset/hamada/gesture_etc-01_stageii.npz")
    (source / "texts" / "000002.txt").write_text("he waves#x#one#two\n")
    prepare_dataset("humanml3d", source, tmp_path / "out", conditions)
    said = (tmp_path / "out" / "report.md").read_text()
    assert "kick_high_left02_poses.npz is not an SMPL-X motion; use an .npz with poses (T, 165)" in said
    assert "gesture_etc-01_stageii.npz ends before the frames 20 to 120" in said
    assert "000002.txt cannot be read; it must be a text file with lines 'caption#tokens#start#end'." in said
    assert {clip["name"] for clip in header(tmp_path / "out")["clips"]} == {"000003"}
    # where joint positions are there too, they stand in for the damaged recording
    np.save(source / "new_joints" / "000000.npy", speaking(100, 1).positions(SKELETON)[:, :22])
    (source / "new_joints" / "000003.npy").write_bytes(b"\x93NUMPY")
    prepare_dataset("humanml3d", source, tmp_path / "out", conditions)
    assert {clip["name"] for clip in header(tmp_path / "out")["clips"]} == {"000000"}
    assert (
        "000003.npy cannot be read; it must be an .npy of joint positions (T, 22, 3)"
        in (tmp_path / "out/report.md").read_text()
    )


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_foreign_layout_is_one_sentence(
    datasets: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
):
    """Also if clips of an earlier preparation are there: they stay."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "clips.json").write_text("earlier")
    other = tmp_path / "letters"
    other.mkdir()
    (other / "letter.doc").write_text("dear")
    assert main(["prepare", kind, "--source", str(other), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"letters contains no recordings of {kind}; it must contain" in said
    assert contents(tmp_path / "out") == {"clips.json": b"earlier"}
    assert main(["prepare", kind, "--source", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "none is not a folder; give the folder" in capsys.readouterr().err


def test_damaged_caches_are_remade(datasets: Path, tmp_path: Path, conditions: Conditions):
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    before = contents(tmp_path)
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    (tmp_path / "parts").mkdir()
    for recording in beat.find(datasets / "beat", Options()):
        (tmp_path / "parts" / f"{digest(recording.name)}.npz").write_bytes(b"PK")
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    assert contents(tmp_path) == before


def test_a_full_disk_is_one_sentence(
    datasets: Path, tmp_path: Path, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
):
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    before = contents(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for place, name in ((parts.np, "savez"), (clips_writer, "_stream")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, full)
            with pytest.raises(InputError, match=r"cannot be written: No space left on device"):
                prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
        assert contents(tmp_path) == before
    shutil.rmtree(tmp_path / "parts")
    for path in (tmp_path / "cache").glob("speech-*"):
        path.unlink()
    with monkeypatch.context() as patched:  # nor is it taken for a recording that cannot be read
        patched.setattr(cache.np, "save", full)
        with pytest.raises(InputError, match=r"\.npy cannot be written: No space left on device\."):
            prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    prepare_dataset("beat", datasets / "beat", tmp_path, conditions)
    assert contents(tmp_path) == before


def test_nothing_usable_leaves_what_was_there(tmp_path: Path, conditions: Conditions):
    source = tmp_path / "own"
    source.mkdir()
    (source / "a.bvh").write_text("HIERARCHY")
    (source / "a.txt").write_text("a person walks")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "clips.json").write_text("earlier")
    with pytest.raises(InputError, match=r"None of the 1 recordings in .* can be used \(unreadable 1\): a.bvh cannot"):
        prepare_dataset("bvh", source, tmp_path / "out", conditions)
    assert contents(tmp_path / "out") == {"clips.json": b"earlier"}


def test_other_refusals(datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def refused(*arguments: str) -> str:
        assert main(["prepare", *arguments, "--out", str(tmp_path / "out")]) == 2
        return capsys.readouterr().err

    (tmp_path / "fbx").mkdir()
    (tmp_path / "fbx" / "NaturalTalking_001.fbx").write_text("")
    assert "export them as BVH" in refused("trinity", "--source", str(tmp_path / "fbx"))
    source = str(datasets / "beat")
    assert "of the speakers 9" in refused("beat", "--source", source, "--speakers", "9")
    assert "There is no speech block 'pitch'" in refused("beat", "--source", source, "--speech-blocks", "pitch")
    assert "WavLM network" in refused("beat", "--source", source, "--speech-blocks", f"wavlm={tmp_path / 'fbx'}")
    humanml3d_source = str(datasets / "humanml3d")
    assert "AMASS subsets" in refused("humanml3d", "--source", humanml3d_source, "--amass", str(tmp_path / "no"))
    assert "Only one --source" in refused("beat", "--source", source, source)
    assert "text encoder" in refused("beat", "--source", source, "--text-encoder", str(tmp_path / "fbx"))
    assert "contains no prepared clips" in refused("join", "--source", source)
    bad = tmp_path / "index"
    (bad / "texts").mkdir(parents=True)
    (bad / "index.csv").write_text("a,b\n1,2\n")
    assert "index.csv cannot be read" in refused("humanml3d", "--source", str(bad))
    assert not (tmp_path / "out").exists()
