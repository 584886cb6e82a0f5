# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of docs/benchmarks.md as one table: `make bench`."""

import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def figure(benchmark: str) -> list[str]:
    """Return the table rows that a benchmark prints, run in a process of its own."""
    command = [sys.executable, "-m", f"benchmarks.{benchmark}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    if done.returncode or not rows:
        return [
            f"| {benchmark} | failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no figure'} |"
        ]
    return rows


def machine() -> str:
    """Return processor, cores, system and Python version."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Print the table."""
    print(f"{machine()}\n\n| What | Figure |\n|---|---|")
    for benchmark in ("generate_demo", "regenerate", "takes", "write_keys", "import_time", "zip_size"):
        for row in figure(benchmark):
            print(row, flush=True)


if __name__ == "__main__":
    main()
