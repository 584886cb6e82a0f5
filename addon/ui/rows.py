# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrolling lists of a track's strips; Blender draws only the visible rows, however many there are."""

from collections.abc import Iterable, Iterator
from typing import Any

import bpy
from bpy.props import IntProperty

from ..character.active import active_character
from ..data import CallbackContext, Context, animation_data, strip_data
from ..timeline import strips
from ..timeline.strips import StripRef
from ..units import frames_per_second
from .layout import set_properties

KINDS = ("TEXT", "SPEECH")
_ROWS = 8
_ACTIVE_ROW = "freetalker_row"


class FREETALKER_UL_strips(bpy.types.UIList):
    """The strips of a track, one per line; `list_id` is the index of the track."""

    def draw_item(
        self,
        context: CallbackContext,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: object,
        active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
        if item.action is None or strip_data(item.action).kind not in KINDS:
            layout.label(text=item.name, icon="NLA", translate=False)
            return
        tracks = animation_data(item.id_data).nla_tracks
        audible = not item.mute and not data.mute and (data.is_solo or not any(one.is_solo for one in tracks))
        draw_row(layout, context.scene, StripRef(item, data, audible, (int(self.list_id), index or 0)))


def draw_row(layout: bpy.types.UILayout, scene: bpy.types.Scene, one: StripRef) -> None:
    """Draw a strip in one line: its start time, prompt or sound, lock and buttons."""
    row = layout.row(align=True)
    row.active = one.audible
    seconds = (one.strip.frame_start - scene.frame_start) / frames_per_second(scene)
    split = row.split(factor=0.24, align=True)
    split.label(text=f"{seconds:.1f} s", translate=False)
    field = split.row(align=True)
    field.enabled = one.user_count < 2
    field.prop(one.data, "prompt" if one.data.kind == "TEXT" else "sound", text="", emboss=one.data.kind == "SPEECH")
    if one.user_count > 1:
        single = row.operator("freetalker.make_single", text=f"{one.user_count}", icon="LINKED", emboss=False)
        set_properties(single, strip=one.key)
    row.prop(one.data, "lock", text="", icon="LOCKED" if one.data.lock else "UNLOCKED", emboss=False)
    set_properties(row.operator("freetalker.remove_strip", text="", icon="X", emboss=False), strip=one.key)


def has_strips(context: Context) -> bool:
    """Whether the active character has text or speech strips."""
    armature = active_character(context)
    return armature is not None and any(True for _ in _tracks(armature))


def draw(layout: bpy.types.UILayout, context: Context) -> None:
    """Draw a list for each track with text or speech strips, followed by those inside its meta strips."""
    armature = active_character(context)
    if armature is None:
        return
    manager = context.window_manager
    for number, track in _tracks(armature):
        rows = max(2, min(_ROWS, len(track.strips)))
        layout.template_list(
            "FREETALKER_UL_strips", str(number), track, "strips", manager, _ACTIVE_ROW, rows=rows, maxrows=_ROWS
        )
        if any(strip.type == "META" for strip in track.strips):
            for one in (one for kind in KINDS for one in strips.find_strips(armature, kind)):
                if one.path[0] == number and len(one.path) > 2:
                    draw_row(layout, context.scene, one)


def _tracks(armature: bpy.types.Object) -> Iterator[tuple[int, bpy.types.NlaTrack]]:
    """Yield (index, track) of the tracks with text or speech strips, also inside meta strips."""
    tracks: Iterable[bpy.types.NlaTrack] = (
        armature.animation_data.nla_tracks if armature.animation_data is not None else ()
    )
    for number, track in enumerate(tracks):
        if any(_is_ours(strip) for strip in track.strips):
            yield number, track


def _is_ours(strip: bpy.types.NlaStrip) -> bool:
    if strip.type == "META":
        return any(_is_ours(inner) for inner in strip.strips)
    return strip.action is not None and strip_data(strip.action).kind in KINDS


def register() -> None:
    """Register the list, and the property with its active row."""
    bpy.utils.register_class(FREETALKER_UL_strips)
    description = "Index of the active row in the list"
    row = IntProperty(name="Row", description=description, options={"SKIP_SAVE"})
    setattr(bpy.types.WindowManager, _ACTIVE_ROW, row)


def unregister() -> None:
    """Remove the property and unregister the list."""
    delattr(bpy.types.WindowManager, _ACTIVE_ROW)
    bpy.utils.unregister_class(FREETALKER_UL_strips)
