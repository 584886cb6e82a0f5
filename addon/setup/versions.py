# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of the add-on a file was saved by, and what a newer one's file is told.

Blender keeps properties that this version does not know as they are, and strips of kinds that it does not know are left
alone: a newer version finds all of it again.
"""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..translations import tr

_MANIFEST = Path(__file__).resolve().parents[2] / "blender_manifest.toml"


@lru_cache(maxsize=1)
def current() -> str:
    """The version of this add-on, such as '0.1.0'."""
    return tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"]


def notice(scene: Any) -> str:
    """That a newer version saved this file, as one sentence without its full stop; empty where none did."""
    saved_by = scene.freetalker.saved_by
    if _numbers(saved_by) <= _numbers(current()):
        return ""
    said = tr(
        "This file was saved by version {theirs} of FreeTalker, newer than {ours}: all that it holds is kept, but what "
        "is new in it is not shown; update the add-on in Preferences, Get Extensions"
    )
    return said.format(theirs=saved_by, ours=current())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


@persistent
def _before_saving(*_: Any) -> None:
    if not any(action.freetalker.kind != "NONE" for action in bpy.data.actions):
        return
    for scene in bpy.data.scenes:
        if scene.is_editable and _numbers(scene.freetalker.saved_by) < _numbers(current()):
            scene.freetalker.saved_by = current()


@persistent
def _after_loading(*_: Any) -> None:
    for scene in bpy.data.scenes:
        said = notice(scene)
        if said:
            print(f"{scene.name}: {said}")


_HANDLERS = (("save_pre", _before_saving), ("load_post", _after_loading))


def register() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
