# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes are packed, batches are balanced and repeatable, and a killed training ends with the same weights."""

import os
import re
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.model.checkpoint import ModelConfig, load_model
from core.model.denoiser import DenoiserConfig
from core.model.prompt_classifier import PromptClassifier
from core.motion.features import HEIGHT, decode, encode, placement
from core.motion.rotation import axis_angle_to_quaternion, quaternion_to_matrix
from core.motion.skeleton import neutral_skeleton
from core.sampling.schedule import cosine_schedule
from core.training import card, dataset
from core.training.card import licence_of, model_card
from core.training.components import SIGNAL_STD, component_weights, fit_components
from core.training.dataset import (
    SPEECH_ACTION,
    TOLD_ACTION,
    WINDOW,
    Clip,
    ClipSet,
    Packer,
    chain,
    lengthened,
    repeated,
    windows,
)
from core.training.losses import noise_weights
from core.training.phrases import PHRASES
from core.training.recipes import Recipe
from core.training.split import Split
from core.training.train import export, learning_rate, train
from tests.core.moves import wandering

SKELETON = neutral_skeleton()
CONFIG = DenoiserConfig(
    features=len(component_weights()),
    text_width=6,
    speech_width=5,
    width=16,
    layers=1,
    heads=2,
    feedforward=16,
    norm_first=True,
    absence="learned",
)


