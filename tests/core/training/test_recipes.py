# SPDX-License-Identifier: GPL-3.0-or-later
"""Each recipe trains and generates through the commands, with the conditions, loss and sampler of its paper."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.__main__ import main
from core.conditions.speech import features_width, load_audio, speech_features
from core.generate import Settings, generate
from core.model.checkpoint import load_model
from core.motion.clip import Motion
from core.motion.skeleton import neutral_skeleton
from core.timeline.files import load_timeline
from core.training.clip import SPEECH_ACTION
from core.training.clip_set import ClipSet
from core.training.packing import Packer
from core.training.recipe_clips import open_clips
from core.training.recipes import PRESETS
from tests.core.moves import wandering
from tests.core.tiny_networks import make_clip, make_wavlm, vectors

PROMPT = "a person walks"
SMALL = ("--width", "16", "--layers", "1", "--feedforward", "16", "--batch", "4", "--learning-rate", "1e-3")


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    seconds = np.arange(16000 * 4) / 16000
    tone = np.sin(2 * np.pi * 140 * seconds) * (np.sin(2 * np.pi * 2 * seconds) > 0)
    soundfile.write(path, 0.3 * tone, 16000)
    return path


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The paper's five blocks, with a tiny network as wide as WavLM-Large."""
    wavlm = make_wavlm(tmp_path_factory.mktemp("networks") / "wavlm", width=1024)
    return ("mfcc", "mel", "prosody", f"wavlm={wavlm}", "onset")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, blocks: tuple[str, ...], voice: Path) -> Path:
    """Clips of text and of speech, with vectors of a tiny CLIP and the paper's 1133 speech features."""
    folder = tmp_path_factory.mktemp("clips")
    clip = make_clip(folder / "clip", "abcdefghijklmnopqrstuvwxyz", width=512)
    packer = Packer(neutral_skeleton())
    for seed in range(4):
        packer.add(wandering(60, seed=seed), "walk", [PROMPT], f"walk{seed}", "cmu", "free")
    speech = speech_features(load_audio(voice), blocks)
    for seed in range(4, 8):
        motion = wandering(len(speech), seed=seed)
        packer.add(motion, SPEECH_ACTION, ["a person talks"], f"voice{seed}", "speech", "free", speech)
    packer.write(folder, clip, blocks, features_width(blocks))
    return folder


def run(*arguments: str | Path) -> None:
    assert main([str(argument) for argument in arguments]) == 0


def generated(tmp_path: Path, model: Path, timeline: dict[str, object]) -> Motion:
    """What `python -m core generate` writes in three steps."""
    (tmp_path / "timeline.json").write_text(json.dumps(timeline))
    run("generate", tmp_path / "timeline.json", "--model", model, "--steps", "3", "--out", tmp_path / "motion")
    return Motion.load(tmp_path / "motion" / "motion.npz")


def test_freetalker_trains_and_generates_through_the_commands(folder: Path, voice: Path, tmp_path: Path):
    run(
        "train",
        "--clips",
        folder,
        "--out",
        tmp_path,
        "--name",
        "paper",
        "--recipe",
        "freetalker",
        "--steps",
        "3",
        *SMALL,
    )
    model = load_model(tmp_path / "paper")
    config = model.config
    assert (config.denoiser.features, config.denoiser.text_width, config.denoiser.speech_width) == (659, 512, 1133)
    assert (config.noise_steps, config.sampler, config.steps) == (1000, "ddpm", 1000)
    assert config.text_encoder == str(folder / "clip")
    assert config.projected_from == 0
    timeline = {
        "fps": 20,
        "text": [{"start": 0, "end": 3, "prompt": PROMPT}],
        "speech": [{"start": 2, "audio": str(voice)}],
    }
    assert len(generated(tmp_path, tmp_path / "paper", timeline)) == 121
    steps: list[int] = []
    generate(
        load_timeline(tmp_path / "timeline.json"), model, Settings(), on_step=lambda done, total: steps.append(total)
    )
    assert set(steps) == {1900}  # T = 1000 steps of the ancestral sampler, and T' = 900 of the second clip


