# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: the default model, the device, what is kept in memory, and where the runtime comes from."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ..core.errors import InputError
from . import installer, runtime
from .translations import tr

DEFAULT_MODEL = "open"
DEFAULT_ENCODER = "all-MiniLM-L6-v2"
_MODELS = Path(__file__).resolve().parent.parent / "assets" / "models"


def model_names() -> list[str]:
    """The models that the add-on brings along."""
    return sorted(path.parent.name for path in _MODELS.glob("*/config.json"))


def model_folder(name: str) -> Path:
    """Where a model lies: one that came along by its name, else the name is a path."""
    return _MODELS / name if name in model_names() else Path(bpy.path.abspath(name))


def default_model() -> str:
    """The model where the scene names none."""
    preferences = get()
    return (preferences.model if preferences else "") or DEFAULT_MODEL


def device() -> str:
    """What the network is to run on: auto, cpu, cuda or mps."""
    preferences = get()
    return preferences.device if preferences else "auto"


def smplx_file() -> str:
    """The path of the user's SMPL-X body, empty where none is chosen."""
    preferences = get()
    return preferences.smplx_file if preferences else ""


def get() -> Any | None:
    """The preferences, or None where the add-on runs from its source."""
    addon = bpy.context.preferences.addons.get(runtime.ROOT_PACKAGE)
    return addon.preferences if addon else None


def _environment_changed(preferences: "FREETALKER_AP_preferences", _: Any) -> None:
    preferences.activate()


def _device_changed(_: Any, __: Any) -> None:
    from . import preflight

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
        from . import preflight  # which needs this module

        draw_checks(layout, preflight.checks(context.scene), width=90)
        row = layout.row()
        row.operator("freetalker.install_runtime")
        row.operator("freetalker.refresh_runtime")
        row.operator("freetalker.example_scene")


def draw_checks(layout: Any, checks: Any, width: int) -> None:
    """The checks, one a line, each with the button that mends it."""
    icons = {"OK": "CHECKMARK", "WARNING": "ERROR", "MISSING": "X"}
    column = layout.column(align=True)
    last = {check.fix: check.name for check in checks}  # one button for those that the same one mends
    for check in checks:
        found = f"{tr(check.name)}: {check.found}"
        draw_lines(column, found, icons[check.state], width)
        if check.fix and last[check.fix] == check.name:
            row = column.row()
            row.label(text="", icon="BLANK1")
            row.operator(check.fix, text=check.button)


def draw_lines(layout: Any, text: str, icon: str, width: int = 36) -> None:
    """A sentence in the interface's language, broken into lines that fit the sidebar."""
    column = layout.column(align=True)
    line = ""
    for word in tr(text).split():
        if line and len(line) + len(word) >= width:
            column.label(text=line, icon=icon, translate=False)
            line, icon = word, "BLANK1"
        else:
            line = f"{line} {word}".strip()
    column.label(text=line, icon=icon, translate=False)


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
