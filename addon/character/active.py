# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects are characters, and which one is active."""

from typing import Any

import bpy

from ...core.errors import InputError
from ..rigs import armature as rig


def is_character(candidate: bpy.types.Object | None) -> bool:
    """Whether this is an armature that motion can be put on: ours, or a rig with a bone map."""
    return candidate is not None and candidate.type == "ARMATURE" and rig.is_rig(candidate)


def candidates(context: Any) -> list[bpy.types.Object]:
    """The armatures at hand: the active object, what bends or carries it, nearest first, and the scene's character."""
    found: list[Any] = []
    one = context.object
    while one is not None:
        found += [one, one.find_armature()]
        one = one.parent
    found.append(context.scene.freetalker.character)
    return [one for one in found if one is not None and one.type == "ARMATURE"]


def active_character(context: Any) -> bpy.types.Object | None:
    """The character at hand: the first of `candidates` that is one and in the scene."""
    return next((one for one in candidates(context) if is_character(one) and one.name in context.scene.objects), None)


def require_character(context: Any) -> bpy.types.Object:
    """`find`, or InputError saying why there is none."""
    armature = active_character(context)
    if armature is None:
        raise InputError(f"{missing_character_reason(context)}.")
    return armature


def missing_character_reason(context: Any) -> str:
    """Why `find` found nothing and what to do, as one sentence; empty where it found one."""
    if active_character(context) is not None:
        return ""
    active = context.object
    if active is not None and active.type == "ARMATURE":
        return rig.mapping_error(active)
    return "There is no character: add one, or select the armature of your own"
