# SPDX-License-Identifier: GPL-3.0-or-later
"""Install Runtime, Look Again."""

from typing import Any

import bpy
from bpy.props import EnumProperty

from .. import installer, job, preferences, runtime
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
        column.label(text=f"Download about {runtime.DOWNLOAD[self.device]} from the Python package index into")
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


CLASSES = (FREETALKER_OT_install_runtime, FREETALKER_OT_refresh_runtime)
