# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab in the 3D viewport and in the NLA editor, the entries in Blender's own menus, and the keys."""

import bpy

from . import keymap, menus, rows, sidebar

CLASSES = (sidebar.FREETALKER_UL_takes, *sidebar.CLASSES)


def register() -> None:
    rows.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    menus.register()
    keymap.register()


def unregister() -> None:
    keymap.unregister()
    menus.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    rows.unregister()
