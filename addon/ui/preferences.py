# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences."""

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ...core.errors import InputError
from ..setup import installer, preflight, runtime
from ..setup.models import model_names
from ..setup.preferences import DEFAULT_MODEL, get
from ..translations import tr
from .layout import draw_checks


def _environment_changed(preferences: "FREETALKER_AP_preferences", _: Any) -> None:
    preferences.activate()


def _device_changed(_: Any, __: Any) -> None:
    preflight.remember(None)


def _model_names(_: Any, __: Any, typed: str) -> list[str]:
    return [name for name in model_names() if typed.lower() in name.lower()]


class FREETALKER_AP_preferences(bpy.types.AddonPreferences):
    bl_idname: str = runtime.ROOT_PACKAGE  # pyright: ignore[reportIncompatibleVariableOverride]

    model: StringProperty(
        name="Default Model",
        description="A model of this add-on by name, or the path of a model folder",
        default=DEFAULT_MODEL,
        search=_model_names,
        search_options={"SUGGESTION"},
    )
    device: EnumProperty(
        name="Device",
        description="What the network runs on",
        items=(
            ("auto", "Automatic", "The graphics card where PyTorch can use it, else the processor"),
            ("cpu", "CPU", "The processor"),
            ("cuda", "CUDA", "An NVIDIA graphics card"),
            ("mps", "Metal", "The graphics of an Apple processor"),
        ),
        update=_device_changed,
    )
    keep_minutes: IntProperty(
        name="Keep Model for Minutes",
        description="How long the model stays in memory after it was used; 0 keeps it until Blender ends",
        default=30,
        min=0,
        max=24 * 60,
    )
    non_commercial: BoolProperty(
        name="Non-Commercial Use Only",
        description="Agree to use models that forbid commercial use, and what they generate, for nothing commercial",
        default=False,
    )
    smplx_file: StringProperty(
        name="SMPL-X Body",
        description="Your own SMPLX_NEUTRAL.npz from smpl-x.is.tue.mpg.de, under its license; empty if you have none",
        subtype="FILE_PATH",
    )
    environment: StringProperty(
        name="Existing Environment",
        description="A virtual environment that has the packages already, of the same Python version as Blender",
        subtype="DIR_PATH",
        update=_environment_changed,
    )
    environment_error: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def activate(self) -> None:
        """Make the runtime's folders known; what is wrong with them is shown below the field."""
        try:
            runtime.activate(self.environment)
            self.environment_error = ""
        except InputError as error:
            self.environment_error = str(error)

    def draw(self, context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(self, "model")
        column.prop(self, "device")
        column.prop(self, "keep_minutes")
        column.prop(self, "non_commercial")
        column.prop(self, "smplx_file")
        layout.separator()
        column = layout.column()
        column.prop(self, "environment")
        if self.environment_error:
            column.label(text=self.environment_error, icon="ERROR", translate=False)
        folder = tr("Runtime folder: {folder}").format(folder=runtime.site_folder())
        column.label(text=folder, icon="FILE_FOLDER", translate=False)
        draw_checks(layout, preflight.checks(context.scene), width=90)
        row = layout.row()
        row.operator("freetalker.install_runtime")
        row.operator("freetalker.refresh_runtime")
        row.operator("freetalker.example_scene")


def register() -> None:
    bpy.utils.register_class(FREETALKER_AP_preferences)
    installer.tidy(runtime.site_folder())
    preferences = get()
    if preferences is not None:
        preferences.activate()
    else:
        runtime.activate("")


def unregister() -> None:
    bpy.utils.unregister_class(FREETALKER_AP_preferences)
