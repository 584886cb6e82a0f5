# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated motion on the character: one NLA strip, replaced each time, and its baking to an ordinary action."""

import bpy

from ..core.errors import InputError
from ..core.motion import Motion
from . import bake, strips


def place(scene: bpy.types.Scene, armature: bpy.types.Object, motion: Motion) -> bpy.types.NlaStrip:
    """Put motion on the generated track from the scene's first frame on, at the scene's frame rate.

    What was generated before goes, its Action with it; the frame range and frame rate of the scene stay.
    """
    motion = motion.resampled(strips.frames_per_second(scene))
    track = remove(armature)
    action, slot = bake.new_action(f"{armature.name} Generated", motion, armature, scene.frame_start)
    action.freetalker.kind = "GENERATED"
    if track is None:
        track = (armature.animation_data or armature.animation_data_create()).nla_tracks.new()
        track.name = strips.TRACK_NAMES["GENERATED"]
    strip = track.strips.new("Generated Motion", scene.frame_start, action)
    strip.action_slot = slot
    strip.select = False
    strip.use_sync_length = False
    return strip


def remove(armature: bpy.types.Object) -> bpy.types.NlaTrack | None:
    """Take away the generated strips and their Actions; the track that they lay on, if that is empty now."""
    empty = None
    for one in strips.placed(armature, "GENERATED"):
        action, track = one.strip.action, one.track
        if one.strip.name not in track.strips:
            continue  # within a meta strip: the user keeps it there
        track.strips.remove(one.strip)
        if action.users == 0:
            bpy.data.actions.remove(action)
        if not len(track.strips):
            empty = track
    return empty


def to_action(armature: bpy.types.Object) -> bpy.types.Action:
    """Turn the generated strip into an ordinary Action assigned to the character; strip and track go.

    Raises InputError where there is no generated strip.
    """
    found = [one for one in strips.placed(armature, "GENERATED") if one.strip.name in one.track.strips]
    if not found:
        raise InputError(f"'{armature.name}' has no generated motion to bake: generate it first.")
    action, slot = bake.flatten(found[-1].strip, f"{armature.name} Baked", armature.name)
    track = remove(armature)
    if track is not None:
        armature.animation_data.nla_tracks.remove(track)
    armature.animation_data.action = action
    armature.animation_data.action_slot = slot
    return action


def hidden_by(armature: bpy.types.Object) -> str:
    """What keeps the generated motion from being seen, as one sentence; empty where nothing does."""
    animation = armature.animation_data
    found = strips.placed(armature, "GENERATED")
    if animation is None or not found:
        return ""
    if not found[-1].heard:
        return "The generated strip is muted: unmute it or its track to see the motion"
    if animation.action is not None:
        return f"The action '{animation.action.name}' plays over the generated motion: unlink it to see the motion"
    return ""
