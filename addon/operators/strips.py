# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Text Strip, Add Speech Strip, Remove Strip."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from ...core.errors import InputError
from .. import character, sequencer, strips
from .base import Explained, needs_character

_SOUND_FILES = "*.wav;*.flac;*.ogg;*.mp3;*.m4a;*.aac;*.aiff;*.opus"


class FREETALKER_OT_add_text_strip(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_text_strip"
    bl_label = "Add Text Strip"
    bl_description = "Add a strip that says in words what the character does, at the playhead or after the strip there"
    bl_options = {"REGISTER", "UNDO"}

    prompt: StringProperty(
        name="Prompt",
        description="What the person does, in English: one or two actions, beginning with 'a person'",
        default="a person walks forward",
    )
    seconds: FloatProperty(name="Seconds", description="Length of the strip", default=4.0, min=0.0, soft_min=0.5)
    frame: IntProperty(name="Frame", description="First frame of the strip", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def run(self, context: Any) -> None:
        armature, scene = character.needed(context), context.scene
        if not self.properties.is_property_set("frame"):
            self.frame = strips.free_frame(armature, "TEXT", scene.frame_current)
        strips.add_text(armature, self.prompt, self.frame, round(self.seconds * strips.frames_per_second(scene)))


class FREETALKER_OT_add_speech_strip(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_speech_strip"
    bl_label = "Add Speech Strip"
    bl_description = "Choose a recording that the character speaks; it is also put in the sequencer, to be heard"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=_SOUND_FILES, options={"HIDDEN"})
    frame: IntProperty(name="Frame", description="First frame of the strip", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def invoke(self, context: Any, _: Any) -> set[str]:
        self.frame = context.scene.frame_current
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Any) -> None:
        armature, scene = character.needed(context), context.scene
        frame = self.frame if self.properties.is_property_set("frame") else scene.frame_current
        known = set(bpy.data.sounds)
        sound = strips.load_sound(Path(bpy.path.abspath(self.filepath)))
        try:
            strips.add_speech(armature, sound, scene, frame)
        except InputError:
            if sound not in known:
                bpy.data.sounds.remove(sound)
            raise
        sequencer.mirror(scene)


class FREETALKER_OT_remove_strip(Explained, bpy.types.Operator):
    bl_idname = "freetalker.remove_strip"
    bl_label = "Remove Strip"
    bl_description = "Remove this text or speech strip"
    bl_options = {"UNDO", "INTERNAL"}

    strip: StringProperty()

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context)

    def run(self, context: Any) -> None:
        strips.remove(strips.named(character.needed(context), self.strip))
        sequencer.mirror(context.scene)


CLASSES = (FREETALKER_OT_add_text_strip, FREETALKER_OT_add_speech_strip, FREETALKER_OT_remove_strip)
