# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that install the runtime and fix what the checks of the setup find."""

import bpy
from bpy.props import EnumProperty

from ....core.hardware import has_nvidia
from ... import job
from ...data import CallbackContext, Context, scene_settings
from ...generation import memory
from ...setup import installer, models, preferences, preflight, runtime
from ...translations import tr
from ..layout import layout_of
from .base import Explained, Status

_DEVICES = {
    "cpu": ("cpu", "CPU", "CPU only, the smallest download"),
    "cuda": ("cuda", "CUDA", "An NVIDIA graphics card"),
    "metal": ("metal", "Metal", "The GPU of an Apple processor"),
}


def _devices(_: object, __: object) -> list[tuple[str, str, str]]:
    return [_DEVICES[device] for device in installer.devices()] or [_DEVICES["cpu"]]


class FREETALKER_OT_install_runtime(Explained, bpy.types.Operator):
    """Download and install the packages that generation needs."""

    bl_idname = "freetalker.install_runtime"
    bl_label = "Install Runtime"
    bl_description = "Download the packages required for generation into the folder of this extension"
    bl_options = set()

    device: EnumProperty(
        name="Device",
        description="The device that the network runs on; a runtime for a graphics card also works on the CPU",
        items=_devices,
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        if not bpy.app.online_access:
            return "Online access is disabled; allow it in Preferences > System > Network"
        if not installer.devices():
            return (
                "No runtime is available for this system and Python version; choose an existing environment in the "
                "preferences"
            )
        return job.disabled_reason()

    def invoke(self, context: CallbackContext, event: bpy.types.Event) -> Status:
        if not self.properties.is_property_set("device") and has_nvidia():
            self.device = "cuda"
        return context.window_manager.invoke_props_dialog(self, width=420, confirm_text="Download and Install")

    def draw(self, context: bpy.types.Context) -> None:
        layout = layout_of(self)
        layout.row().prop(self, "device", expand=True)
        column = layout.column(align=True)
        said = tr("Download about {size} from the Python Package Index to")
        column.label(text=said.format(size=runtime.DOWNLOAD[self.device]), translate=False)
        column.label(text=str(runtime.site_folder()), translate=False)
        column.label(text="Blender's own packages are not changed; delete the folder to uninstall.")
        column.label(text="If canceled or interrupted, the installation resumes next time.")

    def run(self, context: Context) -> Status:
        site, log = runtime.site_folder(), runtime.log_file()
        lock, leave_out = runtime.plan(self.device)

        def work(report: job.Report, cancelled: job.Cancelled) -> None:
            installer.install(report, cancelled, lock, leave_out, site, log)

        if bpy.app.background:
            outcome = job.run("Install Runtime", work)
            _finish(outcome)
            if outcome.error:
                self.report({"ERROR"}, outcome.error)
                return {"CANCELLED"}
            return {"FINISHED"}
        job.start("Install Runtime", work, _finish, of_file=False)
        return {"FINISHED"}


def _finish(outcome: job.Outcome) -> None:
    installed = preferences.get()
    if installed is not None:
        installed.activate()
    else:
        runtime.activate("")
    runtime.last_error = outcome.error


class FREETALKER_OT_refresh_runtime(Explained, bpy.types.Operator):
    """Search for installed packages again."""

    bl_idname = "freetalker.refresh_runtime"
    bl_label = "Refresh"
    bl_description = "Search for the packages again after a manual installation"
    bl_options = {"INTERNAL"}

    def run(self, context: Context) -> None:
        installed = preferences.get()
        if installed is not None:
            installed.activate()
        runtime.refresh()


class FREETALKER_OT_check_device(Explained, bpy.types.Operator):
    """Ask torch for the device that generation will use."""

    bl_idname = "freetalker.check_device"
    bl_label = "Check Device"
    bl_description = "Ask PyTorch which device generation will use and how much free memory it has"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        if "torch" in runtime.missing():
            return "PyTorch is missing; install the runtime first"
        return job.disabled_reason()

    def run(self, context: Context) -> None:
        wanted = preferences.device()

        def work(_: job.Report, __: job.Cancelled) -> preflight.Device:
            return preflight.ask_device(wanted)

        def done(outcome: job.Outcome) -> None:
            preflight.set_device(outcome.result)

        if bpy.app.background:
            done(job.run("Check Device", work))
        else:
            job.start("Check Device", work, done, of_file=False)


class FREETALKER_OT_use_auto_device(Explained, bpy.types.Operator):
    """Set the device in the preferences to automatic."""

    bl_idname = "freetalker.use_auto_device"
    bl_label = "Use Automatic Device"
    bl_description = "Set the device in the preferences to Automatic"
    bl_options = {"INTERNAL"}

    def run(self, context: Context) -> None:
        settings = preferences.get()
        if settings is not None:
            settings.device = "auto"


class FREETALKER_OT_unload_model(Explained, bpy.types.Operator):
    """Drop the model from memory."""

    bl_idname = "freetalker.unload_model"
    bl_label = "Unload Model"
    bl_description = "Free the memory used by the model; it is loaded again when needed"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return job.disabled_reason() or (
            "" if memory.is_loaded() else "No model is loaded; close other programs instead"
        )

    def run(self, context: Context) -> None:
        memory.unload()


class FREETALKER_OT_use_default_model(Explained, bpy.types.Operator):
    """Use an included model for the scene."""

    bl_idname = "freetalker.use_default_model"
    bl_label = "Use the Default Model"
    bl_description = "Use the model included with the add-on for this scene"
    bl_options = {"UNDO", "INTERNAL"}

    def run(self, context: Context) -> None:
        settings = preferences.get()
        if settings is not None and models.inspect(preferences.default_model()).problem:
            settings.model = preferences.DEFAULT_MODEL
        scene_settings(context.scene).model = ""


class FREETALKER_OT_show_preferences(Explained, bpy.types.Operator):
    """Open the add-on's preferences."""

    bl_idname = "freetalker.show_preferences"
    bl_label = "Show Preferences"
    bl_description = "Open the preferences of this add-on"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        return "" if preferences.get() is not None else "The add-on runs from source and has no preferences"

    def run(self, context: Context) -> None:
        bpy.ops.preferences.addon_show(module=runtime.ROOT_PACKAGE)


CLASSES = (
    FREETALKER_OT_install_runtime,
    FREETALKER_OT_refresh_runtime,
    FREETALKER_OT_check_device,
    FREETALKER_OT_use_auto_device,
    FREETALKER_OT_unload_model,
    FREETALKER_OT_use_default_model,
    FREETALKER_OT_show_preferences,
)
