# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings of speech strips, mirrored in the sequencer so that they are heard.

The NLA strip is what counts: before playback and rendering the sequencer's copies follow it.
"""

import contextlib
import math
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...core.errors import InputError
from .. import compat
from ..character.active import is_character
from ..units import frames_per_second
from . import sounds, strips
from .strips import StripRef

_MARK = "freetalker"  # on the copies, to tell them from the user's own sound strips
_LEFT, _RIGHT, _OFFSET, _CONTENT = (
    compat.sequencer_time(name) for name in ("left_handle", "right_handle", "left_handle_offset", "content_start")
)


def mirror(scene: bpy.types.Scene) -> None:
    """Make the sequencer's sound strips of ours those of the scene's speech strips."""
    wanted = [one for armature in scene.objects if is_character(armature) for one in _speech(armature)]
    spare = _copies(scene)
    for one in wanted:
        copy = next((copy for copy in spare if copy.sound == one.data.sound), None)
        if copy is None:
            copy = _new_copy(scene, one)
        else:
            spare.remove(copy)
        _follow(copy, one)
    for copy in spare:
        compat.sequencer_strips(scene).remove(copy)


def _speech(armature: bpy.types.Object) -> list[StripRef]:
    return [one for one in strips.find_strips(armature, "SPEECH") if one.data.sound is not None]


def _copies(scene: bpy.types.Scene) -> list[Any]:
    if scene.sequence_editor is None:
        return []
    return [strip for strip in compat.sequencer_strips(scene) if strip.type == "SOUND" and strip.get(_MARK)]


def _frames(strip: bpy.types.NlaStrip) -> tuple[int, int, int]:
    """(start, frames of the recording passed over, end)."""
    return round(strip.frame_start), max(0, round(strip.action_frame_start)), round(strip.frame_end)


def _follow(copy: Any, one: StripRef) -> None:
    """Give the copy the times of the speech strip; nothing is written where they are right."""
    start, offset, end = _frames(one.strip)
    if copy.mute is one.heard:
        copy.mute = not one.heard
    if (getattr(copy, _LEFT), int(getattr(copy, _OFFSET)), getattr(copy, _RIGHT)) != (start, offset, end):
        for name, frame in ((_OFFSET, offset), (_CONTENT, start - offset), (_RIGHT, end)):
            setattr(copy, name, frame)


def _new_copy(scene: bpy.types.Scene, one: StripRef) -> Any:
    """A sound strip on the lowest channel that is free while the speech strip lasts."""
    sound = one.data.sound
    start, offset, end = _frames(one.strip)
    collection = compat.sequencer_strips(scene)
    whole = max(end, start - offset + math.ceil(sounds.sound_seconds(sound) * frames_per_second(scene)))
    first = start - offset
    used = {strip.channel for strip in collection if getattr(strip, _LEFT) < whole and getattr(strip, _RIGHT) > first}
    channel = next(number for number in range(1, 129) if number not in used)
    known = set(bpy.data.sounds)
    copy = collection.new_sound(sound.name, str(sounds.sound_file(sound)), channel, first)
    loaded, copy.sound = copy.sound, sound
    if loaded not in known:  # Blender read the file once more
        bpy.data.sounds.remove(loaded)
    copy[_MARK] = True
    compat.show_in_sequencer(scene)
    return copy


@persistent
def _before_playing(scene: bpy.types.Scene, *_: Any) -> None:
    with contextlib.suppress(InputError):  # a recording is missing: Generate says so, playing need not
        mirror(scene)


_HANDLERS = ("animation_playback_pre", "render_init")


def register() -> None:
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_before_playing)


def unregister() -> None:
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_before_playing)
