# SPDX-License-Identifier: GPL-3.0-or-later
"""Add to Asset Library."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ... import job
from ...character.active import require_character
from ...takes import library
from .base import Explained, needs_character

_THIS_FILE = "THIS_FILE"
_items: list[tuple[str, str, str]] = []  # Blender asks that somebody keep what it is given


def _libraries(_: Any, __: Any) -> list[tuple[str, str, str]]:
    known = bpy.context.preferences.filepaths.asset_libraries
    _items[:] = [(_THIS_FILE, "This File", "Mark the action as an asset of this file")]
    _items.extend((str(number), one.name, one.path) for number, one in enumerate(known))
    return _items


class FREETALKER_OT_add_to_library(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_to_library"
    bl_label = "Add to Asset Library"
    bl_description = "Make the baked action an asset with a picture, its prompts and its rig, for other files to use"
    bl_options = {"REGISTER", "UNDO"}

    description: StringProperty(
        name="Description", description="The prompts where it is left empty", options={"SKIP_SAVE"}
    )
    author: StringProperty(name="Author")
    tags: StringProperty(name="Tags", description="Words to find it by, with commas between", options={"SKIP_SAVE"})
    library: EnumProperty(name="Library", description="Where it is kept", items=_libraries)

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        reason = job.disabled_reason() or needs_character(context)
        if not reason and library.baked(require_character(context)) is None:
            reason = "There is no baked action yet: press Bake to Action"
        return reason

    def invoke(self, context: Any, _: Any) -> set[str]:
        armature = require_character(context)
        action = library.baked(armature)
        if action is not None:
            self.description = library.prompts(armature, action)
        return context.window_manager.invoke_props_dialog(self, width=420, confirm_text="Add")

    def run(self, context: Any) -> None:
        armature = require_character(context)
        action = library.baked(armature)
        assert action is not None  # poll
        description = self.description.strip() or library.prompts(armature, action)
        folder = None
        if self.library and self.library != _THIS_FILE:
            folder = Path(bpy.path.abspath(context.preferences.filepaths.asset_libraries[int(self.library)].path))
        said = library.add(armature, action, description, self.author, self.tags.split(","), folder)
        self.report({"INFO"}, said)


CLASSES = (FREETALKER_OT_add_to_library,)
