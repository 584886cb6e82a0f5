# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip holds what the extension needs and nothing else."""

import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

import build_addon

_LEFT_OUT = ("tests/", "core/training", "core/evaluation", "assets/text_encoder")


def test_zip_is_complete_and_holds_no_more(extension_zip: Path) -> None:
    names = set(zipfile.ZipFile(extension_zip).namelist())
    needed = {
        "__init__.py", "blender_manifest.toml", "LICENSE", "addon/__init__.py", "addon/batch.py", "core/skeleton.py",
        "core/generate.py", "assets/skeleton.npz", "assets/character/wooden.npz", "assets/demo/CREDITS",
    }  # fmt: skip
    assert needed <= names
    assert not [name for name in names if name.startswith(_LEFT_OUT)]
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".part"))]


def test_version_is_stated_once_for_all() -> None:
    project = tomllib.loads((build_addon.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == build_addon.version()


def test_a_refused_package_leaves_no_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "blender_manifest.toml"
    manifest = build_addon.MANIFEST.read_text(encoding="utf-8")
    broken.write_text(manifest.replace('type = "add-on"', 'type = "pudding"'), encoding="utf-8")
    monkeypatch.setattr(build_addon, "MANIFEST", broken)
    with pytest.raises(subprocess.CalledProcessError):
        build_addon.build(tmp_path / "dist", text_encoder=False)
    assert not (tmp_path / "dist").exists()


def test_without_blender_the_command_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert build_addon.main(["--no-text-encoder"]) == 2
    assert "make zip" in capsys.readouterr().err


def test_the_sentence_encoder_goes_along_in_half_precision(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    build_addon.stage(tmp_path / "stage")
    weights = tmp_path / "stage" / "assets" / "text_encoder" / "model.safetensors"
    assert 40e6 < weights.stat().st_size < 50e6
