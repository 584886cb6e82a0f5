# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, Cancel, Place Result and Bake to Action."""

from typing import Any

import bpy

from .. import character, generated, generation, job, runtime, strips
from .base import Explained, needs_character


class FREETALKER_OT_generate(Explained, bpy.types.Operator):
    bl_idname = "freetalker.generate"
    bl_label = "Generate"
    bl_description = (
        "Generate the character's motion from its text and speech strips; it replaces what was generated before, "
        "unless you renamed that track to keep it"
    )
    bl_options = set()  # the result is an undo step of its own, once it is there

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return runtime.disabled_reason() or job.disabled_reason() or needs_character(context)

    def run(self, context: Any) -> set[str]:
        message = generation.start(context, wait=bpy.app.background)
        if message is not None:
            self.report({message.level}, message.text)
            return {"CANCELLED"} if message.level == "ERROR" else {"FINISHED"}
        return {"FINISHED"}


class FREETALKER_OT_cancel(Explained, bpy.types.Operator):
    bl_idname = "freetalker.cancel"
    bl_label = "Cancel"
    bl_description = "Stop at the next step and change nothing"
    bl_options = set()

    @classmethod
    def disabled_reason(cls, _: Any) -> str:
        return "" if job.current() is not None else "Nothing is running"

    def run(self, _: Any) -> None:
        job.cancel()


class FREETALKER_OT_place_result(Explained, bpy.types.Operator):
    bl_idname = "freetalker.place_result"
    bl_label = "Place Result"
    bl_description = "Put the motion that was generated last on the character at hand"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return needs_character(context) if generation.unplaced() is not None else "No generated motion waits"

    def run(self, context: Any) -> None:
        generation.place(context.scene, character.needed(context), undo=False)


class FREETALKER_OT_bake_to_action(Explained, bpy.types.Operator):
    bl_idname = "freetalker.bake_to_action"
    bl_label = "Bake to Action"
    bl_description = "Turn the generated strip into an ordinary action of the character, to be edited by hand"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        reason = job.disabled_reason() or needs_character(context)
        if not reason and not strips.placed(character.needed(context), "GENERATED"):
            reason = "There is no generated motion yet: press Generate"
        return reason

    def run(self, context: Any) -> None:
        action = generated.to_action(character.needed(context))
        self.report({"INFO"}, f"Baked to the action '{action.name}'")


CLASSES = (
    FREETALKER_OT_generate,
    FREETALKER_OT_cancel,
    FREETALKER_OT_place_result,
    FREETALKER_OT_bake_to_action,
)
