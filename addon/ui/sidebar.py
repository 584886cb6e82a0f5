# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar panels in the order of work: Setup if anything is missing, Character, Strips, Generate, Takes, Result."""

from pathlib import Path
from typing import Any

import bpy

from .. import compat, job
from ..character.active import active_character, missing_character_reason, require_character
from ..data import Context, character_data, scene_settings
from ..generation import session
from ..generation.stretches import StretchKind, describe, find_stretches
from ..setup import models, preferences, preflight, runtime, versions
from ..takes import generated
from ..timeline import guidance, strips
from ..timeline.strips import StripRef
from ..translations import tr
from ..units import frames_per_second
from . import rows
from .layout import Icon, PanelPart, draw_checks, draw_lines, set_properties

_LEVEL_ICONS: dict[str, Icon] = {"INFO": "INFO", "WARNING": "ERROR", "ERROR": "ERROR"}
_STRETCHES: tuple[tuple[StretchKind, Icon], ...] = (("SEEN", "HIDE_OFF"), ("STALE", "TIME"), ("LOCKED", "LOCKED"))


class _Sidebar:
    bl_region_type = "UI"
    bl_category = "FreeTalker"


class _View3D(_Sidebar):
    bl_space_type = "VIEW_3D"


class _Nla(_Sidebar):
    bl_space_type = "NLA_EDITOR"


class _Setup(PanelPart):
    bl_label = "Setup"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return bool(preflight.failed_checks(context.scene) or versions.notice(context.scene))

    def draw(self, context: Context) -> None:
        layout = self.layout
        running = job.current()
        if running is not None and not running.of_file:
            _draw_progress(layout, running)
            return
        notice, missing = versions.notice(context.scene), preflight.failed_checks(context.scene)
        if notice:
            draw_lines(layout, notice, "ERROR")
        if not missing:
            return
        layout.label(text="Required before generating:")
        draw_checks(layout, missing, width=34)
        if not bpy.app.online_access:
            draw_lines(
                layout, "Online access is disabled; allow it in Preferences > System > Network", "INTERNET_OFFLINE"
            )
        if runtime.last_error:
            draw_lines(layout, runtime.last_error, "ERROR")
        layout.operator("freetalker.show_preferences", icon="PREFERENCES")


class _Character(PanelPart):
    bl_label = "Character"

    def draw(self, context: Context) -> None:
        layout = self.layout
        armature = active_character(context)
        row = layout.row(align=True)
        settings = scene_settings(context.scene)
        row.prop(settings, "character", text="")
        if armature is None:
            layout.operator("freetalker.add_character", icon="ADD")
            if preferences.smplx_file():
                layout.operator("freetalker.add_smplx_body", icon="ADD")
            layout.operator("freetalker.example_scene", icon="SCENE_DATA")
            draw_lines(layout, missing_character_reason(context), "INFO")
            return
        row.operator("freetalker.add_character", text="", icon="ADD")
        if preferences.smplx_file():
            row.operator("freetalker.add_smplx_body", text="", icon="OUTLINER_OB_ARMATURE")
        if armature != settings.character:
            said = tr("Working on {name}").format(name=armature.name)
            layout.label(text=said, icon="ARMATURE_DATA", translate=False)


class _Strips(PanelPart):
    bl_label = "Strips"

    def draw_header_preset(self, _: object) -> None:
        self.layout.menu("FREETALKER_MT_strips", text="", icon="DOWNARROW_HLT")

    def draw(self, context: Context) -> None:
        layout = self.layout
        column = layout.column(align=True)
        column.operator("freetalker.add_text_strip", icon="ADD")
        column.operator("freetalker.add_speech_strip", icon="ADD")
        found = _strips(context)
        frame = context.scene.frame_current
        here = [one for one in found if one.strip.frame_start <= frame < one.strip.frame_end]
        for one in here:
            _draw_strip(layout, context.scene, one)
        if found and not here:
            layout.label(text="No strip at the playhead", icon="INFO")


