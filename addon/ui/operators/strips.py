# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Text Strip, Add Speech Strip, Make Its Own, Suggest Prompt, Remove Strip."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ...character.active import require_character
from ...properties import SCOPES
from ...timeline import guidance, sequencer, strips, suggestions
from ...units import frames_per_second
from .base import Explained, needs_character

_ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".aac", ".aiff", ".opus")


def _keys_are_blenders(context: Any) -> bool:
    """Whether a strip that is not ours is selected, for which the keys have their usual meaning."""
    chosen = context.selected_nla_strips or ()
    return any(strip.action is None or strip.action.freetalker.kind not in {"TEXT", "SPEECH"} for strip in chosen)


class FREETALKER_OT_add_text_strip(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_text_strip"
    bl_label = "Add Text Strip"
    bl_description = (
        "Add a strip that says in words what the character does, at the playhead or after the strip there. In the NLA "
        "editor Shift T does it in place of Blender's Add Transition, which the key still does for other strips"
    )
    bl_options = {"REGISTER", "UNDO"}

    prompt: StringProperty(
        name="Prompt",
        description="What the person does, in English: one or two actions, beginning with 'a person'",
        default="a person walks forward",
        search=suggestions.search,
        search_options={"SUGGESTION"},
    )
    seconds: FloatProperty(name="Seconds", description="Length of the strip", default=4.0, min=0.0, soft_min=0.5)
    scope: EnumProperty(
        name="Body Part", description="What of the body follows the prompt", items=SCOPES, options={"SKIP_SAVE"}
    )
    frame: IntProperty(name="Frame", description="First frame of the strip", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def invoke(self, context: Any, event: Any) -> set[str]:
        if event.type == "T" and event.shift and _keys_are_blenders(context):
            return {"PASS_THROUGH"}
        return self.execute(context)

    def run(self, context: Any) -> None:
        armature, scene = require_character(context), context.scene
        if not self.properties.is_property_set("frame"):
            self.frame = strips.free_frame(armature, "TEXT", scene.frame_current, self.scope)
        length = round(self.seconds * frames_per_second(scene))
        strips.add_text(armature, self.prompt, self.frame, length).action.freetalker.scope = self.scope


class FREETALKER_OT_add_speech_strip(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_speech_strip"
    bl_label = "Add Speech Strip"
    bl_description = (
        "Choose a recording that the character speaks, or drop one on the NLA editor or the viewport; it is also put "
        "in the sequencer, to be heard. In the NLA editor Shift S does it in place of Blender's Snap menu, which the "
        "key still opens for other strips"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in _ENDINGS), options={"HIDDEN"})
    frame: IntProperty(name="Frame", description="First frame of the strip", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def invoke(self, context: Any, event: Any) -> set[str]:
        if event.type == "S" and event.shift and _keys_are_blenders(context):
            return {"PASS_THROUGH"}
        self.frame = context.scene.frame_current
        if self.filepath or self.files:  # dropped
            if context.area.type == "NLA_EDITOR" and context.region.type == "WINDOW":
                self.frame = round(context.region.view2d.region_to_view(event.mouse_region_x, event.mouse_region_y)[0])
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Any) -> None:
        armature, scene = require_character(context), context.scene
        frame = self.frame if self.properties.is_property_set("frame") else scene.frame_current
        names = [one.name for one in self.files if one.name]
        paths = [str(Path(self.directory, name)) for name in names] if self.directory and names else [self.filepath]
        strips.add_recordings(armature, [Path(bpy.path.abspath(path)) for path in paths], scene, frame)
        sequencer.mirror(scene)


class FREETALKER_FH_speech(bpy.types.FileHandler):
    """A sound file dropped where there is a character."""

    bl_idname = "FREETALKER_FH_speech"
    bl_label = "FreeTalker Speech"
    bl_import_operator = "freetalker.add_speech_strip"
    bl_file_extensions = ";".join(_ENDINGS)

    @classmethod
    def poll_drop(cls, context: Any) -> bool:
        area = context.area
        return area is not None and area.type in {"NLA_EDITOR", "VIEW_3D"} and not needs_character(context)


class FREETALKER_OT_make_single(Explained, bpy.types.Operator):
    bl_idname = "freetalker.make_single"
    bl_label = "Make Its Own"
    bl_description = (
        "Give this strip a prompt or sound of its own, which it shares with a linked duplicate or a split part"
    )
    bl_options = {"UNDO", "INTERNAL"}

    strip: StringProperty(name="Strip", description="Key or name of the strip")

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def run(self, context: Any) -> None:
        strips.make_single(strips.named(require_character(context), self.strip))


_offered: list[tuple[str, str, str]] = []  # Blender wants what an enumeration's callback returned to stay


def _offer(_: Any, context: Any) -> list[tuple[str, str, str]]:
    found = suggestions.search(None, context, "") if context is not None else []
    if [name for name, _, _ in _offered] != found:
        _offered[:] = [(prompt, prompt, "Make this the strip's prompt") for prompt in found]
    return _offered


class FREETALKER_OT_suggest_prompt(Explained, bpy.types.Operator):
    bl_idname = "freetalker.suggest_prompt"
    bl_label = "Suggest Prompt"
    bl_description = "Choose from prompts that the model knows"
    bl_options = {"UNDO", "INTERNAL"}
    bl_property = "prompt"

    strip: StringProperty(name="Strip", description="Key or name of the strip")
    prompt: EnumProperty(name="Prompt", description="What the person does", items=_offer)

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def invoke(self, context: Any, _: Any) -> set[str]:
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def run(self, context: Any) -> None:
        one = strips.named(require_character(context), self.strip)
        strips.make_single(one)
        one.data.prompt = self.prompt


class FREETALKER_OT_own_guidance(Explained, bpy.types.Operator):
    bl_idname = "freetalker.own_guidance"
    bl_label = "Own Text / Audio"
    bl_description = (
        "Let this character follow a slider of its own, with keyframes of its own, or the scene's again; the slider of "
        "a strip still counts for that strip"
    )
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def run(self, context: Any) -> None:
        armature, scene = require_character(context), context.scene
        guidance.use_own_slider(scene, armature, guidance.slider(scene, armature) == scene.freetalker)


class FREETALKER_OT_remove_strip(Explained, bpy.types.Operator):
    bl_idname = "freetalker.remove_strip"
    bl_label = "Remove Strip"
    bl_description = "Remove this text or speech strip"
    bl_options = {"UNDO", "INTERNAL"}

    strip: StringProperty(name="Strip", description="Key or name of the strip")

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def run(self, context: Any) -> None:
        strips.remove(strips.named(require_character(context), self.strip))
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
