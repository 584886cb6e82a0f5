# SPDX-License-Identifier: GPL-3.0-or-later
"""From strips to keys through core itself, with a tiny network that has learned nothing."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
import torch

from tests.addon.helpers import bone_heads

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tiny_model(installed: Callable[[str], ModuleType], tmp_path: Path) -> str:
    """The folder of a model of a few thousand weights."""
    checkpoint, features = installed("core.model.checkpoint"), installed("core.motion.features")
    denoiser = installed("core.model.denoiser")
    torch.manual_seed(0)
    shape = denoiser.DenoiserConfig(
        features=features.FEATURES, text_width=384, speech_width=5, width=16, layers=1, heads=2, feedforward=24
    )
    mean = np.zeros(features.FEATURES)
    mean[3] = 0.9
    model = checkpoint.Model(
        denoiser.Denoiser(shape).eval(),
        checkpoint.ModelConfig(shape, speech_blocks=("prosody", "onset"), steps=3),
        features.Normalizer(mean, np.full(features.FEATURES, 0.1)),
        features.Normalizer(np.zeros(5), np.ones(5)),
    )
    checkpoint.save_model(tmp_path / "tiny", model)
    return str(tmp_path / "tiny")


def test_strips_become_motion(ft: SimpleNamespace, armature: Any, speech: Path, tiny_model: str) -> None:
    scene = bpy.context.scene
    scene.freetalker.model = tiny_model
    bpy.ops.freetalker.add_text_strip(prompt="a person walks", seconds=2.0)
    bpy.ops.freetalker.add_speech_strip(filepath=str(speech), frame=37)
    assert not ft.runtime.missing()
    assert bpy.ops.freetalker.generate() == {"FINISHED"}
    (strip,) = (one.strip for one in ft.strips.find_strips(armature, "GENERATED"))
    assert (strip.frame_start, strip.frame_end) == (1, 85)  # 3.5 s at 24 fps, both ends included
    first, last = bone_heads(ft, armature, 1), bone_heads(ft, armature, 85)
    assert np.isfinite(first).all()
    assert np.abs(first - last).max() > 1e-3


def test_reroll_keeps_the_bits_outside(ft: SimpleNamespace, armature: Any, tiny_model: str) -> None:
    bpy.context.scene.freetalker.model = tiny_model
    for start in (1, 49, 97):
        bpy.ops.freetalker.add_text_strip(prompt="a person walks", seconds=2.0, frame=start)
    bpy.ops.freetalker.generate()
    bpy.ops.freetalker.reroll(strip=ft.strips.find_strips(armature, "TEXT")[1].key)
    first, second = (ft.storage.read(take.action).motion for take in armature.freetalker.takes)
    same = (first.rotations == second.rotations).all(axis=(1, 2)) & (first.translation == second.translation).all(
        axis=1
    )
    assert same.tolist() == [not 36 <= frame < 108 for frame in range(145)]


def test_previews_come_first_and_change_no_bit(ft: SimpleNamespace, armature: Any, tiny_model: str) -> None:
    bpy.context.scene.freetalker.model = tiny_model
    for start in (1, 73):
        bpy.ops.freetalker.add_text_strip(prompt="a person walks", seconds=3.0, frame=start)
    ft.session.start(bpy.context, wait=False)
    worker, previews = ft.job.current(), []
    worker.thread.join(300)
    while not worker.events.empty():
        event = worker.events.get()
        if hasattr(event, "content"):
            previews.append(event.content)
        else:
            last = event
    worker.events.put(last)
    ft.job.pump()
    assert [len(preview) for preview in previews] == [145, 145]
    bpy.ops.freetalker.generate(everything=True)
    takes = [ft.storage.read(take.action).motion for take in armature.freetalker.takes]
    assert takes[0].rotations.tobytes() == takes[1].rotations.tobytes()
    assert takes[0].translation.tobytes() == takes[1].translation.tobytes()


def test_cancel_stops_core(ft: SimpleNamespace, armature: Any, tiny_model: str) -> None:
    scene = bpy.context.scene
    scene.freetalker.model, scene.freetalker.steps = tiny_model, 1000
    bpy.ops.freetalker.add_text_strip(prompt="a person walks", seconds=20.0)
    ft.session.start(bpy.context, wait=False)
    thread = ft.job.current().thread
    end = time.monotonic() + 60
    while ft.job.current().progress == 0.0:
        assert time.monotonic() < end
        ft.job.pump()
        time.sleep(0.01)
    bpy.ops.freetalker.cancel()
    while ft.job.pump():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "canceled" in ft.session.message().text
    thread.join(10)
    assert not thread.is_alive()


def test_unknown_model_is_one_sentence(ft: SimpleNamespace, armature: Any) -> None:
    bpy.context.scene.freetalker.model = "nobody"
    bpy.ops.freetalker.add_text_strip(prompt="a person walks")
    with pytest.raises(RuntimeError, match="There is no model 'nobody'"):
        bpy.ops.freetalker.generate()


def test_what_batch_saves_is_a_take(
    ft: SimpleNamespace, installed: Callable[[str], ModuleType], speech: Path, tiny_model: str, tmp_path: Path
) -> None:
    """Opened in Blender nothing of it is stale, and one strip can be re-rolled; so it is of a .blend given to it."""
    told = {
        "fps": 24, "seed": 5, "text": [{"start": 0.0, "end": 3.01, "prompt": "a person walks"}],
        "speech": [{"start": 2.0, "audio": speech.name}],
    }  # fmt: skip
    (tmp_path / "talk.json").write_text(json.dumps(told))
    for source, saved in (("talk.json", "one.blend"), ("one.blend", "two.blend")):
        options = ["--model", tiny_model, "--steps", "2", "--seed", "9", "--blend", str(tmp_path / saved)]
        arguments = [str(tmp_path / source), *options]
        if source == "talk.json":
            subprocess.run([sys.executable, "-m", "addon.batch", *arguments], cwd=ROOT, check=True, capture_output=True)
        else:  # in this process, where torch is already imported
            assert installed("addon.batch").main(arguments) == 0
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / saved))
        scene = bpy.context.scene
        talking = scene.freetalker.character
        assert (scene.freetalker.seed, scene.freetalker.steps, scene.freetalker.model) == (9, 2, tiny_model)
        assert ft.stretches.find_stretches(scene, talking) == ()
        assert "seed 9" in [take.note for take in talking.freetalker.takes]
        wanted = ft.orders.make_order(scene, talking, reroll=ft.strips.find_strips(talking, "SPEECH")[0].key)
        assert 0 < wanted.changed.sum() < len(wanted.changed)


def test_a_model_beside_the_file(ft: SimpleNamespace, armature: Any, tiny_model: str) -> None:
    scene, folder = bpy.context.scene, Path(tiny_model)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder.parent / "scene.blend"))
    scene.freetalker.model = f"//{folder.name}"
    bpy.ops.freetalker.add_text_strip(prompt="a person walks", seconds=1.0)
    assert bpy.ops.freetalker.generate() == {"FINISHED"}
    assert ft.generated.active_take(armature).record.timeline.model == "//tiny"  # which holds wherever both are moved
    assert not ft.stretches.find_stretches(scene, armature)
    ft.storyboard.write(scene, armature, folder.parent / "told.json")
    assert ft.files.load_timeline(folder.parent / "told.json").model == tiny_model
    scene.freetalker.model = "//nowhere"
    with pytest.raises(RuntimeError, match=r"There is no model '.*nowhere'"):
        bpy.ops.freetalker.generate()


def test_speech_of_not_numbers_is_one_sentence(
    ft: SimpleNamespace, armature: Any, tiny_model: str, tmp_path: Path
) -> None:
    import soundfile

    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan, np.float32), 16000, subtype="FLOAT")
    bpy.context.scene.freetalker.model = tiny_model
    bpy.ops.freetalker.add_speech_strip(filepath=str(tmp_path / "nan.wav"))
    with pytest.raises(RuntimeError, match="not numbers"):
        bpy.ops.freetalker.generate()
    assert not ft.strips.find_strips(armature, "GENERATED")
