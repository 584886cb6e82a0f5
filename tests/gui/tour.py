# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene directed with mouse and keyboard alone, and a picture of each step, by tests/gui/tour.

    blender --factory-startup --enable-event-simulate --python tour.py -- EXTENSION.zip FOLDER [ENVIRONMENT]

Every click and key is a simulated event, and what should come of it is asserted; an error ends Blender with exit code
1. The recording is the only file in the home folder. ENVIRONMENT is a virtual environment of Blender's Python version
with the runtime. For each picture it writes FOLDER/NAME.ready; who runs it takes the picture and deletes that.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import bpy

ARCHIVE, FOLDER, *ENVIRONMENT = (Path(argument).resolve() for argument in sys.argv[sys.argv.index("--") + 1 :])
EXTENSION = "bl_ext.user_default.freetalker"
SETTLE = 0.5  # seconds for the window to be drawn
KEYS = {" ": "SPACE", ".": "PERIOD"}
# Buttons of the sidebar: part of its width from the left, pixels from its top, as the panels stand at that step.
ADD_CHARACTER, GENERATE, REROLL, TAKE_1, BAKE = (0.5, 71), (0.4, 307), (0.688, 184), (0.31, 576), (0.5, 750)
# In the NLA editor: the ruler at frames, and the row of the first track; strips start out with 250 frames in sight.
FRAME_97, FRAME_193, SECOND_STRIP = (0.3932, 10), (0.75, 10), (0.5, 93)
IN_FIRST_STRIP, IN_SECOND_STRIP = (0.124, 10), (0.346, 10)  # when all strips are in sight
# In the file browser: pixels from the left and from the top; ADD_FILE from the bottom.
FIRST_FILE, ADD_FILE = (310, 108), (1368, 43)
Steps = Generator[None, None, None]


def window() -> Any:
    return bpy.context.window_manager.windows[0]


def area_of(kind: str) -> Any:
    """The largest area of that kind."""
    found = [area for area in window().screen.areas if area.type == kind]
    return max(found, key=lambda area: area.width * area.height)


def region_of(kind: str, region: str) -> Any:
    return next(one for one in area_of(kind).regions if one.type == region)


def body() -> Any:
    return bpy.data.objects["FreeTalker"]


def strips() -> list[Any]:
    data = body().animation_data
    return [strip for track in data.nla_tracks for strip in track.strips] if data else []


def preview() -> bool:
    """Whether lines show how the motion begins."""
    return importlib.import_module(f"{EXTENSION}.addon.generation.session").preview(body()) is not None


def press(kind: str, x: int, y: int, **held: bool) -> Steps:
    """A key or button, with the mouse there."""
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type=kind, value=value, x=x, y=y, **held)
    yield
    yield


def within(kind: str, region: str, place: tuple[float, int]) -> tuple[int, int]:
    """Window coordinates of a place in a region: part of its width from the left, pixels from its top."""
    found = region_of(kind, region)
    return found.x + int(place[0] * found.width), found.y + found.height - place[1]


def click(kind: str, region: str, place: tuple[float, int]) -> Steps:
    yield from press("LEFTMOUSE", *within(kind, region, place))


def write(text: str, x: int, y: int) -> Steps:
    """Type into the field that has the cursor, and confirm."""
    for letter in text:
        kind = KEYS.get(letter, letter.upper())
        window().event_simulate(type=kind, value="PRESS", unicode=letter, x=x, y=y)
        window().event_simulate(type=kind, value="RELEASE", x=x, y=y)
    yield
    yield from press("RET", x, y)


def until(done: Callable[[], bool], what: str, seconds: float = 10) -> Steps:
    for _ in range(int(seconds / SETTLE)):
        if done():
            return
        yield
    raise AssertionError(f"{what} did not happen.")


def picture(name: str) -> Steps:
    """Have a picture taken by who runs this, with the mouse where nothing has a tip."""
    x, y = within("VIEW_3D", "WINDOW", (0.3, 300))
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield
    yield
    ready = FOLDER / f"tour_{name}.ready"
    ready.touch()
    while ready.exists():
        yield


