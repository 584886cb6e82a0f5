# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated motion on the character: one NLA strip, replaced each time, and its baking to an ordinary action."""

from typing import Any

import bpy

from ..core.errors import InputError
from ..core.motion import Motion
from . import bake, compat, strips
from .rigs import armature as rig


def place(scene: bpy.types.Scene, armature: bpy.types.Object, motion: Motion) -> bpy.types.NlaStrip:
    """Put motion on the generated track from the scene's first frame on, at the scene's frame rate.

    What was generated before goes, its Action with it, unless its track was renamed: so a take is kept. The frame
    range and the frame rate of the scene stay.
    """
    motion = motion.resampled(strips.frames_per_second(scene))
    action, slot = bake.new_action("", motion, armature, scene.frame_start)  # first: what is there stays if it fails
    driven: set[str] = set()
    for one in _found(armature):
        if one.track.name == strips.TRACK_NAMES["GENERATED"]:
            driven |= _driven(one.strip.action)
            _remove(one)
    action.name = f"{armature.name} Generated"
    rig.relax(armature, driven - _driven(action))
    action.freetalker.kind = "GENERATED"
    tracks = (armature.animation_data or armature.animation_data_create()).nla_tracks
    track = next((one for one in tracks if one.name == strips.TRACK_NAMES["GENERATED"] and not len(one.strips)), None)
    if track is None:
        track = tracks.new()
        track.name = strips.TRACK_NAMES["GENERATED"]
    strip = track.strips.new("Generated Motion", scene.frame_start, action)
    strip.action_slot = slot
    strip.select = False
    strip.use_sync_length = False
    return strip


def to_action(
    armature: bpy.types.Object,
    all_bones: bool = False,
    limits: bake.Limits | None = None,
    push_down: bool = False,
) -> tuple[bpy.types.Action, bake.Reduced]:
    """Turn the generated strip on top into an ordinary Action assigned to the character; the strip goes.

    all_bones, limits: as in `bake.flatten`. push_down: the Action becomes an ordinary strip on a track of its own.
    An action that the character had is kept with a fake user, as Blender does when it unlinks one; pushing down the
    bones of the map leaves it where it is.

    Raises InputError where there is no generated strip, or it is muted and all bones are wanted as they are seen.
    """
    found = _found(armature)
    if not found:
        raise InputError(f"'{armature.name}' has no generated motion to bake: generate it first.")
    top = found[-1]
    if all_bones and not top.heard:
        raise InputError("The generated strip is muted, and all bones are baked as they are seen: unmute it.")
    first, last = round(top.strip.frame_start), round(top.strip.frame_end)
    action, slot, keys = bake.flatten(top.strip, f"{armature.name} Baked", armature, all_bones, limits)
    animation: Any = armature.animation_data
    _remove(top)
    if not len(top.track.strips):
        animation.nla_tracks.remove(top.track)
    if animation.action is not None and (all_bones or not push_down):
        animation.action.use_fake_user = True
        animation.action = None
    if push_down:
        track = animation.nla_tracks.new()
        track.name = action.name
        strip = track.strips.new(action.name, first, action)
        strip.action_slot = slot
        strip.action_frame_start, strip.action_frame_end = first, last
        strip.use_sync_length = False
    else:
        animation.action, animation.action_slot = action, slot
        animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
    return action, keys


def _found(armature: bpy.types.Object) -> list[strips.Placed]:
    """The generated strips, the lowest track first; not those within meta strips, which the user keeps there."""
    if armature.animation_data is None:
        return []
    tracks = list(armature.animation_data.nla_tracks)
    found = [one for one in strips.placed(armature, "GENERATED") if one.strip.name in one.track.strips]
    return sorted(found, key=lambda one: tracks.index(one.track))


def _driven(action: bpy.types.Action) -> set[str]:
    """The data paths that an Action has curves for."""
    bag = compat.channelbag(action)
    return {curve.data_path for curve in bag.fcurves} if bag is not None else set()


def _remove(one: strips.Placed) -> None:
    """Take away a strip, and its Action where nothing else uses that."""
    action = one.strip.action
    one.track.strips.remove(one.strip)
    if action.users == 0:
        bpy.data.actions.remove(action)


def hidden_by(armature: bpy.types.Object) -> str:
    """What keeps the generated motion from being seen, as one sentence; empty where nothing does."""
    animation = armature.animation_data
    found = _found(armature)
    if animation is None or not found:
        return ""
    if not found[-1].heard:
        return "The generated strip is muted: unmute it or its track to see the motion"
    if animation.action is not None:
        return f"The action '{animation.action.name}' plays over the generated motion: unlink it to see the motion"
    return ""
