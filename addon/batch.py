# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: timelines to scenes, videos and motion files, without a window.

    blender -b --python addon/batch.py -- TIMELINE.json --blend OUT.blend --video OUT.mp4 --npz OUT.npz --bvh OUT.bvh
    blender -b --python addon/batch.py -- FOLDER --video FOLDER --npz FOLDER [--skip-existing]
    blender -b --python addon/batch.py -- SCENE.blend --blend OUT.blend --sound OUT.wav
    python -m addon.batch TIMELINE.json ...             (the same, where Blender is the bpy package)

The exit code is 0, or 2 with one sentence on stderr, in which case no file was written or changed. In a folder, every
timeline (.json, .srt) is processed separately, its outputs are named after it, and a report lists the results; the exit
code is 2 if any of them failed. In a .blend file, the strips of its scene are generated on their own characters, and
everything else is left unchanged.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_SOURCE_PACKAGE = "freetalker"  # name of the root package when run from source


def main(argv: Sequence[str]) -> int:
    """Run with the arguments of the command line.

    Args:
        argv: Without the name of the program.

    Returns:
        The exit code.
    """
    from ..core.console import exit_code
    from .headless.options import parse
    from .headless.run import run

    return exit_code(lambda: run(parse(argv)))


def _package() -> str:
    """Return the package of this file: the enabled extension, or the source tree, which is then registered."""
    import bpy

    context: Any = bpy.context
    for name in [addon.module for addon in context.preferences.addons]:
        module = sys.modules.get(name)
        if name.startswith("bl_ext.") and name.endswith(".freetalker"):
            if module is not None and module.__file__ and Path(module.__file__).resolve().parent == _ROOT:
                return name
            importlib.import_module("addon_utils").disable(name)  # another copy registers the same names in Blender
    root = ModuleType(_SOURCE_PACKAGE)
    root.__path__ = [str(_ROOT)]
    sys.modules[_SOURCE_PACKAGE] = root
    _module(_SOURCE_PACKAGE, "addon").register()
    return _SOURCE_PACKAGE


def _module(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")


def _arguments() -> list[str]:
    """Return the arguments after "--" if Blender runs this file, else all arguments."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return sys.argv[1:] if __spec__ is not None else []


def _run_as_script() -> int:
    try:
        package = _package()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {' '.join(str(error).split())} ({where.filename}, line {where.lineno})"
        print(f"The add-on could not be registered: {why}.", file=sys.stderr)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(2)  # Blender's Python package never exits while one of our classes is registered
    try:
        return _module(package, "addon.batch").main(_arguments())
    finally:
        if package == _SOURCE_PACKAGE:  # Blender's Python package never exits while our classes are registered
            _module(package, "addon").unregister()


if __name__ == "__main__":
    sys.exit(_run_as_script())
