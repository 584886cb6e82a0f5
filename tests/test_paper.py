# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's table and figure on tiny packed clips, and what their figures say of known motion."""

import json

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from benchmarks import comparison, figure3, table1, table1_figures
from core.conditions.speech import SAMPLE_RATE, features_width
from core.errors import InputError
from core.evaluation.evaluated_clip import EvaluatedClip
from core.evaluation.evaluators import EvaluatorConfig
from core.model.checkpoint import Model, ModelConfig, save_model
from core.model.denoiser import Denoiser, DenoiserConfig
from core.motion.features import FEATURES, Normalizer, encode
from core.motion.skeleton import neutral_skeleton
from core.training.captions import Caption
from core.training.clip import SPEECH_ACTION
from core.training.packing import Packer
from tests.core.moves import wandering
from tests.core.tiny_networks import vectors

SKELETON = neutral_skeleton()
EVALUATORS = EvaluatorConfig(width=16, embedding=8, steps=20, batch=8, speech_steps=5, speech_batch=4)
WORDS = {"direction": "straight ahead", "turn": "left", "side": "right", "hands": "both hands"}
BLOCKS = ("mfcc", "prosody", "onset")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Tiny clips of three actions and pairs with speech, and a voice for the demo's."""
    for module in ("core.training.packing", "core.evaluation.text_table", "core.planning.inputs"):
        monkeypatch.setattr(f"{module}.encode_texts", vectors)
    packer = Packer(SKELETON)
    for number, action in enumerate(("walk", "bow", "idle")):
        for i in range(4):
            words = Caption(action, WORDS).sentences()
            packer.add(wandering(80, seed=number, turn=0.3 * i), action, words, f"{action}{i}", "cmu", "free")
    rng = np.random.default_rng(0)
    for i in range(4):
        heard = rng.normal(size=(150, features_width(BLOCKS))).astype(np.float32)
        talk = Caption("talk", {}).sentences()
        packer.add(wandering(150, seed=90 + i), SPEECH_ACTION, talk, f"voice{i}_0", "speech", "free", heard)
    packer.write(tmp_path / "clips", "tiny", BLOCKS, features_width(BLOCKS))
    at = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    soundfile.write(tmp_path / "voice.wav", 0.3 * np.sin(1400 * at) * (np.sin(9 * at) > -0.5), SAMPLE_RATE)
    monkeypatch.setattr(table1, "DEMO_VOICE", tmp_path / "voice.wav")
    monkeypatch.setattr(table1, "EvaluatorConfig", lambda **_: EVALUATORS)
    return tmp_path


SMALL = (
    "--steps", "2", "--batch", "2", "--width", "16", "--layers", "1", "--feedforward", "16", "--sampling-steps", "2",
    "--limit", "2", "--beside",
)  # fmt: skip


def test_the_table_has_every_row_and_goes_on_where_it_was(folder, capsys, monkeypatch):
    out = folder / "table"
    arguments = ["--clips", str(folder / "clips"), "--out", str(out), "--evaluators", str(folder / "evaluators")]
    assert table1.run([*arguments, "--rounds", "1", *SMALL]) == 0
    found = json.loads((out / "table1.json").read_text())
    rows = found["rows"]
    assert set(rows) == {"mocap", "shuffled", *table1.VARIANTS, "noise"}
    some = {"diffmotion-v2": {"jerk", "acceleration", "speech_frechet"}, "shuffled": {"ssim"}}
    for name, row in rows.items():
        assert set(row) & set(table1.COLUMNS) == some.get(name, set(table1.COLUMNS))
        assert np.isfinite([*row.values()]).all()
    assert [name.partition(", ")[2] for name in found["joins"]] == ["any frame", "DoubleTake", *table1.JOININGS]
    assert found["about"]["diffmotion_hears"] == "mfcc"
    text = (out / "table1.md").read_text()
    assert text in capsys.readouterr().out
    assert "| DiffMotion-v2 |" in text

    monkeypatch.setattr(table1.train, "main", lambda _: pytest.fail("trained what was trained"))
    monkeypatch.setattr(table1, "generate", lambda *_: pytest.fail("generated what was measured"))
    (out / "table1.json").unlink()
    assert table1.run([*arguments, "--rounds", "1", *SMALL]) == 0
    assert json.loads((out / "table1.json").read_text()) == found


def test_a_table_shows_spreads_and_what_is_missing():
    rows = {"mocap": {"jerk": (2.0, 0.5), "ssim": (0.25, 0.0)}, "open": {"jerk": (3.0, 0.1)}}
    columns = {"jerk": ("jerk", ".1f"), "ssim": ("SSIM", ".2f")}
    assert table1.table(rows, columns)[2:] == ["| recordings | 2.0 ± 0.5 | 0.25 |", "| open | 3.0 ± 0.1 | - |"]


