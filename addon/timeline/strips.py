# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and speech strips on a character's NLA tracks: find, add and remove them.

A strip plays an Action without keys, which moves nothing and holds our data; the Action's manual frame range determines
the length of the strip.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import bpy

from ...core.errors import InputError
from ...core.timeline.strips import SEED_MAX
from ..data import Context, StripData, StripKind, animation_data, armature_data, strip_action, strip_data
from ..translations import tr
from ..units import frames_per_second
from .sounds import load_sounds, sound_seconds

TRACK_NAMES = {"TEXT": "Text", "SPEECH": "Speech", "GENERATED": "FreeTalker Generated"}
_NAME_BYTES = 59  # Blender stores 63 bytes of a strip's name, and appends .001 to a duplicate name


@dataclass(frozen=True)
class StripRef:
    """A strip on an NLA track, possibly inside meta strips.

    Args:
        strip: The strip, which plays an Action.
        track: The track that it is on.
        audible: Whether neither the strip, nor a meta strip around it, nor its track is muted.
        path: Index of its track, of the meta strips around it, and its own.
    """

    strip: bpy.types.NlaStrip
    track: bpy.types.NlaTrack
    audible: bool
    path: tuple[int, ...]

    @property
    def action(self) -> bpy.types.Action:
        """The Action that the strip plays."""
        return strip_action(self.strip)

    @property
    def data(self) -> StripData:
        """The add-on's data on the Action."""
        return strip_data(self.action)

    @property
    def key(self) -> str:
        """Unique key, see `strip_by_key`; names are not unique, because strips inside meta strips may repeat others."""
        return f"{'.'.join(map(str, self.path))} {self.strip.name}"

    @property
    def user_count(self) -> int:
        """Number of strips that play this Action: more than 1 for parts of a split strip and linked duplicates."""
        animation = animation_data(cast("bpy.types.Object", self.strip.id_data))
        tweaked = animation.use_tweak_mode and animation.action == self.action
        return self.action.users - self.action.use_fake_user - tweaked


def find_strips(armature: bpy.types.Object, *kinds: str) -> list[StripRef]:
    """Return all strips of these kinds on an object, including those inside meta strips, in order of time."""
    animation = armature.animation_data
    if animation is None:
        return []
    solo = any(track.is_solo for track in animation.nla_tracks)
    found = [
        one
        for number, track in enumerate(animation.nla_tracks)
        for one in _flatten(track.strips, track, not track.mute and (track.is_solo or not solo), (number,))
        if one.data.kind in kinds
    ]
    return sorted(found, key=lambda one: one.strip.frame_start)


def _flatten(
    strips: Iterable[bpy.types.NlaStrip], track: bpy.types.NlaTrack, audible: bool, path: tuple[int, ...]
) -> Iterator[StripRef]:
    for number, strip in enumerate(strips):
        if strip.type == "META":
            yield from _flatten(strip.strips, track, audible and not strip.mute, (*path, number))
        elif strip.action is not None:
            yield StripRef(strip, track, audible and not strip.mute, (*path, number))


def strips_of(armature: bpy.types.Object) -> list[StripRef]:
    """Return the text strips, then the speech strips of a character, each in order of time."""
    return [one for kind in ("TEXT", "SPEECH") for one in find_strips(armature, kind)]


def add_text(armature: bpy.types.Object, prompt: str, start: int, length: int) -> bpy.types.NlaStrip:
    """Add a text strip on the first track with room.

    Args:
        armature: The character.
        prompt: What the character does.
        start: First frame.
        length: Number of frames.

    Raises:
        InputError: The prompt is empty, or the length is less than one frame.
    """
    if not prompt.strip():
        raise InputError("The prompt is empty; describe what the person does, such as 'a person walks forward'.")
    return _add(armature, "TEXT", prompt, start, length)


def add_speech(
    armature: bpy.types.Object, sound: bpy.types.Sound, scene: bpy.types.Scene, start: int, length: int | None = None
) -> bpy.types.NlaStrip:
    """Add a speech strip on the first track with room.

    Args:
        armature: The character.
        sound: The recording.
        scene: Gives the frame rate.
        start: First frame.
        length: Number of frames; that of the recording by default.

    Raises:
        InputError: The sound cannot be read, or is shorter than the length.
    """
    most = max(1, int(sound_seconds(sound) * frames_per_second(scene) + 1e-6))
    if length is not None and length > most:
        raise InputError(
            f"The recording '{sound.name}' has only {most} frames, but the strip needs {length}; choose a longer "
            "recording or a shorter strip."
        )
    strip = _add(armature, "SPEECH", Path(sound.name).stem, start, most if length is None else length)
    strip_data(strip_action(strip)).sound = sound
    return strip


def add_recordings(armature: bpy.types.Object, paths: list[Path], scene: bpy.types.Scene, start: int) -> None:
    """Add speech strips of whole recordings, one after the other.

    Args:
        armature: The character.
        paths: Sound files.
        scene: Gives the frame rate.
        start: First frame of the first strip.

    Raises:
        InputError: A recording cannot be read; then no strip is added.
    """
    for sound, length in load_sounds(((path, 0.0) for path in paths), scene):
        add_speech(armature, sound, scene, start, length)
        start += length


