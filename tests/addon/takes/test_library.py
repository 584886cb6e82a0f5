# SPDX-License-Identifier: GPL-3.0-or-later
"""A baked action as an asset: its words, its tags, its picture, and the file it is written to."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

from tests.addon import rig_makers
from tests.addon.helpers import wild_motion


@pytest.fixture
def baked(ft: SimpleNamespace, armature: Any) -> Any:
    """A character with three prompts and motion that was baked over the first two."""
    for start, prompt in ((1, "a person walks"), (11, "a person  bows"), (60, "a person jumps")):
        ft.strips.add_text(armature, prompt, start, 10)
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft, 20))
    bpy.ops.freetalker.bake_to_action()
    return armature


def _pixels(action: Any) -> Any:
    preview = action.preview
    values = np.empty(len(preview.image_pixels_float), np.float32)
    preview.image_pixels_float.foreach_get(values)
    return values.reshape(*preview.image_size, 4)


@pytest.fixture
def library(tmp_path: Path) -> Any:
    """An asset library of the user's."""
    folder = tmp_path / "library"
    folder.mkdir()
    bpy.ops.preferences.asset_library_add(directory=str(folder))
    libraries = bpy.context.preferences.filepaths.asset_libraries
    yield folder
    bpy.ops.preferences.asset_library_remove(index=len(libraries) - 1)


def test_an_asset_says_what_it_is_and_shows_it(baked: Any, tmp_path: Path) -> None:
    before = {kind: len(getattr(bpy.data, kind)) for kind in ("scenes", "objects", "cameras", "images", "curves")}
    bpy.context.scene.frame_set(4)
    assert bpy.ops.freetalker.add_to_library(author="A. Nimator", tags="slow, ,old man") == {"FINISHED"}
    images = [image.name for image in bpy.data.images if image.name != "Render Result"]
    assert {**before, "images": 0} == {
        kind: len(images) if kind == "images" else len(getattr(bpy.data, kind)) for kind in before
    }
    assert bpy.context.scene.frame_current == 4
    path = str(tmp_path / "asset.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    (action,) = [action for action in bpy.data.actions if action.asset_data is not None]
    assert action.asset_data.description == "a person walks, then a person bows"
    assert action.asset_data.author == "A. Nimator"
    assert sorted(tag.name for tag in action.asset_data.tags) == ["FreeTalker", "SMPL-X", "old man", "slow"]
    pixels = _pixels(action)
    assert pixels.shape == (256, 256, 4)
    assert 0.02 < (pixels[..., 3] > 0.5).mean() < 0.6
    assert pixels[:, :4, 3].max() == pixels[:4, :, 3].max() == 0.0  # no limb is cut off at the sides or below


def test_a_rig_without_a_mesh_is_shown_by_its_bones(ft: SimpleNamespace) -> None:
    armature = rig_makers.make(ft, "Mixamo", to_world=rig_makers.Y_UP_CENTIMETERS)
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft, 5))
    bpy.ops.freetalker.bake_to_action(push_down=True)
    assert bpy.ops.freetalker.add_to_library(description="mine") == {"FINISHED"}
    (action,) = [action for action in bpy.data.actions if action.asset_data is not None]
    assert action.asset_data.description == "mine"
    assert "Mixamo" in {tag.name for tag in action.asset_data.tags}
    assert 0.003 < (_pixels(action)[..., 3] > 0.5).mean() < 0.5
    assert not bpy.data.curves


def test_a_library_gets_a_file_of_its_own_each_time(baked: Any, library: Path) -> None:
    number = str(len(bpy.context.preferences.filepaths.asset_libraries) - 1)
    for _ in range(2):
        assert bpy.ops.freetalker.add_to_library(library=number) == {"FINISHED"}
    assert sorted(path.name for path in (library / "FreeTalker").iterdir()) == [
        "FreeTalker Baked-2.blend", "FreeTalker Baked.blend",
    ]  # fmt: skip
    assert all(action.asset_data is None for action in bpy.data.actions)
    with bpy.data.libraries.load(str(library / "FreeTalker" / "FreeTalker Baked.blend"), assets_only=True) as (
        there,
        _,
    ):
        assert there.actions == ["FreeTalker Baked"]


def test_a_library_that_is_gone_is_one_sentence(baked: Any, library: Path) -> None:
    number = str(len(bpy.context.preferences.filepaths.asset_libraries) - 1)
    library.rmdir()
    with pytest.raises(RuntimeError, match="does not exist; correct its path"):
        bpy.ops.freetalker.add_to_library(library=number)
    assert all(action.asset_data is None for action in bpy.data.actions)
    library.write_text("a file")
    with pytest.raises(RuntimeError, match="does not exist; correct its path"):
        bpy.ops.freetalker.add_to_library(library=number)


def test_a_folder_that_cannot_be_written_is_one_sentence(baked: Any, library: Path) -> None:
    (library / "FreeTalker").write_text("a file in the way")
    number = str(len(bpy.context.preferences.filepaths.asset_libraries) - 1)
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.freetalker.add_to_library(library=number)
    assert all(action.asset_data is None for action in bpy.data.actions)
    assert [path.name for path in library.iterdir()] == ["FreeTalker"]


def test_without_a_baked_action_the_button_says_so(ft: SimpleNamespace, armature: Any) -> None:
    ft.generated.place(bpy.context.scene, armature, wild_motion(ft, 5))
    assert not bpy.ops.freetalker.add_to_library.poll()
    assert "press Bake to Action" in bpy.types.FREETALKER_OT_add_to_library.disabled_reason(bpy.context)
