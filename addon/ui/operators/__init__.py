# SPDX-License-Identifier: GPL-3.0-or-later
"""What the buttons do, a module a subject."""

import bpy

from . import character, export, library, result, runtime, storyboard, strips

CLASSES = (
    *character.CLASSES,
    *strips.CLASSES,
    *storyboard.CLASSES,
    *result.CLASSES,
    *export.CLASSES,
    *library.CLASSES,
    *runtime.CLASSES,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