def test_freetalkers_network_and_numbers_are_the_papers():
    preset = PRESETS["freetalker"]
    assert (preset.network.width, preset.network.layers, preset.network.prediction) == (256, 8, "x0")
    recipe = preset.recipe
    assert (recipe.batch, recipe.learning_rate, recipe.steps, recipe.loss) == (256, 2e-4, 1_000_000, "huber")


def test_diffmotion_trains_and_generates_through_the_commands(folder: Path, voice: Path, tmp_path: Path, capsys):
    run(
        "train",
        "--clips",
        folder,
        "--out",
        tmp_path,
        "--name",
        "v2",
        "--recipe",
        "diffmotion-v2",
        "--steps",
        "3",
        *SMALL,
    )
    model = load_model(tmp_path / "v2")
    config = model.config
    shape = config.denoiser
    assert (shape.features, shape.text_width, shape.speech_width) == (659, 0, 1024)
    assert (shape.prediction, shape.conditioning, shape.causal) == ("noise", "frames", True)
    assert [name.partition("=")[0] for name in config.speech_blocks] == ["wavlm"]
    assert (config.noise_steps, config.sampler, config.steps) == (1000, "ddpm", 1000)
    speech = {"fps": 20, "speech": [{"start": 0, "audio": str(voice)}, {"start": 6, "audio": str(voice)}]}
    motion = generated(tmp_path, tmp_path / "v2", speech)
    assert len(motion) == 201
    assert np.isfinite(motion.translation).all()
    with_text = json.dumps(speech | {"text": [{"start": 0, "end": 3, "prompt": PROMPT}]})
    (tmp_path / "timeline.json").write_text(with_text)
    capsys.readouterr()
    command = ("generate", tmp_path / "timeline.json", "--model", tmp_path / "v2", "--out", tmp_path / "none")
    refused(capsys, "follows only speech; remove the text strips", *command)


def test_diffmotion_hears_wavlm_alone_and_sees_speech_alone(folder: Path):
    recipe = PRESETS["diffmotion-v2"].recipe
    opened = open_clips(folder, recipe, None)
    batch = opened.batch(1, 0, 8, recipe.speech_share)
    assert batch["speech"].shape[2] == 1024
    whole = ClipSet(folder)
    np.testing.assert_array_equal(opened.speech, whole.speech[:, 108:-1])
    clip = next(clip for clip in opened.clips if clip.action == SPEECH_ACTION)
    rows = opened.speech_normalizer.normalize(opened.speech).astype(np.float32)
    assert rows[:, rows.std(0) > 0.5].mean(0) == pytest.approx(0, abs=1e-4)
    motions = opened.normalizer.normalize(opened.features).astype(np.float32)
    for row in np.flatnonzero(batch["speech_present"][:, 0]):
        (at,) = np.flatnonzero((np.abs(motions - batch["x"][row, 0]) < 1e-5).all(1))
        starts = [first.speech + at - first.start for first in opened.clips if first.start <= at < first.stop]
        np.testing.assert_array_equal(batch["speech"][row, 0], rows[starts[0]])
    assert clip.speech >= 0


