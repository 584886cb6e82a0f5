# SPDX-License-Identifier: GPL-3.0-or-later
"""Translations of the interface: Blender translates labels and tooltips by itself, `tr` translates all other texts."""

from typing import Any

import bpy

from . import german

_LANGUAGES = {"de_DE": german.MESSAGES}
_NAME = __name__
_blender: Any = bpy.app.translations  # its stubs lack contexts, and return types that are always set


def tr(message: str) -> str:
    """Translate a message to the language of Blender's interface, before its placeholders are filled in."""
    return _blender.pgettext_iface(message)


def table() -> dict[str, dict[tuple[str, str], str]]:
    """Return language -> {(context, message): translation}; labels of operators have a context of their own."""
    return {
        language: {(context, message): text for message, text in messages.items() for context in ("*", "Operator")}
        for language, messages in _LANGUAGES.items()
    }


def register() -> None:
    """Register the translations with Blender."""
    _blender.register(_NAME, table())


def unregister() -> None:
    """Unregister the translations."""
    _blender.unregister(_NAME)
