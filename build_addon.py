# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage, build and validate the Blender extension: dist/freetalker-VERSION.zip."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
MANIFEST = ROOT / "blender_manifest.toml"

# The source tree has no __init__.py at its root: there `addon` and `core` are two packages side by side.
SHIM = '''# SPDX-License-Identifier: GPL-3.0-or-later
"""FreeTalker for Blender."""

from .addon import register, unregister

__all__ = ["register", "unregister"]
'''
SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
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


def build(output: Path, text_encoder: bool = True) -> Path:
    """Build and validate the zip in folder `output`; a failed build leaves nothing there.

    Raises:
        FileNotFoundError: no Blender to build with.
        subprocess.CalledProcessError: Blender refused the package; its words are on stderr.
    """
    command = extension_command()
    name = f"freetalker-{version()}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        staged, zipped = Path(scratch, "freetalker"), Path(scratch, name)
        stage(staged, text_encoder)
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
    options = parser.parse_args(argv)
    try:
        archive = build(options.output, not options.no_text_encoder)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"Blender refused the package (exit code {error.returncode}).", file=sys.stderr)
        return 1
    print(f"{archive}  {archive.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
