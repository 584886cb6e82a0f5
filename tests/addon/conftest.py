# SPDX-License-Identifier: GPL-3.0-or-later
"""A character in an empty scene, a recording, and motion to put on it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.addon.helpers import write_wave

bpy = pytest.importorskip("bpy", reason="these tests need Blender's Python (the bpy package)")

MODULES = (
    "addon.compat", "addon.job", "addon.units",
    "addon.character.active", "addon.character.figure", "addon.character.smplx_body",
    "addon.generation.memory", "addon.generation.orders", "addon.generation.session", "addon.generation.stretches",
    "addon.generation.worker",
    "addon.rigs.maps", "addon.rigs.recognize", "addon.rigs.retarget",
    "addon.setup.models", "addon.setup.preferences", "addon.setup.runtime",
    "addon.takes.bake", "addon.takes.export", "addon.takes.generated", "addon.takes.library", "addon.takes.reduction",
    "addon.takes.storage",
    "addon.timeline.convert", "addon.timeline.guidance", "addon.timeline.names", "addon.timeline.sequencer",
    "addon.timeline.sounds", "addon.timeline.storyboard", "addon.timeline.strips",
    "addon.ui.overlay", "addon.ui.preview",
    "core.errors", "core.formats.bvh",
    "core.motion.clip", "core.motion.metrics", "core.motion.rotation", "core.motion.skeleton",
    "core.planning.segments", "core.postprocess.clean", "core.timeline.files",
)  # fmt: skip


@pytest.fixture
def ft(scene: Any, installed: Callable[[str], ModuleType]) -> Iterator[SimpleNamespace]:
    """The installed extension's modules by their last name, in an empty scene; no job is left running."""
    modules = SimpleNamespace(**{name.rpartition(".")[2]: installed(name) for name in MODULES})
    modules.timeline = installed("core.timeline.strips")  # beside the add-on's own strips
    modules.rig = installed("addon.rigs.armature")
    modules.session._state.message = modules.session._state.unplaced = None
    yield modules
    modules.job.abandon(5.0)


@pytest.fixture
def armature(ft: SimpleNamespace) -> Any:
    """A character, active and selected."""
    assert bpy.ops.freetalker.add_character() == {"FINISHED"}
    return bpy.context.object


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """A recording of 2 seconds."""
    return write_wave(tmp_path / "speech.wav", 2.0)


@pytest.fixture(scope="session")
def rigify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with Rigify's human metarig, and the rig that Rigify generates from it; by a Blender of its own, for
    Rigify leaves much behind."""
    path = tmp_path_factory.mktemp("rigify") / "rigify.blend"
    subprocess.run([sys.executable, "-c", _GENERATE_RIGIFY, str(path)], check=True, stdout=subprocess.DEVNULL)
    return path


_GENERATE_RIGIFY = """
import os, sys, traceback
import bpy
import addon_utils
failed = 1
try:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    (rig,) = (one for one in bpy.data.objects if one.type == "ARMATURE" and one != metarig)
    metarig.name, rig.name = "metarig", "rig"
    bpy.data.libraries.write(sys.argv[1], {metarig, rig}, fake_user=True)
    failed = 0
except Exception:
    traceback.print_exc()
sys.stdout.flush()
os._exit(failed)  # Blender's Python never ends while Rigify's classes are registered
"""
