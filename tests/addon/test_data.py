# SPDX-License-Identifier: GPL-3.0-or-later
"""The typed classes of `addon.data` declare exactly the registered properties, with matching types."""

import types
import typing
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest

GROUPS = {
    "StripData": lambda: bpy.types.Action.bl_rna.properties["freetalker"].fixed_type,
    "CharacterData": lambda: bpy.types.Object.bl_rna.properties["freetalker"].fixed_type,
    "TakeRow": lambda: _row(bpy.types.Object, "freetalker", "takes"),
    "SceneSettings": lambda: bpy.types.Scene.bl_rna.properties["freetalker"].fixed_type,
    "SliderRow": lambda: _row(bpy.types.Scene, "freetalker", "sliders"),
    "RigData": lambda: bpy.types.Object.bl_rna.properties["freetalker_rig"].fixed_type,
    "BoneRow": lambda: _row(bpy.types.Object, "freetalker_rig", "bones"),
}
SCALARS = {"BOOLEAN": bool, "INT": int, "FLOAT": float, "STRING": str}


def _row(owner: Any, group: str, collection: str) -> Any:
    return owner.bl_rna.properties[group].fixed_type.properties[collection].fixed_type


@pytest.fixture
def data(ft: SimpleNamespace, installed: Callable[[str], ModuleType]) -> ModuleType:
    return installed("addon.data")


def _hints(data: ModuleType, cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, {**vars(data), "bpy": bpy})


def _own(rna: Any, *others: str) -> dict[str, Any]:
    return {prop.identifier: prop for prop in rna.properties if prop.identifier not in {"rna_type", "name", *others}}


def _check(data: ModuleType, cls: type, properties: dict[str, Any], groups: dict[str, str]) -> None:
    hints = _hints(data, cls)
    assert hints.keys() == properties.keys()
    for name, prop in properties.items():
        hint = hints[name]
        if prop.type == "ENUM":
            assert set(typing.get_args(hint)) == set(prop.enum_items.keys()), name
        elif prop.type == "POINTER":
            assert hint == getattr(bpy.types, prop.fixed_type.identifier) | None, name
        elif prop.type == "COLLECTION":
            (row,) = typing.get_args(hint)
            assert typing.get_origin(hint) is data.Rows, name
            assert groups[prop.fixed_type.identifier] == row.__name__, name
        else:
            assert hint is SCALARS[prop.type], name


@pytest.mark.parametrize("name", GROUPS)
def test_a_class_declares_what_is_registered(data: ModuleType, name: str) -> None:
    groups = {rna().identifier: cls for cls, rna in GROUPS.items()}
    _check(data, getattr(data, name), _own(GROUPS[name]()), groups)


def test_every_property_group_has_a_class(data: ModuleType) -> None:
    registered = {cls.bl_rna.identifier for cls in bpy.types.PropertyGroup.__subclasses__()}
    ours = {name for name in registered if name.startswith("FREETALKER_PG_")}
    assert ours == {rna().identifier for rna in GROUPS.values()}
    declared = {name for name, value in vars(data).items() if isinstance(value, type) and value.__base__ is object}
    assert GROUPS.keys() <= declared


def test_the_preferences_are_declared_too(data: ModuleType, ft: SimpleNamespace) -> None:
    settings = ft.preferences.get()
    assert settings is not None
    _check(data, data.AddonSettings, _own(settings.bl_rna, "bl_idname", "layout"), {})
    assert callable(settings.activate)


def test_accessors_return_the_registered_groups(data: ModuleType, armature: Any) -> None:
    scene, action = bpy.context.scene, bpy.data.actions.new("Any")
    assert data.scene_settings(scene) == scene.freetalker
    assert data.strip_data(action) == action.freetalker
    assert data.character_data(armature) == armature.freetalker
    assert data.rig_data(armature) == armature.freetalker_rig
    assert data.armature_data(armature) == armature.data
    assert isinstance(data.Rows, types.GenericAlias | type)
