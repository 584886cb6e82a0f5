# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in Blender's own Add menus."""

from typing import Any

import bpy


def _draw_nla(menu: Any, _: Any) -> None:
    menu.layout.separator()
    menu.layout.operator_context = "INVOKE_DEFAULT"
    menu.layout.operator("freetalker.add_text_strip", icon="OUTLINER_DATA_FONT")
    menu.layout.operator("freetalker.add_speech_strip", icon="OUTLINER_DATA_SPEAKER")


def _draw_armature(menu: Any, _: Any) -> None:
    menu.layout.operator("freetalker.add_character", text="FreeTalker Character", icon="OUTLINER_OB_ARMATURE")


_ENTRIES = (("NLA_MT_add", _draw_nla), ("VIEW3D_MT_armature_add", _draw_armature))


def register() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).append(draw)


def unregister() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).remove(draw)
