# SPDX-License-Identifier: GPL-3.0-or-later
"""What the computer has, judging by files alone."""

import os
import sys
from pathlib import Path


def has_nvidia() -> bool:
    """Whether an NVIDIA driver is installed."""
    system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvcuda.dll")
    return Path("/proc/driver/nvidia/version").is_file() or system.is_file()


def may_have_gpu() -> bool:
    """Whether torch may find a GPU: by an NVIDIA driver, or on a Mac."""
    return sys.platform == "darwin" or has_nvidia()
