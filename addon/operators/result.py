# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, Cancel, Place Result and Bake to Action."""

import math
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty

from .. import bake, character, generated, generation, job, models, strips
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
        return models.disabled_reason(context.scene) or job.disabled_reason() or needs_character(context)

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

    bones: EnumProperty(
        name="Bones",
        description="Which bones get keys",
        items=(
            ("MAPPED", "Mapped", "The bones that the motion drives; what is on others stays as it is"),
            ("ALL", "All", "Every bone as it is seen now, what other tracks and the present action do included"),
        ),
        default="MAPPED",
    )
    reduce: BoolProperty(
        name="Reduce Keys",
        description="Smooth curves with few keys, in place of a key on every frame",
        default=False,
    )
    degrees: FloatProperty(
        name="Largest Turn Error",
        description="No bone's own rotation is off by more than this at any frame",
        default=math.radians(bake.Limits.degrees),
        min=math.radians(0.001),
        soft_max=math.radians(5.0),
        max=math.radians(45.0),
        subtype="ANGLE",
        precision=3,
    )
    metres: FloatProperty(
        name="Largest Path Error",
        description="No bone's own location is off by more than this at any frame",
        default=bake.Limits.metres,
        min=1e-5,
        soft_max=0.05,
        max=1.0,
        subtype="DISTANCE",
        precision=4,
    )
    push_down: BoolProperty(
        name="Push Down",
        description="Put the action on an NLA track of its own, where it can be layered, instead of making it active",
        default=False,
    )

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        reason = job.disabled_reason() or needs_character(context)
        if not reason and not strips.placed(character.needed(context), "GENERATED"):
            reason = "There is no generated motion yet: press Generate"
        return reason

    def draw(self, _: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.row().prop(self, "bones", expand=True)
        layout.prop(self, "reduce")
        column = layout.column()
        column.active = self.reduce
        column.prop(self, "degrees")
        column.prop(self, "metres")
        layout.prop(self, "push_down")

    def run(self, context: Any) -> None:
        limits = bake.Limits(math.degrees(self.degrees), self.metres) if self.reduce else None
        action, keys = generated.to_action(character.needed(context), self.bones == "ALL", limits, self.push_down)
        said = f"Baked to the action '{action.name}', {keys.after} keys"
        if limits is not None:
            said += f" of {keys.before}: within {keys.degrees:.3g} degrees and {keys.metres * 1000:.2g} mm"
        self.report({"INFO"}, said)


CLASSES = (
    FREETALKER_OT_generate,
    FREETALKER_OT_cancel,
    FREETALKER_OT_place_result,
    FREETALKER_OT_bake_to_action,
)
