# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated strip on a character's NLA, which plays the active take, and baking it to an ordinary Action."""

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import bpy

from ...core.errors import InputError
from ...core.motion.clip import Motion
from .. import compat
from ..data import animation_data, armature_data, character_data, scene_settings, strip_action, strip_data
from ..rigs import armature as rig
from ..timeline import strips
from ..timeline.strips import StripRef
from ..translations import tr
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
    reset_position: bool = False,
) -> bpy.types.NlaStrip:
    """Play motion in the generated strip, from the scene's first frame on and at the scene's frame rate.

    An Action that the strip played before is deleted, unless it is a take or its track was renamed. The frame range and
    the frame rate of the scene stay as they are.

    Args:
        scene: The scene.
        armature: The character.
        motion: Motion at any frame rate.
        record: What the motion was generated from; then it is stored as a take.
        base: The take that was regenerated in part; its keys are kept on unchanged frames.
        note: What was generated, for the list of takes.
        reset_position: Place the strip on the frames that the motion was generated for, instead of where the user moved
            or trimmed it to.

    Returns:
        The generated strip.

    Raises:
        InputError: The armature has no bone map that fits.
    """
    resampled = motion.resampled(frames_per_second(scene))
    same = base is not None and record is not None and base.record.first_frame == record.first_frame
    action = storage.splice(base, motion, armature) if base is not None and same and resampled is motion else None
    if action is None:  # before anything is removed, because it may fail
        action = bake.new_action("", resampled, armature, record.first_frame if record else scene.frame_start)
    action.name = f"{armature.name} Generated"
    strip_data(action).kind = "GENERATED"
    if record is not None:
        storage.write(action, motion, record, armature)
    strip = _play(armature, action, reset_position)
    if record is not None:
        storage.add(armature, action, scene_settings(scene).keep_takes, note)
    return strip


def show_take(armature: bpy.types.Object, index: int) -> None:
    """Play a take in the generated strip; does nothing if it is active already or does not exist."""
    takes = character_data(armature).takes
    action = takes[index].action if 0 <= index < len(takes) else None
    if action is not None and not any(one.action == action for one in _current_strips(armature)):
        _play(armature, action)


def remove_take(armature: bpy.types.Object, index: int) -> None:
    """Remove a take. If it is active, the next one becomes active; the last one goes with the generated strip."""
    found = _current_strips(armature)
    storage.remove(armature, index)
    if not len(character_data(armature).takes):
        for one in found:
            rig.reset_bones(armature, _driven_paths(one.action))
            _remove(one)


def active_take(armature: bpy.types.Object) -> Take | None:
    """Return the take that the generated strip plays; None if there is no strip or its motion is not a take."""
    found = _current_strips(armature)
    return storage.read(found[-1].action) if found else None


def other_animation(armature: bpy.types.Object) -> list[bpy.types.NlaStrip | None]:
    """Return the ordinary strips that move the character through space, and None for its own Action if that does."""
    bones = rig.bone_map(armature)
    if bones is None or armature.animation_data is None:
        return []
    path = f'pose.bones["{bpy.utils.escape_identifier(bones.carrier)}"]'

    def carries(action: bpy.types.Action) -> bool:
        return any(one.startswith(path) for one in _driven_paths(action))

    found: list[bpy.types.NlaStrip | None] = [
        one.strip for one in strips.find_strips(armature, "NONE") if one.audible and carries(one.action)
    ]
    own = armature.animation_data.action
    return [*found, None] if own is not None and carries(own) else found


@contextmanager
def muted(armature: bpy.types.Object) -> Generator[None]:
    """Mute the character's generated motion inside a with block."""
    tracks = [one.track for one in _generated_strips(armature)]
    before = [track.mute for track in tracks]
    try:
        for track in tracks:
            track.mute = True
        yield
    finally:
        for track, mute in zip(tracks, before, strict=True):
            track.mute = mute


def _current_strips(armature: bpy.types.Object) -> list[StripRef]:
    """Return the generated strips except those whose track the user renamed to keep them."""
    return [one for one in _generated_strips(armature) if one.track.name == strips.TRACK_NAMES["GENERATED"]]


def user_offset(armature: bpy.types.Object) -> int:
    """Return by how many frames the user moved the generated strip; 0 if it is scaled or missing."""
    found = _current_strips(armature)
    if not found or abs(found[-1].strip.scale - 1) > 1e-6:
        return 0
    return round(found[-1].strip.frame_start - found[-1].strip.action_frame_start)


def _play(armature: bpy.types.Object, action: bpy.types.Action, reset_position: bool = False) -> bpy.types.NlaStrip:
    """Play an Action on the generated track, with the strip settings of the user unless the position is reset."""
    found = _current_strips(armature)
    driven = {path for one in found for path in _driven_paths(one.action)}
    if len(found) == 1 and len(found[0].track.strips) == 1 and not reset_position:
        _replace_action(found[0].strip, action)
        rig.reset_bones(armature, driven - _driven_paths(action))
        return found[0].strip
    for one in found:
        _remove(one, action)
    rig.reset_bones(armature, driven - _driven_paths(action))
    tracks = animation_data(armature).nla_tracks
    track = next((one for one in tracks if one.name == strips.TRACK_NAMES["GENERATED"] and not len(one.strips)), None)
    if track is None:
        track = tracks.new()
        track.name = strips.TRACK_NAMES["GENERATED"]
    strip = track.strips.new("Generated Motion", round(action.frame_range[0]), action)
    strip.action_slot = action.slots[0]
    strip.select = False
    strip.use_sync_length = False
    return strip


