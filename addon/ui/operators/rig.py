# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on rigs: Use This Rig, Save Bone Map, Load Bone Map, Recognize Automatically."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ....core.errors import InputError
from ...character.active import candidates
from ...data import CallbackContext, Context, armature_data, rig_data, scene_settings
from ...rigs import armature as rig
from ...rigs.maps import JOINT_NAMES, BoneMap
from ...timeline import strips
from ...translations import tr
from .base import Explained, Status

_SUFFIX = ".json"


def active_armature(context: Context) -> bpy.types.Object | None:
    """Return the armature that the user works on, whether it is a character or not; None if there is none."""
    return next(iter(candidates(context)), None)


def require_armature(context: Context) -> bpy.types.Object:
    """Return the armature that the user works on, for code that is only reached if there is one.

    Raises:
        InputError: There is none.
    """
    armature = active_armature(context)
    if armature is None:
        raise InputError("Select an armature.")
    return armature


class _OnRig(Explained):
    """An operator on the armature that the user works on."""

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        armature = active_armature(context)
        return "Select an armature" if armature is None else strips.disabled_reason(armature)


class FREETALKER_OT_use_rig(_OnRig, bpy.types.Operator):
    """Recognize a rig, store its bone map for editing, and make it the scene's character."""

    bl_idname = "freetalker.use_rig"
    bl_label = "Use This Rig"
    bl_description = "Make this armature the character, recognize its bones by name, and create an editable bone map"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: Context) -> None:
        armature = require_armature(context)
        found = rig.recognized_map(armature) or BoneMap("", {})
        rig.store(armature, found)
        if found.missing:
            missing = ", ".join(found.missing)
            self.report({"WARNING"}, f"'{armature.name}' needs bones for {missing}; choose them in the bone map")
            return
        scene_settings(context.scene).character = armature
        here = sum(1 for bones in found.bones.values() if bones)
        self.report(
            {"INFO"}, f"Recognized '{armature.name}' as a {found.family} rig with {here} of {len(JOINT_NAMES)} joints"
        )


class FREETALKER_OT_save_bone_map(_OnRig, bpy.types.Operator):
    """Write the bone map to a file."""

    bl_idname = "freetalker.save_bone_map"
    bl_label = "Save Bone Map"
    bl_description = "Save the bone map to a .json file for other characters with the same bones"
    bl_options = set()

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=f"*{_SUFFIX}", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        armature = active_armature(context)
        if armature is not None and rig.bone_map(armature) is None:
            return tr("'{name}' has no bone map; press Use This Rig").format(name=armature.name)
        return "Select an armature" if armature is None else ""

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        self.filepath = bpy.path.clean_name(require_armature(context).name) + _SUFFIX
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Context) -> None:
        path = Path(bpy.path.abspath(bpy.path.ensure_ext(self.filepath, _SUFFIX)))
        found = rig.bone_map(require_armature(context))
        assert found is not None  # poll
        found.save(path)
        self.report({"INFO"}, f"Saved bone map to {path}")


class FREETALKER_OT_load_bone_map(_OnRig, bpy.types.Operator):
    """Read the bone map from a file, and make the armature the scene's character."""

    bl_idname = "freetalker.load_bone_map"
    bl_label = "Load Bone Map"
    bl_description = "Load a bone map for this armature from a .json file"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=f"*{_SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: Context) -> None:
        armature = require_armature(context)
        found = BoneMap.load(Path(bpy.path.abspath(self.filepath)))
        found.check(armature_data(armature).bones.keys())
        rig.store(armature, found)
        scene_settings(context.scene).character = armature


class FREETALKER_OT_forget_bone_map(_OnRig, bpy.types.Operator):
    """Discard the stored bone map, so that the rig is recognized by its bones' names."""

    bl_idname = "freetalker.forget_bone_map"
    bl_label = "Recognize Automatically"
    bl_description = "Discard the edited bone map and recognize the bones by name again"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        armature = active_armature(context)
        if armature is not None and not len(rig_data(armature).bones):
            return "The bones are already recognized by name"
        return super().disabled_reason(context)

    def run(self, context: Context) -> None:
        rig_data(require_armature(context)).bones.clear()


CLASSES = (
    FREETALKER_OT_use_rig,
    FREETALKER_OT_save_bone_map,
    FREETALKER_OT_load_bone_map,
    FREETALKER_OT_forget_bone_map,
)


def register() -> None:
    """Register the operators on rigs."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Unregister the operators on rigs."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
