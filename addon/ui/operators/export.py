# SPDX-License-Identifier: GPL-3.0-or-later
"""Export Motion."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ....core.errors import InputError
from ...character.active import require_character
from ...takes import export
from .base import Explained, needs_character


class FREETALKER_OT_export_motion(Explained, ExportHelper, bpy.types.Operator):
    bl_idname = "freetalker.export_motion"
    bl_label = "Export Motion"
    bl_description = "Write what the character does, as it is seen over the frames of the generated or baked motion"
    bl_options = set()

    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in export.ENDINGS), options={"HIDDEN"})
    format: EnumProperty(
        name="Format",
        description="The kind of file",
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
        description="Leave out the bones that deform nothing, of which a control rig such as Rigify's has many",
        default=False,
    )

    @property
    def filename_ext(self) -> str:
        return self.format

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        reason = needs_character(context)
        if not reason:
            try:
                export.frames_of_result(require_character(context))
            except InputError as error:
                reason = str(error).removesuffix(".")
        return reason

    def draw(self, _: Any) -> None:
        column = self.layout.column()
        column.active = self.format in {".fbx", ".glb"}
        column.prop(self, "deform_only")

    def run(self, context: Any) -> None:
        path = Path(bpy.path.abspath(self.filepath))
        self.report({"INFO"}, export.write(context.scene, require_character(context), path, self.deform_only))


CLASSES = (FREETALKER_OT_export_motion,)
