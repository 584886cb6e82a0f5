# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, Re-Roll, Cancel, Place Result, Remove Take and Bake to Action."""

import math
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ....core.errors import InputError
from ... import job
from ...character.active import require_character
from ...generation import session
from ...setup import models
from ...takes import bake, generated
from ...timeline import strips
from .base import Explained, needs_character


class FREETALKER_OT_generate(Explained, bpy.types.Operator):
    bl_idname = "freetalker.generate"
    bl_label = "Generate"
    bl_description = (
        "Generate the character's motion from its text and speech strips: what has changed since the take that is "
        "shown, or all of it. The result is another take, beside those that there are"
    )
    bl_options = set()  # the result is an undo step of its own, once it is there

    everything: BoolProperty(
        name="Everything",
        description="Generate also what has not changed; locked strips stay all the same",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return models.disabled_reason(context.scene) or job.disabled_reason() or needs_character(context)

    def run(self, context: Any) -> set[str]:
        return _started(self, session.start(context, bpy.app.background, self.everything))


def _started(operator: Any, message: session.Message | None) -> set[str]:
    """Report how generation ended, where it did."""
    if message is not None:
        operator.report({message.level}, message.text)
        return {"CANCELLED"} if message.level == "ERROR" else {"FINISHED"}
    return {"FINISHED"}


class FREETALKER_OT_reroll(Explained, bpy.types.Operator):
    bl_idname = "freetalker.reroll"
    bl_label = "Re-Roll"
    bl_description = (
        "Give this strip another seed and generate it anew with its two seams; all other frames stay as they are"
    )
    bl_options = set()  # as Generate

    strip: StringProperty(name="Strip", description="Key or name of the strip; empty for the active one")

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        return models.disabled_reason(context.scene) or job.disabled_reason() or needs_character(context)

    def run(self, context: Any) -> set[str]:
        one = strips.active(context)
        if not self.strip and one is None:
            raise InputError("No text or speech strip is active: click one in the NLA editor.")
        message = session.start(context, bpy.app.background, reroll=self.strip or one.key)
        return _started(self, message)


class FREETALKER_OT_cancel(Explained, bpy.types.Operator):
    bl_idname = "freetalker.cancel"
    bl_label = "Cancel"
    bl_description = "Stop and change nothing"
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
        return needs_character(context) if session.unplaced() is not None else "No generated motion waits"

    def run(self, context: Any) -> None:
        session.place(context.scene, require_character(context), undo=False)


class FREETALKER_OT_remove_take(Explained, bpy.types.Operator):
    bl_idname = "freetalker.remove_take"
    bl_label = "Remove Take"
    bl_description = "Delete the take that is shown, with its keys"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        reason = needs_character(context)
        if not reason and not len(require_character(context).freetalker.takes):
            reason = "There is no take yet: press Generate"
        return reason

    def run(self, context: Any) -> None:
        armature = require_character(context)
        generated.remove_take(armature, armature.freetalker.take)


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
        if not reason and not strips.find_strips(require_character(context), "GENERATED"):
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
        action, keys = generated.to_action(require_character(context), self.bones == "ALL", limits, self.push_down)
        said = f"Baked to the action '{action.name}', {keys.after} keys"
        if limits is not None:
            said += f" of {keys.before}: within {keys.degrees:.3g} degrees and {keys.metres * 1000:.2g} mm"
        self.report({"INFO"}, said)


CLASSES = (
    FREETALKER_OT_generate,
    FREETALKER_OT_reroll,
    FREETALKER_OT_remove_take,
    FREETALKER_OT_cancel,
    FREETALKER_OT_place_result,
    FREETALKER_OT_bake_to_action,
)