def arrange() -> Steps:
    """The 3D view with our tab, the NLA editor below it."""
    area, view = area_of("VIEW_3D"), region_of("VIEW_3D", "WINDOW")
    with bpy.context.temp_override(window=window(), area=area, region=view):
        bpy.ops.screen.area_split(direction="HORIZONTAL", factor=0.27)
    yield
    below, above = sorted((one for one in window().screen.areas if one.type == "VIEW_3D"), key=lambda one: one.y)
    below.type = "NLA_EDITOR"
    yield
    below.spaces.active.show_region_ui = above.spaces.active.show_region_ui = True
    yield
    for kind in ("VIEW_3D", "NLA_EDITOR"):
        region_of(kind, "UI").active_panel_category = "FreeTalker"
    yield


def look() -> Steps:
    """The character in the middle of the view."""
    yield from press("NUMPAD_PERIOD", *within("VIEW_3D", "WINDOW", (0.3, 300)))


def steps() -> Steps:
    """All that an animator does."""
    yield from arrange()
    yield from press("DEL", *within("VIEW_3D", "WINDOW", (0.3, 300)))
    yield from until(lambda: "Cube" not in bpy.data.objects, "Deleting the cube")
    yield from click("VIEW_3D", "UI", ADD_CHARACTER)
    yield from until(lambda: "FreeTalker" in bpy.data.objects, "Add Character")
    yield from look()
    yield from picture("character")

    in_editor = within("NLA_EDITOR", "WINDOW", (0.2, 180))
    yield from press("T", *in_editor, shift=True)
    yield from click("NLA_EDITOR", "WINDOW", FRAME_97)
    yield from press("T", *in_editor, shift=True)
    yield from until(lambda: len(strips()) == 2, "Shift T")
    yield from click("NLA_EDITOR", "WINDOW", SECOND_STRIP)
    second = within("NLA_EDITOR", "WINDOW", SECOND_STRIP)
    yield from press("F2", *second)
    yield from write("a person bows", *second)
    yield from until(lambda: [one.name for one in strips()] == ["a person walks forward", "a person bows"], "F2")
    yield from picture("prompt")

    yield from click("NLA_EDITOR", "WINDOW", FRAME_193)
    yield from press("S", *in_editor, shift=True)
    yield
    yield from press("LEFTMOUSE", FIRST_FILE[0], window().height - FIRST_FILE[1])
    yield from press("LEFTMOUSE", *ADD_FILE)
    yield from until(lambda: len(strips()) == 3, "Shift S")
    yield from press("HOME", *within("NLA_EDITOR", "WINDOW", (0.2, 180)))
    yield from picture("speech")

    yield from click("VIEW_3D", "UI", GENERATE)
    yield from click("NLA_EDITOR", "WINDOW", IN_FIRST_STRIP)
    yield from press("NUMPAD_MINUS", *within("VIEW_3D", "WINDOW", (0.3, 300)))
    yield from until(preview, "The preview", seconds=600)
    yield from picture("preview")
    yield from until(lambda: len(body().freetalker.takes) == 1, "Generate", seconds=600)
    yield from click("NLA_EDITOR", "WINDOW", IN_SECOND_STRIP)
    yield from look()
    yield from picture("generated")

    yield from click("VIEW_3D", "UI", REROLL)
    yield from until(lambda: len(body().freetalker.takes) == 2, "Re-rolling", seconds=600)
    yield from look()
    yield from picture("reroll")

    yield from click("VIEW_3D", "UI", TAKE_1)
    yield from until(lambda: body().freetalker.take == 0, "Choosing the first take")
    yield from picture("takes")

    yield from click("VIEW_3D", "UI", BAKE)
    yield from until(lambda: body().animation_data.action is not None, "Bake to Action")
    yield from picture("baked")
    bpy.ops.wm.quit_blender()


def tick(running: Steps) -> float | None:
    """Take the next step; an error ends Blender, for nobody sits before it."""
    try:
        next(running)
    except StopIteration:
        return None
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    return SETTLE


bpy.context.preferences.view.show_splash = False
bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
bpy.ops.extensions.package_install_files(filepath=str(ARCHIVE), repo="user_default", enable_on_install=True)
for environment in ENVIRONMENT:
    bpy.context.preferences.addons[EXTENSION].preferences.environment = str(environment)
moves = steps()
bpy.app.timers.register(lambda: tick(moves), first_interval=1.0, persistent=True)
