# SPDX-License-Identifier: GPL-3.0-or-later
"""Both command lines, as a user runs them: files, exit codes, one sentence, and nothing half written."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from core.__main__ import DELEGATED
from core.__main__ import main as core_main
from core.conditions.speech import features_width
from core.formats.bvh import load_bvh
from core.model.checkpoint import Model, ModelConfig, save_model
from core.model.denoiser import Denoiser, DenoiserConfig
from core.motion.clip import Motion, rest_motion
from core.motion.features import Normalizer, encode
from core.motion.skeleton import neutral_skeleton

ROOT = Path(__file__).resolve().parents[1]
BATCH = ("-m", "addon.batch")
CORE = ("-m", "core", "generate")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows nothing: small and random, near the rest pose."""
    torch.manual_seed(0)
    config = DenoiserConfig(width=32, layers=1, heads=2, feedforward=32, speech_width=features_width(("prosody",)))
    rest = encode(rest_motion(20, neutral_skeleton()), neutral_skeleton())
    speech = Normalizer(np.zeros(config.speech_width), np.ones(config.speech_width))
    folder = tmp_path_factory.mktemp("model")
    normalizer = Normalizer(rest.mean(0), np.full(rest.shape[1], 0.02))
    save_model(folder, Model(Denoiser(config).eval(), ModelConfig(config, ("prosody",)), normalizer, speech))
    return folder


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    """A second of walking and half a second of sound, at 10 frames a second: 13 frames."""
    soundfile.write(tmp_path / "voice.wav", 0.3 * np.sin(np.arange(16000) * 0.1), 16000)
    path = tmp_path / "timeline.json"
    content = {
        "fps": 10,
        "text": [{"start": 0.0, "end": 1.0, "prompt": "a person walks"}],
        "speech": [{"start": 0.7, "end": 1.2, "audio": "voice.wav"}],
    }
    path.write_text(json.dumps(content))
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def batch_here(installed: Callable[[str], ModuleType]) -> Callable[..., int]:
    """Run the batch command in this process and return its exit code.

    Saves the seconds that a new process takes to import torch. Each test that uses it also runs the command in a
    process of its own.
    """
    main = installed("addon.batch").main
    return lambda *arguments: main([str(argument) for argument in arguments])