@pytest.mark.parametrize("loss", ["huber", "mse"])
def test_the_loss_of_the_paper_and_of_its_ablation_are_learned(folder: Path, tmp_path: Path, capsys, loss: str):
    options = ("--recipe", "freetalker", "--loss", loss, "--steps", "200", "--window", "40", "--local-attention")
    run("train", "--clips", folder, "--out", tmp_path, *SMALL, "--width", "64", "--layers", "2", *options)
    losses = [float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert losses[-1] < 0.8 * losses[0]
    assert load_model(tmp_path / "open").config.denoiser.local_attention


def test_one_in_ten_windows_of_text_loses_it(folder: Path):
    batches = [ClipSet(folder).batch(1, step, 100, PRESETS["freetalker"].recipe.speech_share) for step in range(6)]
    present = np.concatenate([batch["text_present"][~batch["speech_present"].any(1)] for batch in batches])
    heard = np.concatenate([batch["speech_present"].any(1) for batch in batches])
    # one in ten windows with speech is shown without it; of all windows with speech, few are shown a sentence
    assert 0.35 < heard.mean() < 0.55
    assert 0.7 < present.mean() < 0.93


def refused(capsys: pytest.CaptureFixture[str], message: str, *arguments: str | Path) -> None:
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.count("\n") == 1


def test_recipes_that_do_not_fit_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    train = ("train", "--clips", folder, "--out", tmp_path, *SMALL)
    refused(capsys, "choose huber or mse", *train, "--recipe", "freetalker", "--loss", "ours")
    run(*train, "--recipe", "freetalker", "--steps", "1")
    refused(capsys, r"state\.pt was trained with another", *train, "--recipe", "freetalker", "--loss", "mse")
    refused(capsys, r"state\.pt was trained with another", *train)
    header = json.loads((folder / "clips.json").read_text())
    deaf = tmp_path / "deaf"
    deaf.mkdir()
    for name in ("features", "sentences", "speech"):
        (deaf / f"{name}.npy").write_bytes((folder / f"{name}.npy").read_bytes())
    (deaf / "clips.json").write_text(json.dumps(header | {"speech_blocks": ["mfcc", "onset"]}))
    command = ("train", "--clips", deaf, "--out", tmp_path / "v2", "--recipe", "diffmotion-v2", *SMALL)
    refused(capsys, "one block 'wavlm', but they have the blocks mfcc, onset and", *command)


def test_windows_reach_as_far_as_the_clips_that_are_learned(tmp_path: Path, monkeypatch, capsys):
    """The papers' are 180 frames; clips of text here have 120, of speech 220."""
    monkeypatch.setattr("core.training.packing.encode_texts", vectors)
    assert (PRESETS["freetalker"].recipe.window, PRESETS["diffmotion-v2"].recipe.window) == (180, 180)
    packer = Packer(neutral_skeleton())
    width = features_width(("mfcc",))
    rng = np.random.default_rng(0)
    for seed in range(3):
        packer.add(wandering(120, seed=seed), "walk", [PROMPT], f"walk{seed}", "cmu", "free")
        heard = rng.normal(size=(220, width)).astype(np.float32)
        packer.add(wandering(220, seed=seed + 3), SPEECH_ACTION, [PROMPT], f"voice{seed}", "speech", "free", heard)
    folder = tmp_path / "clips"
    packer.write(folder, "tiny", ("mfcc",), width)
    clips = ClipSet(folder)
    for asked, text, reached in (
        (180, True, 120),
        (180, False, 180),
        (400, False, 220),
        (100, True, 100),
        (60, True, 60),
    ):
        clips.set_window(asked, text)
        assert clips.window == reached
        batch = clips.batch(1, 0, 16, 1.0)
        assert batch["x"].shape[1] == batch["speech"].shape[1] == reached
        assert batch["valid"].sum(1).max() == reached
    speech = ("train", "--clips", folder, "--recipe", "diffmotion-v2", "--speech-block", "mfcc", "--steps", "2", *SMALL)
    windows = {}
    for name, options in (
        ("its own", (*speech,)),
        ("asked", (*speech, "--window", "50")),
        ("text", (*speech[:3], "--recipe", "freetalker", "--steps", "2", *SMALL)),
    ):
        run(*options, "--out", tmp_path / name, "--name", "model")
        windows[name] = load_model(tmp_path / name / "model").config.window
    assert windows == {"its own": 180, "asked": 50, "text": 120}
    refused(capsys, "--window must be 40 frames or more, not 39", *speech, "--window", "39", "--out", tmp_path / "none")
    assert not (tmp_path / "none").exists()
