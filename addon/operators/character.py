# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Character."""

from typing import Any

import bpy

from .. import character
from .base import Explained


class FREETALKER_OT_add_character(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_character"
    bl_label = "Add Character"
    bl_description = "Add a wooden figure on an armature of the 55 SMPL-X bones, at the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return "" if context.mode == "OBJECT" else "Leave the current mode: characters are added in Object Mode"

    def run(self, context: Any) -> None:
        character.new_character(context, context.scene.cursor.location)


CLASSES = (FREETALKER_OT_add_character,)