def _add(
    armature: bpy.types.Object, kind: Literal["TEXT", "SPEECH"], name: str, start: int, length: int
) -> bpy.types.NlaStrip:
    if length < 1:
        raise InputError(f"A strip must be one frame or longer, not {length}.")
    action = bpy.data.actions.new(short_name(name))
    strip_data(action).kind = kind
    if kind == "TEXT":
        strip_data(action).prompt = name
    action.use_frame_range = True  # otherwise a strip on an Action without keys shrinks to one frame
    action.frame_start, action.frame_end = 0, length
    track = _track_with_room(armature, kind, start, start + length)
    for other in (strip for track in animation_data(armature).nla_tracks for strip in track.strips):
        other.select = False
    strip = track.strips.new(short_name(name), start, action)
    strip.name = short_name(name)
    strip.use_sync_length = False
    strip.extrapolation = "NOTHING"
    return strip


def _track_with_room(armature: bpy.types.Object, kind: StripKind, start: float, end: float) -> bpy.types.NlaTrack:
    """Return the first track of this kind that is free from frame start to end, or a new one."""
    tracks = animation_data(armature).nla_tracks
    names = {one.track.name for one in find_strips(armature, kind)} | {TRACK_NAMES[kind]}
    for track in tracks:
        free = all(strip.frame_end <= start or strip.frame_start >= end for strip in track.strips)
        if track.name in names and free and not track.lock:
            return track
    track = tracks.new()
    track.name = TRACK_NAMES[kind]
    return track


def free_frame(armature: bpy.types.Object, kind: StripKind, frame: int, scope: str = "WHOLE") -> int:
    """Return `frame`, or the end of the consecutive strips of this kind and scope that occupy it."""
    for one in find_strips(armature, kind):
        if one.data.scope == scope and one.strip.frame_start <= frame < one.strip.frame_end:
            frame = round(one.strip.frame_end)
    return frame


def make_single(one: StripRef) -> None:
    """Copy a strip's Action if other strips play it too."""
    if one.user_count > 1:
        one.strip.action = one.action.copy()


def short_name(text: str) -> str:
    """Shorten a text to one line that fits a strip's name."""
    line = " ".join(text.split())
    if len(line.encode()) <= _NAME_BYTES:
        return line
    return line.encode()[: _NAME_BYTES - 3].decode(errors="ignore").rstrip() + "…"


def check_seed(seed: int | None) -> None:
    """Check that Blender's properties can hold a seed.

    Raises:
        InputError: The seed is out of range.
    """
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise InputError(f"The seed {seed} is out of range; use a seed from 0 to {SEED_MAX}.")


def set_own_seed(data: StripData, seed: int | None) -> None:
    """Set the seed of a strip; None for the scene's seed."""
    data.use_seed = seed is not None
    data.seed = seed or 0


def disabled_reason(armature: bpy.types.Object) -> str:
    """Return why the character's tracks cannot be changed now; empty if they can."""
    if not armature.is_editable:
        return tr("'{name}' is linked from another file; make a library override of it").format(name=armature.name)
    if armature.animation_data is not None and armature.animation_data.use_tweak_mode:
        return "A strip is being tweaked; leave tweak mode (Tab in the NLA editor)"
    if armature_data(armature).is_editmode:
        return "The bones of the armature are being edited; leave Edit Mode (Tab in the 3D viewport)"
    return ""


def strip_by_key(armature: bpy.types.Object, key: str) -> StripRef:
    """Find a text or speech strip.

    Args:
        armature: The character.
        key: A `StripRef.key`, or the name of a strip, of which the first is taken.

    Raises:
        InputError: There is no such strip.
    """
    for one in sorted(strips_of(armature), key=lambda one: (one.key != key, len(one.path))):
        if key in (one.key, one.strip.name):
            return one
    raise InputError(f"'{armature.name}' no longer has a text or speech strip '{key}'.")


def active_strip(context: Context) -> StripRef | None:
    """Return the text or speech strip that is active in the NLA editor, or the only one selected there."""
    selected = context.selected_nla_strips or ()
    strip = context.active_nla_strip or (selected[0] if len(selected) == 1 else None)
    if strip is None or strip.action is None or strip_data(strip.action).kind not in {"TEXT", "SPEECH"}:
        return None
    found = find_strips(cast("bpy.types.Object", strip.id_data), strip_data(strip.action).kind)
    return next((one for one in found if one.strip == strip), None)


def remove(one: StripRef) -> None:
    """Remove a strip, and its Action if no other strip plays it.

    Raises:
        InputError: The strip is inside a meta strip or on a locked track.
    """
    check_removable(one)
    action = one.action
    one.track.strips.remove(one.strip)
    if action.users == 0:
        bpy.data.actions.remove(action)


def check_removable(one: StripRef) -> None:
    """Check that `remove` can remove a strip.

    Raises:
        InputError: The strip is inside a meta strip or on a locked track.
    """
    if len(one.path) > 2:
        raise InputError(
            f"The strip '{one.strip.name}' is inside a meta strip; remove the meta strip first (Ctrl Alt G)."
        )
    if one.track.lock:
        raise InputError(f"The strip '{one.strip.name}' is on a locked track; unlock the track in the NLA editor.")
