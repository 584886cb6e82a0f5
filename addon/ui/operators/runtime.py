# SPDX-License-Identifier: GPL-3.0-or-later
"""Install Runtime, Look Again, and the other buttons that mend what the checks of the setup find."""

from typing import Any

import bpy
from bpy.props import EnumProperty

from ... import job
from ...generation import memory
from ...setup import installer, models, preferences, preflight, runtime
from ...translations import tr
from .base import Explained

_DEVICES = {
    "cpu": ("cpu", "CPU", "The processor alone: the smallest download"),
    "cuda": ("cuda", "CUDA", "An NVIDIA graphics card"),
    "metal": ("metal", "Metal", "The graphics of an Apple processor"),
}


def _devices(_: Any, __: Any) -> list[tuple[str, str, str]]:
    return [_DEVICES[device] for device in installer.devices()] or [_DEVICES["cpu"]]


class FREETALKER_OT_install_runtime(Explained, bpy.types.Operator):
    bl_idname = "freetalker.install_runtime"
    bl_label = "Install Runtime"
    bl_description = "Download the packages that generation needs into this extension's own folder"
    bl_options = set()

    device: EnumProperty(
        name="Device",
        description="What the network runs on; a runtime for a graphics card can use the processor too",
        items=_devices,
    )

    @classmethod
    def disabled_reason(cls, _: Any) -> str:
        if not bpy.app.online_access:
            return "Online access is off: allow it in Preferences, System, Network"
        if not installer.devices():
            return "No runtime is made for this system and Python: choose an existing environment in the preferences"
        return job.disabled_reason()

    def invoke(self, context: Any, _: Any) -> set[str]:
        if not self.properties.is_property_set("device") and runtime.has_nvidia():
            self.device = "cuda"
        return context.window_manager.invoke_props_dialog(self, width=420, confirm_text="Download and Install")

    def draw(self, _: Any) -> None:
        layout = self.layout
        layout.row().prop(self, "device", expand=True)
        column = layout.column(align=True)
        said = tr("Download about {size} from the Python package index into")
        column.label(text=said.format(size=runtime.DOWNLOAD[self.device]), translate=False)
        column.label(text=str(runtime.site_folder()), translate=False)
        column.label(text="Blender's own packages stay as they are; removing the folder undoes it.")
        column.label(text="Canceled or cut off, it goes on where it was when it is started again.")

    def run(self, _: Any) -> set[str]:
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
    bl_idname = "freetalker.refresh_runtime"
    bl_label = "Look Again"
    bl_description = "Look again for the packages, after they were installed by hand"
    bl_options = {"INTERNAL"}

    def run(self, _: Any) -> None:
        installed = preferences.get()
        if installed is not None:
            installed.activate()
        runtime.refresh()


class FREETALKER_OT_check_device(Explained, bpy.types.Operator):
    bl_idname = "freetalker.check_device"
    bl_label = "Check Device"
    bl_description = "Ask PyTorch for the device that generation will run on and how much memory it has free"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _: Any) -> str:
        if "torch" in runtime.missing():
            return "PyTorch is missing: install the runtime first"
        return job.disabled_reason()

    def run(self, _: Any) -> None:
        wanted = preferences.device()

        def work(_: job.Report, __: job.Cancelled) -> preflight.Device:
            return preflight.ask_device(wanted)

        def done(outcome: job.Outcome) -> None:
            preflight.remember(outcome.result)

        if bpy.app.background:
            done(job.run("Check Device", work))
        else:
            job.start("Check Device", work, done, of_file=False)


class FREETALKER_OT_use_auto_device(Explained, bpy.types.Operator):
    bl_idname = "freetalker.use_auto_device"
    bl_label = "Use What Is There"
    bl_description = "Set the device in the preferences to Automatic"
    bl_options = {"INTERNAL"}

    def run(self, _: Any) -> None:
        settings = preferences.get()
        if settings is not None:
            settings.device = "auto"


class FREETALKER_OT_unload_model(Explained, bpy.types.Operator):
    bl_idname = "freetalker.unload_model"
    bl_label = "Unload Model"
    bl_description = "Give the memory of the model back; it is loaded again when it is used"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _: Any) -> str:
        return job.disabled_reason() or ("" if memory.is_loaded() else "No model is loaded: close other programs")

    def run(self, _: Any) -> None:
        memory.unload()


class FREETALKER_OT_use_default_model(Explained, bpy.types.Operator):
    bl_idname = "freetalker.use_default_model"
    bl_label = "Use the Default Model"
    bl_description = "Generate this scene with the model that the add-on brings along"
    bl_options = {"UNDO", "INTERNAL"}

    def run(self, context: Any) -> None:
        settings = preferences.get()
        if settings is not None and models.look(preferences.default_model()).problem:
            settings.model = preferences.DEFAULT_MODEL
        context.scene.freetalker.model = ""


class FREETALKER_OT_show_preferences(Explained, bpy.types.Operator):
    bl_idname = "freetalker.show_preferences"
    bl_label = "Show Preferences"
    bl_description = "Open the preferences of this add-on"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _: Any) -> str:
        return "" if preferences.get() is not None else "It runs from its source and has no preferences"

    def run(self, _: Any) -> None:
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
