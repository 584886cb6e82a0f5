# SPDX-License-Identifier: GPL-3.0-or-later
"""The user interface: sidebar panels, menus, keys, preferences, overlays and operators. No other folder imports it."""

import bpy

from . import keymap, menus, rows, sidebar

CLASSES = (sidebar.FREETALKER_UL_takes, *sidebar.CLASSES)


def register() -> None:
    """Register lists, panels, menus and keys."""
    rows.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    menus.register()
    keymap.register()


def unregister() -> None:
    """Unregister lists, panels, menus and keys."""
    keymap.unregister()
    menus.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    rows.unregister()
