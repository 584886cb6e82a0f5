# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Rig under Character: what the armature was recognized as, how motion drives it, and its bone map."""

from typing import Any

import bpy

from ..character import smplx_body
from ..rigs import armature as rig
from ..rigs.maps import NEEDED
from ..translations import tr
from .operators.rig import active_armature
from .sidebar import _draw_lines


class FREETALKER_UL_bones(bpy.types.UIList):
    def draw_item(self, _: Any, layout: Any, data: Any, item: Any, icon: Any, owner: Any, name: str) -> None:
        row = layout.row(align=True)
        row.alert = item.name in NEEDED and not item.bone
        split = row.split(factor=0.35, align=True)
        split.label(text=item.name.replace("_", " ").capitalize(), translate=False)
        bones = data.id_data.data
        split.prop_search(item, "bone", bones, "bones", text="")
        if item.second or item.name in {"spine1", "spine2", "spine3", "neck"}:
            row.prop_search(item, "second", bones, "bones", text="")


class _Rig:
    bl_label = "Rig"
    bl_region_type = "UI"
    bl_category = "FreeTalker"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return active_armature(context) is not None

    def draw(self, context: Any) -> None:
        layout = self.layout
        armature: Any = active_armature(context)
        kept = armature.freetalker_rig
        found, problem = rig.bone_map(armature), rig.mapping_error(armature)
        if problem:
            _draw_lines(layout, problem, "ERROR")
            if not len(kept.bones):
                layout.operator("freetalker.use_rig", icon="ARMATURE_DATA")
        elif found is not None:
            said = tr("{family}: {number} of 55 joints")
            said = said.format(family=found.family or tr("Mapped by hand"), number=len(found.bones))
            layout.label(text=said, icon="CHECKMARK", translate=False)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(kept, "travel")
        column.prop(kept, "match")
        column.prop(kept, "foot_lock")
        if not problem and rig.has_ik_legs(armature):
            column.prop(kept, "legs")


class _Shape:
    bl_label = "Body Shape"
    bl_region_type = "UI"
    bl_category = "FreeTalker"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return bool(smplx_body.sliders(active_armature(context)))

    def draw(self, context: Any) -> None:
        column = self.layout.column()
        column.use_property_split = True
        for key in smplx_body.sliders(active_armature(context)):
            column.prop(key, "value", text=key.name, translate=False)
        self.layout.operator("freetalker.fit_bones", icon="BONE_DATA")


class _BoneMap:
    bl_label = "Bone Map"
    bl_region_type = "UI"
    bl_category = "FreeTalker"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        layout = self.layout
        armature: Any = active_armature(context)
        kept = armature.freetalker_rig
        row = layout.row(align=True)
        if len(kept.bones):
            layout.template_list("FREETALKER_UL_bones", "", kept, "bones", kept, "active", rows=8)
            column = layout.column()
            column.use_property_split = True
            column.use_property_decorate = False
            column.prop_search(kept, "mover", armature.data, "bones")
            column.prop_search(kept, "root", armature.data, "bones")
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
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
