# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of a newer version of the add-on is told, and keeps all that this version does not know."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest


def _stored(block: Any) -> Any:
    """The data of ours on a data-block as Blender stores it."""
    if hasattr(block, "bl_system_properties_get"):  # Blender 5.0 on
        return block.bl_system_properties_get(do_create=True)["freetalker"]
    return block["freetalker"]


def _round_trip(path: Path) -> Any:
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return bpy.context.scene


def test_files_say_who_saved_them(ft: SimpleNamespace, installed: Any, armature: Any, tmp_path: Path) -> None:
    versions = installed("addon.setup.versions")
    ft.strips.add_text(armature, "a person bows", 1, 40)
    assert bpy.context.scene.freetalker.saved_by == ""
    scene = _round_trip(tmp_path / "ours.blend")
    assert scene.freetalker.saved_by == versions.current()
    assert versions.notice(scene) == ""


def test_a_file_without_strips_is_not_marked(ft: SimpleNamespace, tmp_path: Path) -> None:
    assert _round_trip(tmp_path / "foreign.blend").freetalker.saved_by == ""


@pytest.mark.parametrize(("saved_by", "newer"), [("99.0.0", True), ("0.0.9", False), ("", False), ("odd", False)])
def test_a_newer_version_is_told(
    ft: SimpleNamespace, installed: Callable[[str], ModuleType], saved_by: str, newer: bool
) -> None:
    bpy.context.scene.freetalker.saved_by = saved_by
    said = installed("addon.setup.versions").notice(bpy.context.scene)
    assert (saved_by in said and "kept" in said) if newer else said == ""


def test_what_a_newer_version_wrote_survives_editing_here(ft: SimpleNamespace, armature: Any, tmp_path: Path) -> None:
    for number in range(2):
        ft.strips.add_text(armature, f"a person bows {number}", 1 + 50 * number, 40)
    scene = bpy.context.scene
    scene.freetalker.saved_by = "99.0.0"
    known, strange = (one.strip.action for one in ft.strips.find_strips(armature, "TEXT"))
    _stored(known)["of_the_future"] = 7
    _stored(strange)["kind"] = 42
    _stored(scene)["of_the_future"] = "kept"
    scene = _round_trip(tmp_path / "newer.blend")
    armature = scene.freetalker.character
    (one,) = ft.strips.find_strips(armature, "TEXT")
    one.data.prompt = "a person jumps"
    ft.strips.add_text(armature, "a person waves", 200, 40)
    bpy.ops.freetalker.remove_strip(strip=ft.strips.find_strips(armature, "TEXT")[1].key)
    scene = _round_trip(tmp_path / "again.blend")
    assert scene.freetalker.saved_by == "99.0.0"
    assert _stored(scene)["of_the_future"] == "kept"
    track = scene.freetalker.character.animation_data.nla_tracks[0]
    known, strange = (strip.action for strip in track.strips)
    assert known.freetalker.prompt == "a person jumps"
    assert _stored(known)["of_the_future"] == 7
    assert _stored(strange)["kind"] == 42
    assert _stored(strange)["prompt"] == "a person bows 1"