def _replace_action(strip: bpy.types.NlaStrip, action: bpy.types.Action) -> None:
    """Replace the Action of a strip, keeping its position and trimming; the end is kept only for equal lengths."""
    old = strip_action(strip)
    origin = strip.frame_start - strip.action_frame_start * strip.scale  # scene frame of the Action's frame 0
    (old_first, old_last), (first, last) = old.frame_range, action.frame_range
    start = min(first + max(strip.action_frame_start - old_first, 0), last - 1)
    cut = max(old_last - strip.action_frame_end, 0) if last - first == old_last - old_first else 0
    end = max(last - cut, start + 1)
    strip.action = action
    strip.action_slot = action.slots[0]
    strip.action_frame_start, strip.action_frame_end = first, last  # Blender keeps the start below the end
    strip.action_frame_start, strip.action_frame_end = start, end
    strip.frame_start_ui = origin + start * strip.scale
    if old.users == 0 and old != action:
        bpy.data.actions.remove(old)


def to_action(
    armature: bpy.types.Object,
    all_bones: bool = False,
    limits: bake.Limits | None = None,
    push_down: bool = False,
) -> tuple[bpy.types.Action, bake.Reduced]:
    """Turn the topmost generated strip into an ordinary Action of the character, and remove the strip.

    A previous Action of the character gets a fake user; if it drives more than the new one, it continues on a track
    below. Pushing down the mapped bones only leaves it assigned.

    Args:
        armature: The character.
        all_bones: See `bake.flatten`.
        limits: See `bake.flatten`.
        push_down: Play the new Action on a track of its own, instead of assigning it.

    Returns:
        (action, key counts and errors).

    Raises:
        InputError: There is no generated strip, or it is muted and all bones are to be baked.
    """
    found = _generated_strips(armature)
    if not found:
        raise InputError(f"'{armature.name}' has no generated motion to bake; generate it first.")
    top = found[-1]
    if all_bones and not top.audible:
        raise InputError("The generated strip is muted, but all bones are baked as displayed; unmute it.")
    span = round(top.strip.frame_start), round(top.strip.frame_end)
    action, slot, keys = bake.flatten(top.strip, f"{armature.name} Baked", armature, all_bones, limits)
    animation = animation_data(armature)
    _remove(top)
    if not len(top.track.strips):
        animation.nla_tracks.remove(top.track)
    before = animation.action
    if before is not None and (all_bones or not push_down):
        before.use_fake_user = True
        if _driven_paths(before, animation.action_slot) - _driven_paths(action):
            strip = _push_down(animation, before, animation.action_slot, (before.frame_range[0], before.frame_range[1]))
            strip.blend_type, strip.influence = animation.action_blend_type, animation.action_influence
        animation.action = None
    if push_down:
        _push_down(animation, action, slot, span)
    else:
        animation.action, animation.action_slot = action, slot
        animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
    return action, keys


def _push_down(
    animation: bpy.types.AnimData,
    action: bpy.types.Action,
    slot: bpy.types.ActionSlot | None,
    span: Sequence[float],
) -> bpy.types.NlaStrip:
    """Play the frames (first, last) of an Action on a new track on top."""
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, math.floor(span[0]), action)
    strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end = span
    strip.frame_start_ui = span[0]
    strip.use_sync_length = False
    return strip


def _generated_strips(armature: bpy.types.Object) -> list[StripRef]:
    """Return the generated strips, lowest track first, except those that the user keeps inside meta strips."""
    if armature.animation_data is None:
        return []
    tracks = list(armature.animation_data.nla_tracks)
    found = [one for one in strips.find_strips(armature, "GENERATED") if one.strip.name in one.track.strips]
    return sorted(found, key=lambda one: tracks.index(one.track))


def _driven_paths(action: bpy.types.Action, slot: bpy.types.ActionSlot | None = None) -> set[str]:
    """Return the data paths of the curves in a slot of an Action, the first one by default."""
    bag = compat.channelbag(action, slot)
    return {curve.data_path for curve in bag.fcurves} if bag is not None else set()


def _remove(one: StripRef, keep: bpy.types.Action | None = None) -> None:
    """Remove a strip, and its Action if nothing else uses it and it is not `keep`."""
    action = one.action
    one.track.strips.remove(one.strip)
    if action.users == 0 and action != keep:
        bpy.data.actions.remove(action)


def hidden_reason(armature: bpy.types.Object) -> str:
    """Return why the generated motion is not visible, as a sentence without its full stop; empty if it is."""
    animation = armature.animation_data
    found = _generated_strips(armature)
    if animation is None or not found:
        return ""
    if not found[-1].audible:
        return "The generated strip is muted; unmute it or its track to see the motion"
    if armature_data(armature).pose_position == "REST":
        return "The armature is in Rest Position; choose Pose Position in its properties to see the motion"
    if animation.use_tweak_mode or animation.action is None:
        return ""
    if _driven_paths(animation.action, animation.action_slot) & _driven_paths(found[-1].action):
        said = tr("The action '{name}' overrides the generated motion; unlink it to see the motion")
        return said.format(name=animation.action.name)
    return ""
