# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the add-on that saved a file, and the notice for files from newer versions.

Blender preserves properties that this version does not know, and strips of unknown kinds are left alone, so that a
newer version finds its data unchanged.
"""

import tomllib
from functools import lru_cache
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ..data import scene_settings, strip_data
from ..translations import tr

_MANIFEST = Path(__file__).resolve().parents[2] / "blender_manifest.toml"


@lru_cache(maxsize=1)
def current() -> str:
    """Return the version of this add-on, such as '0.1.0'."""
    return tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"]


def notice(scene: bpy.types.Scene) -> str:
    """Return a notice if a newer version saved this file, as a sentence without its full stop; empty otherwise."""
    saved_by = scene_settings(scene).saved_by
    if _numbers(saved_by) <= _numbers(current()):
        return ""
    said = tr(
        "This file was saved by FreeTalker {theirs}, which is newer than {ours}; everything in it is kept, but new "
        "features are not shown until the add-on is updated in Preferences > Get Extensions"
    )
    return said.format(theirs=saved_by, ours=current())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


@persistent
def _before_saving(*_: object) -> None:
    if not any(strip_data(action).kind != "NONE" for action in bpy.data.actions):
        return
    for scene in bpy.data.scenes:
        settings = scene_settings(scene)
        if scene.is_editable and _numbers(settings.saved_by) < _numbers(current()):
            settings.saved_by = current()


@persistent
def _after_loading(*_: object) -> None:
    for scene in bpy.data.scenes:
        said = notice(scene)
        if said:
            print(f"{scene.name}: {said}")


_HANDLERS = (("save_pre", _before_saving), ("load_post", _after_loading))


def register() -> None:
    """Store the version on saving, and print the notice on loading."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Remove the handlers."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
