# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that add and edit characters: Add Character, Add SMPL-X Body, Fit Bones to Shape, Example Scene."""

import math
from pathlib import Path

import bpy
from bpy.props import StringProperty

from ....core.assets import DEMO_TIMELINE
from ....core.errors import InputError
from ....core.formats.smplx_body import load_smplx_body
from ....core.timeline.files import load_timeline
from ...character import smplx_body
from ...character.active import active_character, require_character
from ...character.figure import new_character
from ...data import Context
from ...setup import preferences
from ...timeline import convert, sequencer, strips
from .base import Explained


def _needs_object_mode(context: Context) -> str:
    return "" if context.mode == "OBJECT" else "Characters can only be edited in Object Mode; leave the current mode"


class FREETALKER_OT_add_character(Explained, bpy.types.Operator):
    """Add the wooden figure at the 3D cursor."""

    bl_idname = "freetalker.add_character"
    bl_label = "Add Character"
    bl_description = "Add a wooden figure with an armature of the 55 SMPL-X bones at the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return _needs_object_mode(context)

    def run(self, context: Context) -> None:
        new_character(context, context.scene.cursor.location)


class FREETALKER_OT_add_smplx_body(Explained, bpy.types.Operator):
    """Add the user's SMPL-X body at the 3D cursor."""

    bl_idname = "freetalker.add_smplx_body"
    bl_label = "Add SMPL-X Body"
    bl_description = "Add the SMPL-X body from a licensed SMPLX_NEUTRAL.npz, with shape sliders, at the 3D cursor"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="SMPL-X File",
        description="Path to SMPLX_NEUTRAL.npz; leave empty to use the file in the preferences",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return _needs_object_mode(context)

    def run(self, context: Context) -> None:
        path = self.filepath or preferences.smplx_file()
        if not path:
            raise InputError(
                "No SMPL-X body is set; register at smpl-x.is.tue.mpg.de, download SMPLX_NEUTRAL.npz and choose it in "
                "the preferences."
            )
        body = load_smplx_body(Path(bpy.path.abspath(path)))
        smplx_body.new_body(context, body, context.scene.cursor.location)


class FREETALKER_OT_fit_bones(Explained, bpy.types.Operator):
    """Fit the bones of an SMPL-X body to its shape."""

    bl_idname = "freetalker.fit_bones"
    bl_label = "Fit Bones to Shape"
    bl_description = "Move the bones to the joints of the current body shape, and the body onto the floor"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        armature = active_character(context)
        if armature is None or smplx_body.figure_of(armature) is None:
            return "This character has no shape sliders; add an SMPL-X body"
        return _needs_object_mode(context) or strips.disabled_reason(armature)

    def run(self, context: Context) -> None:
        smplx_body.fit_bones(context, require_character(context))


class FREETALKER_OT_example_scene(Explained, bpy.types.Operator):
    """Create a scene with a character and the strips of the demo timeline."""

    bl_idname = "freetalker.example_scene"
    bl_label = "Example Scene"
    bl_description = "Add a scene with a character, text strips and a speech recording to this file, ready to generate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        if context.window is None:
            return "No window is open to show the scene in"
        return _needs_object_mode(context)

    def run(self, context: Context) -> None:
        timeline = load_timeline(DEMO_TIMELINE)
        window = context.window
        assert window is not None  # poll
        scene = bpy.data.scenes.new("FreeTalker Example")
        before, window.scene = window.scene, scene
        try:
            scene.render.fps = math.ceil(timeline.fps)
            scene.render.fps_base = math.ceil(timeline.fps) / timeline.fps
            armature = new_character(context)
            convert.add_timeline(scene, armature, timeline)
        except Exception:
            window.scene = before
            bpy.data.scenes.remove(scene)
            raise
        end = max(one.strip.frame_end for one in strips.strips_of(armature))
        scene.frame_start, scene.frame_end = 1, round(end)
        scene.sync_mode = "AUDIO_SYNC"
        sequencer.mirror(scene)


CLASSES = (
    FREETALKER_OT_add_character,
    FREETALKER_OT_add_smplx_body,
    FREETALKER_OT_fit_bones,
    FREETALKER_OT_example_scene,
)
