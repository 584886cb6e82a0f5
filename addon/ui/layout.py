# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and checks as panels draw them."""

from typing import Any

from ..translations import tr


def draw_checks(layout: Any, checks: Any, width: int) -> None:
    """The checks, one a line, each with the button that mends it."""
    icons = {"OK": "CHECKMARK", "WARNING": "ERROR", "MISSING": "X"}
    column = layout.column(align=True)
    last = {check.fix: check.name for check in checks}  # one button for those that the same one mends
    for check in checks:
        found = f"{tr(check.name)}: {check.found}"
        draw_lines(column, found, icons[check.state], width)
        if check.fix and last[check.fix] == check.name:
            row = column.row()
            row.label(text="", icon="BLANK1")
            row.operator(check.fix, text=check.button)


def draw_lines(layout: Any, text: str, icon: str, width: int = 36) -> None:
    """A sentence in the interface's language, broken into lines that fit the sidebar."""
    column = layout.column(align=True)
    line = ""
    for word in tr(text).split():
        if line and len(line) + len(word) >= width:
            column.label(text=line, icon=icon, translate=False)
            line, icon = word, "BLANK1"
        else:
            line = f"{line} {word}".strip()
    column.label(text=line, icon=icon, translate=False)
