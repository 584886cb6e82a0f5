# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension, built, installed and enabled in Blender's Python once a session, and a fresh scene for each test."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXTENSION = "bl_ext.user_default.freetalker"

# The same examples in every run, and none of them refused because the machine was busy.
if importlib.util.find_spec("hypothesis"):
    hypothesis = importlib.import_module("hypothesis")
    hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
    hypothesis.settings.load_profile("steady")

# Blender reads these when bpy is imported: the tests neither see nor touch the user's own settings.
_resources = tempfile.TemporaryDirectory(prefix="freetalker-tests-", ignore_cleanup_errors=True)
if "bpy" not in sys.modules:
    os.environ["BLENDER_USER_RESOURCES"] = _resources.name


# Without torch (Python 3.13 on Linux, unless it was asked for) what needs it is left out, and the header says so.
_OF_CORE = "|".join(
    (
        "training",
        "evaluation",
        "model.(?:checkpoint|denoiser|prompt_classifier|torch_network|foreign|released)",
        "conditions.hub_text",
    )
)
_LIBRARIES = "torch|transformers|safetensors|soundfile|librosa|scipy|PIL"
_OF_RUNTIME = rf"{_LIBRARIES}|core.(?:{_OF_CORE})\b|tests.core.tiny_networks|benchmarks"
_RUNTIME = re.compile(rf"^(?:import|from) (?:{_OF_RUNTIME})", re.MULTILINE)
collect_ignore = (
    [
        str((path.parent if path.name == "conftest.py" else path).relative_to(ROOT / "tests"))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if (path.name == "conftest.py" or path.name.startswith("test_"))
        and _RUNTIME.search(path.read_text(encoding="utf-8"))
    ]
    if importlib.util.find_spec("torch") is None
    else []
)


def pytest_report_header() -> str:
    """Say which files are left out."""
    left_out = ", ".join(Path(name).stem for name in collect_ignore)
    return f"torch is not installed, so these are left out: {left_out}" if left_out else "torch is installed"


def pytest_sessionfinish() -> None:
    """Let out what Blender still holds of its own output, so that pytest has the last word."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built extension, without the sentence encoder."""
    sys.path.insert(0, str(ROOT))
    from build_addon import build

    return build(tmp_path_factory.mktemp("dist"), text_encoder=False)


@pytest.fixture(scope="session")
def installed(extension_zip: Path) -> Iterator[Callable[[str], ModuleType]]:
    """The extension installed and enabled; call it with a dotted name to get a module: installed("addon.job")."""
    bpy = pytest.importorskip("bpy", reason="these tests need Blender's Python (the bpy package)")
    bpy.ops.extensions.package_install_files(
        filepath=str(extension_zip), repo="user_default", enable_on_install=True, overwrite=True
    )
    assert EXTENSION in bpy.context.preferences.addons, "the extension did not register"
    yield lambda name: importlib.import_module(f"{EXTENSION}.{name}")
    bpy.ops.preferences.addon_disable(module=EXTENSION)


@pytest.fixture
def scene(installed: Callable[[str], ModuleType]) -> object:
    """An empty scene in a new file, with the extension still enabled."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return bpy.context.scene
