# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the interface: run in a Blender with a window, by tests/gui/screenshots.

    blender --factory-startup --python screenshots.py -- EXTENSION.zip SCENE.blend FOLDER [ENVIRONMENT]

ENVIRONMENT is a virtual environment of Blender's Python version with the runtime; without it the Setup panel shows.
For each picture it arranges the window and writes FOLDER/NAME.ready; who runs it takes the picture and deletes that.
"""

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

ARCHIVE, SCENE, FOLDER, *ENVIRONMENT = (Path(argument).resolve() for argument in sys.argv[sys.argv.index("--") + 1 :])
EXTENSION = "bl_ext.user_default.freetalker"
SETTLE = 1.0  # seconds for the window to be drawn


def area_of(kind: str) -> Any:
    """The largest area of that kind."""
    found = [area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == kind]
    return max(found, key=lambda area: area.width * area.height)


def panel() -> Generator[None, None, None]:
    """The 3D view from the stage's camera, with the sidebar at our tab."""
    area = area_of("VIEW_3D")
    space = area.spaces.active
    space.show_region_ui = True
    space.region_3d.view_perspective = "CAMERA"
    space.shading.light, space.shading.color_type = "STUDIO", "MATERIAL"
    space.shading.show_shadows = space.shading.show_cavity = True
    space.overlay.show_floor = space.overlay.show_axis_x = space.overlay.show_axis_y = False
    space.overlay.show_bones = space.overlay.show_extras = False
    armature = bpy.context.scene.freetalker.character
    bpy.context.view_layer.objects.active = armature
    armature.select_set(True)
    yield
    for region in area.regions:
        if region.type == "UI":
            region.active_panel_category = "FreeTalker"
    bpy.context.scene.frame_set(bpy.context.scene.frame_start + 200)
    yield


def nla() -> Generator[None, None, None]:
    """The NLA editor over the place of the 3D view, all strips in sight."""
    area = area_of("VIEW_3D")
    area.type = "NLA_EDITOR"
    area.spaces.active.show_region_ui = True
    yield
    window = bpy.context.window_manager.windows[0]
    region = next(region for region in area.regions if region.type == "WINDOW")
    for side in area.regions:
        if side.type == "UI":
            side.active_panel_category = "FreeTalker"
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.anim.channels_expand(all=True)
        bpy.ops.nla.view_all()
    bpy.context.scene.frame_set(bpy.context.scene.frame_start + 400)
    yield


def steps() -> Generator[None, None, None]:
    """All that happens, a redraw between one step and the next."""
    for picture in (panel, nla):
        yield from picture()
        yield
        ready = FOLDER / f"{picture.__name__}.ready"
        ready.touch()
        while ready.exists():
            yield
    bpy.ops.wm.quit_blender()


def tick(running: Generator[None, None, None]) -> float | None:
    """Take the next step; an error ends Blender, for nobody sits before it."""
    try:
        next(running)
    except StopIteration:
        return None
    except Exception:
        bpy.ops.wm.quit_blender()
        raise
    return SETTLE


bpy.context.preferences.view.show_splash = False
bpy.ops.extensions.package_install_files(filepath=str(ARCHIVE), repo="user_default", enable_on_install=True)
for environment in ENVIRONMENT:
    bpy.context.preferences.addons[EXTENSION].preferences.environment = str(environment)
bpy.ops.wm.open_mainfile(filepath=str(SCENE), load_ui=False)
moves = steps()
bpy.app.timers.register(lambda: tick(moves), first_interval=SETTLE, persistent=True)
