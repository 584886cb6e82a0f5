# SPDX-License-Identifier: GPL-3.0-or-later
"""The property group of an armature object as a rig: how motion drives it, and its bone map if that was edited."""

from typing import Any, Final, cast

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from ..data import RIG_GROUP, BoneRow, armature_data

OVERRIDABLE: Final[Any] = {"LIBRARY_OVERRIDABLE"}
"""For properties that library overrides may change."""

OVERRIDABLE_ROWS: Final[Any] = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
"""For collections to which library overrides may add items."""


def _bone_names(row: BoneRow, _: object, typed: str) -> list[str]:
    armature = cast("bpy.types.Object", row.id_data)
    bones = armature_data(armature).bones if armature.type == "ARMATURE" else ()
    return [bone.name for bone in bones if typed.lower() in bone.name.lower()]


class FREETALKER_PG_bone(bpy.types.PropertyGroup):
    """A row of the bone map; `name` is the joint."""

    bone: StringProperty(
        name="Bone", description="The bone that is mapped to this joint", search=_bone_names, override=OVERRIDABLE
    )
    second: StringProperty(
        name="Second Bone",
        description="An additional bone for the same joint, closer to the tip; both bones share the rotation",
        search=_bone_names,
        override=OVERRIDABLE,
    )


class FREETALKER_PG_rig(bpy.types.PropertyGroup):
    """How motion drives an armature. Without rows in `bones`, the map is recognized from the bones' names."""

    family: StringProperty(name="Rig", description="The type of rig that was recognized", override=OVERRIDABLE)
    travel: EnumProperty(
        name="Path",
        description="What moves the character across the floor",
        items=(
            ("HIPS", "Hips", "The hips carry all of the movement"),
            ("ROOT", "Root Bone", "The root bone moves along the floor and turns, and the hips do the rest"),
            ("IN_PLACE", "In Place", "The character stays in place, and the hips only move up and down"),
        ),
        default="HIPS",
        override=OVERRIDABLE,
    )
    match: EnumProperty(
        name="Rest Pose",
        description="How the rest pose of the rig is interpreted",
        items=(
            ("LIMBS", "Straight Limbs", "Treat the arms and legs of the rest pose as straight, as in a T-pose"),
            ("JOINTS", "Joint Directions", "Point each arm and leg bone exactly along the generated joints"),
            ("KEEP", "As Is", "Treat the rest pose as a T-pose without correcting anything"),
        ),
        default="LIMBS",
        override=OVERRIDABLE,
    )
    foot_lock: BoolProperty(
        name="Foot Lock",
        description="Keep standing feet in place and above the floor, adjusted to the legs of this rig",
        default=True,
        override=OVERRIDABLE,
    )
    legs: EnumProperty(
        name="Legs",
        description="Which leg bones get keyframes on a rig that has both",
        items=(
            ("FK", "FK Bones", "Rotate the thighs, shins, feet and toes"),
            ("IK", "IK Controls", "Place the feet, knee poles and toes, and let the rig bend the legs"),
        ),
        default="FK",
        override=OVERRIDABLE,
    )
    bones: CollectionProperty(type=FREETALKER_PG_bone, override=OVERRIDABLE_ROWS)
    active: IntProperty(name="Joint", description="The active row of the bone map", override=OVERRIDABLE)
    mover: StringProperty(
        name="Mover",
        description="The bone that moves the body through space; leave empty to use the pelvis bone",
        search=_bone_names,
        override=OVERRIDABLE,
    )
    root: StringProperty(
        name="Root Bone",
        description="The bone on the floor that can carry the path",
        search=_bone_names,
        override=OVERRIDABLE,
    )


CLASSES = (FREETALKER_PG_bone, FREETALKER_PG_rig)


def register() -> None:
    """Register the groups and add the rig to objects."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    setattr(bpy.types.Object, RIG_GROUP, PointerProperty(type=FREETALKER_PG_rig, override=OVERRIDABLE))


def unregister() -> None:
    """Remove the rig from objects and unregister the groups."""
    delattr(bpy.types.Object, RIG_GROUP)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
