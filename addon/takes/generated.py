# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated motion on the character: one NLA strip that plays a take, and its baking to an ordinary action."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import bpy

from ...core.errors import InputError
from ...core.motion.clip import Motion
from .. import compat
from ..rigs import armature as rig
from ..timeline import strips
from ..timeline.strips import StripRef
from ..units import frames_per_second
from . import bake, storage
from .storage import Record, Take


def place(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    motion: Motion,
    record: Record | None = None,
    base: Take | None = None,
    note: str = "",
    back: bool = False,
) -> bpy.types.NlaStrip:
    """Put motion on the generated track from the scene's first frame on, at the scene's frame rate.

    record: what it was made of; then it is kept as a take, with a note of what was generated. base: the take that it
    was made from, whose keys stay where the motion does. What the track showed before goes with its Action, unless that
    is a take or the track was renamed; where the user moved or trimmed that, the new one is so, too, but with `back`
    it lies where its frames were made for. The frame range and the frame rate of the scene stay.
    """
    played = motion.resampled(frames_per_second(scene))
    same = base is not None and record is not None and base.record.first_frame == record.first_frame
    action = storage.spliced(base, motion, armature) if base is not None and same and played is motion else None
    if action is None:  # first: what is there stays if it fails
        action, _ = bake.new_action("", played, armature, record.first_frame if record else scene.frame_start)
    action.name = f"{armature.name} Generated"
    action.freetalker.kind = "GENERATED"
    if record is not None:
        storage.write(action, motion, record, armature)
    strip = _show(armature, action, back)
    if record is not None:
        storage.add(armature, action, scene.freetalker.keep_takes, note)
    return strip


def show(armature: bpy.types.Object, index: int) -> None:
    """Let the generated strip play a take; nothing happens where it does, or there is no such take."""
    kept = armature.freetalker.takes
    action = kept[index].action if 0 <= index < len(kept) else None
    if action is not None and not any(one.strip.action == action for one in _at_hand(armature)):
        _show(armature, action)


def remove_take(armature: bpy.types.Object, index: int) -> None:
    """Take a take away; where it is shown, the one after it is shown instead, or nothing where it was the last."""
    found = _at_hand(armature)
    storage.remove(armature, index)
    if not len(armature.freetalker.takes):
        for one in found:
            rig.relax(armature, _driven(one.strip.action))
            _remove(one)


def active_take(armature: bpy.types.Object) -> Take | None:
    """The take that the generated strip plays; None where there is none, or it plays motion that is no take."""
    found = _at_hand(armature)
    return storage.read(found[-1].strip.action) if found else None


def others(armature: bpy.types.Object) -> list[Any]:
    """The strips of ordinary animation that carry the character about, and None for an Action that does."""
    bones = rig.bone_map(armature)
    if bones is None or armature.animation_data is None:
        return []
    path = f'pose.bones["{bpy.utils.escape_identifier(bones.carrier)}"]'

    def carries(action: bpy.types.Action) -> bool:
        return any(one.startswith(path) for one in _driven(action))

    found: list[Any] = [
        one.strip for one in strips.find_strips(armature, "NONE") if one.heard and carries(one.strip.action)
    ]
    playing = armature.animation_data.action
    return [*found, None] if playing is not None and carries(playing) else found


@contextmanager
def without(armature: bpy.types.Object) -> Iterator[None]:
    """The character as it is without its generated motion, for as long as this lasts."""
    tracks = [one.track for one in _found(armature)]
    muted = [track.mute for track in tracks]
    try:
        for track in tracks:
            track.mute = True
        yield
    finally:
        for track, mute in zip(tracks, muted, strict=True):
            track.mute = mute


def _at_hand(armature: bpy.types.Object) -> list[StripRef]:
    """The generated strips whose track was not renamed to keep them."""
    return [one for one in _found(armature) if one.track.name == strips.TRACK_NAMES["GENERATED"]]


def moved(armature: bpy.types.Object) -> int:
    """By how many frames the user moved what the generated strip plays; 0 where it is scaled, or nothing is played."""
    found = _at_hand(armature)
    if not found or abs(found[-1].strip.scale - 1) > 1e-6:
        return 0
    return round(found[-1].strip.frame_start - found[-1].strip.action_frame_start)


def _show(armature: bpy.types.Object, action: bpy.types.Action, back: bool = False) -> bpy.types.NlaStrip:
    """Let the generated track play an Action in place of what it plays, as the user has set that strip up.

    back: where the Action's frames lie, and all of it, whatever the user has set up.
    """
    found = _at_hand(armature)
    driven = {path for one in found for path in _driven(one.strip.action)}
    if len(found) == 1 and len(found[0].track.strips) == 1 and not back:
        _exchange(found[0].strip, action)
        rig.relax(armature, driven - _driven(action))
        return found[0].strip
    for one in found:
        _remove(one, action)
    rig.relax(armature, driven - _driven(action))
    tracks = (armature.animation_data or armature.animation_data_create()).nla_tracks
    track = next((one for one in tracks if one.name == strips.TRACK_NAMES["GENERATED"] and not len(one.strips)), None)
    if track is None:
        track = tracks.new()
        track.name = strips.TRACK_NAMES["GENERATED"]
    strip = track.strips.new("Generated Motion", round(action.frame_range[0]), action)
    strip.action_slot = action.slots[0]
    strip.select = False
    strip.use_sync_length = False
    return strip


