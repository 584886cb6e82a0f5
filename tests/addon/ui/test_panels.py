# SPDX-License-Identifier: GPL-3.0-or-later
"""Every panel draws in every state; what it shows exists."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.addon.helpers import wild_motion


class Layout:
    """Stands in for a UILayout: takes what a panel draws, and looks whether this Blender has it."""

    def __init__(self, shown: list[str] | None = None) -> None:
        self.shown: list[str] = [] if shown is None else shown

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in bpy.types.UILayout.bl_rna.functions:
            raise AttributeError(name)
        return lambda *arguments, **options: self._draw(name, arguments, options)

    def _draw(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        known = bpy.types.UILayout.bl_rna.functions[name].parameters
        assert not set(options) - set(known.keys()), f"{name} takes no {options}"
        if "icon" in options:
            assert options["icon"] in known["icon"].enum_items
        if name in {"prop", "textbox"}:
            data, identifier = arguments
            assert identifier in data.bl_rna.properties
            self.shown.append(f"prop {identifier}")
        elif name == "operator":
            group, _, verb = arguments[0].partition(".")
            properties = getattr(getattr(bpy.ops, group), verb).get_rna_type().properties  # raises where there is none
            self.shown.append(f"operator {arguments[0]}")
            return SimpleNamespace(**dict.fromkeys(properties.keys()))
        elif name == "progress":
            assert 0.0 <= options["factor"] <= 1.0
            self.shown.append(f"progress {options['text']}")
        elif name == "label":
            self.shown.append(options["text"])
        elif name == "template_list":
            self._draw_list(*arguments)
        return Layout(self.shown)

    def _draw_list(self, kind: str, list_id: str, data: Any, identifier: str, owner: Any, active: str) -> None:
        """All rows of a list, for there is no window to be out of sight of."""
        assert active in owner.bl_rna.properties
        drawn, shown = getattr(bpy.types, kind), SimpleNamespace(list_id=list_id)
        for index, item in enumerate(getattr(data, identifier)):
            row = (shown, bpy.context, Layout(self.shown), data, item, 0, owner, active, index, 0)
            drawn.draw_item(*row[: drawn.draw_item.__code__.co_argcount])


@pytest.fixture
def draw(installed: Callable[[str], ModuleType]) -> Callable[[str], list[str]]:
    """Draws all panels of a kind of editor; returns what they showed."""
    sidebar = installed("addon.ui.sidebar")

    def draw(space: str = "VIEW_3D") -> list[str]:
        shown: list[str] = []
        for panel in sidebar.CLASSES:
            if panel.bl_space_type == space and (not hasattr(panel, "poll") or panel.poll(bpy.context)):
                panel.draw(SimpleNamespace(layout=Layout(shown)), bpy.context)
        return shown

    return draw


def _noted(ft: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(ft.runtime, "missing", lambda: names)


@pytest.mark.parametrize("space", ["VIEW_3D", "NLA_EDITOR"])
def test_with_everything(
    ft: SimpleNamespace, draw: Any, armature: Any, speech: Path, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _noted(ft, monkeypatch)
    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    bpy.ops.freetalker.add_text_strip(prompt="a person bows")
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech))
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft))
    shown = draw(space)
    assert "operator freetalker.generate" in shown
    assert "operator freetalker.bake_to_action" in shown
    assert shown.count("prop prompt") == 1 + 2  # at the playhead, and in the list
    assert shown.count("prop sound") == 1 + 1
    assert "operator freetalker.install_runtime" not in shown


def test_the_list_finds_its_strips_again(ft: SimpleNamespace, draw: Any, armature: Any, monkeypatch: Any) -> None:
    """The buttons of the rows carry keys that the operators understand."""
    _noted(ft, monkeypatch)
    for number in range(3):
        bpy.ops.freetalker.add_text_strip(prompt=f"a person waves {number}")
    keys: list[str] = []

    class Row(Layout):
        def _draw(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
            said = super()._draw(name, arguments, options)
            return (
                Key()
                if name == "operator" and arguments[0] == "freetalker.remove_strip"
                else Row(self.shown)
                if (isinstance(said, Layout))
                else said
            )

    class Key:
        def __setattr__(self, name: str, value: str) -> None:
            keys.append(value)

    track = armature.animation_data.nla_tracks[0]
    shown = SimpleNamespace(list_id="0")
    for index, strip in enumerate(track.strips):
        bpy.types.FREETALKER_UL_strips.draw_item(shown, bpy.context, Row(), track, strip, 0, None, "", index)
    assert keys == [one.key for one in ft.strips.find_strips(armature, "TEXT")]


def test_the_active_strip_in_the_nla_editor(
    ft: SimpleNamespace, installed: Any, armature: Any, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidebar = installed("addon.ui.sidebar")
    (panel,) = [panel for panel in sidebar.CLASSES if panel.bl_label == "Active Strip"]
    assert panel.bl_space_type == "NLA_EDITOR"

    def drawn(active: Any, *selected: Any) -> list[str]:
        shown: list[str] = []
        context = SimpleNamespace(
            active_nla_strip=active, selected_nla_strips=list(selected), scene=bpy.context.scene, object=armature
        )
        if panel.poll(context):
            panel.draw(SimpleNamespace(layout=Layout(shown)), context)
        return shown

    bpy.ops.freetalker.add_text_strip(prompt="a person waves")
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech))
    text, spoken = (ft.strips.find_strips(armature, kind)[0].strip for kind in ("TEXT", "SPEECH"))
    fields = {"prop prompt", "prop guidance", "prop guidance_keys", "prop seed"}
    assert fields <= set(drawn(text))
    assert fields <= set(drawn(None, text))
    assert {"prop sound", "prop seed"} <= set(drawn(spoken, text, spoken))
    assert drawn(None, text, spoken) == drawn(None) == []
    armature.animation_data.nla_tracks.new().strips.new("again", 1, text.action)
    assert "operator freetalker.make_single" in drawn(text)
    ordinary = armature.animation_data.nla_tracks.new().strips.new("ordinary", 1, bpy.data.actions.new("ordinary"))
    assert drawn(ordinary) == []


def test_in_an_empty_scene(ft: SimpleNamespace, draw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _noted(ft, monkeypatch)
    shown = draw()
    assert "operator freetalker.add_character" in shown
    assert any("no character" in line for line in shown)


def test_setup_only_while_something_is_missing(ft: SimpleNamespace, draw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _noted(ft, monkeypatch, "torch")
    assert "operator freetalker.install_runtime" not in draw()  # nothing needs it
    monkeypatch.setattr(ft.preferences, "device", lambda: "cuda")
    assert "operator freetalker.install_runtime" in draw()
    _noted(ft, monkeypatch)
    assert "operator freetalker.install_runtime" not in draw()


def test_a_non_commercial_licence_is_shown_with_its_consent(
    ft: SimpleNamespace, installed: Any, draw: Any, armature: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _noted(ft, monkeypatch)
    assert "prop non_commercial" not in draw()
    models = installed("addon.setup.models")
    monkeypatch.setattr(models, "inspect", lambda name: models.Model("", "CC-BY-NC-4.0"))
    shown = draw()
    assert "non-commercial use only" in " ".join(shown)
    assert shown.index("prop non_commercial") < shown.index("operator freetalker.generate")


def test_while_a_job_runs(ft: SimpleNamespace, draw: Any, armature: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _noted(ft, monkeypatch)

    def work(_: Any, cancelled: Callable[[], bool]) -> None:
        while not cancelled():
            pass

    ft.job.start("Generate", work, lambda outcome: None)
    shown = draw()
    assert "progress Generate" in shown
    assert "operator freetalker.cancel" in shown
    assert "operator freetalker.generate" not in shown
    ft.job.abandon(5.0)


def test_says_how_it_ended(ft: SimpleNamespace, draw: Any, armature: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _noted(ft, monkeypatch)
    said = "The sound file 'a.wav' does not exist: choose another"
    ft.session._state.message = ft.session.Message("ERROR", said)
    ft.session._state.unplaced = ft.orders.Result(wild_motion(ft), None)
    shown = draw()
    assert "The sound file 'a.wav' does not" in " ".join(shown)
    assert "operator freetalker.place_result" in shown


def test_names_what_hides_the_result(
    ft: SimpleNamespace, draw: Any, armature: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _noted(ft, monkeypatch)
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft))
    armature.animation_data.nla_tracks[0].mute = True
    assert "unmute" in " ".join(draw())


def test_preferences_and_menus_draw(ft: SimpleNamespace, installed: Callable[[str], ModuleType]) -> None:
    layout = Layout()
    preferences = installed("addon.ui.preferences").FREETALKER_AP_preferences
    fields = {"bl_rna": preferences.bl_rna, "environment_error": "No such folder"}
    preferences.draw(SimpleNamespace(layout=layout, **fields), bpy.context)
    menus = installed("addon.ui.menus")
    for entry in (*(entry for _, entry in menus._ENTRIES), menus.FREETALKER_MT_strips.draw):
        entry(SimpleNamespace(layout=layout), bpy.context)
    expected = {"prop model", "prop device", "prop keep_minutes", "prop environment", "No such folder"}
    expected |= {"operator freetalker.example_scene"}
    verbs = ("add_character", "add_text_strip", "add_speech_strip", "import_storyboard", "export_storyboard")
    expected |= {f"operator freetalker.{verb}" for verb in verbs}
    assert expected <= set(layout.shown)


def test_every_greyed_button_says_why(installed: Callable[[str], ModuleType]) -> None:
    """All our operators take the poll that sets a message; none has one of its own."""
    explained = installed("addon.ui.operators.base").Explained
    names = [name for name in dir(bpy.types) if name.startswith("FREETALKER_OT_")]
    assert len(names) > 15
    for name in names:
        kind = getattr(bpy.types, name)
        assert issubclass(kind, explained), name
        assert "poll" not in vars(kind), name


def test_every_operator_and_property_explains_itself(ft: SimpleNamespace) -> None:
    for name in dir(bpy.ops.freetalker):
        kind = getattr(bpy.ops.freetalker, name).get_rna_type()
        assert kind.description, name
        assert not kind.description.endswith("."), name
    for owner in (bpy.types.Scene, bpy.types.Action):
        for prop in owner.bl_rna.properties["freetalker"].fixed_type.properties:
            assert prop.identifier in {"rna_type", "name", "kind"} or prop.description, prop.identifier
