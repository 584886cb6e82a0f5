# SPDX-License-Identifier: GPL-3.0-or-later
"""The source tree under the name of the extension, for benchmarks that run beside this file."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def source(name: str) -> ModuleType:
    """A module of the source tree, as the extension would name it."""
    if "freetalker" not in sys.modules:
        root = ModuleType("freetalker")
        root.__path__ = [str(ROOT)]
        sys.modules["freetalker"] = root
    return importlib.import_module(f"freetalker.{name}")
