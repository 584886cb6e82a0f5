# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress output and exit codes, shared by all command lines."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from .errors import InputError

_RUNTIME = ("torch", "transformers", "tokenizers", "safetensors", "librosa", "soundfile", "scipy")

_LINE_INTERVAL = 5.0  # seconds, in a file or pipe
_UPDATE_INTERVAL = 0.2  # seconds, on a terminal


class Progress:
    """Prints the number of completed steps and the remaining seconds; can be passed as an `on_step` callback.

    On a terminal one line is updated; in a file or pipe a line is added every few seconds.
    """

    def __init__(self, label: str, out: TextIO | None = None) -> None:
        """Start the clock.

        Args:
            label: printed before the numbers.
            out: stream to print to; by default the current sys.stdout.
        """
        self._label, self._out = label, out
        self._start = self._shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report that done of total steps are completed."""
        out, now = self._out or sys.stdout, time.monotonic()
        terminal = out.isatty()
        last = done >= total
        if done == 0 or (not last and now - self._shown < (_UPDATE_INTERVAL if terminal else _LINE_INTERVAL)):
            return
        self._shown = now
        spent = now - self._start
        line = f"{self._label}: {done}/{total}, "
        line += f"{spent:.1f} s" if last else f"{spent / done * (total - done):.0f} s left"
        end = "\n" if last or not terminal else ""
        print(f"\r{line:<60}" if terminal else line, end=end, file=out, flush=True)


def exit_code(run: Callable[[], int | None]) -> int:
    """Run a command, and print errors that the user can fix to stderr as one sentence.

    Returns:
        The command's exit code or 0; 2 for an `InputError` or a missing package, 130 if interrupted.
    """
    try:
        return run() or 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _RUNTIME:
            raise
        print(f"The package {name!r} is not installed; install the runtime, see docs/setup.md.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