def test_core_generate_writes_the_motion(model: Path, timeline: Path, tmp_path: Path) -> None:
    result = run(*CORE, timeline, "--model", model, "--steps", 2, "--seed", 3, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    motion = Motion.load(tmp_path / "out" / "motion.npz")
    assert (len(motion), motion.fps) == (13, 10.0)
    assert len(load_bvh(tmp_path / "out" / "motion.bvh").rotations) == 13


def test_core_and_batch_write_the_same_motion(model: Path, timeline: Path, tmp_path: Path) -> None:
    options = (timeline, "--model", model, "--steps", 2)
    assert run(*CORE, *options, "--out", tmp_path).returncode == 0
    assert run(*BATCH, *options, "--npz", tmp_path / "batch.npz").returncode == 0
    assert (tmp_path / "batch.npz").read_bytes() == (tmp_path / "motion.npz").read_bytes()


@pytest.mark.parametrize("as_blender", [False, True], ids=["module", "blender"])
def test_batch_writes_scene_and_film(model: Path, timeline: Path, tmp_path: Path, as_blender: bool) -> None:
    bpy = pytest.importorskip("bpy")
    out = {kind: tmp_path / "new" / f"out.{kind}" for kind in ("blend", "mp4", "npz", "bvh")}
    start = ("tests/blender_shim.py", "-b", "--python", "addon/batch.py", "--") if as_blender else BATCH
    size = ("--size", "96x54")
    result = run(
        *start, timeline, "--model", model, "--steps", 2, *size, "--blend", out["blend"], "--video", out["mp4"],
        "--npz", out["npz"], "--bvh", out["bvh"],
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Rendering: 13/13" in result.stdout
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in out.values())
    assert b"ftyp" in out["mp4"].read_bytes()[:16]
    with bpy.data.libraries.load(str(out["blend"])) as (there, _):
        assert {"FreeTalker", "FreeTalker Figure", "Stage Camera", "Stage Floor"} <= set(there.objects)
        assert "a person walks" in there.actions
        assert there.sounds == ["voice.wav"]


def _spoil(timeline: Path, how: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(timeline.read_text())
    how(content)
    timeline.write_text(json.dumps(content))


def _missing_sound(content: dict[str, Any]) -> None:
    content["speech"][0]["audio"] = "nowhere.wav"


def _no_prompt(content: dict[str, Any]) -> None:
    content["text"][0]["prompt"] = "  "


def _zero_length(content: dict[str, Any]) -> None:
    content["text"][0]["end"] = 0.0


def _unknown_key(content: dict[str, Any]) -> None:
    content["tempo"] = 3


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_missing_sound, "nowhere.wav"),
        (_no_prompt, "empty prompt"),
        (_zero_length, "end it after its start"),
        (_unknown_key, "tempo"),
    ],
)
def test_bad_timelines_are_one_sentence(
    model: Path,
    timeline: Path,
    tmp_path: Path,
    spoil: Callable[[dict[str, Any]], None],
    named: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _spoil(timeline, spoil)
    kept = tmp_path / "out" / "motion.npz"
    kept.parent.mkdir()
    kept.write_bytes(b"the user's")
    arguments = ["generate", timeline, "--model", model, "--steps", 2, "--out", kept.parent]
    assert core_main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert named in said
    assert len(said.strip().splitlines()) == 1
    assert kept.read_bytes() == b"the user's"
    assert list(kept.parent.iterdir()) == [kept]


def test_a_failed_batch_changes_nothing(model: Path, timeline: Path, tmp_path: Path) -> None:
    _spoil(timeline, _missing_sound)
    kept = tmp_path / "out" / "motion.npz"
    kept.parent.mkdir()
    kept.write_bytes(b"the user's")
    result = run(*BATCH, timeline, "--model", model, "--steps", 2, "--npz", kept, "--blend", kept.parent / "new.blend")
    assert result.returncode == 2
    assert "nowhere.wav" in result.stderr
    assert "Traceback" not in result.stderr
    assert kept.read_bytes() == b"the user's"
    assert list(kept.parent.iterdir()) == [kept]


def test_an_unknown_model_is_named(timeline: Path, tmp_path: Path) -> None:
    result = run(*BATCH, timeline, "--model", "nonsuch", "--npz", tmp_path / "out.npz")
    assert result.returncode == 2
    assert "nonsuch" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), "nothing to write"), (("--npz", "a.npz", "--size", "0x9"), "--size"), (("--npz", "tests"), "folder")],
)
def test_bad_options_are_one_sentence(timeline: Path, arguments: tuple[str, ...], named: str) -> None:
    result = run(*BATCH, timeline, *arguments)
    assert result.returncode == 2
    assert named in result.stderr


def test_batch_writes_the_character_and_the_sound(model: Path, timeline: Path, tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    out = {kind: tmp_path / "new" / f"out.{kind}" for kind in ("fbx", "glb", "sound")}
    options = [word for kind, path in out.items() for word in (f"--{kind}", path)]
    result = run(*BATCH, timeline, "--model", model, "--steps", 2, *options)
    assert result.returncode == 0, result.stderr
    assert sorted((tmp_path / "new").iterdir()) == sorted(out.values())
    assert out["glb"].read_bytes()[:4] == b"glTF"
    assert b"FBX" in out["fbx"].read_bytes()[:20]
    heard, rate = soundfile.read(out["sound"])
    assert len(heard) / rate == pytest.approx(1.3, abs=0.05)
    before, during = (np.abs(heard[int(a * rate) : int(b * rate)]).max() for a, b in ((0.0, 0.6), (0.8, 1.1)))
    assert before < 0.01
    assert during > 0.2


def test_the_strips_of_a_blender_file_are_generated(
    model: Path, timeline: Path, batch_here: Callable[..., int], tmp_path: Path
) -> None:
    """As a render farm does it: once without a picture, into a file of which any frame can be rendered."""
    bpy = pytest.importorskip("bpy")
    options = ("--model", model, "--steps", 2)
    assert batch_here(timeline, *options, "--npz", tmp_path / "first.npz", "--blend", tmp_path / "first.blend") == 0
    kept = (tmp_path / "first.blend").read_bytes()
    out = {
        kind: tmp_path / "scene" / name for kind, name in (("blend", "a.blend"), ("sound", "a.wav"), ("npz", "a.npz"))
    }
    words = [word for kind, path in out.items() for word in (f"--{kind}", path)]
    start = ("tests/blender_shim.py", "--background", "--python-exit-code", 2, "--python", "addon/batch.py", "--")
    result = run(*start, tmp_path / "first.blend", *options, *words)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "first.blend").read_bytes() == kept
    assert sorted((tmp_path / "scene").iterdir()) == sorted(out.values())
    one, other = (Motion.load(path) for path in (tmp_path / "first.npz", out["npz"]))
    skeleton = neutral_skeleton()
    np.testing.assert_allclose(other.positions(skeleton), one.positions(skeleton), atol=1e-3)
    with bpy.data.libraries.load(str(out["blend"])) as (there, _):
        assert there.sounds == ["voice.wav"]
        assert [name for name in there.actions if "Generated" in name]


