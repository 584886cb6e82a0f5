# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrors the recordings of speech strips in the sequencer, so that they can be heard.

The NLA strips are authoritative: the sequencer's copies are updated from them before playback and rendering.
"""

import contextlib
import math

import bpy
from bpy.app.handlers import persistent

from ...core.errors import InputError
from .. import compat
from ..character.active import is_character
from ..units import frames_per_second
from . import sounds, strips
from .strips import StripRef

_MARK = "freetalker"  # custom property of the copies, to tell them from the user's own sound strips
_LEFT, _RIGHT, _OFFSET, _CONTENT = (
    compat.sequencer_time(name) for name in ("left_handle", "right_handle", "left_handle_offset", "content_start")
)


def mirror(scene: bpy.types.Scene) -> None:
    """Make the sequencer's copies match the scene's speech strips.

    Raises:
        InputError: A recording cannot be read.
    """
    wanted = [one for armature in scene.objects if is_character(armature) for one in _speech(armature)]
    spare = _copies(scene)
    for one, sound in wanted:
        copy = next((copy for copy in spare if copy.sound == sound), None)
        if copy is None:
            copy = _new_copy(scene, one, sound)
        else:
            spare.remove(copy)
        _update_copy(copy, one)
    for copy in spare:
        compat.sequencer_strips(scene).remove(copy)


def _speech(armature: bpy.types.Object) -> list[tuple[StripRef, bpy.types.Sound]]:
    pairs = ((one, one.data.sound) for one in strips.find_strips(armature, "SPEECH"))
    return [(one, sound) for one, sound in pairs if sound is not None]


def _copies(scene: bpy.types.Scene) -> "list[bpy.types.SoundStrip]":
    if scene.sequence_editor is None:
        return []
    return [strip for strip in compat.sequencer_strips(scene) if strip.type == "SOUND" and strip.get(_MARK)]


def _frames(strip: bpy.types.NlaStrip) -> tuple[int, int, int]:
    """Return (start, skipped frames of the recording, end)."""
    return round(strip.frame_start), max(0, round(strip.action_frame_start)), round(strip.frame_end)


def _update_copy(copy: "bpy.types.SoundStrip", one: StripRef) -> None:
    """Give a copy the times of its speech strip, without writing anything that is up to date."""
    start, offset, end = _frames(one.strip)
    if copy.mute is one.audible:
        copy.mute = not one.audible
    if (getattr(copy, _LEFT), int(getattr(copy, _OFFSET)), getattr(copy, _RIGHT)) != (start, offset, end):
        for name, frame in ((_OFFSET, offset), (_CONTENT, start - offset), (_RIGHT, end)):
            setattr(copy, name, frame)


def _new_copy(scene: bpy.types.Scene, one: StripRef, sound: bpy.types.Sound) -> "bpy.types.SoundStrip":
    """Add a sound strip on the lowest channel that is free for the duration of the speech strip."""
    start, offset, end = _frames(one.strip)
    collection = compat.sequencer_strips(scene)
    whole = max(end, start - offset + math.ceil(sounds.sound_seconds(sound) * frames_per_second(scene)))
    first = start - offset
    used = {strip.channel for strip in collection if getattr(strip, _LEFT) < whole and getattr(strip, _RIGHT) > first}
    channel = next(number for number in range(1, 129) if number not in used)
    known = set(bpy.data.sounds)
    copy = collection.new_sound(sound.name, str(sounds.sound_file(sound)), channel, first)
    loaded, copy.sound = copy.sound, sound
    if loaded not in known:  # Blender loaded the file again
        bpy.data.sounds.remove(loaded)
    copy[_MARK] = True
    compat.show_in_sequencer(scene)
    return copy


@persistent
def _before_playing(scene: bpy.types.Scene, *_: object) -> None:
    with contextlib.suppress(InputError):  # a recording is missing, which Generate reports
        mirror(scene)


_HANDLERS = ("animation_playback_pre", "render_init")


def register() -> None:
    """Mirror the recordings before playback and rendering."""
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(_before_playing)


def unregister() -> None:
    """Remove the handlers."""
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_before_playing)
