# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu of the strips, and entries in Blender's own menus."""

from typing import Any

import bpy


def _draw_nla(menu: Any, _: Any) -> None:
    menu.layout.separator()
    menu.layout.operator_context = "INVOKE_DEFAULT"
    menu.layout.operator("freetalker.add_text_strip", icon="OUTLINER_DATA_FONT")
    upper = menu.layout.operator("freetalker.add_text_strip", text="Add Upper Body Strip", icon="USER")
    upper.scope, upper.prompt, upper.seconds = "UPPER", "a person waves the right hand", 3.0
    menu.layout.operator("freetalker.add_speech_strip", icon="OUTLINER_DATA_SPEAKER")


def _draw_armature(menu: Any, _: Any) -> None:
    menu.layout.operator("freetalker.add_character", text="FreeTalker Character", icon="OUTLINER_OB_ARMATURE")


def _draw_import(menu: Any, _: Any) -> None:
    menu.layout.operator("freetalker.import_storyboard", text="FreeTalker Storyboard (.json, .srt)")


def _draw_export(menu: Any, _: Any) -> None:
    menu.layout.operator("freetalker.export_storyboard", text="FreeTalker Storyboard (.json)")
    menu.layout.operator("freetalker.export_storyboard", text="FreeTalker Prompts (.srt)").subtitles = True
    menu.layout.menu("FREETALKER_MT_export")


class FREETALKER_MT_strips(bpy.types.Menu):
    """Storyboards, from the header of the panel Strips."""

    bl_idname = "FREETALKER_MT_strips"
    bl_label = "Storyboard"

    def draw(self, _: Any) -> None:
        layout = self.layout
        layout.operator("freetalker.import_storyboard", text="Import (.json, .srt)", icon="IMPORT")
        layout.operator("freetalker.export_storyboard", text="Export (.json)", icon="EXPORT")
        layout.operator("freetalker.export_storyboard", text="Export Prompts (.srt)").subtitles = True


class FREETALKER_MT_export(bpy.types.Menu):
    """Files of the result, from the panel Result and from File > Export."""

    bl_idname = "FREETALKER_MT_export"
    bl_label = "FreeTalker Motion"

    def draw(self, _: Any) -> None:
        self.layout.operator_context = "INVOKE_DEFAULT"
        for ending, words in (
            (".npz", "SMPL-X Joints (.npz)"),
            (".bvh", "SMPL-X Joints (.bvh)"),
            (".fbx", "Character (.fbx)"),
            (".glb", "Character (.glb)"),
        ):
            self.layout.operator("freetalker.export_motion", text=words).format = ending


_CLASSES = (FREETALKER_MT_strips, FREETALKER_MT_export)
_ENTRIES = (
    ("NLA_MT_add", _draw_nla),
    ("NLA_MT_context_menu", _draw_nla),
    ("VIEW3D_MT_armature_add", _draw_armature),
    ("TOPBAR_MT_file_import", _draw_import),
    ("TOPBAR_MT_file_export", _draw_export),
)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).append(draw)


def unregister() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).remove(draw)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
