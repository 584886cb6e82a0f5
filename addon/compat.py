# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between Blender 4.5 LTS, 5.0 and 5.2 LTS."""

from typing import Any, NamedTuple, cast

import bpy


class NewAction(NamedTuple):
    """A layered Action with one slot, and the channelbag that holds the F-curves of that slot."""

    action: bpy.types.Action
    slot: bpy.types.ActionSlot
    bag: bpy.types.ActionChannelbag


def new_action(name: str, slot_name: str) -> NewAction:
    """Create an Action with one slot for objects.

    Args:
        name: Name of the Action.
        slot_name: Name of the slot. Blender finds a slot that is named like its object when the Action is assigned to
            the object or played by a strip.
    """
    action = bpy.data.actions.new(name)
    slot = action.slots.new(id_type="OBJECT", name=slot_name)
    strip = cast("bpy.types.ActionKeyframeStrip", action.layers.new("Layer").strips.new(type="KEYFRAME"))
    return NewAction(action, slot, strip.channelbag(slot, ensure=True))


def channelbag(action: bpy.types.Action, slot: bpy.types.ActionSlot | None = None) -> bpy.types.ActionChannelbag | None:
    """Return the channelbag of a slot, or None if the Action has no keys for it.

    Args:
        action: A layered Action.
        slot: Defaults to the first slot.
    """
    if slot is None:
        if not len(action.slots):
            return None
        slot = action.slots[0]
    for layer in action.layers:
        for strip in layer.strips:
            keyframes: Any = strip  # whose channelbag() is never None according to the stubs
            bag = keyframes.channelbag(slot)
            if bag is not None:
                return bag
    return None


def new_curve(bag: bpy.types.ActionChannelbag, data_path: str, index: int, group: str) -> bpy.types.FCurve:
    """Add an F-curve to the named group of a channelbag."""
    if bpy.app.version >= (5, 0, 0):
        curves: Any = bag.fcurves  # the stubs of 4.5 do not know group_name
        return curves.new(data_path, index=index, group_name=group)
    curve = bag.fcurves.new(data_path, index=index)
    curve.group = bag.groups.get(group) or bag.groups.new(group)
    return curve


def sequencer_strips(scene: bpy.types.Scene) -> Any:
    """Return the scene's top-level sequencer strips, creating its sequence editor if it has none."""
    editor: Any = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


_OLD_TIMES = {
    "left_handle": "frame_final_start",
    "right_handle": "frame_final_end",
    "left_handle_offset": "frame_offset_start",
    "content_start": "frame_start",
}


def sequencer_time(name: str) -> str:
    """Translate the name of a sequencer strip's time property from Blender 5.2 to the running version."""
    return name if bpy.app.version >= (5, 2, 0) else _OLD_TIMES[name]


def show_in_sequencer(scene: bpy.types.Scene) -> None:
    """Show a scene in the sequencer if it shows none; from Blender 5.0 on, the workspace chooses the scene."""
    workspace: Any = bpy.context.workspace
    if workspace is not None and hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None:
        workspace.sequencer_scene = scene


def set_video_output(render: bpy.types.RenderSettings) -> bpy.types.FFmpegSettings:
    """Select an MP4 file with H.264 and AAC as the output of a scene, and return its encoding settings."""
    image: Any = render.image_settings  # media_type is new in Blender 5.0
    if hasattr(image, "media_type"):
        image.media_type = "VIDEO"
    image.file_format = "FFMPEG"
    settings = cast("bpy.types.FFmpegSettings", render.ffmpeg)
    settings.format = "MPEG4"
    settings.codec = "H264"
    settings.audio_codec = "AAC"
    return settings


def use_nodes(material: bpy.types.Material) -> Any:
    """Return the node tree of a material; before Blender 5.0 it has to be enabled first."""
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    return material.node_tree


def multiline(layout: bpy.types.UILayout, data: bpy.types.bpy_struct, name: str, placeholder: str) -> None:
    """Draw a string property with several lines where Blender can (5.2), else with one."""
    if hasattr(layout, "textbox"):
        box: Any = layout  # the stubs of 4.5 do not know it
        box.textbox(data, name, placeholder=placeholder)
    else:
        layout.prop(data, name, text="", placeholder=placeholder)
