# SPDX-License-Identifier: GPL-3.0-or-later
"""How command lines report progress and how they end."""

import io

import pytest

from core.console import Progress, exit_code
from core.errors import InputError


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_a_file_gets_few_lines() -> None:
    out = io.StringIO()
    progress = Progress("Rendering", out)
    for done in range(1001):
        progress(done, 1000)
    lines = out.getvalue().splitlines()
    assert lines[-1].startswith("Rendering: 1000/1000, ")
    assert lines[-1].endswith(" s")
    assert len(lines) < 5


def test_a_terminal_gets_one_line_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    out = Terminal()
    progress = Progress("Generating", out)
    for done in range(4):
        progress(done, 3)
    shown = out.getvalue().split("\r")
    assert [part.rstrip() for part in shown[1:]] == [
        "Generating: 1/3, 4 s left",
        "Generating: 2/3, 2 s left",
        "Generating: 3/3, 4.0 s",
    ]
    assert out.getvalue().count("\n") == 1


def _missing(name: str) -> None:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _refuse() -> None:
    raise InputError("The file is empty: choose another.")


def test_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(lambda: None) == 0
    assert exit_code(lambda: 1) == 1
    assert exit_code(_refuse) == 2
    assert capsys.readouterr().err == "The file is empty: choose another.\n"
    assert exit_code(lambda: _missing("torch.nn")) == 2
    assert "'torch' is not installed" in capsys.readouterr().err
    with pytest.raises(ModuleNotFoundError):
        exit_code(lambda: _missing("core.nowhere"))
