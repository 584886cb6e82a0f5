# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip holds what the extension needs and nothing else."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import build_addon
from tests.wheels import make_wheel

_LEFT_OUT = ("tests/", "core/training", "core/evaluation", "assets/text_encoder")


def test_zip_is_complete_and_holds_no_more(extension_zip: Path) -> None:
    names = set(zipfile.ZipFile(extension_zip).namelist())
    needed = {
        "__init__.py", "blender_manifest.toml", "LICENSE", "addon/__init__.py", "addon/batch.py",
        "core/motion/skeleton.py", "core/generate.py",
        "assets/skeleton.npz", "assets/character/wooden.npz", "assets/demo/CREDITS",
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


def test_a_bundle_brings_its_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    digests = {name: make_wheel(index, name) for name in ("ftbundled", "numpy")}
    locks = tmp_path / "locks"
    locks.mkdir()
    tag = "cp311" if sys.version_info[:2] == (3, 11) else "cp313"
    lines = [f"{name}==1.0 --hash=sha256:{digest}" for name, digest in digests.items()]
    (locks / f"{tag}-linux-cpu.txt").write_text("\n".join(lines))
    installer = build_addon._installer()
    monkeypatch.setattr(installer.lock_file, "__defaults__", (locks, "", "linux"))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    python = f"{tag[2]}.{tag[3:]}"
    archive = build_addon.build(tmp_path / "dist", text_encoder=False, runtime=("cpu", "linux", python))
    assert archive.name == f"freetalker-{build_addon.version()}-linux-x64-cpu-{tag}.zip"
    with zipfile.ZipFile(archive) as content:
        manifest = tomllib.loads(content.read("blender_manifest.toml").decode())
        assert [name for name in content.namelist() if name.endswith(".whl")] == [
            "wheels/ftbundled-1.0-py3-none-any.whl"  # Blender has numpy
        ]
    assert manifest["wheels"] == ["./wheels/ftbundled-1.0-py3-none-any.whl"]
    assert manifest["platforms"] == ["linux-x64"]
    assert manifest["permissions"]["network"]
    assert manifest["blender_version_min"] == ("4.5.0" if tag == "cp311" else "5.1.0")
    (index / "ftbundled-1.0-py3-none-any.whl").write_bytes(b"changed")
    with pytest.raises(subprocess.CalledProcessError):
        build_addon.build(tmp_path / "again", text_encoder=False, runtime=("cpu", "linux", python))
    assert not (tmp_path / "again").exists()
    if sys.platform == "linux":
        assert "ftbundled" in _installed_in_another_blender(archive, tmp_path / "resources")


def _installed_in_another_blender(archive: Path, resources: Path) -> str:
    """What a Blender of its own says after it has installed the zip and imported the bundled package."""
    code = (
        "import bpy, importlib\n"
        f"bpy.ops.extensions.package_install_files(filepath={str(archive)!r}, repo='user_default',"
        " enable_on_install=True)\n"
        "module = importlib.import_module('ftbundled')\n"
        "print('FOUND', module.__file__)\n"
        "bpy.ops.preferences.addon_disable(module='bl_ext.user_default.freetalker')\n"
    )
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(resources)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120, env=environment
    )
    return next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))


def test_a_bundle_without_a_lock_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--no-text-encoder", "--output", str(tmp_path / "dist"), "--bundle", "metal", "--system", "linux"]
    assert build_addon.main(arguments) == 2
    assert "No runtime is available for Python 3.11 on linux with METAL" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()
