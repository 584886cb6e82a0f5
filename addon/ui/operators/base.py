# SPDX-License-Identifier: GPL-3.0-or-later
"""What all operators share: a greyed button says why, and bad input is one sentence.

Contexts are Any here: the stubs take `context.scene` for a function.
"""

from typing import TYPE_CHECKING, Any

import bpy

from ....core.errors import InputError
from ...character.active import active_character, missing_character_reason
from ...timeline import strips
from ...translations import tr


class Explained(bpy.types.Operator if TYPE_CHECKING else object):
    """Mix-in for operators whose poll is `disabled_reason`, and whose `run` may raise InputError."""

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        """Why the button is greyed and what to do; empty where it is not."""
        return ""

    @classmethod
    def poll(cls, context: Any) -> bool:
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(tr(reason))
        return not reason

    def execute(self, context: Any) -> set[str]:
        try:
            return self.run(context) or {"FINISHED"}
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def run(self, context: Any) -> Any:
        raise NotImplementedError


def needs_character(context: Any) -> str:
    """Why there is no character whose tracks can be changed."""
    armature = active_character(context)
    return missing_character_reason(context) if armature is None else strips.disabled_reason(armature)
