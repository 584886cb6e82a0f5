# SPDX-License-Identifier: GPL-3.0-or-later
"""Use This Rig, Save Bone Map, Load Bone Map."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ...character.active import candidates
from ...rigs import armature as rig
from ...rigs.maps import JOINT_NAMES, BoneMap
from ...timeline import strips
from .base import Explained

_SUFFIX = ".json"


def active_armature(context: Any) -> bpy.types.Object | None:
    """The armature that is to be mapped: the first of those at hand."""
    return next(iter(candidates(context)), None)


class _OnRig(Explained):
    """An operator on the armature at hand."""

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        armature = active_armature(context)
        return "Select an armature" if armature is None else strips.disabled_reason(armature)


class FREETALKER_OT_use_rig(_OnRig, bpy.types.Operator):
    bl_idname = "freetalker.use_rig"
    bl_label = "Use This Rig"
    bl_description = (
        "Make this armature the character: recognize its bones by their names, and open the map for editing"
    )
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Any) -> None:
        armature: Any = active_armature(context)
        found = rig.recognised(armature) or BoneMap("", {})
        rig.store(armature, found)
        if found.missing:
            missing = ", ".join(found.missing)
            self.report({"WARNING"}, f"'{armature.name}' needs bones for {missing}: choose them in the bone map")
            return
        context.scene.freetalker.character = armature
        here = sum(1 for bones in found.bones.values() if bones)
        self.report({"INFO"}, f"'{armature.name}' is a {found.family} rig: {here} of {len(JOINT_NAMES)} joints found")


class FREETALKER_OT_save_bone_map(_OnRig, bpy.types.Operator):
    bl_idname = "freetalker.save_bone_map"
    bl_label = "Save Bone Map"
    bl_description = "Write the bone map to a .json file, for other characters with the same bones"
    bl_options = set()

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=f"*{_SUFFIX}", options={"HIDDEN"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        armature = active_armature(context)
        if armature is not None and rig.bone_map(armature) is None:
            return f"'{armature.name}' has no bone map: press Use This Rig"
        return "Select an armature" if armature is None else ""

    def invoke(self, context: Any, _: Any) -> set[str]:
        armature: Any = active_armature(context)
        self.filepath = bpy.path.clean_name(armature.name) + _SUFFIX
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Any) -> None:
        armature: Any = active_armature(context)
        path = Path(bpy.path.abspath(bpy.path.ensure_ext(self.filepath, _SUFFIX)))
        found: Any = rig.bone_map(armature)
        found.save(path)
        self.report({"INFO"}, f"Saved the bone map to {path}")


class FREETALKER_OT_load_bone_map(_OnRig, bpy.types.Operator):
    bl_idname = "freetalker.load_bone_map"
    bl_label = "Load Bone Map"
    bl_description = "Read the bone map of this armature from a .json file"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=f"*{_SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: Any, _: Any) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Any) -> None:
        armature: Any = active_armature(context)
        found = BoneMap.load(Path(bpy.path.abspath(self.filepath)))
        found.check(armature.data.bones.keys())
        rig.store(armature, found)
        context.scene.freetalker.character = armature


class FREETALKER_OT_forget_bone_map(_OnRig, bpy.types.Operator):
    bl_idname = "freetalker.forget_bone_map"
    bl_label = "Recognize Automatically"
    bl_description = "Throw the edited bone map away: the bones' names decide again"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Any) -> str:
        armature = active_armature(context)
        if armature is not None and not len(armature.freetalker_rig.bones):
            return "The bones are recognized by their names already"
        return super().disabled_reason(context)

    def run(self, context: Any) -> None:
        armature: Any = active_armature(context)
        armature.freetalker_rig.bones.clear()


CLASSES = (
    FREETALKER_OT_use_rig,
    FREETALKER_OT_save_bone_map,
    FREETALKER_OT_load_bone_map,
    FREETALKER_OT_forget_bone_map,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
