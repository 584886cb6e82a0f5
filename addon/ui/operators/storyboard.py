# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on storyboards: Import Storyboard, Export Storyboard."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ....core.errors import InputError
from ...character.active import require_character
from ...data import CallbackContext, Context
from ...timeline import storyboard
from ...translations import tr
from ..layout import layout_of
from .base import Explained, ExportHelper, Status, needs_character

_FILES = "*.json;*.srt"


class FREETALKER_OT_import_storyboard(Explained, bpy.types.Operator):
    """Import strips from a timeline or subtitles."""

    bl_idname = "freetalker.import_storyboard"
    bl_label = "Import Storyboard"
    bl_description = (
        "Import the strips of a timeline (.json), or subtitles as text strips (.srt), to the character's tracks"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=_FILES, options={"HIDDEN"})
    replace: BoolProperty(
        name="Replace Strips",
        description="Remove the character's existing text and speech strips first",
        default=False,
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        if self.filepath:  # dropped
            title = tr("Import {file}").format(file=Path(self.filepath).name)
            return context.window_manager.invoke_props_dialog(self, title=title, confirm_text="Import")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context) -> None:
        layout_of(self).prop(self, "replace")

    def run(self, context: Context) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        self.report({"INFO"}, storyboard.read(context.scene, require_character(context), path, self.replace))


class FREETALKER_OT_export_storyboard(Explained, ExportHelper, bpy.types.Operator):
    """Export strips as a timeline or subtitles."""

    bl_idname = "freetalker.export_storyboard"
    bl_label = "Export Storyboard"
    bl_description = "Export the character's strips as a timeline (.json), or their prompts as subtitles (.srt)"
    bl_options = set()

    filter_glob: StringProperty(default=_FILES, options={"HIDDEN"})
    subtitles: BoolProperty(name="Subtitles", description="Export only the prompts", options={"HIDDEN", "SKIP_SAVE"})

    @property
    def filename_ext(self) -> str:
        """Extension that the file dialog appends."""
        return storyboard.SUBTITLES if self.subtitles else ".json"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def run(self, context: Context) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        if path.suffix.lower() not in {".json", storyboard.SUBTITLES}:
            raise InputError(f"'{path.name}' is not a valid storyboard name; use a name that ends in .json or .srt.")
        self.report({"INFO"}, storyboard.write(context.scene, require_character(context), path))


class FREETALKER_FH_storyboard(bpy.types.FileHandler):
    """Handle storyboards that are dropped on the NLA editor."""

    bl_idname = "FREETALKER_FH_storyboard"
    bl_label = "FreeTalker Storyboard"
    bl_import_operator = "freetalker.import_storyboard"
    bl_file_extensions = ".json;.srt"

    @classmethod
    def poll_drop(cls, context: CallbackContext) -> bool:
        return context.area is not None and context.area.type == "NLA_EDITOR" and not needs_character(context)


CLASSES = (FREETALKER_OT_import_storyboard, FREETALKER_OT_export_storyboard, FREETALKER_FH_storyboard)
