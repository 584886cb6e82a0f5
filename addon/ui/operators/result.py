# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on results: Generate, Re-Roll, Cancel, Place Result, Remove Take, Bake to Action."""

import math

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ....core.errors import InputError
from ... import job
from ...character.active import require_character
from ...data import Context, character_data
from ...generation import session
from ...setup import models
from ...takes import bake, generated
from ...timeline import strips
from ...translations import tr
from ..layout import layout_of
from .base import Explained, Status, needs_character


class FREETALKER_OT_generate(Explained, bpy.types.Operator):
    """Generate the active character's motion."""

    bl_idname = "freetalker.generate"
    bl_label = "Generate"
    bl_description = (
        "Generate the character's motion from its text and speech strips as a new take, either completely or only "
        "where something has changed since the current take"
    )
    bl_options = set()  # placing the result pushes its own undo step

    everything: BoolProperty(
        name="Everything",
        description="Also regenerate unchanged parts, except for locked strips",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return models.disabled_reason(context.scene) or job.disabled_reason() or needs_character(context)

    def run(self, context: Context) -> Status:
        return _report(self, session.start(context, bpy.app.background, self.everything))


def _report(operator: bpy.types.Operator, message: session.Message | None) -> Status:
    """Report how generation ended, if it has."""
    if message is not None:
        operator.report({message.level}, message.text)
        return {"CANCELLED"} if message.level == "ERROR" else {"FINISHED"}
    return {"FINISHED"}


class FREETALKER_OT_reroll(Explained, bpy.types.Operator):
    """Regenerate one strip with a new seed."""

    bl_idname = "freetalker.reroll"
    bl_label = "Re-Roll"
    bl_description = (
        "Regenerate this strip and the transitions around it with a new seed; all other frames stay unchanged"
    )
    bl_options = set()  # as Generate

    strip: StringProperty(name="Strip", description="Key or name of the strip; leave empty for the active strip")

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return models.disabled_reason(context.scene) or job.disabled_reason() or needs_character(context)

    def run(self, context: Context) -> Status:
        one = strips.active_strip(context)
        key = self.strip or (one.key if one is not None else "")
        if not key:
            raise InputError("No text or speech strip is active; click one in the NLA editor.")
        return _report(self, session.start(context, bpy.app.background, reroll=key))


class FREETALKER_OT_cancel(Explained, bpy.types.Operator):
    """Cancel the running job."""

    bl_idname = "freetalker.cancel"
    bl_label = "Cancel"
    bl_description = "Stop without changing anything"
    bl_options = set()

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return "" if job.current() is not None else "Nothing is running"

    def run(self, context: Context) -> None:
        job.cancel()


class FREETALKER_OT_place_result(Explained, bpy.types.Operator):
    """Place motion that could not be placed when it was generated."""

    bl_idname = "freetalker.place_result"
    bl_label = "Place Result"
    bl_description = "Apply the most recently generated motion to the active character"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return (
            needs_character(context)
            if session.unplaced() is not None
            else "No generated motion is waiting to be placed"
        )

    def run(self, context: Context) -> None:
        session.place(context.scene, require_character(context), undo=False)


class FREETALKER_OT_remove_take(Explained, bpy.types.Operator):
    """Remove the active take."""

    bl_idname = "freetalker.remove_take"
    bl_label = "Remove Take"
    bl_description = "Delete the current take and its keyframes"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        reason = needs_character(context)
        if not reason and not len(character_data(require_character(context)).takes):
            reason = "There is no take yet; press Generate"
        return reason

    def run(self, context: Context) -> None:
        armature = require_character(context)
        generated.remove_take(armature, character_data(armature).take)


class FREETALKER_OT_bake_to_action(Explained, bpy.types.Operator):
    """Bake the generated strip to an ordinary Action."""

    bl_idname = "freetalker.bake_to_action"
    bl_label = "Bake to Action"
    bl_description = "Convert the generated strip to a regular action of the character for manual editing"
    bl_options = {"REGISTER", "UNDO"}

    bones: EnumProperty(
        name="Bones",
        description="Which bones get keyframes",
        items=(
            ("MAPPED", "Mapped", "Bones driven by the motion; the animation of other bones is left unchanged"),
            (
                "ALL",
                "All",
                "All bones as currently displayed, including the effect of other tracks and the active action",
            ),
        ),
        default="MAPPED",
    )
    reduce: BoolProperty(
        name="Reduce Keys",
        description="Create smooth curves with few keyframes instead of a keyframe on every frame",
        default=False,
    )
    degrees: FloatProperty(
        name="Max Rotation Error",
        description="Maximum deviation of any bone's local rotation at any frame",
        default=math.radians(bake.Limits.degrees),
        min=math.radians(0.001),
        soft_max=math.radians(5.0),
        max=math.radians(45.0),
        subtype="ANGLE",
        precision=3,
    )
    meters: FloatProperty(
        name="Max Location Error",
        description="Maximum deviation of any bone's local location at any frame",
        default=bake.Limits.meters,
        min=1e-5,
        soft_max=0.05,
        max=1.0,
        subtype="DISTANCE",
        precision=4,
    )
    push_down: BoolProperty(
        name="Push Down",
        description="Put the action on its own NLA track for layering instead of making it active",
        default=False,
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        reason = job.disabled_reason() or needs_character(context)
        if not reason and not strips.find_strips(require_character(context), "GENERATED"):
            reason = "There is no generated motion yet; press Generate"
        return reason

    def draw(self, context: bpy.types.Context) -> None:
        layout = layout_of(self)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.row().prop(self, "bones", expand=True)
        layout.prop(self, "reduce")
        column = layout.column()
        column.active = self.reduce
        column.prop(self, "degrees")
        column.prop(self, "meters")
        layout.prop(self, "push_down")

    def run(self, context: Context) -> None:
        limits = bake.Limits(math.degrees(self.degrees), self.meters) if self.reduce else None
        action, keys = generated.to_action(require_character(context), self.bones == "ALL", limits, self.push_down)
        said = tr("Baked to action '{name}' with {number} keyframes").format(name=action.name, number=keys.after)
        if limits is not None:
            reduced = tr("{said} instead of {number}, within {degrees:.3g} degrees and {mm:.2g} mm")
            said = reduced.format(said=said, number=keys.before, degrees=keys.degrees, mm=keys.meters * 1000)
        self.report({"INFO"}, said)


CLASSES = (
    FREETALKER_OT_generate,
    FREETALKER_OT_reroll,
    FREETALKER_OT_remove_take,
    FREETALKER_OT_cancel,
    FREETALKER_OT_place_result,
    FREETALKER_OT_bake_to_action,
)
