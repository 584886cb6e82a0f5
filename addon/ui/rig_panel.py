# SPDX-License-Identifier: GPL-3.0-or-later
"""The Rig and Body Shape panels under Character: recognized family, settings of the rig, bone map, shape sliders."""

from typing import Any

import bpy

from ..character import smplx_body
from ..data import Context, armature_data, rig_data
from ..rigs import armature as rig
from ..rigs.maps import NEEDED
from ..translations import tr
from .layout import PanelPart, draw_lines
from .operators.rig import active_armature, require_armature


class FREETALKER_UL_bones(bpy.types.UIList):
    """The rows of a bone map; joints without which the rig cannot move are red while they lack a bone."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: object,
        active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
        row = layout.row(align=True)
        row.alert = item.name in NEEDED and not item.bone
        split = row.split(factor=0.35, align=True)
        split.label(text=item.name.replace("_", " ").capitalize(), translate=False)
        bones = armature_data(data.id_data)
        split.prop_search(item, "bone", bones, "bones", text="")
        if item.second or item.name in {"spine1", "spine2", "spine3", "neck"}:
            row.prop_search(item, "second", bones, "bones", text="")


class _Rig(PanelPart):
    bl_label = "Rig"
    bl_region_type = "UI"
    bl_category = "FreeTalker"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return active_armature(context) is not None

    def draw(self, context: Context) -> None:
        layout = self.layout
        armature = require_armature(context)
        kept = rig_data(armature)
        found, problem = rig.bone_map(armature), rig.mapping_error(armature)
        if problem:
            draw_lines(layout, problem, "ERROR")
            if not len(kept.bones):
                layout.operator("freetalker.use_rig", icon="ARMATURE_DATA")
        elif found is not None:
            said = tr("{family}: {number} of 55 joints")
            said = said.format(family=found.family or tr("Mapped manually"), number=len(found.bones))
            layout.label(text=said, icon="CHECKMARK", translate=False)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(kept, "travel")
        column.prop(kept, "match")
        column.prop(kept, "foot_lock")
        if not problem and rig.has_ik_legs(armature):
            column.prop(kept, "legs")


class _Shape(PanelPart):
    bl_label = "Body Shape"
    bl_region_type = "UI"
    bl_category = "FreeTalker"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return bool(smplx_body.sliders(active_armature(context)))

    def draw(self, context: Context) -> None:
        column = self.layout.column()
        column.use_property_split = True
        for key in smplx_body.sliders(active_armature(context)):
            column.prop(key, "value", text=key.name, translate=False)
        self.layout.operator("freetalker.fit_bones", icon="BONE_DATA")


class _BoneMap(PanelPart):
    bl_label = "Bone Map"
    bl_region_type = "UI"
    bl_category = "FreeTalker"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout = self.layout
        armature = require_armature(context)
        kept = rig_data(armature)
        row = layout.row(align=True)
        if len(kept.bones):
            layout.template_list("FREETALKER_UL_bones", "", kept, "bones", kept, "active", rows=8)
            column = layout.column()
            column.use_property_split = True
            column.use_property_decorate = False
            column.prop_search(kept, "mover", armature_data(armature), "bones")
            column.prop_search(kept, "root", armature_data(armature), "bones")
            row.operator("freetalker.forget_bone_map", text="", icon="LOOP_BACK")
        else:
            row.operator("freetalker.use_rig", text="Edit", icon="GREASEPENCIL")
        row.operator("freetalker.load_bone_map", text="Load", icon="FILE_FOLDER")
        row.operator("freetalker.save_bone_map", text="Save", icon="FILE_TICK")


def _panels() -> tuple[type, ...]:
    made: list[type] = []
    for space, editor in (("view3d", "VIEW_3D"), ("nla", "NLA_EDITOR")):
        above = "_character"
        for part, parent in ((_Shape, above), (_Rig, above), (_BoneMap, "_rig")):
            name = f"FREETALKER_PT_{space}{part.__name__.lower()}"
            options = {"bl_space_type": editor, "bl_idname": name, "bl_parent_id": f"FREETALKER_PT_{space}{parent}"}
            made.append(type(name, (part, bpy.types.Panel), options))
    return tuple(made)


CLASSES = (FREETALKER_UL_bones, *_panels())


def register() -> None:
    """Register the list and the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Unregister the list and the panels."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
