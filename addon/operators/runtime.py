# SPDX-License-Identifier: GPL-3.0-or-later
"""Install Runtime, Look Again."""

import sys
from typing import Any

import bpy
from bpy.props import BoolProperty

from .. import job, preferences, runtime
from .base import Explained


class FREETALKER_OT_install_runtime(Explained, bpy.types.Operator):
    bl_idname = "freetalker.install_runtime"
    bl_label = "Install Runtime"
    bl_description = "Download the packages that generation needs into this extension's own folder"
    bl_options = set()

    cpu_only: BoolProperty(
        name="CPU Only",
        description="Install PyTorch without CUDA, which is a tenth of the size; on Linux only",
        default=False,
    )

    @classmethod
    def disabled_reason(cls, _: Any) -> str:
        if not bpy.app.online_access:
            return "Online access is off: allow it in Preferences, System, Network"
        return job.disabled_reason()

    def invoke(self, context: Any, _: Any) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, width=420, confirm_text="Download and Install")

    def draw(self, _: Any) -> None:
        column = self.layout.column(align=True)
        column.label(text=f"Download {runtime.DOWNLOAD},")
        column.label(text="from the Python package index into")
        column.label(text=str(runtime.site_folder()))
        column.label(text="Blender's own packages stay as they are; removing the folder undoes it.")
        if sys.platform == "linux":
            self.layout.prop(self, "cpu_only")

    def run(self, _: Any) -> set[str]:
        site, log, cpu_only = runtime.site_folder(), runtime.log_file(), self.cpu_only
        runtime.user_folder().mkdir(parents=True, exist_ok=True)

        def work(report: job.Report, cancelled: job.Cancelled) -> None:
            runtime.install(report, cancelled, cpu_only, site, log)

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