def encode_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a sentence two tokens, and a vector, of its length."""

    def vectors(words: Sequence[str], _: str) -> np.ndarray:
        return np.stack([np.full(6, len(word), np.float32) for word in words])

    def tokens(words: Sequence[str], encoder: str) -> np.ndarray:
        return vectors(words, encoder)[:, None].repeat(2, 1)

    monkeypatch.setattr(dataset, "encode_texts", vectors)
    monkeypatch.setattr("core.training.train.encode_tokens", tokens)
    monkeypatch.setattr(card, "encode_tokens", tokens)


@pytest.fixture
def takes(tmp_path, monkeypatch) -> ClipSet:
    """Three small takes of two actions and one of speech."""
    encode_by_length(monkeypatch)
    packer = Packer(SKELETON)
    for seed, action in enumerate(["walk", "bow", "bow"]):
        packer.add(wandering(60, seed=seed), action, [f"a person {action}s"], action, "cmu", "free")
    speech = np.random.default_rng(0).normal(size=(150, 5)).astype(np.float32)
    packer.add(wandering(150, seed=9), SPEECH_ACTION, ["a person talks"], "voice", "speech", "free", speech)
    packer.write(tmp_path / "takes", "tiny", ("prosody", "onset"), 5)
    return ClipSet(tmp_path / "takes")


def test_chained_clips_go_on_without_a_jump():
    first, second = wandering(50, seed=1), wandering(50, seed=2, heading=2.0).moved([5, 0, 5])
    joined = chain([first, second])
    positions = joined.positions(SKELETON)
    speed = np.linalg.norm(np.diff(positions, axis=0), axis=-1).max(1)
    inside = max(np.linalg.norm(np.diff(clip.positions(SKELETON), axis=0), axis=-1).max() for clip in (first, second))
    assert speed[49] <= 1.5 * inside
    np.testing.assert_array_equal(joined.translation[:50], first.translation)


def test_windows_cover_a_long_clip():
    parts = windows(wandering(230))
    assert {len(part) for part in parts} == {WINDOW}
    np.testing.assert_array_equal(parts[-1].translation[-1], wandering(230).translation[-1])


def test_a_short_clip_is_led_in_and_out_by_standing_and_keeps_its_frames():
    rng, idle, clip = np.random.default_rng(0), wandering(120, seed=5), wandering(30, seed=6)
    longer = lengthened(clip, "bow", [idle], rng)
    assert 60 <= len(longer) <= WINDOW
    bodies = [
        np.abs(quaternion_to_matrix(longer.rotations[at, 1:]) - quaternion_to_matrix(clip.rotations[-1, 1:])).max()
        for at in range(len(longer))
    ]
    assert min(bodies) < 1e-6


def test_features_come_back_as_they_were_packed(takes):
    take = takes.takes[0]
    again = decode(takes.features[take.start : take.stop], SKELETON)
    local = quaternion_to_matrix(again.rotations[:, 1:]) - quaternion_to_matrix(wandering(60, seed=0).rotations[:, 1:])
    assert np.abs(local).max() < 1e-3


def test_a_batch_depends_on_seed_and_step_alone(takes):
    first, again, other = (takes.batch(1, step, 8, 0.4) for step in (3, 3, 4))
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert not np.array_equal(first["x"], other["x"])


def test_a_batch_masks_padding_and_lays_speech_on_its_frames(takes):
    batch = takes.batch(1, 0, 64, 0.5)
    assert batch["x"].shape == (64, WINDOW, CONFIG.features)
    assert not batch["x"][~batch["valid"]].any()
    assert not batch["speech"][~batch["valid"]].any()
    assert batch["speech_present"].any()
    assert not (batch["speech_present"] & ~batch["valid"]).any()
    rows = takes.speech_normalizer.normalize(takes.speech).astype(np.float32)
    motions = takes.normalizer.normalize(takes.features).astype(np.float32)
    take = takes.takes[3]
    for row in np.flatnonzero(batch["speech_present"].any(1)):
        (at,) = np.flatnonzero((np.abs(motions - batch["x"][row, 0]) < 1e-5).all(1))
        np.testing.assert_array_equal(batch["speech"][row, 0], rows[at - take.start])


def test_a_batch_tells_what_the_aligner_makes_of_the_words(takes, tmp_path):
    assert sorted(action for action, *_ in takes.captions()) == ["bow", SPEECH_ACTION, "walk"]
    plain = takes.batch(1, 0, 16, 0.0)
    model = train(takes, tmp_path / "out", CONFIG, recipe(1), "tiny")
    told = takes.batch(1, 0, 16, 0.0)
    assert plain["text_present"].any()
    for row in np.flatnonzero(plain["text_present"]):
        sentence = torch.from_numpy(plain["text"][row]).expand(1, 2, -1)
        torch.testing.assert_close(torch.from_numpy(told["text"][row]), model.aligner(sentence)[0])
    np.testing.assert_array_equal(told["x"], plain["x"])
    train(takes, tmp_path / "without", CONFIG, replace(recipe(1), aligner_steps=0), "tiny")
    np.testing.assert_array_equal(takes.batch(1, 0, 16, 0.0)["text"], plain["text"])


def test_an_aligner_learns_from_what_is_done_and_not_who_does_it(takes, tmp_path):
    packer = Packer(SKELETON)
    packer.add(wandering(60), "bow", ["the tall man bows", "she bows", "she takes a bow"], "Bow", "cmu", "free")
    packer.write(tmp_path / "bows", "tiny", ("prosody", "onset"), 5)
    bows = ClipSet(tmp_path / "bows")
    forms, rows = bows.plain_forms()
    assert forms == ["a person bows", "a person takes a bow"]
    said = {sentence: forms[row] for sentence, row in zip(bows.words, rows, strict=True)}
    assert said["the tall man bows"] == said["she bows"] == "a person bows"
    assert said["she takes a bow"] == "a person takes a bow"


def test_what_is_said_of_walking_and_talking_is_walkings(takes, tmp_path):
    packer = Packer(SKELETON)
    packer.add(wandering(60), "walk", ["a person walks"], "Walk", "cmu", "free")
    speech = np.zeros((60, 5), np.float32)
    told = ["a person walks", "a person walks and talks"]
    packer.add(wandering(60, seed=1), SPEECH_ACTION, told, "voice", "speech", "free", speech, told=True)
    packer.write(tmp_path / "both", "tiny", ("prosody", "onset"), 5)
    (caption,) = ClipSet(tmp_path / "both").captions()
    assert caption[:2] == ("walk", "")
    assert len(caption[2]) == 1


def test_words_of_other_peoples_captions_are_left_alone(takes, tmp_path):
    packer = Packer(SKELETON)
    packer.add(wandering(60), "walk", ["a person walks"], "Walk", "cmu", "free")
    packer.add(wandering(60, seed=1), TOLD_ACTION, ["a man cleans a window"], "000001", "humanml3d", "free")
    packer.write(tmp_path / "told", "tiny", ("prosody", "onset"), 5)
    told = ClipSet(tmp_path / "told")
    assert told.captions() == []
    model = train(told, tmp_path / "out", replace(CONFIG, features=len(component_weights())), recipe(1), "tiny")
    assert model.aligner is None
    assert model.config.captions == ()


def test_some_samples_lose_their_text(takes):
    present = np.concatenate([takes.batch(1, step, 50, 0.0)["text_present"] for step in range(8)])
    assert 0.04 < 1 - present.mean() < 0.18


def test_components_keep_the_body_and_most_of_the_fingers():
    rng = np.random.default_rng(0)
    motion = wandering(200, seed=4)
    curl = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 30 * 3)) * 0.2  # fingers move together
    motion.rotations[:, 25:] = axis_angle_to_quaternion(curl.reshape(200, 30, 3))
    rows = encode(motion, SKELETON)
    normalizer = fit_components(rows.astype(np.float32))
    components = normalizer.normalize(rows)
    assert components.shape[1] == len(component_weights())
    assert components.std(0).max() <= SIGNAL_STD * 1.001
    place, heading = placement(motion, SKELETON)
    again = decode(normalizer.denormalize(components), SKELETON, place, heading).positions(SKELETON)
    apart = np.abs(again - motion.positions(SKELETON)).max((0, 2))  # (55,) metres
    assert apart[:22].max() < 1e-3
    assert apart[25:].max() < 0.01


def test_component_weights_favour_the_path_and_the_arms():
    weights = component_weights()
    assert weights.mean() == pytest.approx(1)
    assert weights[0] > weights[13:].max() > 2 * weights[-1]


def test_steps_with_little_noise_weigh_more_and_none_is_left_out():
    weights = noise_weights(cosine_schedule())
    assert weights.mean() == pytest.approx(1)
    assert (weights.diff() <= 0).all()
    assert weights[-1] > 0.3
    assert weights[0] < 4


def test_the_learning_rate_rises_stays_and_falls():
    rates = [learning_rate(step, Recipe(steps=1000, warmup=10, learning_rate=1.0)) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1)
    assert set(rates[10:500]) == {1.0}
    assert all(np.diff(rates[500:]) <= 0)
    assert rates[-1] == pytest.approx(0.02)


def recipe(steps: int) -> Recipe:
    return Recipe(steps=steps, batch=4, warmup=2, save_seconds=1e9, aligner_steps=5)


def test_an_interrupted_training_ends_with_the_same_weights(takes, tmp_path, monkeypatch):
    # one rate for both: the decay depends on how many steps are meant
    monkeypatch.setattr("core.training.train.learning_rate", lambda step, _: 1e-3 / (step + 1))
    whole = train(takes, tmp_path / "whole", CONFIG, recipe(6), "tiny")
    train(takes, tmp_path / "parts", CONFIG, recipe(3), "tiny")
    resumed = train(takes, tmp_path / "parts", CONFIG, recipe(6), "tiny")
    for network, again in ((whole.denoiser, resumed.denoiser), (whole.aligner, resumed.aligner)):
        for key, value in network.state_dict().items():
            assert torch.equal(value, again.state_dict()[key]), key


@pytest.mark.parametrize("kept", ["kept", "lost", "of other words"])
def test_words_are_encoded_once_for_a_run_and_again_where_what_was_read_is_lost(takes, tmp_path, monkeypatch, kept):
    out, encoded = tmp_path / "out", []
    first = train(takes, out, CONFIG, recipe(2), "tiny")
    if kept == "lost":
        (out / "told.npy").unlink()
    elif kept != "kept":
        np.save(out / "told.npy", np.zeros((1, 6), np.float32))
    monkeypatch.setattr(
        "core.training.train.encode_tokens",
        lambda words, _: encoded.extend(words) or np.stack([np.full((2, 6), len(w), np.float32) for w in words]),
    )
    again = train(takes, out, CONFIG, recipe(3), "tiny")
    assert set(encoded) == (set() if kept == "kept" else {"a person walks", "a person bows", "a person talks"})
    assert all(torch.equal(value, again.aligner.state_dict()[k]) for k, value in first.aligner.state_dict().items())


def test_words_are_learned_anew_and_motion_left_as_it_is_in_no_steps(takes, tmp_path):
    first = train(takes, tmp_path / "first", CONFIG, recipe(2), "tiny")
    again = train(takes, tmp_path / "again", CONFIG, replace(recipe(0), seed=2), "tiny", first)
    assert again.config.trained_steps == 2
    for key, value in first.denoiser.state_dict().items():
        assert torch.equal(value, again.denoiser.state_dict()[key]), key
    assert not torch.equal(first.aligner.gist[0].weight, again.aligner.gist[0].weight)


def test_a_full_disk_leaves_the_last_good_state(takes, tmp_path, monkeypatch):
    out = tmp_path / "out"
    train(takes, out, CONFIG, recipe(2), "tiny")

    def half_written(state, path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("unexpected pos 576 vs 534")  # what torch says of a full disk

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half_written)
        with pytest.raises(
            InputError, match=r"state\.pt cannot be written: .*disk may be full; what was there stays\."
        ):
            train(takes, out, CONFIG, recipe(4), "tiny")
    assert not list(out.glob("*.part"))
    assert load_model(out / "tiny").config.trained_steps == 2
    assert torch.load(out / "state.pt", weights_only=True)["step"] == 2
    assert train(takes, out, CONFIG, recipe(4), "tiny").config.trained_steps == 4


def test_training_lowers_the_loss_and_writes_a_model(takes, tmp_path, capsys):
    longer = Recipe(steps=200, batch=8, warmup=5, learning_rate=5e-3, aligner_steps=5)
    train(takes, tmp_path / "out", CONFIG, longer, "tiny")
    printed = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss ")[1].split()[0]) for line in printed if "loss" in line]
    assert losses[1] < 0.8 * losses[0]
    model = load_model(tmp_path / "out" / "tiny")
    assert model.config.speech_blocks == ("prosody", "onset")
    assert model.config.trained_steps == 200
    again = train(takes, tmp_path / "again", CONFIG, recipe(3), "tiny", start=model)
    assert again.config.trained_steps == 203
    assert "Speech pairs" in model.card


def test_the_card_lists_whole_prompts(takes, monkeypatch):
    monkeypatch.setattr(takes, "takes", [replace(takes.takes[0], action=action) for action in PHRASES])
    written = model_card("tiny", takes, ModelConfig(DenoiserConfig(text_width=6, speech_width=5), ()))
    assert "- a person raises the right hand (raise_hand)" in written
    assert written.count("- a person ") == len(PHRASES)
    assert "{" not in written


def test_the_card_suggests_each_style_once(takes, monkeypatch):
    styled = [replace(takes.takes[1], name=f"dataset-1_{name}_001") for name in ("bow_proud", "bow_sad", "walk_sad")]
    monkeypatch.setattr(takes, "takes", [*takes.takes, *styled, styled[1]])
    written = model_card("tiny", takes, ModelConfig(DenoiserConfig(text_width=6, speech_width=5), ()))
    assert re.findall(r"^- a person (.+) \(\w+\)$", written, re.MULTILINE) == [
        "bows", "walks forward", "bows proudly", "bows sadly",
    ]  # fmt: skip


def test_the_card_suggests_what_the_aligner_reads_as_meant(takes, monkeypatch):
    first, second = "a person bows", "a person takes a bow"  # as in core/training/phrases.txt
    config = ModelConfig(DenoiserConfig(text_width=2, speech_width=5), (), captions=("walk", "bow"))
    monkeypatch.setattr(takes, "words", [first, second])
    monkeypatch.setattr(
        card, "encode_tokens", lambda words, _: np.eye(2, dtype=np.float32)[[(first, second).index(w) for w in words]]
    )
    for understood, suggested in (([0.9, 0.8], first), ([0.1, 0.8], second), ([0.1, 0.1], first)):
        bow = torch.tensor(understood)
        aligner = PromptClassifier(2, config.captions, ("", ""))
        monkeypatch.setattr(aligner, "shares", lambda rows, bow=bow: torch.stack([1 - rows @ bow, rows @ bow], 1))
        assert f"- {suggested} (bow)" in model_card("tiny", takes, config, aligner)


def test_weights_of_non_commercial_motion_say_so(takes, tmp_path):
    assert licence_of(takes) == "GPL-3.0-or-later"
    takes.takes[1] = replace(takes.takes[1], source="bandai_namco", licence="CC-BY-NC-4.0")
    model = train(takes, tmp_path / "out", CONFIG, recipe(1), "tiny")
    assert model.config.licence == "CC-BY-NC-4.0"
    assert "non-commercial use only" in model.card
    assert "Bandai" in model.card


def test_another_network_is_not_trained_on(takes, tmp_path):
    train(takes, tmp_path / "out", CONFIG, recipe(1), "tiny")
    other = DenoiserConfig(text_width=6, speech_width=5, width=32, layers=1, heads=2, feedforward=16)
    with pytest.raises(InputError, match=r"state\.pt"):
        train(takes, tmp_path / "out", other, recipe(2), "tiny")


def test_other_takes_are_not_trained_on(takes, tmp_path):
    train(takes, tmp_path / "out", CONFIG, recipe(1), "tiny")
    takes.normalizer = replace(takes.normalizer, mean=takes.normalizer.mean + 1)
    with pytest.raises(InputError, match="other takes"):
        train(takes, tmp_path / "out", CONFIG, recipe(2), "tiny")


def test_a_state_with_another_aligner_is_not_trained_on(takes, tmp_path):
    train(takes, tmp_path / "out", CONFIG, recipe(1), "tiny")
    state = torch.load(tmp_path / "out" / "state.pt", weights_only=True)
    state["aligner"]["scores.0.weight"] = state["aligner"].pop("gist.0.weight")
    torch.save(state, tmp_path / "out" / "state.pt")
    with pytest.raises(InputError, match="text aligner of another version"):
        train(takes, tmp_path / "out", CONFIG, recipe(2), "tiny")


def _one_of_two(rank: int, folder: Path, port: int) -> None:
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with pytest.MonkeyPatch.context() as patch:
        encode_by_length(patch)
        train(ClipSet(folder / "takes"), folder / "team", CONFIG, recipe(3), "tiny")


def test_two_processes_train_one_network(takes, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(_one_of_two, (tmp_path, port), nprocs=2)
    alone = train(takes, tmp_path / "alone", CONFIG, recipe(3), "tiny").denoiser.state_dict()
    together = load_model(tmp_path / "team" / "tiny").denoiser.state_dict()
    assert all(value.isfinite().all() for value in together.values())
    # the same batches with other noise: near to what one process learns, and not the same
    apart = max(float((together[key] - alone[key]).abs().max()) for key in alone)
    assert 0 < apart < 0.01


def test_a_cycle_is_repeated_where_its_pose_comes_back():
    seconds = np.arange(50) / 20.0
    walk = wandering(50, seed=3)
    swing = axis_angle_to_quaternion(0.5 * np.sin(2 * np.pi * seconds)[:, None, None] * np.ones((1, 55, 3)))
    walk.rotations[:, 1:] = swing[:, 1:]  # one cycle a second, two and a half in all
    longer = repeated(walk, 100)
    assert len(longer) == WINDOW
    wave = longer.rotations[:, 5, 1]
    np.testing.assert_allclose(wave[60:100], wave[40:80], atol=0.05)


def test_what_never_comes_back_is_not_repeated():
    walk = wandering(50)
    walk.rotations[:, 5] = axis_angle_to_quaternion(np.linspace(0, 2.5, 50)[:, None] * [1.0, 0.0, 0.0])
    assert repeated(walk, 100) is walk


def test_training_can_begin_with_a_trained_model(takes, tmp_path):
    first = train(takes, tmp_path / "first", CONFIG, recipe(2), "tiny")
    unchanged = train(takes, tmp_path / "second", CONFIG, recipe(0), "tiny", first)
    for key, value in first.denoiser.state_dict().items():
        assert torch.equal(value, unchanged.denoiser.state_dict()[key]), key


def test_weights_may_be_blended_with_those_they_began_with(takes, tmp_path):
    first = train(takes, tmp_path / "first", CONFIG, recipe(2), "tiny")
    second = train(takes, tmp_path / "second", CONFIG, recipe(3), "tiny", first)
    blended = export(tmp_path / "second" / "state.pt", takes, tmp_path / "blended", "tiny", recipe(3), first, 0.25)
    names = ("joint.weight", "motion_out.bias")
    old, new, between = (model.denoiser.state_dict() for model in (first, second, blended))
    for name in names:
        torch.testing.assert_close(between[name], 0.75 * old[name] + 0.25 * new[name], atol=1e-3, rtol=0)
        assert not torch.equal(new[name], between[name])


def test_clips_that_the_weights_have_seen_are_not_held_out(takes, tmp_path, monkeypatch):
    monkeypatch.setattr(takes, "split", SimpleNamespace(clips={"a", "b"}))
    fresh = train(takes, tmp_path / "fresh", CONFIG, recipe(1), "tiny")
    on = train(takes, tmp_path / "on", CONFIG, recipe(1), "tiny", start=fresh)
    assert fresh.config.held_out_clips == on.config.held_out_clips == 2
    saw_all = replace(fresh, config=replace(fresh.config, held_out_clips=0))
    assert train(takes, tmp_path / "more", CONFIG, recipe(1), "tiny", start=saw_all).config.held_out_clips == 0


def test_half_of_an_actions_windows_are_plain_however_few_its_plain_takes_are(tmp_path, monkeypatch):
    encode_by_length(monkeypatch)
    packer = Packer(SKELETON)
    for number in range(9):
        style, words = ("proud", "a person bows proudly") if number else ("normal", "a person bows")
        name = f"dataset-1_bow_{style}_00{number}"
        packer.add(wandering(60, seed=number), "bow", [words], name, "bandai_namco", "nc")
    packer.write(tmp_path / "takes", "by length", ("prosody",), 5)
    monkeypatch.setattr(dataset, "TEXT_DROPOUT", 0.0)
    told = ClipSet(tmp_path / "takes").batch(1, 0, 400, 0.0)["text"][:, 0]
    assert np.mean(told == len("a person bows")) == pytest.approx(0.5, abs=0.08)


def test_what_evaluation_keeps_is_never_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "encode_texts", lambda words, _: np.ones((len(words), 6), np.float32))
    packer = Packer(SKELETON)
    for seed in range(12):
        # the clips that the split holds out lie far away
        named = Clip(0, 1, "walk", (), f"Walk{seed}", "cmu", "free")
        motion = wandering(30, seed=seed)
        kept = Split.of([replace(named, name=f"Walk{k}") for k in range(12)]).held_out(named)
        packer.add(
            motion.moved([0.0, 100.0, 0.0]) if kept else motion, "walk", ["a person walks"], named.name, "cmu", "free"
        )
    packer.write(tmp_path / "takes", "tiny", ("prosody", "onset"), 5)
    takes = ClipSet(tmp_path / "takes")
    assert takes.features[:, HEIGHT].max() > 50
    for step in range(20):
        batch = takes.batch(1, step, 8, 0.0)
        assert takes.normalizer.denormalize(batch["x"][batch["valid"]])[:, HEIGHT].max() < 50
