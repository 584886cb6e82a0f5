# SPDX-License-Identifier: GPL-3.0-or-later
"""A strip that is renamed in the NLA editor gets its new name as prompt at once."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import strips

_OWNER = object()


def _take_names() -> None:
    for candidate in bpy.data.objects:
        if candidate.animation_data is not None and candidate.is_editable:
            strips.take_names(candidate)


def _subscribe() -> None:
    bpy.msgbus.clear_by_owner(_OWNER)
    key: Any = (bpy.types.NlaStrip, "name")
    bpy.msgbus.subscribe_rna(key=key, owner=_OWNER, args=(), notify=_take_names)


@persistent
def _loaded(*_: Any) -> None:
    _take_names()  # what a file of an older version calls its strips is no renaming
    _subscribe()  # Blender forgets subscriptions with the file


@persistent
def _stepped(*_: Any) -> None:
    _take_names()  # Blender's step of a rename was made before ours


# Without a window no messages are sent, and a subscription would keep Blender's Python package from ending.
_HANDLERS = () if bpy.app.background else (("load_post", _loaded), ("undo_post", _stepped), ("redo_post", _stepped))


def register() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    if _HANDLERS:
        _subscribe()


def unregister() -> None:
    bpy.msgbus.clear_by_owner(_OWNER)
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
