# SPDX-License-Identifier: GPL-3.0-or-later
"""Milliseconds to redraw the tab in the NLA editor with 100 strips, all panels open, in a Blender with a window.

    blender --factory-startup --python benchmarks/redraw.py [-- STRIPS]

Times the main thread: Blender's redraw of the whole sidebar, and the Python code of our panels in it. (Blender cannot
redraw the sidebar of the 3D viewport, which has the same panels, alone.)
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
    """Return a module of the source tree under the name of the extension."""
    if "freetalker" not in sys.modules:
        root = ModuleType("freetalker")
        root.__path__ = [str(ROOT)]
        sys.modules["freetalker"] = root
    return importlib.import_module(f"freetalker.{name}")


def fill() -> None:
    """Make a character with consecutive strips of 20 frames; the playhead is on one of them."""
    scene: Any = bpy.context.scene
    armature = module("addon.character.figure").new_character(bpy.context)
    strips = module("addon.timeline.strips")
    for number in range(STRIPS):
        strips.add_text(armature, f"a person walks forward {number}", 1 + 20 * number, 20)
    scene.frame_set(30)


def timed() -> float:
    """Return the median milliseconds of a redraw of the region in the context."""
    taken: list[float] = []
    for _ in range(TIMES):
        start = time.thread_time()
        bpy.ops.wm.redraw_timer(type="DRAW", iterations=1)
        taken.append((time.thread_time() - start) * 1000)
    return statistics.median(taken)


def counted(spent: list[float]) -> None:
    """Make every panel of ours add the seconds of its poll and draw to `spent`."""

    def wrap(function: Any) -> Any:
        def timed_call(one: Any, context: Any) -> Any:
            start = time.thread_time()
            try:
                return function(one, context)
            finally:
                spent.append(time.thread_time() - start)

        return timed_call

    for panel in module("addon.ui.sidebar").CLASSES:
        panel.draw = wrap(panel.draw)
        if hasattr(panel, "poll"):
            panel.poll = classmethod(wrap(panel.poll.__func__))


def measure(spent: list[float]) -> Generator[None, None, None]:
    """Take the measurements; Blender redraws between two steps."""
    fill()
    window = bpy.context.window_manager.windows[0]
    area = max(window.screen.areas, key=lambda one: one.width * one.height)
    area.type = "NLA_EDITOR"
    area.spaces.active.show_region_ui = True
    yield
    side = next(region for region in area.regions if region.type == "UI")
    while not spent:  # it takes some redraws until the new tab is active
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
    """Take the next step; an error ends Blender, since nobody is there to see it."""
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
for panel in module("addon.ui.sidebar").CLASSES:
    getattr(panel, "bl_options", set()).discard("DEFAULT_CLOSED")
calls: list[float] = []
counted(calls)
module("addon").register()
steps = measure(calls)
bpy.app.timers.register(lambda: tick(steps), first_interval=1.0)
