# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator Add to Asset Library."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ... import job
from ...character.active import require_character
from ...data import CallbackContext, Context, current_context
from ...takes import library
from .base import Explained, Status, needs_character

_THIS_FILE = "THIS_FILE"
_items: list[tuple[str, str, str]] = []  # Blender needs a reference to items that a callback returns


def _libraries(_: object, __: object) -> list[tuple[str, str, str]]:
    known = current_context().preferences.filepaths.asset_libraries
    _items[:] = [(_THIS_FILE, "This File", "Mark the action as an asset in this file")]
    _items.extend((str(number), one.name, one.path) for number, one in enumerate(known))
    return _items


class FREETALKER_OT_add_to_library(Explained, bpy.types.Operator):
    """Add the baked Action to an asset library."""

    bl_idname = "freetalker.add_to_library"
    bl_label = "Add to Asset Library"
    bl_description = (
        "Turn the baked action into an asset with a preview image, its prompts and its rig, for use in other files"
    )
    bl_options = {"REGISTER", "UNDO"}

    description: StringProperty(
        name="Description",
        description="Description of the asset; leave empty to use the prompts",
        options={"SKIP_SAVE"},
    )
    author: StringProperty(name="Author")
    tags: StringProperty(
        name="Tags", description="Search terms for the asset, separated by commas", options={"SKIP_SAVE"}
    )
    library: EnumProperty(name="Library", description="The asset library to save the asset to", items=_libraries)

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        reason = job.disabled_reason() or needs_character(context)
        if not reason and library.baked_action(require_character(context)) is None:
            reason = "No action has been baked yet; press Bake to Action"
        return reason

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        armature = require_character(context)
        action = library.baked_action(armature)
        if action is not None:
            self.description = library.prompts(armature, action)
        return context.window_manager.invoke_props_dialog(self, width=420, confirm_text="Add")

    def run(self, context: Context) -> None:
        armature = require_character(context)
        action = library.baked_action(armature)
        assert action is not None  # poll
        description = self.description.strip() or library.prompts(armature, action)
        folder = None
        if self.library and self.library != _THIS_FILE:
            folder = Path(bpy.path.abspath(context.preferences.filepaths.asset_libraries[int(self.library)].path))
        said = library.add_asset(armature, action, description, self.author, self.tags.split(","), folder)
        self.report({"INFO"}, said)


CLASSES = (FREETALKER_OT_add_to_library,)
