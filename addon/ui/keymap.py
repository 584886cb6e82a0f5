# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in the NLA editor, which users can change in Preferences > Keymap.

In Blender's own keymap, Shift T is Add Transition and Shift S is the Snap menu. Ours take precedence, but the operators
pass the keys on to Blender if an ordinary strip is selected or there is no character.
"""

from typing import Literal

import bpy

from ..data import current_context

_KEYS: tuple[tuple[str, Literal["T", "S"]], ...] = (
    ("freetalker.add_text_strip", "T"),
    ("freetalker.add_speech_strip", "S"),
)
_added: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Add the keys to the add-on keymap."""
    configuration = current_context().window_manager.keyconfigs.addon
    if configuration is None:  # Blender has none in some background runs
        return
    keymap = configuration.keymaps.new(name="NLA Editor", space_type="NLA_EDITOR")
    for operator, key in _KEYS:
        _added.append((keymap, keymap.keymap_items.new(operator, key, "PRESS", shift=True)))


def unregister() -> None:
    """Remove the keys."""
    for keymap, item in _added:
        keymap.keymap_items.remove(item)
    _added.clear()