class _ActiveStrip(PanelPart):
    """All settings of the active strip, in the NLA editor only."""

    bl_label = "Active Strip"
    editors = {"NLA_EDITOR"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return strips.active_strip(context) is not None

    def draw(self, context: Context) -> None:
        layout = self.layout
        one = strips.active_strip(context)
        if one is None:
            return
        _draw_strip(layout, context.scene, one)
        if one.data.kind == "TEXT":
            row = layout.row()
            row.enabled = one.data.use_guidance and one.user_count < 2
            row.prop(one.data, "guidance_keys", text="", placeholder="seconds:value, ... for a curve")
            row = layout.row()
            row.enabled = one.user_count < 2
            row.prop(one.data, "scope", expand=True)
        row = layout.row(align=True)
        row.enabled = one.user_count < 2
        row.prop(one.data, "use_seed", text="")
        field = row.row(align=True)
        field.active = one.data.use_seed
        field.prop(one.data, "seed")


class _AllStrips(PanelPart):
    bl_label = "All Strips"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return rows.has_strips(context)

    def draw(self, context: Context) -> None:
        rows.draw(self.layout, context)


class _Generate(PanelPart):
    bl_label = "Generate"

    def draw(self, context: Context) -> None:
        layout = self.layout
        settings = scene_settings(context.scene)
        _draw_license(layout, context.scene)
        running = job.current()
        if running is not None:
            _draw_progress(layout, running)
        else:
            row = layout.row()
            row.scale_y = 1.5
            row.operator("freetalker.generate", icon="PLAY")
            set_properties(row.operator("freetalker.generate", text="", icon="RECOVER_LAST"), everything=True)
        armature = active_character(context)
        slider = settings if armature is None else guidance.slider(context.scene, armature)
        row = layout.row(align=True)
        row.prop(slider, "guidance", slider=True)
        if armature is not None:
            row.operator("freetalker.own_guidance", text="", icon="ARMATURE_DATA", depress=slider != settings)
        row = layout.row(align=True)
        row.prop(settings, "seed")
        row.prop(settings, "new_seed", text="", icon="FILE_REFRESH")
        message = session.message()
        if message is not None and running is None:
            draw_lines(layout, message.text, _LEVEL_ICONS[message.level])
        found = find_stretches(context.scene, armature) if armature is not None else ()
        for kind, icon in _STRETCHES:
            said = describe(context.scene, kind, found)
            if said:
                draw_lines(layout, said, icon)
        end = max((one.strip.frame_end for one in _strips(context)), default=0)
        if end > context.scene.frame_end + 1:
            said = tr("The strips end at frame {end:g}, but the scene ends at frame {last}")
            draw_lines(layout, said.format(end=end, last=context.scene.frame_end), "INFO")
        if session.unplaced() is not None:
            layout.operator("freetalker.place_result")


class _Takes(PanelPart):
    bl_label = "Takes"

    @classmethod
    def poll(cls, context: Context) -> bool:
        armature = active_character(context)
        return armature is not None and len(character_data(armature).takes) > 0

    def draw(self, context: Context) -> None:
        layout = self.layout
        character = character_data(require_character(context))
        row = layout.row()
        row.template_list("FREETALKER_UL_takes", "", character, "takes", character, "take", rows=3)
        row.column(align=True).operator("freetalker.remove_take", text="", icon="REMOVE")
        layout.prop(scene_settings(context.scene), "keep_takes")


class FREETALKER_UL_takes(bpy.types.UIList):
    """The takes of a character; clicking one makes it active."""

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
        row.prop(item, "name", text="", emboss=False)
        if item.action is None:
            row.label(text="Action was deleted", icon="ERROR")
        note = row.row()
        note.active = False
        note.label(text=item.note, translate=False)
        row.prop(item, "pinned", text="", icon="PINNED" if item.pinned else "UNPINNED", emboss=False)


class _GenerateAdvanced(PanelPart):
    bl_label = "Advanced"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = scene_settings(context.scene)
        layout.prop(settings, "model", placeholder=preferences.default_model())
        layout.prop(settings, "steps")
        layout.row().prop(settings, "follow", expand=True)
        layout.prop(settings, "meet")


class _Result(PanelPart):
    bl_label = "Result"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.operator("freetalker.bake_to_action", icon="ACTION")
        layout.operator("freetalker.add_to_library", icon="ASSET_MANAGER")
        layout.menu("FREETALKER_MT_export", text="Export", icon="EXPORT")
        armature = active_character(context)
        hidden = generated.hidden_reason(armature) if armature is not None else ""
        if hidden:
            draw_lines(layout, hidden, "INFO")


def _draw_license(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """Draw the notice about a non-commercial model, and the user's consent."""
    name, model = models.of_scene(scene)
    if not model.non_commercial:
        return
    said = tr("'{name}' and the motion it generates are for non-commercial use only ({license})")
    draw_lines(layout, said.format(name=Path(name).name, license=model.license), "ERROR")
    settings = preferences.get()
    if settings is not None:
        layout.prop(settings, "non_commercial")


def _strips(context: Context) -> list[StripRef]:
    armature = active_character(context)
    return [] if armature is None else strips.find_strips(armature, *rows.KINDS)


def _draw_strip(layout: bpy.types.UILayout, scene: bpy.types.Scene, one: StripRef) -> None:
    """Draw a strip: its times, prompt or sound, guidance, lock and buttons."""
    data = one.data
    fps = frames_per_second(scene)
    start, end = ((frame - scene.frame_start) / fps for frame in (one.strip.frame_start, one.strip.frame_end))
    column = layout.column(align=True)
    column.active = one.audible
    row = column.row(align=True)
    icon = "OUTLINER_DATA_FONT" if data.kind == "TEXT" else "OUTLINER_DATA_SPEAKER"
    said = tr("{start:.1f} to {end:.1f} s") if one.audible else tr("{start:.1f} to {end:.1f} s, muted")
    row.label(text=said.format(start=start, end=end), icon=icon, translate=False)
    if one.user_count > 1:
        single = row.operator("freetalker.make_single", text=f"{one.user_count}", icon="LINKED")
        set_properties(single, strip=one.key)
    if data.kind == "TEXT":
        suggest = row.operator("freetalker.suggest_prompt", text="", icon="VIEWZOOM", emboss=False)
        set_properties(suggest, strip=one.key)
    set_properties(row.operator("freetalker.reroll", text="", icon="FILE_REFRESH", emboss=False), strip=one.key)
    row.prop(data, "lock", text="", icon="LOCKED" if data.lock else "UNLOCKED", emboss=False)
    set_properties(row.operator("freetalker.remove_strip", text="", icon="X", emboss=False), strip=one.key)
    column = column.column(align=True)
    column.enabled = one.user_count < 2
    if data.kind == "SPEECH":
        column.prop(data, "sound", text="")
    else:
        compat.multiline(column, data, "prompt", "a person walks forward")
        row = column.row(align=True)
        row.prop(data, "use_guidance", text="")
        field = row.row(align=True)
        field.active = data.use_guidance
        field.prop(data, "guidance", slider=True)
        row.prop(data, "scope", text="", icon_only=True)
    if one.user_count > 1:
        text = tr("{number} strips share this prompt; click the number to make it single-user")
        sound = tr("{number} strips share this sound; click the number to make it single-user")
        said = text if data.kind == "TEXT" else sound
        draw_lines(layout, said.format(number=one.user_count), "LINKED")


def _draw_progress(layout: bpy.types.UILayout, running: job.Job) -> None:
    layout.progress(factor=running.progress, text=running.status)
    layout.operator("freetalker.cancel", icon="X")


_PARTS = (  # (panel, parent)
    (_Setup, None),
    (_Character, None),
    (_ActiveStrip, None),
    (_Strips, None),
    (_AllStrips, _Strips),
    (_Generate, None),
    (_GenerateAdvanced, _Generate),
    (_Takes, None),
    (_Result, None),
)


def _panels() -> tuple[type, ...]:
    """Create each panel once for the 3D viewport and once for the NLA editor."""

    def name(space: str, part: type) -> str:
        return f"FREETALKER_PT_{space}{part.__name__.lower()}"

    made: list[type] = []
    for space, base in (("view3d", _View3D), ("nla", _Nla)):
        for part, parent in _PARTS:
            if base.bl_space_type not in getattr(part, "editors", {base.bl_space_type}):
                continue
            extra: dict[str, Any] = {"bl_idname": name(space, part), "bl_order": len(made)}
            if parent is not None:
                extra["bl_parent_id"] = name(space, parent)
            made.append(type(name(space, part), (part, base, bpy.types.Panel), extra))
    return tuple(made)


CLASSES = _panels()