def _exchange(strip: bpy.types.NlaStrip, action: bpy.types.Action) -> None:
    """Let a strip play another Action from the same place on, trimmed as it is; the end of another length is shown."""
    old: Any = strip.action
    place = strip.frame_start - strip.action_frame_start * strip.scale  # of the Action's frame 0
    (old_first, old_last), (first, last) = old.frame_range, action.frame_range
    start = min(first + max(strip.action_frame_start - old_first, 0), last - 1)
    cut = max(old_last - strip.action_frame_end, 0) if last - first == old_last - old_first else 0
    end = max(last - cut, start + 1)
    strip.action = action
    strip.action_slot = action.slots[0]
    strip.action_frame_start, strip.action_frame_end = first, last  # each is kept on its side of the other
    strip.action_frame_start, strip.action_frame_end = start, end
    strip.frame_start_ui = place + start * strip.scale
    if old.users == 0 and old != action:
        bpy.data.actions.remove(old)


def to_action(
    armature: bpy.types.Object,
    all_bones: bool = False,
    limits: bake.Limits | None = None,
    push_down: bool = False,
) -> tuple[bpy.types.Action, bake.Reduced]:
    """Turn the generated strip on top into an ordinary Action assigned to the character; the strip goes.

    all_bones, limits: as in `bake.flatten`. push_down: the Action becomes an ordinary strip on a track of its own.
    An action that the character had is kept with a fake user, as Blender does when it unlinks one; where it moves more
    than the new one does, it goes on from a track beneath. Pushing down the bones of the map leaves it where it is.

    Raises InputError where there is no generated strip, or it is muted and all bones are wanted as they are seen.
    """
    found = _found(armature)
    if not found:
        raise InputError(f"'{armature.name}' has no generated motion to bake: generate it first.")
    top = found[-1]
    if all_bones and not top.heard:
        raise InputError("The generated strip is muted, and all bones are baked as they are seen: unmute it.")
    span = round(top.strip.frame_start), round(top.strip.frame_end)
    action, slot, keys = bake.flatten(top.strip, f"{armature.name} Baked", armature, all_bones, limits)
    animation: Any = armature.animation_data
    _remove(top)
    if not len(top.track.strips):
        animation.nla_tracks.remove(top.track)
    before = animation.action
    if before is not None and (all_bones or not push_down):
        before.use_fake_user = True
        if _driven(before, animation.action_slot) - _driven(action):
            strip = _push_down(animation, before, animation.action_slot, before.frame_range)
            strip.blend_type, strip.influence = animation.action_blend_type, animation.action_influence
        animation.action = None
    if push_down:
        _push_down(animation, action, slot, span)
    else:
        animation.action, animation.action_slot = action, slot
        animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
    return action, keys


def _push_down(animation: Any, action: bpy.types.Action, slot: Any, span: Sequence[float]) -> bpy.types.NlaStrip:
    """Let an Action play its frames of a span (first, last) from a track of its own, on top."""
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, math.floor(span[0]), action)
    strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end = span
    strip.frame_start_ui = span[0]
    strip.use_sync_length = False
    return strip


def _found(armature: bpy.types.Object) -> list[StripRef]:
    """The generated strips, the lowest track first; not those within meta strips, which the user keeps there."""
    if armature.animation_data is None:
        return []
    tracks = list(armature.animation_data.nla_tracks)
    found = [one for one in strips.find_strips(armature, "GENERATED") if one.strip.name in one.track.strips]
    return sorted(found, key=lambda one: tracks.index(one.track))


def _driven(action: bpy.types.Action, slot: Any = None) -> set[str]:
    """The data paths that an Action has curves for in a slot, the first where not given."""
    bag = compat.channelbag(action, slot)
    return {curve.data_path for curve in bag.fcurves} if bag is not None else set()


def _remove(one: StripRef, but: bpy.types.Action | None = None) -> None:
    """Take away a strip, and its Action where nothing else uses that and it is another than `but`."""
    action = one.strip.action
    one.track.strips.remove(one.strip)
    if action.users == 0 and action != but:
        bpy.data.actions.remove(action)


def hidden_by(armature: bpy.types.Object) -> str:
    """What keeps the generated motion from being seen, as one sentence; empty where nothing does."""
    animation = armature.animation_data
    found = _found(armature)
    if animation is None or not found:
        return ""
    if not found[-1].heard:
        return "The generated strip is muted: unmute it or its track to see the motion"
    if armature.data.pose_position == "REST":
        return "The armature is in Rest Position: choose Pose Position in its properties to see the motion"
    if animation.use_tweak_mode or animation.action is None:
        return ""
    if _driven(animation.action, animation.action_slot) & _driven(found[-1].strip.action):
        return f"The action '{animation.action.name}' plays over the generated motion: unlink it to see the motion"
    return ""
