# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator Export Motion."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ....core.errors import InputError
from ...character.active import require_character
from ...data import Context
from ...takes import export
from ..layout import layout_of
from .base import Explained, ExportHelper, needs_character


class FREETALKER_OT_export_motion(Explained, ExportHelper, bpy.types.Operator):
    """Export the active character's motion to a file."""

    bl_idname = "freetalker.export_motion"
    bl_label = "Export Motion"
    bl_description = "Export the visible motion of the character over the frame range of the generated or baked motion"
    bl_options = set()

    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in export.ENDINGS), options={"HIDDEN"})
    format: EnumProperty(
        name="Format",
        description="The file format",
        items=(
            (".npz", "SMPL-X (.npz)", "The SMPL-X joints in the AMASS layout"),
            (".bvh", "BVH (.bvh)", "The SMPL-X joints as a skeleton with motion"),
            (".fbx", "FBX (.fbx)", "The character with its bones, skin and motion"),
            (".glb", "glTF (.glb)", "The character with its bones, skin and motion"),
        ),
        default=".glb",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    deform_only: BoolProperty(
        name="Deform Bones Only",
        description="Skip bones that do not deform the mesh, such as the many controls of a Rigify rig",
        default=False,
    )

    @property
    def filename_ext(self) -> str:
        """Extension that the file dialog appends."""
        return self.format

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        reason = needs_character(context)
        if not reason:
            try:
                export.frames_of_result(require_character(context))
            except InputError as error:
                reason = str(error).removesuffix(".")
        return reason

    def draw(self, context: bpy.types.Context) -> None:
        column = layout_of(self).column()
        column.active = self.format in {".fbx", ".glb"}
        column.prop(self, "deform_only")

    def run(self, context: Context) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        self.report({"INFO"}, export.write(context.scene, require_character(context), path, self.deform_only))


CLASSES = (FREETALKER_OT_export_motion,)
