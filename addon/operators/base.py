# SPDX-License-Identifier: GPL-3.0-or-later
"""What all operators share: a greyed button says why, and bad input is one sentence."""

from typing import Any

import bpy

from ...core.errors import InputError
from .. import character, strips


class Explained:
    """Mix-in for operators whose poll is `disabled_reason`, and whose `run` may raise InputError."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is greyed and what to do; empty where it is not."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            return self.run(context) or {"FINISHED"}
        except InputError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def run(self, context: bpy.types.Context) -> Any:
        raise NotImplementedError


def needs_object_mode(context: bpy.types.Context) -> str:
    return "" if context.mode in {"OBJECT", "POSE"} else "Leave the current mode: go to Object or Pose Mode"


def needs_character(context: bpy.types.Context) -> str:
    """Why there is no character whose tracks can be changed."""
    armature = character.find(context)
    return character.why_none(context) if armature is None else strips.disabled_reason(armature)
