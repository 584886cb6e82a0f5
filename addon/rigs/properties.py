# SPDX-License-Identifier: GPL-3.0-or-later
"""What an armature object keeps about itself as a rig: how motion is put on it, and its bone map once it is edited."""

from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

_OVERRIDABLE: Any = {"LIBRARY_OVERRIDABLE"}
_ROWS: Any = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}


def _bone_names(row: Any, _: Any, typed: str) -> list[str]:
    data = row.id_data.data
    return [bone.name for bone in data.bones if typed.lower() in bone.name.lower()] if data else []


class FREETALKER_PG_bone(bpy.types.PropertyGroup):
    """A row of the bone map; its name is the joint."""

    bone: StringProperty(
        name="Bone", description="The bone that stands for this joint", search=_bone_names, override=_OVERRIDABLE
    )
    second: StringProperty(
        name="Second Bone",
        description="A further bone of the same joint, nearer to the tip: both share the turn",
        search=_bone_names,
        override=_OVERRIDABLE,
    )


class FREETALKER_PG_rig(bpy.types.PropertyGroup):
    """How motion drives an armature. Without rows the map is recognized anew each time."""

    family: StringProperty(name="Rig", description="The family that this rig was recognized as", override=_OVERRIDABLE)
    travel: EnumProperty(
        name="Path",
        description="What carries the character over the floor",
        items=(
            ("HIPS", "Hips", "The hips carry the whole way"),
            ("ROOT", "Root Bone", "The root bone goes along the floor and turns; the hips do the rest"),
            ("IN_PLACE", "In Place", "The character stays where it stands; the hips go up and down only"),
        ),
        default="HIPS",
        override=_OVERRIDABLE,
    )
    match: EnumProperty(
        name="Rest Pose",
        description="How the rig's rest pose is understood",
        items=(
            ("LIMBS", "Straight Limbs", "The rig's arms and legs at rest count as those of the T-pose, straight"),
            ("JOINTS", "Joint Directions", "Each arm and leg bone points exactly where the generated joints do"),
            ("KEEP", "As It Is", "The rig's rest pose is the T-pose: nothing is corrected"),
        ),
        default="LIMBS",
        override=_OVERRIDABLE,
    )
    foot_lock: BoolProperty(
        name="Foot Lock",
        description="Keep feet that stand where they stand on this rig's own legs, and out of the floor",
        default=True,
        override=_OVERRIDABLE,
    )
    legs: EnumProperty(
        name="Legs",
        description="Which bones of the legs get the keys, on a rig that has both",
        items=(
            ("FK", "FK Bones", "Thighs, shins, feet and toes are turned"),
            ("IK", "IK Controls", "Feet, knee poles and toes are placed, and the rig bends the legs"),
        ),
        default="FK",
        override=_OVERRIDABLE,
    )
    bones: CollectionProperty(type=FREETALKER_PG_bone, override=_ROWS)
    active: IntProperty(name="Joint", description="The row of the bone map at hand", override=_OVERRIDABLE)
    mover: StringProperty(
        name="Mover",
        description="The bone that carries the body through space; the pelvis' own where empty",
        search=_bone_names,
        override=_OVERRIDABLE,
    )
    root: StringProperty(
        name="Root Bone",
        description="The bone on the floor that can take the path",
        search=_bone_names,
        override=_OVERRIDABLE,
    )


CLASSES = (FREETALKER_PG_bone, FREETALKER_PG_rig)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Object.freetalker_rig = PointerProperty(type=FREETALKER_PG_rig, override=_OVERRIDABLE)


def unregister() -> None:
    del bpy.types.Object.freetalker_rig
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
