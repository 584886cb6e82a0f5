# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of all operators: a disabled button explains why, and invalid input is reported as one sentence."""

from typing import TYPE_CHECKING, TypeAlias

import bpy

from ....core.errors import InputError
from ...character.active import active_character, missing_character_reason
from ...data import CallbackContext, Context
from ...timeline import strips
from ...translations import tr

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

    class ExportHelper:
        """Stands in for that of bpy_extras, whose stub contradicts the one of bpy.types.Operator."""

        filepath: str
else:
    from bpy_extras.io_utils import ExportHelper

__all__ = ["Explained", "ExportHelper", "Status", "needs_character"]

Status: TypeAlias = set["OperatorReturnItems"]
"""What Blender's operator methods return, such as {"FINISHED"}."""


class Explained(bpy.types.Operator if TYPE_CHECKING else object):
    """Mix-in for operators that implement `disabled_reason` and `run`."""

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Return why the operator is disabled and what to do, without a full stop; empty if it is enabled."""
        return ""

    @classmethod
    def poll(cls, context: CallbackContext) -> bool:
        """Disable the button and show `disabled_reason` in its tooltip."""
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(tr(reason))
        return not reason

    def execute(self, context: CallbackContext) -> Status:
        """Call `run`, and report an InputError as the operator's error."""
        try:
            return self.run(context) or {"FINISHED"}
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def run(self, context: Context) -> Status | None:
        """Do the operator's work.

        Returns:
            The operator's status; None for finished.

        Raises:
            InputError: The user has to change something first.
        """
        raise NotImplementedError


def needs_character(context: Context) -> str:
    """Return why there is no active character whose tracks can be changed; empty if there is one."""
    armature = active_character(context)
    return missing_character_reason(context) if armature is None else strips.disabled_reason(armature)
