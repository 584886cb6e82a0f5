# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command lines share: a line of progress, and how they end."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from .errors import InputError

_RUNTIME = ("torch", "transformers", "tokenizers", "safetensors", "librosa", "soundfile", "scipy")

_BETWEEN_LINES = 5.0  # seconds, where the output is a file or a pipe
_BETWEEN_UPDATES = 0.2  # seconds, on a terminal


class Progress:
    """Counts steps on the console and says how many seconds remain.

    On a terminal one line is rewritten; elsewhere a line is added now and then.
    """

    def __init__(self, label: str, out: TextIO | None = None) -> None:
        self._label, self._given = label, out
        self._start = self._shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Say that `done` of `total` steps are through."""
        out, now = self._given or sys.stdout, time.monotonic()
        terminal = out.isatty()
        last = done >= total
        if done == 0 or (not last and now - self._shown < (_BETWEEN_UPDATES if terminal else _BETWEEN_LINES)):
            return
        self._shown = now
        spent = now - self._start
        line = f"{self._label}: {done}/{total}, "
        line += f"{spent:.1f} s" if last else f"{spent / done * (total - done):.0f} s left"
        end = "\n" if last or not terminal else ""
        print(f"\r{line:<60}" if terminal else line, end=end, file=out, flush=True)


def exit_code(run: Callable[[], int | None]) -> int:
    """Run a command: 0, 2 with one sentence on stderr for what the user can mend, 130 where it was interrupted."""
    try:
        return run() or 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _RUNTIME:
            raise
        print(f"The package {name!r} is not installed: generation needs the runtime, see the README.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
