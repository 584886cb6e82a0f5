# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects are characters, and which one is active."""

import bpy

from ...core.errors import InputError
from ..data import Context, scene_settings
from ..rigs import armature as rig


def is_character(candidate: bpy.types.Object | None) -> bool:
    """Whether an object is an armature that motion can drive: one of ours, or a rig with a bone map."""
    return candidate is not None and candidate.type == "ARMATURE" and rig.is_rig(candidate)


def candidates(context: Context) -> list[bpy.types.Object]:
    """Return the armatures that the user may mean, most likely first.

    These are the active object, the armatures that deform it or its parents, and the scene's character.
    """
    found: list[bpy.types.Object | None] = []
    one = context.object
    while one is not None:
        found += [one, one.find_armature()]
        one = one.parent
    found.append(scene_settings(context.scene).character)
    return [one for one in found if one is not None and one.type == "ARMATURE"]


def active_character(context: Context) -> bpy.types.Object | None:
    """Return the first of `candidates` that is a character and in the scene, or None."""
    return next((one for one in candidates(context) if is_character(one) and one.name in context.scene.objects), None)


def require_character(context: Context) -> bpy.types.Object:
    """Return the active character.

    Raises:
        InputError: There is none; the message says why.
    """
    armature = active_character(context)
    if armature is None:
        raise InputError(f"{missing_character_reason(context)}.")
    return armature


def missing_character_reason(context: Context) -> str:
    """Return why there is no active character and what to do, without a full stop; empty if there is one."""
    if active_character(context) is not None:
        return ""
    active = context.object
    if active is not None and active.type == "ARMATURE":
        return rig.mapping_error(active)
    return "There is no character; add one or select your own armature"
