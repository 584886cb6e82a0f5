# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: the default model, and where the runtime comes from."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import InputError
from . import runtime

DEFAULT_MODEL = "open"
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


def get() -> Any | None:
    """The preferences, or None where the add-on runs from its source."""
    addon = bpy.context.preferences.addons.get(runtime.ROOT_PACKAGE)
    return addon.preferences if addon else None


def _environment_changed(preferences: "FREETALKER_AP_preferences", _: Any) -> None:
    preferences.activate()


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

    def draw(self, _: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "model")
        layout.prop(self, "environment")
        if self.environment_error:
            layout.label(text=self.environment_error, icon="ERROR")
        layout.label(text=f"Runtime folder: {runtime.site_folder()}", icon="FILE_FOLDER")
        draw_packages(layout)
        row = layout.row()
        row.operator("freetalker.install_runtime")
        row.operator("freetalker.refresh_runtime")


def draw_packages(layout: Any) -> None:
    """Which packages are there, one a line."""
    column = layout.column(align=True)
    for package in runtime.packages():
        row = column.row()
        row.label(text=package.name, icon="CHECKMARK" if package.version else "X")
        row.label(text=package.version or "missing")


def register() -> None:
    bpy.utils.register_class(FREETALKER_AP_preferences)
    preferences = get()
    if preferences is not None:
        preferences.activate()
    else:
        runtime.activate("")


def unregister() -> None:
    bpy.utils.unregister_class(FREETALKER_AP_preferences)
