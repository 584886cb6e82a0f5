# SPDX-License-Identifier: GPL-3.0-or-later
"""The source tree under the name of the extension, for the other benchmarks."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def source(name: str) -> ModuleType:
    """Return a module of the source tree under the name of the extension."""
    if "freetalker" not in sys.modules:
        root = ModuleType("freetalker")
        root.__path__ = [str(ROOT)]
        sys.modules["freetalker"] = root
    return importlib.import_module(f"freetalker.{name}")
