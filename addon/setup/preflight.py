# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of everything that generation needs, each with its state and the operator that fixes it.

The checks run whenever a panel is drawn, so they neither import torch nor query a driver; the operator Check Device
does that once, in the worker.
"""

import ctypes
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bpy

from ...core.assets import DEFAULT_ENCODER
from ...core.hardware import has_nvidia
from ..translations import tr
from . import installer, models, preferences, runtime

MEMORY_GIB = 1.0
"""Free memory that generation needs for the network and a minute of motion."""

_DEVICES = {"cpu": "CPU", "cuda": "CUDA", "mps": "Metal"}
_MEMORY_SECONDS = 5.0  # how long a measurement of free memory is valid


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Args:
        name: What was checked.
        state: Only MISSING prevents generation.
        found: Details for the user.
        fix: The operator that fixes it; empty if none can.
        button: Label of the operator's button.
    """

    name: str
    state: Literal["OK", "WARNING", "MISSING"]
    found: str
    fix: str = ""
    button: str = ""


@dataclass(frozen=True)
class Device:
    """The device that torch reports.

    Args:
        kind: cuda, mps or cpu.
        name: Model of the device.
        free_gib: Free memory in GiB, None if unknown.
    """

    kind: Literal["cuda", "mps", "cpu"]
    name: str
    free_gib: float | None = None


_found_device: list[Device] = []
_memory = [-_MEMORY_SECONDS, 0.0]  # when it was measured, and GiB


def checks(scene: bpy.types.Scene) -> tuple[Check, ...]:
    """Run all checks, in the order in which they should be fixed."""
    absent = models.missing_packages(scene)
    packages = _python(absent), _torch(absent), _packages(absent)
    return (*packages, _device(), _free_memory(), _weights(scene), _text_encoder(scene))


def failed_checks(scene: bpy.types.Scene) -> tuple[Check, ...]:
    """Return the checks that prevent generation."""
    return tuple(check for check in checks(scene) if check.state == "MISSING")


def ask_device(wanted: str) -> Device:
    """Ask torch for the device that generation would use; for the worker, because importing torch takes seconds."""
    import torch

    if wanted in {"auto", "cuda"} and torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        return Device("cuda", torch.cuda.get_device_name(), free / 2**30)
    if wanted in {"auto", "mps"} and torch.backends.mps.is_available():
        return Device("mps", "Metal")
    return Device("cpu", f"{torch.get_num_threads()} threads")


def set_device(device: Device | None) -> None:
    """Store the device that torch reported for the checks; None if it is unknown."""
    _found_device[:] = [] if device is None else [device]


def _python(absent: Sequence[str]) -> Check:
    name = "Python"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if installer.devices() or not absent:
        return Check(name, "OK", version)
    said = tr("{version}, no runtime is available for it on this system").format(version=version)
    return Check(name, "MISSING", said, "freetalker.show_preferences", "Choose an Environment")


def _torch(absent: Sequence[str]) -> Check:
    version = next((package.version for package in runtime.packages() if package.name == "torch"), None)
    if "torch" in absent:
        return Check("PyTorch", "MISSING", tr("missing"), "freetalker.install_runtime", "Install Runtime")
    if version is None:
        return Check("PyTorch", "OK", tr("not installed, only needed for a graphics card"))
    if runtime.is_outdated():
        said = tr("{version}, from an older version of this add-on").format(version=version)
        return Check("PyTorch", "WARNING", said, "freetalker.install_runtime", "Install Runtime")
    return Check("PyTorch", "OK", version or "")


def _packages(absent: Sequence[str]) -> Check:
    others = [name for name in absent if name not in {"torch", runtime.ENCODER}]
    if not others:
        return Check("Other Packages", "OK", tr("none needed") if runtime.missing() else tr("all installed"))
    said = tr("missing: {names}").format(names=", ".join(others))
    return Check("Other Packages", "MISSING", said, "freetalker.install_runtime", "Install Runtime")


def _device() -> Check:
    """Check the device that torch reported or, if it was not asked yet, the installed build."""
    wanted = preferences.device()
    if "torch" in runtime.missing():
        return Check("Device", "OK", _DEVICES["cpu"])
    if not _found_device:
        kind = "cuda" if runtime.is_cuda_build() and has_nvidia() else "mps" if sys.platform == "darwin" else "cpu"
        said = tr("{device}, based on the installed files").format(device=_DEVICES[kind])
        return Check("Device", "OK", said, "freetalker.check_device", "Check Device")
    found = _found_device[0]
    said = f"{_DEVICES[found.kind]}: {found.name}"
    if wanted not in {"auto", found.kind}:
        said = tr("{wanted} is not available, only {found}").format(wanted=_DEVICES[wanted], found=said)
        return Check("Device", "MISSING", said, "freetalker.use_auto_device", "Use Automatic Device")
    if found.free_gib is not None:
        said = tr("{device}, {free:.1f} GiB free").format(device=said, free=found.free_gib)
    return Check("Device", "OK", said)


def _free_memory() -> Check:
    free = free_memory()
    if free is None:
        return Check("Free Memory", "OK", tr("unknown on this system"))
    said = tr("{free:.1f} GiB").format(free=free)
    if free >= MEMORY_GIB:
        return Check("Free Memory", "OK", said)
    said = tr("{free:.1f} GiB, but generation needs {wanted:.0f} GiB; close other programs").format(
        free=free, wanted=MEMORY_GIB
    )
    return Check("Free Memory", "WARNING", said, "freetalker.unload_model", "Unload Model")


def _weights(scene: bpy.types.Scene) -> Check:
    name, model = models.of_scene(scene)
    if model.problem:
        return Check("Weights", "MISSING", model.problem, "freetalker.use_default_model", "Use the Default Model")
    return Check("Weights", "OK", f"{name} ({model.license})" if model.license else name)


def _text_encoder(scene: bpy.types.Scene) -> Check:
    _, model = models.of_scene(scene)
    encoder = model.text_encoder or DEFAULT_ENCODER
    if encoder == DEFAULT_ENCODER:
        if runtime.ENCODER in runtime.missing():
            return Check("Text Encoder", "MISSING", tr("missing"), "freetalker.install_runtime", "Install Runtime")
        return Check("Text Encoder", "OK", encoder)
    if Path(encoder).is_dir():
        return Check("Text Encoder", "OK", encoder)
    said = tr("{encoder} is downloaded when it is first used").format(encoder=encoder)
    return Check("Text Encoder", "WARNING", said)


def free_memory() -> float | None:
    """Return the available memory in GiB, measured every few seconds; None if the system does not report it."""
    now = time.monotonic()
    if now - _memory[0] > _MEMORY_SECONDS:
        _memory[:] = now, _measure_memory() or -1.0
    return _memory[1] if _memory[1] >= 0 else None


class _MemoryStatus(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_ulong), ("load", ctypes.c_ulong), ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong), ("rest", ctypes.c_ulonglong * 5),
    ]  # fmt: skip


def _measure_memory() -> float | None:
    if os.name == "nt":
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        windll: Any = getattr(ctypes, "windll")  # noqa: B009 - Windows alone has it
        windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return status.free / 2**30
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    available = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return int(available.split()[1]) / 2**20 if available else None
