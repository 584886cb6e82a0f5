# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension comes and goes without a trace, and costs nothing to load."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import addon_utils
import bpy

from tests.addon.helpers import EXTENSION


def _traces() -> set[str]:
    """What an extension could leave in Blender."""
    found = {f"class {name}" for name in dir(bpy.types) if name.startswith("FREETALKER_")}
    found |= {f"operator {name}" for name in dir(bpy.ops.freetalker)}
    found |= {f"{kind}.freetalker" for kind in ("Scene", "Action") if hasattr(getattr(bpy.types, kind), "freetalker")}
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            found |= {f"{name} {handler}" for handler in handlers if "freetalker" in getattr(handler, "__module__", "")}
    for name in dir(bpy.types):
        menu = getattr(bpy.types, name)
        if "_MT_" not in name or not hasattr(menu, "draw"):
            continue
        draws = getattr(menu.draw, "_draw_funcs", [])
        found |= {f"{menu.__name__} {draw}" for draw in draws if "freetalker" in draw.__module__}
    for configuration in (bpy.context.window_manager.keyconfigs.addon, bpy.context.window_manager.keyconfigs.user):
        for keymap in configuration.keymaps:
            items = [item for item in keymap.keymap_items if item.idname.startswith("freetalker.")]
            found |= {f"key {configuration.name} {keymap.name} {item.idname}" for item in items}
    return found


def test_registers_and_unregisters_twice_without_leaks(ft: SimpleNamespace) -> None:
    registered = _traces()
    assert len([trace for trace in registered if trace.startswith("class")]) > 10
    assert {trace for trace in registered if trace.startswith("key Blender addon")} == {
        "key Blender addon NLA Editor freetalker.add_text_strip",
        "key Blender addon NLA Editor freetalker.add_speech_strip",
    }
    for _ in range(2):
        addon_utils.disable(EXTENSION)
        assert _traces() == set()
        addon_utils.enable(EXTENSION)
        assert len(_traces()) == len(registered)


def test_unregistering_stops_the_job(ft: SimpleNamespace) -> None:
    ended = []

    def work(report: Any, cancelled: Any) -> None:
        while not cancelled():
            pass
        ended.append(True)

    ft.job.start("Test", work, lambda outcome: None)
    addon_utils.disable(EXTENSION)
    try:
        assert ended
        assert ft.job.current() is None
    finally:
        addon_utils.enable(EXTENSION)


def test_loading_imports_nothing_heavy(ft: SimpleNamespace) -> None:
    for name in list(sys.modules):
        if name.startswith(f"{EXTENSION}."):
            module = sys.modules[name]
            heavy = {"torch", "transformers", "librosa", "scipy", "soundfile"} & set(vars(module))
            assert not heavy or ".core." in name, f"{name} imports {heavy}"
    assert f"{EXTENSION}.core.model.checkpoint" not in _imported_at_start()


def test_leaving_blender_in_the_middle_of_a_job(ft: SimpleNamespace) -> None:
    said = _in_another_blender(
        "import importlib, time",
        f"job = importlib.import_module('{EXTENSION}.addon.job')",
        "def work(report, cancelled):",
        "    print('WORKING', flush=True)",
        "    while not cancelled(): time.sleep(0.01)",
        "    print('STOPPED', flush=True)",
        "job.start('Test', work, lambda outcome: None)",
        "time.sleep(0.1)",
    )
    assert said.index("WORKING") < said.index("STOPPED")


def _imported_at_start() -> set[str]:
    """The extension's modules that registering alone brings in, and heavy ones."""
    said = _in_another_blender(
        f"print('LOADED', *[n for n in sys.modules if n.startswith('{EXTENSION}') or n in ('torch', 'scipy')])"
    )
    names = set(next(line for line in said.splitlines() if line.startswith("LOADED")).split()[1:])
    assert f"{EXTENSION}.addon.takes.bake" in names
    assert not names & {"torch", "scipy"}
    return names


def _in_another_blender(*lines: str) -> str:
    """What a Blender of its own, with the extension enabled, prints when it runs these lines and ends."""
    code = ["import bpy, addon_utils, sys", "addon_utils.extensions_refresh()", f"addon_utils.enable('{EXTENSION}')"]
    return subprocess.run(
        [sys.executable, "-c", "\n".join((*code, *lines))], capture_output=True, text=True, check=True, timeout=60
    ).stdout
