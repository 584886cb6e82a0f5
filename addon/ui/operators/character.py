# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Character, Add SMPL-X Body, Fit Bones to Shape, Example Scene."""

import math
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ....core.assets import DEMO_TIMELINE
from ....core.errors import InputError
from ....core.formats.smplx_body import load_smplx_body
from ....core.timeline.files import load_timeline
from ...character import smplx_body
from ...character.active import active_character, require_character
from ...character.figure import new_character
from ...setup import preferences
from ...timeline import convert, sequencer, strips
from .base import Explained


def _needs_object_mode(context: Any) -> str:
    return "" if context.mode == "OBJECT" else "Leave the current mode: characters are added in Object Mode"


class FREETALKER_OT_add_character(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_character"
    bl_label = "Add Character"
    bl_description = "Add a wooden figure on an armature of the 55 SMPL-X bones, at the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return _needs_object_mode(context)

    def run(self, context: Any) -> None:
        new_character(context, context.scene.cursor.location)


class FREETALKER_OT_add_smplx_body(Explained, bpy.types.Operator):
    bl_idname = "freetalker.add_smplx_body"
    bl_label = "Add SMPL-X Body"
    bl_description = "Add the body of your own SMPLX_NEUTRAL.npz, with sliders for its shape, at the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="SMPL-X File",
        description="SMPLX_NEUTRAL.npz; that of the preferences where empty",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return _needs_object_mode(context)

    def run(self, context: Any) -> None:
        path = self.filepath or preferences.smplx_file()
        if not path:
            raise InputError(
                "Choose your SMPLX_NEUTRAL.npz in the preferences; who registers at smpl-x.is.tue.mpg.de can get it."
            )
        body = load_smplx_body(Path(bpy.path.abspath(path)))
        smplx_body.new_body(context, body, context.scene.cursor.location)


class FREETALKER_OT_fit_bones(Explained, bpy.types.Operator):
    bl_idname = "freetalker.fit_bones"
    bl_label = "Fit Bones to Shape"
    bl_description = "Move the bones to the joints of the shape that the sliders show, and the body onto the floor"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        armature = active_character(context)
        if armature is None or smplx_body.figure_of(armature) is None:
            return "This character has no shape sliders: add an SMPL-X body"
        return _needs_object_mode(context) or strips.disabled_reason(armature)

    def run(self, context: Any) -> None:
        smplx_body.fit_bones(context, require_character(context))


class FREETALKER_OT_example_scene(Explained, bpy.types.Operator):
    bl_idname = "freetalker.example_scene"
    bl_label = "Example Scene"
    bl_description = (
        "Open a new scene of this file with a character, text strips and a recording of speech, ready to be generated"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        if context.window is None:
            return "There is no window to show the scene in"
        return _needs_object_mode(context)

    def run(self, context: Any) -> None:
        timeline = load_timeline(DEMO_TIMELINE)
        scene: Any = bpy.data.scenes.new("FreeTalker Example")
        before, context.window.scene = context.window.scene, scene
        try:
            scene.render.fps = math.ceil(timeline.fps)
            scene.render.fps_base = math.ceil(timeline.fps) / timeline.fps
            armature = new_character(context)
            convert.add_timeline(scene, armature, timeline)
        except Exception:
            context.window.scene = before
            bpy.data.scenes.remove(scene)
            raise
        ends = [one.strip.frame_end for kind in ("TEXT", "SPEECH") for one in strips.find_strips(armature, kind)]
        scene.frame_start, scene.frame_end = 1, round(max(ends))
        scene.sync_mode = "AUDIO_SYNC"
        sequencer.mirror(scene)


CLASSES = (
    FREETALKER_OT_add_character,
    FREETALKER_OT_add_smplx_body,
    FREETALKER_OT_fit_bones,
    FREETALKER_OT_example_scene,
)
