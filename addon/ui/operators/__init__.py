# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators, one module per subject."""

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
    """Register the operators, except those of rigs."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Unregister the operators, except those of rigs."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
