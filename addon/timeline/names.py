# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the names of text strips and their prompts in step: a name is the beginning of its prompt."""

import re
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..data import strip_data
from .strips import find_strips, make_single, short_name

_OWNER = object()
_DUPLICATE_NUMBER = re.compile(r"\.\d{3,}$")  # that Blender appends to a name in use


def _adopt_all_names() -> None:
    for candidate in bpy.data.objects:
        if candidate.animation_data is not None and candidate.is_editable:
            adopt_names(candidate)


def _subscribe() -> None:
    bpy.msgbus.clear_by_owner(_OWNER)
    key: Any = (bpy.types.NlaStrip, "name")
    bpy.msgbus.subscribe_rna(key=key, owner=_OWNER, args=(), notify=_adopt_all_names)


@persistent
def _after_loading(*_: object) -> None:
    _adopt_all_names()  # the strip names of a file from an older version are not renames
    _subscribe()  # Blender drops subscriptions with the file


@persistent
def _after_undo(*_: object) -> None:
    _adopt_all_names()  # Blender's undo step of a rename precedes the change of the prompt


# Without a window no messages are sent, and a subscription would keep Blender's Python package from exiting.
_HANDLERS = (
    ()
    if bpy.app.background
    else (("load_post", _after_loading), ("undo_post", _after_undo), ("redo_post", _after_undo))
)


def register() -> None:
    """Adopt names after renames, loading, undo and redo; does nothing in background mode."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    if _HANDLERS:
        _subscribe()


def unregister() -> None:
    """Remove the subscription and the handlers."""
    bpy.msgbus.clear_by_owner(_OWNER)
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)


def rename(action: bpy.types.Action) -> None:
    """Name a text Action and the strips that play it after its prompt."""
    name = short_name(strip_data(action).prompt)
    if not name:
        return
    strip_data(action).shown_name = name
    if not _same_name(action.name, name):
        action.name = name
    for candidate in bpy.data.objects:
        for one in find_strips(candidate, "TEXT"):
            if one.strip.action == action and not _same_name(one.strip.name, name):
                one.strip.name = name


def adopt_names(armature: bpy.types.Object) -> None:
    """Make the new name of each renamed strip its prompt; other strips that share its Action keep the old one.

    If the name was shortened and still ends with "…", the rest of the prompt is kept. In tweak mode, strips that share
    an Action are skipped until the mode is left.
    """
    tweaked = armature.animation_data is not None and armature.animation_data.use_tweak_mode
    for one in find_strips(armature, "TEXT"):
        data, name = one.data, one.strip.name
        if not one.action.is_editable or _same_name(name, data.shown_name) or (tweaked and one.user_count > 1):
            continue
        if not data.shown_name:  # from an older version, which did not adopt names
            data.shown_name = _DUPLICATE_NUMBER.sub("", name)
            continue
        line = " ".join(data.prompt.split())
        if name.endswith("…") and data.shown_name.endswith("…"):
            name = name[:-1] + line[len(data.shown_name) - 1 :]
        make_single(one)
        one.data.prompt = name


def _same_name(name: str, shown: str) -> bool:
    """Whether a name equals the shown one, apart from the number that Blender appends to duplicates."""
    base = _DUPLICATE_NUMBER.sub("", name)
    return base == _DUPLICATE_NUMBER.sub("", shown) or (base != name and shown.startswith(base))
