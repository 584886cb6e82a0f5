# SPDX-License-Identifier: GPL-3.0-or-later
"""Menus of the add-on, and entries in Blender's own menus."""

import bpy

from .layout import layout_of, set_properties


def _draw_nla(menu: bpy.types.Menu, _: object) -> None:
    layout = layout_of(menu)
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator("freetalker.add_text_strip", icon="OUTLINER_DATA_FONT")
    upper = layout.operator("freetalker.add_text_strip", text="Add Upper Body Strip", icon="USER")
    set_properties(upper, scope="UPPER", prompt="a person waves the right hand", seconds=3.0)
    layout.operator("freetalker.add_speech_strip", icon="OUTLINER_DATA_SPEAKER")


def _draw_armature(menu: bpy.types.Menu, _: object) -> None:
    layout_of(menu).operator("freetalker.add_character", text="FreeTalker Character", icon="OUTLINER_OB_ARMATURE")


def _draw_import(menu: bpy.types.Menu, _: object) -> None:
    layout_of(menu).operator("freetalker.import_storyboard", text="FreeTalker Storyboard (.json, .srt)")


def _draw_export(menu: bpy.types.Menu, _: object) -> None:
    layout = layout_of(menu)
    layout.operator("freetalker.export_storyboard", text="FreeTalker Storyboard (.json)")
    prompts = layout.operator("freetalker.export_storyboard", text="FreeTalker Prompts (.srt)")
    set_properties(prompts, subtitles=True)
    layout.menu("FREETALKER_MT_export")


class FREETALKER_MT_strips(bpy.types.Menu):
    """Import and export of storyboards, in the header of the Strips panel."""

    bl_idname = "FREETALKER_MT_strips"
    bl_label = "Storyboard"

    def draw(self, context: bpy.types.Context) -> None:
        layout = layout_of(self)
        layout.operator("freetalker.import_storyboard", text="Import (.json, .srt)", icon="IMPORT")
        layout.operator("freetalker.export_storyboard", text="Export (.json)", icon="EXPORT")
        prompts = layout.operator("freetalker.export_storyboard", text="Export Prompts (.srt)")
        set_properties(prompts, subtitles=True)


class FREETALKER_MT_export(bpy.types.Menu):
    """Export of motion, in the Result panel and in File > Export."""

    bl_idname = "FREETALKER_MT_export"
    bl_label = "FreeTalker Motion"

    def draw(self, context: bpy.types.Context) -> None:
        layout = layout_of(self)
        layout.operator_context = "INVOKE_DEFAULT"
        for ending, words in (
            (".npz", "SMPL-X Joints (.npz)"),
            (".bvh", "SMPL-X Joints (.bvh)"),
            (".fbx", "Character (.fbx)"),
            (".glb", "Character (.glb)"),
        ):
            set_properties(layout.operator("freetalker.export_motion", text=words), format=ending)


_CLASSES = (FREETALKER_MT_strips, FREETALKER_MT_export)
_ENTRIES = (
    ("NLA_MT_add", _draw_nla),
    ("NLA_MT_context_menu", _draw_nla),
    ("VIEW3D_MT_armature_add", _draw_armature),
    ("TOPBAR_MT_file_import", _draw_import),
    ("TOPBAR_MT_file_export", _draw_export),
)


def register() -> None:
    """Register the menus and add the entries to Blender's."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).append(draw)


def unregister() -> None:
    """Remove the entries and unregister the menus."""
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).remove(draw)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
