# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the README, as one table: `make bench`."""

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def figure(script: str, *arguments: str) -> list[str]:
    """The lines `what | value` that a script prints, run in a process of its own."""
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    if done.returncode or not rows:
        return [
            f"| {script} | failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no figure'} |"
        ]
    return rows


def machine() -> str:
    """Processor, cores and Python in one line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Print the table."""
    print(f"{machine()}\n\n| What | Figure |\n|---|---|")
    for script in ("generate_demo.py", "regenerate.py", "takes.py", "write_keys.py", "import_time.py", "zip_size.py"):
        for row in figure(script):
            print(row, flush=True)


if __name__ == "__main__":
    main()