def test_an_interrupted_training_goes_on(folder, capsys):
    budget = table1.Budget(steps=2, batch=2, width=16, layers=1, feedforward=16)
    table1.trained("mse", folder / "clips", folder / "out", budget, BLOCKS)
    longer = table1.Budget(steps=4, batch=2, width=16, layers=1, feedforward=16)
    model = table1.trained("mse", folder / "clips", folder / "out", longer, BLOCKS)
    assert "resuming at step 2" in capsys.readouterr().out
    assert model.config.trained_steps == 4
    model = table1.trained("mse", folder / "clips", folder / "out", budget, BLOCKS)
    assert model.config.trained_steps == 4  # what was learned stays, and is said to be so


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--limit", "1"], "--limit"),
        (["--rounds", "0"], "--rounds"),
        (["--clips", "missing"], "contains no prepared clips"),
        (["--beside", "missing"], "no model"),
        (["--speech", "missing"], "no held-out speech recordings"),
    ],
)
def test_bad_input_is_one_sentence(folder, more, message):
    with pytest.raises(InputError, match=message):
        table1.run(["--clips", str(folder / "clips"), "--beside", *more])


def test_similarity_sees_the_motion_and_not_where_it_is_done():
    clip, other = (EvaluatedClip.of_motion(wandering(60, seed=seed), SKELETON) for seed in (1, 2))
    elsewhere = EvaluatedClip.of_motion(wandering(60, seed=1).turned(1.0).moved([3, 0, -2]), SKELETON)
    scale = table1_figures.Scale.of([clip, other])
    assert scale.similarity(clip, elsewhere) == pytest.approx(1, abs=1e-6)
    assert scale.similarity(clip, other) < 0.5


def test_one_timeline_of_free_motion_has_a_join_wherever_strips_meet(folder):
    voice = comparison.Voice(folder / "voice.wav", np.zeros((120, 5), np.float32), 6.0)
    timeline = comparison._free_timeline(["a", "b", "c"], voice, 3)
    ends = sorted(strip.end for strip in (*timeline.text, *timeline.speech))
    np.testing.assert_allclose(np.multiply(ends[:-1], 20), comparison.seams())
    starts = sorted(strip.start for strip in (*timeline.text, *timeline.speech))
    np.testing.assert_allclose(starts[1:], ends[:-1])


@pytest.fixture
def model(folder):
    """A tiny untrained model."""
    config = DenoiserConfig(
        features=FEATURES, text_width=6, speech_width=features_width(BLOCKS), width=16, layers=1, heads=2,
        feedforward=16,
    )  # fmt: skip
    torch.manual_seed(0)
    width = features_width(BLOCKS)
    statistics = Normalizer.fit(encode(wandering(90), SKELETON), 0.05), Normalizer(np.zeros(width), np.ones(width))
    save_model(folder / "tiny", Model(Denoiser(config), ModelConfig(config, BLOCKS, "tiny", steps=2), *statistics))
    return folder / "tiny"


def test_the_figure_has_a_row_for_each_gamma_and_curves_that_begin_with_the_speech(folder, model, monkeypatch):
    voice = folder / "long.wav"
    at = np.arange(9 * SAMPLE_RATE) / SAMPLE_RATE
    soundfile.write(voice, 0.3 * np.sin(1400 * at) * (np.sin(9 * at) > -0.5), SAMPLE_RATE)
    shown = []

    def photographs(plans, motions):
        shown.extend(motions)
        return [[Image.new("RGB", (40, 50), "grey")] * 10 for _ in motions]

    monkeypatch.setattr(figure3, "photographs", photographs)
    monkeypatch.setattr(figure3, "EvaluatorConfig", lambda: EVALUATORS)
    arguments = ["--clips", str(folder / "clips"), "--model", str(model), "--out", str(folder / "figure")]
    arguments += ["--evaluators", str(folder / "evaluators")]
    assert figure3.run([*arguments, "--audio", str(voice), "--seeds", "2"]) == 0
    assert [len(motion) for motion in shown] == [100] * 5
    found = json.loads((folder / "figure" / "figure3.json").read_text())
    assert set(found["points"]) == {"bow", "walk"}  # the actions that the clips have
    for points in found["points"].values():
        assert list(points) == ["0.0", "0.25", "0.5", "0.75", "1.0"]
        assert all(len(some) == 2 for some in points.values())
        assert [point["place"] for point in points["0.0"]] == [0, 0]
        assert all(0 < point["place"] < 1 for point in points["1.0"])
    place = [mean for mean, _ in found["means"]["place"].values()]
    assert place == sorted(place)
    with Image.open(folder / "figure" / "figure3.png") as image:
        assert image.width > 400
        colors = {color for _, color in image.convert("RGB").getcolors()}
    assert {color for _, color in figure3.CURVES.values()} <= colors


def test_a_motion_is_placed_between_speech_and_text():
    speech, text = np.zeros((10, 55, 3)), np.ones((10, 55, 3))
    for share in (0.0, 0.3, 1.0):
        assert figure3.place_between(speech + share * (text - speech), speech, text) == pytest.approx(share)
    assert figure3.place_between(speech, speech, speech) == 0.5


def test_a_recording_that_is_too_short_for_the_figure_is_named(folder, model, monkeypatch):
    monkeypatch.setattr(figure3, "EvaluatorConfig", lambda: EVALUATORS)
    monkeypatch.setattr(figure3, "photographs", lambda plans, motions: [])
    arguments = ["--clips", str(folder / "clips"), "--model", str(model), "--out", str(folder / "figure")]
    arguments += ["--evaluators", str(folder / "evaluators")]
    with pytest.raises(InputError, match=r"voice\.wav lasts 6\.0 s; 7 s or more"):
        figure3.run([*arguments, "--audio", str(folder / "voice.wav")])
    with pytest.raises(InputError, match="--seeds"):
        figure3.run([*arguments, "--seeds", "0"])
