# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside Blender, by pytest-blender: the installed zip, as a user has it."""

from collections.abc import Callable
from types import ModuleType

import addon_utils
import bpy

EXTENSION = "bl_ext.user_default.freetalker"


def test_installs_registers_and_unregisters_twice(installed: Callable[[str], ModuleType]) -> None:
    for _ in range(2):
        assert hasattr(bpy.types.Scene, "freetalker")
        addon_utils.disable(EXTENSION)
        assert not hasattr(bpy.types.Scene, "freetalker")
        addon_utils.enable(EXTENSION)
    assert hasattr(bpy.types.Scene, "freetalker")


def test_character_and_strips_survive_a_save(
    installed: Callable[[str], ModuleType], scene: object, tmp_path: object
) -> None:
    bpy.ops.freetalker.add_character()
    armature = bpy.context.object
    strips = installed("addon.timeline.strips")
    strips.add_text(armature, "a person bows", 1, 40)
    path = f"{tmp_path}/scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    armature = bpy.context.scene.freetalker.character
    (found,) = strips.find_strips(armature, "TEXT")
    assert found.data.prompt == "a person bows"
    assert (found.strip.frame_start, found.strip.frame_end) == (1, 41)
