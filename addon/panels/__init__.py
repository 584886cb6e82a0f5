# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab in the 3D viewport and in the NLA editor, and the entries in their Add menus."""

import bpy

from . import menus, sidebar

CLASSES = sidebar.CLASSES


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    menus.register()


def unregister() -> None:
    menus.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
