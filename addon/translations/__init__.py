# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in other languages. Blender itself translates labels and tooltips; `tr` is for what we put together."""

from typing import Any

import bpy

from . import german

_LANGUAGES = {"de_DE": german.MESSAGES}
_NAME = __name__
_blender: Any = bpy.app.translations  # whose stubs know neither contexts nor that it always answers


def tr(message: str) -> str:
    """The message in the language of Blender's interface, to be filled in by `format`."""
    return _blender.pgettext_iface(message)


def table() -> dict[str, dict[tuple[str, str], str]]:
    """What Blender asks for, by language: (context, message) to translation; operators' labels have a context."""
    return {
        language: {(context, message): text for message, text in messages.items() for context in ("*", "Operator")}
        for language, messages in _LANGUAGES.items()
    }


def register() -> None:
    _blender.register(_NAME, table())


def unregister() -> None:
    _blender.unregister(_NAME)
