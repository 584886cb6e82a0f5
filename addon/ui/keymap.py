# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in the NLA editor, to be changed in Preferences, Keymap.

In Blender's own keymap Shift T is Add Transition and Shift S the Snap menu. Ours come before them; where an ordinary
strip is selected, or there is no character, the operators let the keys pass to Blender's own.
"""

from typing import Any

import bpy

_KEYS = (("freetalker.add_text_strip", "T"), ("freetalker.add_speech_strip", "S"))
_added: list[tuple[Any, Any]] = []


def register() -> None:
    configuration = bpy.context.window_manager.keyconfigs.addon
    if configuration is None:  # Blender has none in some background runs
        return
    keymap = configuration.keymaps.new(name="NLA Editor", space_type="NLA_EDITOR")
    for operator, key in _KEYS:
        _added.append((keymap, keymap.keymap_items.new(operator, key, "PRESS", shift=True)))


def unregister() -> None:
    for keymap, item in _added:
        keymap.keymap_items.remove(item)
    _added.clear()
