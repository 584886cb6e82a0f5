# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing helpers of panels, menus and operators."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy

from ..setup.preflight import Check
from ..translations import tr

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems as Icon
else:
    Icon = str


class PanelPart:
    """Base of panel mix-ins, from which the panels of both editors are created."""

    if TYPE_CHECKING:
        layout: bpy.types.UILayout


def layout_of(owner: bpy.types.Menu | bpy.types.Operator | bpy.types.AddonPreferences) -> bpy.types.UILayout:
    """Return the layout of a menu, operator or preferences inside its draw method, where it is always set."""
    layout = owner.layout
    assert layout is not None
    return layout


def set_properties(button: bpy.types.OperatorProperties, **values: Any) -> None:
    """Set the properties with which the button of an operator calls it."""
    for name, value in values.items():
        setattr(button, name, value)


def draw_checks(layout: bpy.types.UILayout, checks: Sequence[Check], width: int) -> None:
    """Draw checks, each with the button that fixes it.

    Args:
        layout: Where to draw.
        checks: The results to show.
        width: Characters per line.
    """
    icons: dict[str, Icon] = {"OK": "CHECKMARK", "WARNING": "ERROR", "MISSING": "X"}
    column = layout.column(align=True)
    last = {check.fix: check.name for check in checks}  # one button for all checks with the same fix
    for check in checks:
        found = f"{tr(check.name)}: {check.found}"
        draw_lines(column, found, icons[check.state], width)
        if check.fix and last[check.fix] == check.name:
            row = column.row()
            row.label(text="", icon="BLANK1")
            row.operator(check.fix, text=check.button)


def draw_lines(layout: bpy.types.UILayout, text: str, icon: Icon, width: int = 36) -> None:
    """Translate a sentence and draw it with line breaks.

    Args:
        layout: Where to draw.
        text: The untranslated sentence.
        icon: In front of the first line.
        width: Characters per line; the default fits the sidebar.
    """
    column = layout.column(align=True)
    line = ""
    for word in tr(text).split():
        if line and len(line) + len(word) >= width:
            column.label(text=line, icon=icon, translate=False)
            line, icon = word, "BLANK1"
        else:
            line = f"{line} {word}".strip()
    column.label(text=line, icon=icon, translate=False)
