# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences of the add-on."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ...core.errors import InputError
from ..data import CallbackContext
from ..setup import installer, preflight, runtime
from ..setup.models import model_names
from ..setup.preferences import DEFAULT_MODEL, get
from ..translations import tr
from .layout import draw_checks, layout_of


def _environment_changed(preferences: "FREETALKER_AP_preferences", _: object) -> None:
    preferences.activate()


def _device_changed(_: object, __: object) -> None:
    preflight.set_device(None)


def _model_names(_: object, __: object, typed: str) -> list[str]:
    return [name for name in model_names() if typed.lower() in name.lower()]


class FREETALKER_AP_preferences(bpy.types.AddonPreferences):
    """Default model, device, memory, SMPL-X body and Python environment; `data.AddonSettings` declares the fields."""

    bl_idname: str = runtime.ROOT_PACKAGE  # pyright: ignore[reportIncompatibleVariableOverride]

    model: StringProperty(
        name="Default Model",
        description="Name of an included model or path to a model folder",
        default=DEFAULT_MODEL,
        search=_model_names,
        search_options={"SUGGESTION"},
    )
    device: EnumProperty(
        name="Device",
        description="The device that the network runs on",
        items=(
            ("auto", "Automatic", "Use the graphics card if PyTorch supports it, otherwise the CPU"),
            ("cpu", "CPU", "The CPU"),
            ("cuda", "CUDA", "An NVIDIA graphics card"),
            ("mps", "Metal", "The GPU of an Apple processor"),
        ),
        update=_device_changed,
    )
    keep_minutes: IntProperty(
        name="Keep Model Loaded (Minutes)",
        description="How long the model stays in memory after its last use; 0 keeps it until Blender is closed",
        default=30,
        min=0,
        max=24 * 60,
    )
    non_commercial: BoolProperty(
        name="Non-Commercial Use Only",
        description="Agree to use models with a non-commercial license, and the motion they generate, only for "
        "non-commercial purposes",
        default=False,
    )
    smplx_file: StringProperty(
        name="SMPL-X Body",
        description="Path to a licensed copy of SMPLX_NEUTRAL.npz from smpl-x.is.tue.mpg.de; leave empty if there is "
        "none",
        subtype="FILE_PATH",
    )
    environment: StringProperty(
        name="Existing Environment",
        description="A virtual environment that already contains the packages and uses the same Python version as "
        "Blender",
        subtype="DIR_PATH",
        update=_environment_changed,
    )
    environment_error: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def activate(self) -> None:
        """Add the runtime and the environment to sys.path, and store an error for display below the field."""
        try:
            runtime.activate(self.environment)
            self.environment_error = ""
        except InputError as error:
            self.environment_error = str(error)

    def draw(self, context: CallbackContext) -> None:
        layout = layout_of(self)
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
    """Register the preferences, repair an interrupted installation and activate the runtime."""
    bpy.utils.register_class(FREETALKER_AP_preferences)
    installer.tidy(runtime.site_folder())
    preferences = get()
    if preferences is not None:
        preferences.activate()
    else:
        runtime.activate("")


def unregister() -> None:
    """Unregister the preferences."""
    bpy.utils.unregister_class(FREETALKER_AP_preferences)
