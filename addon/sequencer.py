# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings of speech strips, mirrored in the sequencer so that they are heard.

The NLA strip is what counts: before playback and rendering the sequencer's copies follow it.
"""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import character, compat, strips

_MARK = "freetalker"  # on the copies, to tell them from the user's own sound strips


def mirror(scene: bpy.types.Scene) -> None:
    """Make the sequencer's sound strips of ours those of the scene's speech strips."""
    wanted = [one for armature in scene.objects if character.is_character(armature) for one in _speech(armature)]
    if not wanted and not (scene.sequence_editor and _copies(scene)):
        return
    spare = _copies(scene)
    for one in wanted:
        sound, start, offset, end = one.data.sound, *_frames(one.strip)
        copy = next((strip for strip in spare if strip.sound == sound), None)
        if copy is not None:
            spare.remove(copy)
            if _frames_of_copy(copy) == (start, offset, end):
                copy.mute = not one.heard
                continue
            compat.sequencer_strips(scene).remove(copy)
        _add(scene, one, sound, start, offset, end)
    for strip in spare:
        compat.sequencer_strips(scene).remove(strip)


def _speech(armature: bpy.types.Object) -> list[strips.Placed]:
    return [one for one in strips.placed(armature, "SPEECH") if one.data.sound is not None]


def _copies(scene: bpy.types.Scene) -> list[Any]:
    return [strip for strip in compat.sequencer_strips(scene) if strip.type == "SOUND" and strip.get(_MARK)]


def _frames(strip: bpy.types.NlaStrip) -> tuple[int, int, int]:
    """(start, offset into the recording, end) in frames."""
    return round(strip.frame_start), max(0, round(strip.action_frame_start)), round(strip.frame_end)


def _frames_of_copy(copy: Any) -> tuple[int, int, int]:
    return int(copy.frame_final_start), int(copy.frame_offset_start), int(copy.frame_final_end)


def _add(scene: bpy.types.Scene, one: strips.Placed, sound: bpy.types.Sound, start: int, offset: int, end: int) -> None:
    collection = compat.sequencer_strips(scene)
    used = {
        strip.channel for strip in collection if strip.frame_final_start < end and strip.frame_final_end > start - offset
    }
    channel = next(number for number in range(1, 129) if number not in used)
    copy = collection.new_sound(sound.name, sound.filepath, channel, start - offset)
    copy.sound = sound
    copy.frame_offset_start = offset
    copy.frame_final_end = end
    copy.mute = not one.heard
    copy[_MARK] = True
    compat.show_in_sequencer(scene)


@persistent
def _before_playing(scene: bpy.types.Scene, *_: Any) -> None:
    mirror(scene)


_HANDLERS = ("animation_playback_pre", "render_init")


def register() -> None:
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_before_playing)


def unregister() -> None:
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_before_playing)
