# SPDX-License-Identifier: GPL-3.0-or-later
"""Every label can be translated, and German is whole."""

import string
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.addon import messages

ROOT = Path(__file__).resolve().parents[3]


def _fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def test_no_words_are_put_together_out_of_reach_of_a_dictionary() -> None:
    _, wrong = messages.of_code(ROOT)
    assert not wrong, "use tr('... {name}').format(name=...): " + "; ".join(wrong)


def test_german_is_whole(ft: SimpleNamespace, installed: Callable[[str], ModuleType]) -> None:
    german = installed("addon.translations.german").MESSAGES
    devices = {word for _, *words in installed("addon.ui.operators.runtime")._DEVICES.values() for word in words}
    preferences = installed("addon.ui.preferences").FREETALKER_AP_preferences.bl_rna
    wanted = messages.of_classes(preferences) | messages.of_code(ROOT)[0] | devices
    assert len(wanted) > 150
    lacking = sorted(wanted - german.keys())
    assert not lacking, "addon/translations/german.py lacks:\n" + "\n".join(f"    {text!r}: ''," for text in lacking)


def test_translations_take_the_same_values_and_end_alike(installed: Callable[[str], ModuleType]) -> None:
    for message, text in installed("addon.translations.german").MESSAGES.items():
        assert text.strip() == text, message
        assert text, message
        if "{" in message:
            assert _fields(message) == _fields(text), message
        assert message.endswith(".") == text.endswith("."), message


def test_labels_are_found_in_both_contexts(installed: Callable[[str], ModuleType]) -> None:
    """Blender looks for an operator's label among those of operators, for others among all."""
    table = installed("addon.translations").table()
    assert table["de_DE"]["*", "Character"] == table["de_DE"]["Operator", "Character"] == "Figur"


def test_a_reason_is_given_in_the_language_of_the_interface(
    ft: SimpleNamespace, installed: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    import bpy

    base = installed("addon.ui.operators.base")
    german = installed("addon.translations.german").MESSAGES
    monkeypatch.setattr(base, "tr", lambda message: german.get(message, message))
    with pytest.raises(RuntimeError, match="Es läuft nichts"):
        bpy.ops.freetalker.cancel()
