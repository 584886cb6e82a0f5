# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds that the add-on adds to the start of Blender: import and register, without torch.

As at every start but the first, when Python compiles it, which takes a tenth of a second more.
"""

import compileall
import sys
import time
from pathlib import Path
from types import ModuleType

import bpy  # noqa: F401 - Blender is loaded before an add-on is
import numpy as np  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Time the first import and registration."""
    for folder in ("addon", "core"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    root = ModuleType("freetalker")
    root.__path__ = [str(ROOT)]
    sys.modules["freetalker"] = root
    start = time.perf_counter()
    from freetalker import addon

    addon.register()
    seconds = time.perf_counter() - start
    torch = "torch" in sys.modules
    addon.unregister()
    print(f"| Import and register the add-on{' (imports torch!)' if torch else ', no torch'} | {seconds:.3f} s |")


if __name__ == "__main__":
    main()
