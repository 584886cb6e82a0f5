# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and speech strips on a character's NLA tracks: add them, and read them as a Timeline.

A strip plays an Action without keys, which moves nothing and carries our data; the Action's manual frame range keeps
the strip's length. Time 0 of the timeline is the scene's first frame.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...core.errors import InputError
from ...core.timeline.strips import SEED_MAX
from ..units import frames_per_second
from .sounds import load_sounds, sound_seconds

TRACK_NAMES = {"TEXT": "Text", "SPEECH": "Speech", "GENERATED": "FreeTalker Generated"}
_NAME_BYTES = 59  # Blender keeps 63 of a strip's name, and ends that of a second one of that name with .001
_NUMBER = re.compile(r"\.\d{3,}$")


@dataclass(frozen=True)
class StripRef:
    """A strip of ours where it was found; `heard` is False where it, a strip around it or its track is muted.

    path: the numbers of its track, of the meta strips around it, and its own.
    """

    strip: Any
    track: Any
    heard: bool
    path: tuple[int, ...]

    @property
    def data(self) -> Any:
        return self.strip.action.freetalker

    @property
    def key(self) -> str:
        """What `named` finds it by: its name is not enough, for strips within meta strips may have that of others."""
        return f"{'.'.join(map(str, self.path))} {self.strip.name}"

    @property
    def sharing(self) -> int:
        """How many strips play this Action: the parts of a split strip do, and linked duplicates."""
        action, animation = self.strip.action, self.strip.id_data.animation_data
        return action.users - action.use_fake_user - (animation.use_tweak_mode and animation.action == action)


def find_strips(armature: bpy.types.Object, *kinds: str) -> list[StripRef]:
    """All strips of these kinds on the object, metas opened, in order of time."""
    animation = armature.animation_data
    if animation is None:
        return []
    solo = any(track.is_solo for track in animation.nla_tracks)
    found = [
        one
        for number, track in enumerate(animation.nla_tracks)
        for one in _open(track.strips, track, not track.mute and (track.is_solo or not solo), (number,))
        if one.data.kind in kinds
    ]
    return sorted(found, key=lambda one: one.strip.frame_start)


def _open(strips: Iterable[Any], track: Any, heard: bool, path: tuple[int, ...]) -> Iterator[StripRef]:
    for number, strip in enumerate(strips):
        if strip.type == "META":
            yield from _open(strip.strips, track, heard and not strip.mute, (*path, number))
        elif strip.action is not None:
            yield StripRef(strip, track, heard and not strip.mute, (*path, number))


def add_text(armature: bpy.types.Object, prompt: str, start: int, length: int) -> bpy.types.NlaStrip:
    """A text strip of `length` frames. Raises InputError for an empty prompt or a length below one frame."""
    if not prompt.strip():
        raise InputError("The prompt is empty: write what the person does, such as 'a person walks forward'.")
    return _add(armature, "TEXT", prompt, start, length)


def add_speech(
    armature: bpy.types.Object, sound: bpy.types.Sound, scene: bpy.types.Scene, start: int, length: int | None = None
) -> bpy.types.NlaStrip:
    """A speech strip, as long as the recording where no length in frames is given.

    Raises InputError where the sound cannot be read, or is shorter than the length.
    """
    most = max(1, int(sound_seconds(sound) * frames_per_second(scene) + 1e-6))
    if length is not None and length > most:
        raise InputError(f"The recording '{sound.name}' ends after {most} frames, before the strip's {length}.")
    strip = _add(armature, "SPEECH", Path(sound.name).stem, start, most if length is None else length)
    strip.action.freetalker.sound = sound
    return strip


def add_recordings(armature: bpy.types.Object, paths: list[Path], scene: bpy.types.Scene, start: int) -> None:
    """Speech strips of whole recordings, one after the other. Raises InputError for a bad one; then none is added."""
    for sound, length in load_sounds(((path, 0.0) for path in paths), scene):
        add_speech(armature, sound, scene, start, length)
        start += length


def _add(armature: bpy.types.Object, kind: str, name: str, start: int, length: int) -> bpy.types.NlaStrip:
    if length < 1:
        raise InputError(f"A strip needs a length of one frame or more, not {length}.")
    action = bpy.data.actions.new(short_name(name))
    action.freetalker.kind = kind
    if kind == "TEXT":
        action.freetalker.prompt = name
    action.use_frame_range = True  # a strip on an action without keys would shrink to one frame otherwise
    action.frame_start, action.frame_end = 0, length
    track = _track_with_room(armature, kind, start, start + length)
    for other in (strip for track in armature.animation_data.nla_tracks for strip in track.strips):
        other.select = False
    strip = track.strips.new(short_name(name), start, action)
    strip.name = short_name(name)
    strip.use_sync_length = False
    strip.extrapolation = "NOTHING"
    return strip


