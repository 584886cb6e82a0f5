# SPDX-License-Identifier: GPL-3.0-or-later
"""The strips of a track as a list that scrolls: Blender draws the rows in sight alone, however many there are."""

from typing import Any

import bpy
from bpy.props import IntProperty

from ..character.active import active_character
from ..timeline import strips
from ..timeline.strips import StripRef
from ..units import frames_per_second

KINDS = ("TEXT", "SPEECH")
_ROWS = 8


class FREETALKER_UL_strips(bpy.types.UIList):
    """A track's strips, one a line; list_id is the number of the track."""

    def draw_item(
        self, context: Any, layout: Any, track: Any, strip: Any, icon: int, owner: Any, active: str, index: int
    ) -> None:
        if strip.action is None or strip.action.freetalker.kind not in KINDS:
            layout.label(text=strip.name, icon="NLA", translate=False)
            return
        tracks = strip.id_data.animation_data.nla_tracks
        heard = not strip.mute and not track.mute and (track.is_solo or not any(one.is_solo for one in tracks))
        draw_row(layout, context.scene, StripRef(strip, track, heard, (int(self.list_id), index)))


def draw_row(layout: Any, scene: Any, one: StripRef) -> None:
    """One strip in one line: when it starts, what it says, its lock and its buttons."""
    row = layout.row(align=True)
    row.active = one.heard
    seconds = (one.strip.frame_start - scene.frame_start) / frames_per_second(scene)
    split = row.split(factor=0.24, align=True)
    split.label(text=f"{seconds:.1f} s", translate=False)
    field = split.row(align=True)
    field.enabled = one.sharing < 2
    field.prop(one.data, "prompt" if one.data.kind == "TEXT" else "sound", text="", emboss=one.data.kind == "SPEECH")
    if one.sharing > 1:
        row.operator("freetalker.make_single", text=f"{one.sharing}", icon="LINKED", emboss=False).strip = one.key
    row.prop(one.data, "lock", text="", icon="LOCKED" if one.data.lock else "UNLOCKED", emboss=False)
    row.operator("freetalker.remove_strip", text="", icon="X", emboss=False).strip = one.key


def has_strips(context: Any) -> bool:
    """Whether the character at hand has any strip of ours."""
    armature = active_character(context)
    return armature is not None and any(True for _ in _tracks(armature))


def draw(layout: Any, context: Any) -> None:
    """A list for each track with strips of ours; what lies within meta strips stands below."""
    armature = active_character(context)
    if armature is None:
        return
    manager = context.window_manager
    for number, track in _tracks(armature):
        rows = max(2, min(_ROWS, len(track.strips)))
        layout.template_list(
            "FREETALKER_UL_strips", str(number), track, "strips", manager, "freetalker_row", rows=rows, maxrows=_ROWS
        )
        if any(strip.type == "META" for strip in track.strips):
            for one in (one for kind in KINDS for one in strips.find_strips(armature, kind)):
                if one.path[0] == number and len(one.path) > 2:
                    draw_row(layout, context.scene, one)


def _tracks(armature: Any) -> Any:
    """(number, track) of those that hold text or speech strips, at any depth."""
    tracks: Any = armature.animation_data.nla_tracks if armature.animation_data is not None else ()
    for number, track in enumerate(tracks):
        if any(_is_ours(strip) for strip in track.strips):
            yield number, track


def _is_ours(strip: Any) -> bool:
    if strip.type == "META":
        return any(_is_ours(inner) for inner in strip.strips)
    return strip.action is not None and strip.action.freetalker.kind in KINDS


def register() -> None:
    bpy.utils.register_class(FREETALKER_UL_strips)
    description = "The line of the list that was clicked"
    bpy.types.WindowManager.freetalker_row = IntProperty(name="Row", description=description, options={"SKIP_SAVE"})


def unregister() -> None:
    del bpy.types.WindowManager.freetalker_row
    bpy.utils.unregister_class(FREETALKER_UL_strips)
