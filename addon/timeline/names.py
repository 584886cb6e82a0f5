# SPDX-License-Identifier: GPL-3.0-or-later
"""A text strip's name is the beginning of its prompt: either follows the other."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from .strips import _NUMBER, find_strips, make_single, short_name

_OWNER = object()


def _take_names() -> None:
    for candidate in bpy.data.objects:
        if candidate.animation_data is not None and candidate.is_editable:
            adopt_names(candidate)


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


def rename(action: bpy.types.Action) -> None:
    """Give the strips of a text action, and the action, the prompt's beginning as their name."""
    name = short_name(action.freetalker.prompt)
    if not name:
        return
    action.freetalker.shown_name = name
    if not _same_name(action.name, name):
        action.name = name
    for candidate in bpy.data.objects:
        for one in find_strips(candidate, "TEXT"):
            if one.strip.action == action and not _same_name(one.strip.name, name):
                one.strip.name = name


def adopt_names(armature: bpy.types.Object) -> None:
    """Make the new name of a strip that was renamed its prompt; what shares its Action keeps the old one.

    Where the name showed but the beginning of the prompt, and still ends with "…", the rest of the prompt stays. In
    tweak mode a strip keeps what it shares, and its name is read later.
    """
    tweaked = armature.animation_data is not None and armature.animation_data.use_tweak_mode
    for one in find_strips(armature, "TEXT"):
        data, name = one.data, one.strip.name
        if not one.strip.action.is_editable or _same_name(name, data.shown_name) or (tweaked and one.sharing > 1):
            continue
        if not data.shown_name:  # of an older version, which did not read names
            data.shown_name = _NUMBER.sub("", name)
            continue
        line = " ".join(data.prompt.split())
        if name.endswith("…") and data.shown_name.endswith("…"):
            name = name[:-1] + line[len(data.shown_name) - 1 :]
        make_single(one)
        one.data.prompt = name


def _same_name(name: str, shown: str) -> bool:
    """Whether a name is the shown one, or that with the number that Blender gives the second of a name."""
    base = _NUMBER.sub("", name)
    return base == _NUMBER.sub("", shown) or (base != name and shown.startswith(base))
