# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between Blender 4.5 LTS, 5.0 and 5.2 LTS."""

from typing import Any

import bpy


def new_action(name: str, slot_name: str) -> tuple[Any, Any, Any]:
    """A new Action with one slot for objects called `slot_name`: (action, slot, channelbag).

    A slot that bears its object's name is found again when the action is assigned or made a strip.
    """
    action = bpy.data.actions.new(name)
    slot = action.slots.new(id_type="OBJECT", name=slot_name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return action, slot, strip.channelbag(slot, ensure=True)


def channelbag(action: Any, slot: Any = None) -> Any | None:
    """The channelbag of `slot` (of the first slot where not given), or None where the action has no keys."""
    if slot is None:
        if not len(action.slots):
            return None
        slot = action.slots[0]
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                return bag
    return None


def new_curve(bag: Any, data_path: str, index: int, group: str) -> Any:
    """A new F-curve in the named group of a channelbag."""
    if bpy.app.version >= (5, 0, 0):
        return bag.fcurves.new(data_path, index=index, group_name=group)
    curve = bag.fcurves.new(data_path, index=index)
    curve.group = bag.groups.get(group) or bag.groups.new(group)
    return curve


def sequencer_strips(scene: Any) -> Any:
    """The scene's sequencer strips; its sequence editor is made where there is none."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


_OLD_TIMES = {
    "left_handle": "frame_final_start",
    "right_handle": "frame_final_end",
    "left_handle_offset": "frame_offset_start",
    "content_start": "frame_start",
}


def sequencer_time(name: str) -> str:
    """What Blender 5.2's name of a sequencer strip's time is called in the running version."""
    return name if bpy.app.version >= (5, 2, 0) else _OLD_TIMES[name]


def show_in_sequencer(scene: Any) -> None:
    """Let the sequencer show this scene where it shows none (Blender 5.0 made that the workspace's choice)."""
    workspace = bpy.context.workspace
    if workspace is not None and hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None:
        workspace.sequencer_scene = scene


def set_video_output(render: Any) -> None:
    """Make `scene.render` write an MP4 file with H.264 and AAC."""
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.audio_codec = "AAC"


def use_nodes(material: Any) -> Any:
    """The node tree of a material, which from Blender 5.0 on every material has."""
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    return material.node_tree


def multiline(layout: Any, data: Any, name: str, placeholder: str) -> None:
    """A text field: of several lines where Blender has one (5.2), else of one line."""
    if hasattr(layout, "textbox"):
        layout.textbox(data, name, placeholder=placeholder)
    else:
        layout.prop(data, name, text="", placeholder=placeholder)
