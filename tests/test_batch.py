# SPDX-License-Identifier: GPL-3.0-or-later
"""Both command lines, as a user runs them: files, exit codes, one sentence, and nothing half written."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from core.__main__ import DELEGATED
from core.__main__ import main as core_main
from core.conditions.speech import features_width
from core.features import Normalizer, encode
from core.formats.bvh import load_bvh
from core.model.checkpoint import Model, ModelConfig, save_model
from core.model.denoiser import Denoiser, DenoiserConfig
from core.motion import Motion, rest_motion
from core.skeleton import neutral_skeleton

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
        (_zero_length, "not after its start"),
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
    [((), "Nothing to write"), (("--npz", "a.npz", "--size", "0x9"), "--size"), (("--npz", "tests"), "folder")],
)
def test_bad_options_are_one_sentence(timeline: Path, arguments: tuple[str, ...], named: str) -> None:
    result = run(*BATCH, timeline, *arguments)
    assert result.returncode == 2
    assert named in result.stderr


def test_a_part_left_out_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(DELEGATED, "train", (".training.nowhere", ""))
    assert core_main(["train"]) == 2
    assert "not a part of this copy" in capsys.readouterr().err
