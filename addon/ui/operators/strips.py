# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on strips: add, remove, make single-user, suggest a prompt, use an own guidance slider."""

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ...character.active import require_character
from ...data import CallbackContext, Context, scene_settings, strip_action, strip_data
from ...properties import SCOPES
from ...timeline import guidance, sequencer, strips, suggestions
from ...units import frames_per_second
from .base import Explained, Status, needs_character

_ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".aac", ".aiff", ".opus")


def _is_ordinary_selected(context: Context) -> bool:
    """Whether an ordinary strip is selected, for which the keys keep Blender's meaning."""
    selected = context.selected_nla_strips or ()
    return any(strip.action is None or strip_data(strip.action).kind not in {"TEXT", "SPEECH"} for strip in selected)


class FREETALKER_OT_add_text_strip(Explained, bpy.types.Operator):
    """Add a text strip to the active character."""

    bl_idname = "freetalker.add_text_strip"
    bl_label = "Add Text Strip"
    bl_description = (
        "Add a text strip that describes what the character does, at the playhead or after the strip there; in the "
        "NLA editor, Shift T adds one instead of a transition unless a regular strip is selected"
    )
    bl_options = {"REGISTER", "UNDO"}

    prompt: StringProperty(
        name="Prompt",
        description="What the person does, in English: one or two actions, starting with 'a person'",
        default="a person walks forward",
        search=suggestions.search,
        search_options={"SUGGESTION"},
    )
    seconds: FloatProperty(
        name="Seconds", description="Length of the strip in seconds", default=4.0, min=0.0, soft_min=0.5
    )
    scope: EnumProperty(
        name="Body Part", description="Which part of the body follows the prompt", items=SCOPES, options={"SKIP_SAVE"}
    )
    frame: IntProperty(name="Frame", description="First frame of the strip", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        if event.type == "T" and event.shift and _is_ordinary_selected(context):
            return {"PASS_THROUGH"}
        return self.execute(context)

    def run(self, context: Context) -> None:
        armature, scene = require_character(context), context.scene
        if not self.properties.is_property_set("frame"):
            self.frame = strips.free_frame(armature, "TEXT", scene.frame_current, self.scope)
        length = round(self.seconds * frames_per_second(scene))
        strip = strips.add_text(armature, self.prompt, self.frame, length)
        strip_data(strip_action(strip)).scope = self.scope


class FREETALKER_OT_add_speech_strip(Explained, bpy.types.Operator):
    """Add speech strips to the active character."""

    bl_idname = "freetalker.add_speech_strip"
    bl_label = "Add Speech Strip"
    bl_description = (
        "Add a recording that the character speaks, also to the sequencer for playback; sound files can be dropped on "
        "the NLA editor or the viewport, and in the NLA editor Shift S adds one instead of opening the Snap menu "
        "unless a regular strip is selected"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in _ENDINGS), options={"HIDDEN"})
    frame: IntProperty(name="Frame", description="First frame of the strip", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        if event.type == "S" and event.shift and _is_ordinary_selected(context):
            return {"PASS_THROUGH"}
        self.frame = context.scene.frame_current
        if self.filepath or self.files:  # dropped
            if context.area.type == "NLA_EDITOR" and context.region.type == "WINDOW":
                self.frame = round(context.region.view2d.region_to_view(event.mouse_region_x, event.mouse_region_y)[0])
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Context) -> None:
        armature, scene = require_character(context), context.scene
        frame = self.frame if self.properties.is_property_set("frame") else scene.frame_current
        names = [one.name for one in self.files if one.name]
        paths = [str(Path(self.directory, name)) for name in names] if self.directory and names else [self.filepath]
        strips.add_recordings(armature, [Path(bpy.path.abspath(path)) for path in paths], scene, frame)
        sequencer.mirror(scene)


class FREETALKER_FH_speech(bpy.types.FileHandler):
    """Handle sound files that are dropped on the NLA editor or the 3D viewport."""

    bl_idname = "FREETALKER_FH_speech"
    bl_label = "FreeTalker Speech"
    bl_import_operator = "freetalker.add_speech_strip"
    bl_file_extensions = ";".join(_ENDINGS)

    @classmethod
    def poll_drop(cls, context: CallbackContext) -> bool:
        area = context.area
        return area is not None and area.type in {"NLA_EDITOR", "VIEW_3D"} and not needs_character(context)


class FREETALKER_OT_make_single(Explained, bpy.types.Operator):
    """Give a strip its own copy of an Action that it shares."""

    bl_idname = "freetalker.make_single"
    bl_label = "Make Single User"
    bl_description = (
        "Give this strip its own copy of a prompt or sound that it shares with a linked duplicate or a split part"
    )
    bl_options = {"UNDO", "INTERNAL"}

    strip: StringProperty(name="Strip", description="Key or name of the strip")

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def run(self, context: Context) -> None:
        strips.make_single(strips.strip_by_key(require_character(context), self.strip))


_items: list[tuple[str, str, str]] = []  # Blender needs a reference to items that a callback returns


def _prompt_items(_: object, context: CallbackContext) -> list[tuple[str, str, str]]:
    found = suggestions.search(None, context, "") if context is not None else []
    if [name for name, _, _ in _items] != found:
        _items[:] = [(prompt, prompt, "Use this prompt for the strip") for prompt in found]
    return _items


class FREETALKER_OT_suggest_prompt(Explained, bpy.types.Operator):
    """Choose a strip's prompt from those that the model knows."""

    bl_idname = "freetalker.suggest_prompt"
    bl_label = "Suggest Prompt"
    bl_description = "Choose from prompts that the model knows"
    bl_options = {"UNDO", "INTERNAL"}
    bl_property = "prompt"

    strip: StringProperty(name="Strip", description="Key or name of the strip")
    prompt: EnumProperty(name="Prompt", description="What the person does", items=_prompt_items)

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def run(self, context: Context) -> None:
        one = strips.strip_by_key(require_character(context), self.strip)
        strips.make_single(one)
        one.data.prompt = self.prompt


class FREETALKER_OT_own_guidance(Explained, bpy.types.Operator):
    """Switch the active character between its own guidance slider and the scene's."""

    bl_idname = "freetalker.own_guidance"
    bl_label = "Use Own Text / Audio"
    bl_description = (
        "Give this character its own slider with its own keyframes, or return to the scene's slider; values set on a "
        "strip still take precedence"
    )
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def run(self, context: Context) -> None:
        armature, scene = require_character(context), context.scene
        guidance.use_own_slider(scene, armature, guidance.slider(scene, armature) == scene_settings(scene))


class FREETALKER_OT_remove_strip(Explained, bpy.types.Operator):
    """Remove a text or speech strip."""

    bl_idname = "freetalker.remove_strip"
    bl_label = "Remove Strip"
    bl_description = "Remove this text or speech strip"
    bl_options = {"UNDO", "INTERNAL"}

    strip: StringProperty(name="Strip", description="Key or name of the strip")

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return needs_character(context)

    def run(self, context: Context) -> None:
        strips.remove(strips.strip_by_key(require_character(context), self.strip))
        sequencer.mirror(context.scene)


CLASSES = (
    FREETALKER_OT_add_text_strip,
    FREETALKER_OT_add_speech_strip,
    FREETALKER_FH_speech,
    FREETALKER_OT_make_single,
    FREETALKER_OT_suggest_prompt,
    FREETALKER_OT_own_guidance,
    FREETALKER_OT_remove_strip,
)
