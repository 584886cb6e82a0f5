# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what generation needs, each with what mends it; models that are broken or not free; the example."""

import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest


@pytest.fixture
def checks(installed: Callable[[str], ModuleType], ft: SimpleNamespace) -> Callable[[], dict[str, Any]]:
    """The checks of the open scene by name."""
    preflight = installed("addon.setup.preflight")
    preflight.set_device(None)
    return lambda: {check.name: check for check in preflight.checks(bpy.context.scene)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder as it looks from outside: a configuration and two files of the right form."""
    path = tmp_path / "model"
    path.mkdir()
    config = {"denoiser": {"width": 8}, "license": "GPL-3.0-or-later", "text_encoder": "all-MiniLM-L6-v2"}
    (path / "config.json").write_text(json.dumps(config))
    header = json.dumps({"a": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}}).encode()
    for name in ("weights", "normalizer"):
        (path / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    return path


def _with_everything(ft: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ft.runtime, "missing", lambda: ())


def test_every_line_is_there_and_what_is_missing_has_a_fix(checks: Any, ft: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(ft.runtime, "missing", lambda: ("torch", "librosa", ft.runtime.ENCODER))
    monkeypatch.setattr(ft.preferences, "device", lambda: "cuda")
    found = checks()
    assert list(found) == [
        "Python", "PyTorch", "Other Packages", "Device", "Free Memory", "Weights", "Text Encoder"
    ]  # fmt: skip
    assert {name for name, check in found.items() if check.state == "MISSING"} == {
        "PyTorch", "Other Packages", "Text Encoder"
    }  # fmt: skip
    assert all(check.fix and check.button for check in found.values() if check.state == "MISSING")
    assert "librosa" in found["Other Packages"].found
    _with_everything(ft, monkeypatch)
    assert not [check for check in checks().values() if check.state == "MISSING"]


def test_without_a_runtime_the_included_models_need_nothing(
    checks: Any, ft: Any, armature: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ft.runtime, "missing", lambda: ("torch", "transformers", "safetensors", "librosa", "soundfile"))
    monkeypatch.setattr(ft.runtime, "packages", lambda: ())
    found = checks()
    assert not [check for check in found.values() if check.state == "MISSING"]
    assert "only needed for a graphics card" in found["PyTorch"].found
    assert (found["Other Packages"].found, found["Device"].found) == ("none needed", "CPU")
    assert ft.models.disabled_reason(bpy.context.scene) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"text_encoder": "openai/clip-vit-base-patch32"},
        {"speech_blocks": ["mfcc", "wavlm"]},
        {"denoiser": {"local_attention": True}},
    ],
)
def test_a_model_that_needs_torch_says_so(
    checks: Any, ft: Any, folder: Path, changes: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr(ft.runtime, "missing", lambda: ("torch",))
    bpy.context.scene.freetalker.model = str(folder)
    assert checks()["PyTorch"].state == "OK"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    assert checks()["PyTorch"].state == "MISSING"
    assert "torch" in ft.models.disabled_reason(bpy.context.scene)


def test_a_python_without_a_runtime(checks: Any, ft: Any, installed: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(installed("addon.setup.installer"), "devices", lambda: ())
    monkeypatch.setattr(ft.runtime, "missing", lambda: ("torch",))
    assert checks()["Python"].state == "OK"  # the included models need no runtime
    monkeypatch.setattr(ft.preferences, "device", lambda: "mps")
    check = checks()["Python"]
    assert (check.state, check.fix) == ("MISSING", "freetalker.show_preferences")
    _with_everything(ft, monkeypatch)  # an environment of one's own has all
    assert checks()["Python"].state == "OK"


def test_the_device_is_what_torch_answered(checks: Any, ft: Any, installed: Any, monkeypatch: Any) -> None:
    preflight, settings = installed("addon.setup.preflight"), ft.preferences.get()
    _with_everything(ft, monkeypatch)
    assert checks()["Device"].fix == "freetalker.check_device"
    preflight.set_device(preflight.Device("cuda", "Some Card", 7.25))
    assert checks()["Device"].found == "CUDA: Some Card, 7.2 GiB free"
    settings.device = "mps"  # which forgets the answer
    assert checks()["Device"].fix == "freetalker.check_device"
    preflight.set_device(preflight.Device("cpu", "2 threads"))
    assert checks()["Device"].state == "MISSING"
    assert bpy.ops.freetalker.use_auto_device() == {"FINISHED"}
    assert settings.device == "auto"
    assert checks()["Device"].state == "OK"


def test_little_memory_is_a_warning(checks: Any, installed: Any, monkeypatch: Any) -> None:
    preflight = installed("addon.setup.preflight")
    monkeypatch.setattr(preflight, "free_memory", lambda: 0.5)
    assert (checks()["Free Memory"].state, checks()["Free Memory"].fix) == ("WARNING", "freetalker.unload_model")
    monkeypatch.setattr(preflight, "free_memory", lambda: None)
    assert checks()["Free Memory"].state == "OK"


def test_a_whole_model_folder(checks: Any, folder: Path) -> None:
    bpy.context.scene.freetalker.model = str(folder)
    assert checks()["Weights"].state == "OK"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("breaks", "sentence"),
    [
        (shutil.rmtree, "There is no model"),
        (lambda folder: (folder / "config.json").unlink(), "it is from another program"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), "from another program"),
        (lambda folder: (folder / "weights.safetensors").unlink(), r"weights\.safetensors' is missing"),
        (lambda folder: _cut(folder / "weights.safetensors"), r"weights\.safetensors' is incomplete"),
        (
            lambda folder: (folder / "normalizer.safetensors").write_bytes(b"PK"),
            r"normalizer\.safetensors' is incomplete",
        ),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0[]"), "incomplete or damaged"),
    ],
)
def test_a_broken_model_folder_is_told_before_it_is_used(
    checks: Any, ft: Any, folder: Path, breaks: Any, sentence: str, monkeypatch: Any
) -> None:
    _with_everything(ft, monkeypatch)
    bpy.context.scene.freetalker.model = str(folder)
    assert checks()["Weights"].state == "OK"
    breaks(folder)
    check = checks()["Weights"]
    assert (check.state, check.fix) == ("MISSING", "freetalker.use_default_model")
    assert re.search(sentence, check.found), check.found
    assert bpy.ops.freetalker.use_default_model() == {"FINISHED"}
    assert checks()["Weights"].state == "OK"


def test_an_encoder_of_the_network_is_told(checks: Any, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "text_encoder": "some/clip"}))
    bpy.context.scene.freetalker.model = str(folder)
    assert "some/clip" in checks()["Text Encoder"].found
    assert checks()["Text Encoder"].state == "WARNING"


def test_the_example_is_a_scene_of_its_own(ft: SimpleNamespace) -> None:
    before = bpy.context.scene
    assert bpy.ops.freetalker.example_scene() == {"FINISHED"}
    scene = bpy.context.window.scene
    assert scene != before
    assert not len(before.objects)
    armature = scene.freetalker.character
    timeline = ft.convert.timeline(scene, armature)
    assert len(timeline.text) >= 3
    assert len(timeline.speech) == 1
    assert scene.frame_end >= max(strip.end for strip in timeline.text) * timeline.fps
    assert len(ft.compat.sequencer_strips(scene)) == 1


def test_a_model_that_is_not_free_is_used_only_with_consent(
    ft: SimpleNamespace, installed: Any, armature: Any, folder: Path, monkeypatch: Any
) -> None:
    _with_everything(ft, monkeypatch)
    models, settings = installed("addon.setup.models"), ft.preferences.get()
    bpy.context.scene.freetalker.model = str(folder)
    assert models.disabled_reason(bpy.context.scene) == ""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "license": "CC-BY-NC-4.0"}))
    assert "non-commercial use only (CC-BY-NC-4.0)" in models.disabled_reason(bpy.context.scene)
    with pytest.raises(RuntimeError, match="non-commercial"):
        bpy.ops.freetalker.generate()
    settings.non_commercial = True
    try:
        assert models.disabled_reason(bpy.context.scene) == ""
    finally:
        settings.non_commercial = False


def test_the_model_is_unloaded_after_its_minutes(ft: SimpleNamespace, installed: Any, monkeypatch: Any) -> None:
    memory, settings = installed("addon.generation.memory"), ft.preferences.get()
    clock = [1000.0]
    monkeypatch.setattr(memory.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(memory, "is_loaded", lambda: True)
    unloaded: list[float] = []
    monkeypatch.setattr(memory, "unload", lambda: unloaded.append(clock[0]))
    memory._last_used[0] = clock[0]
    assert settings.keep_minutes == 30
    for clock[0] in (1000.0, 2000.0, 2799.0, 2801.0):
        memory._unload_if_idle()
    assert unloaded == [2801.0]
    settings.keep_minutes = 0
    memory._unload_if_idle()
    assert len(unloaded) == 1
    settings.keep_minutes = 30


def test_generation_runs_on_the_device_of_the_preferences(
    ft: SimpleNamespace, armature: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ft.strips.add_text(armature, "a person bows", 1, 40)
    asked: list[Any] = []
    monkeypatch.setattr(ft.worker, "work", lambda order, *_: asked.append(order.device))
    monkeypatch.setattr(ft.session, "finish", lambda *_, **__: None)
    settings = ft.preferences.get()
    settings.device = "cpu"
    try:
        ft.session.start(bpy.context, wait=True)
    finally:
        settings.device = "auto"
    assert asked == ["cpu"]
