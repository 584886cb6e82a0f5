# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of the extension's zip, with and without the sentence encoder."""

import tempfile
from pathlib import Path

from build_addon import build


def main() -> None:
    """Build both in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = [build(Path(folder), encoder).stat().st_size / 2**20 for encoder in (True, False)]
    print(f"| Size of the zip (without the sentence encoder) | {sizes[0]:.1f} MiB ({sizes[1]:.1f} MiB) |")


if __name__ == "__main__":
    main()