@pytest.mark.parametrize("name", ["nowhere.blend", "spoilt.blend", "empty.blend"])
def test_bad_blender_files_are_one_sentence(tmp_path: Path, name: str) -> None:
    bpy = pytest.importorskip("bpy")
    (tmp_path / "spoilt.blend").write_text("no file of Blender's")
    scene = bpy.data.scenes.new("Empty")
    bpy.data.libraries.write(str(tmp_path / "empty.blend"), {scene})
    bpy.data.scenes.remove(scene)
    result = run(*BATCH, tmp_path / name, "--blend", tmp_path / "out.blend")
    assert result.returncode == 2
    assert name in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out.blend").exists()


@pytest.fixture
def folder(timeline: Path, tmp_path: Path) -> Path:
    """A folder with a timeline, subtitles, a timeline whose recording is missing, and another file."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    content = json.loads(timeline.read_text())
    content["speech"][0]["audio"] = "../voice.wav"
    (folder / "walk.json").write_text(json.dumps(content))
    content["speech"][0]["audio"] = "nowhere.wav"
    (folder / "spoilt.json").write_text(json.dumps(content))
    (folder / "bow.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\na person bows\n")
    (folder / "readme.txt").write_text("no timeline")
    return folder


def test_a_failing_timeline_does_not_stop_the_others(model: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(*BATCH, folder, "--model", model, "--steps", 2, "--npz", out, "--bvh", tmp_path / "bvh")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "1 of 3 timelines failed" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["bow.npz", "report.json", "walk.npz"]
    assert sorted(path.name for path in (tmp_path / "bvh").iterdir()) == ["bow.bvh", "walk.bvh"]
    report = json.loads((out / "report.json").read_text())
    assert (report["made"], report["skipped"], report["failed"]) == (2, 0, 1)
    rows = {row["timeline"]: row for row in report["timelines"]}
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "bow.srt": "made", "spoilt.json": "failed", "walk.json": "made",
    }  # fmt: skip
    assert "nowhere.wav" in rows["spoilt.json"]["error"]
    assert rows["walk.json"]["motion_seconds"] == 1.3
    assert rows["walk.json"]["outputs"] == [str(out / "walk.npz"), str(tmp_path / "bvh" / "walk.bvh")]
    assert all(row["seconds"] >= 0 for row in rows.values())
    table = [line.split() for line in result.stdout.splitlines() if line.startswith(("made", "failed"))]
    assert [(words[0], words[3]) for words in table] == [
        ("made", "bow.srt"), ("failed", "spoilt.json"), ("made", "walk.json"),
    ]  # fmt: skip


def test_what_is_up_to_date_is_passed_over(
    model: Path, folder: Path, batch_here: Callable[..., int], tmp_path: Path
) -> None:
    (folder / "spoilt.json").unlink()
    out = tmp_path / "out"
    arguments = (folder, "--model", model, "--steps", 2, "--npz", out, "--skip-existing")
    first = run(*BATCH, *arguments)
    assert first.returncode == 0, first.stderr

    def outcomes() -> dict[str, str]:
        rows = json.loads((out / "report.json").read_text())["timelines"]
        return {row["timeline"]: row["outcome"] for row in rows}

    assert outcomes() == {"bow.srt": "made", "walk.json": "made"}
    assert batch_here(*arguments) == 0
    assert outcomes() == {"bow.srt": "skipped", "walk.json": "skipped"}
    made = (out / "bow.npz").stat().st_mtime_ns
    later = (out / "walk.npz").stat().st_mtime + 5
    os.utime(tmp_path / "voice.wav", (later, later))  # its recording was changed
    assert batch_here(*arguments) == 0
    assert outcomes() == {"bow.srt": "skipped", "walk.json": "made"}
    assert (out / "bow.npz").stat().st_mtime_ns == made
    (out / "bow.npz").unlink()
    os.utime(tmp_path / "voice.wav", (0, 0))
    assert batch_here(*arguments) == 0
    assert outcomes() == {"bow.srt": "made", "walk.json": "skipped"}


def test_what_other_options_made_is_made_anew(
    model: Path, folder: Path, batch_here: Callable[..., int], tmp_path: Path
) -> None:
    """Of a folder and of a single timeline, whose outputs lie where those of the folder do."""
    (folder / "spoilt.json").unlink()
    out = tmp_path / "out"
    other = tmp_path / "another model"
    shutil.copytree(model, other)

    def made(source: Path, to: Path, *options: object) -> list[bool]:
        """Whether each output was written."""
        paths = [out / "bow.npz", out / "walk.npz"]
        before = [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]
        arguments = (source, "--model", model, "--steps", 2, "--npz", to, *options)
        if paths[0].exists():
            assert batch_here(*arguments) == 0
        else:
            result = run(*BATCH, *arguments)
            assert result.returncode == 0, result.stderr
        return [path.stat().st_mtime_ns != time for path, time in zip(paths, before, strict=True)]

    skip, walk = "--skip-existing", (folder / "walk.json", out / "walk.npz")
    assert made(folder, out) == [True, True]
    assert made(folder, out, skip, "--steps", 3) == [True, True]
    assert made(*walk, "--steps", 3, "--seed", 2) == [False, True]  # which no report knows of
    assert made(folder, out, skip, "--steps", 3, "--size", "64x64") == [False, True]  # no film is made of that size
    assert made(*walk, skip, "--steps", 3, "--model", other) == [False, True]
    assert made(*walk, skip, "--steps", 3, "--model", other) == [False, False]


def test_an_add_on_that_does_not_register_is_one_sentence(timeline: Path, tmp_path: Path) -> None:
    """A copy of the source whose registering fails halfway, with classes of it registered."""
    pytest.importorskip("bpy")
    copy = tmp_path / "copy"
    for name in ("addon", "core"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "addon" / "ui" / "overlay.py").open("a") as file:
        file.write("\n\ndef register() -> None:\n    raise RuntimeError('no overlay today')\n")
    result = run(copy / "addon" / "batch.py", "--", timeline, "--npz", tmp_path / "out.npz")
    assert result.returncode == 2
    assert "could not be registered: RuntimeError: no overlay today" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out.npz").exists()


def _empty(folder: Path) -> tuple[object, ...]:
    for path in folder.iterdir():
        path.unlink()
    return ("--npz", folder / "out")


def _onto_a_file(folder: Path) -> tuple[object, ...]:
    return ("--npz", folder / "readme.txt")


def _of_one_name(folder: Path) -> tuple[object, ...]:
    (folder / "walk.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\na person bows\n")
    return ("--npz", folder / "out")


def _report_beneath_a_file(folder: Path) -> tuple[object, ...]:
    return ("--npz", folder / "out", "--report", folder / "readme.txt" / "report.json")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_empty, "contains no timelines"),
        (_onto_a_file, "is a file"),
        (_of_one_name, "Two timelines are called 'walk'"),
        (_report_beneath_a_file, "cannot be written"),
    ],
)
def test_bad_folders_are_one_sentence(folder: Path, spoil: Callable[[Path], tuple[object, ...]], named: str) -> None:
    options = spoil(folder)
    before = sorted(folder.rglob("*"))
    result = run(*BATCH, folder, *options)
    assert result.returncode == 2
    assert named in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert sorted(folder.rglob("*")) == before


def test_a_place_that_cannot_be_written_is_told_before_the_work(model: Path, timeline: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("the user's")
    result = run(*BATCH, timeline, "--model", model, "--npz", tmp_path / "a file" / "out.npz")
    assert result.returncode == 2
    assert "a file" in result.stderr
    assert "Generating" not in result.stdout


def test_a_part_left_out_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(DELEGATED, "train", (".training.nowhere", ""))
    assert core_main(["train"]) == 2
    assert "not part of this copy" in capsys.readouterr().err
