# SPDX-License-Identifier: GPL-3.0-or-later
"""Milliseconds to redraw the tab in the NLA editor with 100 strips, all panels open, in a Blender with a window.

    blender --factory-startup --python benchmarks/redraw.py [-- STRIPS]

Of the main thread, Blender's whole redraw of the sidebar, and what of that is the Python code of our panels. (In the 3D
viewport, which has the same panels, Blender does not redraw the sidebar alone.)
"""

import importlib
import statistics
import sys
import time
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

ROOT = Path(__file__).resolve().parents[1]
STRIPS = int(sys.argv[sys.argv.index("--") + 1]) if "--" in sys.argv else 100
TIMES = 20


def module(name: str) -> ModuleType:
    """A module of the source tree, as the extension would name it."""
    if "freetalker" not in sys.modules:
        root = ModuleType("freetalker")
        root.__path__ = [str(ROOT)]
        sys.modules["freetalker"] = root
    return importlib.import_module(f"freetalker.{name}")


def fill() -> None:
    """A character with strips of 20 frames, one after the other; the playhead is in one of them."""
    scene: Any = bpy.context.scene
    armature = module("addon.character").new_character(bpy.context)
    strips = module("addon.strips")
    for number in range(STRIPS):
        strips.add_text(armature, f"a person walks forward {number}", 1 + 20 * number, 20)
    scene.frame_set(30)


def timed() -> float:
    """Median milliseconds of a redraw of the region at hand."""
    taken: list[float] = []
    for _ in range(TIMES):
        start = time.thread_time()
        bpy.ops.wm.redraw_timer(type="DRAW", iterations=1)
        taken.append((time.thread_time() - start) * 1000)
    return statistics.median(taken)


def counted(spent: list[float]) -> None:
    """Let every panel of ours add the seconds of its poll and draw to `spent`."""

    def wrap(function: Any) -> Any:
        def timed_call(one: Any, context: Any) -> Any:
            start = time.thread_time()
            try:
                return function(one, context)
            finally:
                spent.append(time.thread_time() - start)

        return timed_call

    for panel in module("addon.panels.sidebar").CLASSES:
        panel.draw = wrap(panel.draw)
        if hasattr(panel, "poll"):
            panel.poll = classmethod(wrap(panel.poll.__func__))


def measure(spent: list[float]) -> Generator[None, None, None]:
    """What happens, a redraw between one step and the next."""
    fill()
    window = bpy.context.window_manager.windows[0]
    area = max(window.screen.areas, key=lambda one: one.width * one.height)
    area.type = "NLA_EDITOR"
    area.spaces.active.show_region_ui = True
    yield
    side = next(region for region in area.regions if region.type == "UI")
    while not spent:  # a new tab is taken after some redraws
        side.active_panel_category = "FreeTalker"
        area.tag_redraw()
        yield
    with bpy.context.temp_override(window=window, area=area, region=side):
        timed()
        spent.clear()
        redraw = timed()
    python = sum(spent) * 1000 / TIMES
    print(f"| Redraw the tab with {STRIPS} strips (our Python alone) | {redraw:.1f} ms ({python:.1f} ms) |", flush=True)
    bpy.ops.wm.quit_blender()


def tick(running: Generator[None, None, None]) -> float | None:
    """Take the next step; an error ends Blender, for nobody sits before it."""
    try:
        next(running)
    except StopIteration:
        return None
    except Exception:
        import traceback

        traceback.print_exc()
        bpy.ops.wm.quit_blender()
        return None
    return 0.7


bpy.context.preferences.view.show_splash = False
for panel in module("addon.panels.sidebar").CLASSES:
    getattr(panel, "bl_options", set()).discard("DEFAULT_CLOSED")
calls: list[float] = []
counted(calls)
module("addon").register()
steps = measure(calls)
bpy.app.timers.register(lambda: tick(steps), first_interval=1.0)