def _track_with_room(armature: bpy.types.Object, kind: str, start: float, end: float) -> bpy.types.NlaTrack:
    """The first track of this kind on which nothing lies from start to end, or a new one."""
    tracks = (armature.animation_data or armature.animation_data_create()).nla_tracks
    kinds = {one.track.name for one in find_strips(armature, kind)} | {TRACK_NAMES[kind]}
    for track in tracks:
        free = all(strip.frame_end <= start or strip.frame_start >= end for strip in track.strips)
        if track.name in kinds and free and not track.lock:
            return track
    track = tracks.new()
    track.name = TRACK_NAMES[kind]
    return track


def free_frame(armature: bpy.types.Object, kind: str, frame: int, scope: str = "WHOLE") -> int:
    """`frame`, or where strips of this kind and scope lie there, the end of the row that they make."""
    for one in find_strips(armature, kind):
        if one.data.scope == scope and one.strip.frame_start <= frame < one.strip.frame_end:
            frame = round(one.strip.frame_end)
    return frame


def make_single(one: StripRef) -> None:
    """Give a strip an Action of its own, where it shares one."""
    if one.sharing > 1:
        one.strip.action = one.strip.action.copy()


def short_name(text: str) -> str:
    """One line of text that fits a strip's name."""
    line = " ".join(text.split())
    if len(line.encode()) <= _NAME_BYTES:
        return line
    return line.encode()[: _NAME_BYTES - 3].decode(errors="ignore").rstrip() + "…"


def check_seed(seed: int | None) -> None:
    """Raises InputError where Blender's properties cannot hold a seed."""
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise InputError(f"The seed {seed} is not one from 0 to {SEED_MAX}, as Blender can keep: choose such a one.")


def set_own_seed(data: Any, seed: int | None) -> None:
    """Give a strip's data a seed of its own, or none."""
    data.use_seed = seed is not None
    data.seed = seed or 0


def disabled_reason(armature: bpy.types.Object) -> str:
    """Why the character's tracks cannot be changed now; empty where they can."""
    if not armature.is_editable:
        return f"'{armature.name}' is linked from another file: make a library override of it"
    if armature.animation_data is not None and armature.animation_data.use_tweak_mode:
        return "A strip is being tweaked: leave tweak mode (Tab in the NLA editor)"
    if armature.data.is_editmode:
        return "The armature's bones are being edited: leave Edit Mode (Tab in the 3D viewport)"
    return ""


def named(armature: bpy.types.Object, key: str) -> StripRef:
    """The text or speech strip of that key, or the first of that name. Raises InputError where there is none."""
    found = [one for kind in ("TEXT", "SPEECH") for one in find_strips(armature, kind)]
    for one in sorted(found, key=lambda one: (one.key != key, len(one.path))):
        if key in (one.key, one.strip.name):
            return one
    raise InputError(f"'{armature.name}' has no text or speech strip '{key}' any more.")


def active(context: Any) -> StripRef | None:
    """Our strip that is active in the NLA editor, or the only one selected there."""
    chosen = context.selected_nla_strips or ()
    strip = context.active_nla_strip or (chosen[0] if len(chosen) == 1 else None)
    if strip is None or strip.action is None or strip.action.freetalker.kind not in {"TEXT", "SPEECH"}:
        return None
    found = find_strips(strip.id_data, strip.action.freetalker.kind)
    return next((one for one in found if one.strip == strip), None)


def remove(one: StripRef) -> None:
    """Take away a strip; its action goes with the last that plays it.

    Raises InputError for one in a meta strip or on a locked track.
    """
    _check_removable(one)
    action = one.strip.action
    one.track.strips.remove(one.strip)
    if action.users == 0:
        bpy.data.actions.remove(action)


def _check_removable(one: StripRef) -> None:
    if len(one.path) > 2:
        raise InputError(f"The strip '{one.strip.name}' lies within a meta strip: take that apart first (Ctrl Alt G).")
    if one.track.lock:
        raise InputError(f"The strip '{one.strip.name}' lies on a locked track: unlock the track in the NLA editor.")
