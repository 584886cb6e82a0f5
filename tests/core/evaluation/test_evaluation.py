# SPDX-License-Identifier: GPL-3.0-or-later
"""What is held out, what is asked for, the judges, and the whole command on tiny takes and a tiny model."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from core.conditions.speech import SAMPLE_RATE, load_audio
from core.errors import InputError
from core.evaluation import evaluate as command
from core.evaluation import evaluators, plan
from core.evaluation.clips import Library
from core.evaluation.evaluate import main
from core.evaluation.evaluators import JudgeConfig, SpeechMotionJudge, TextMotionJudge, hands, preference_scores
from core.evaluation.statistics import preference
from core.model.checkpoint import Model, ModelConfig, save_model
from core.model.denoiser import Denoiser, DenoiserConfig
from core.motion.features import FEATURES, Normalizer, encode
from core.motion.skeleton import neutral_skeleton
from core.training.captions import HELD_OUT_SUBJECTS, Caption
from core.training.dataset import SPEECH_ACTION, Clip, Packer
from core.training.phrases import PHRASES
from core.training.split import Split, caption_of, clip_of, held_out_sentences
from tests.core.moves import wandering
from tests.core.tiny_networks import vectors

SKELETON = neutral_skeleton()


def take(action, name, source="cmu"):
    return Clip(0, 50, action, (), name, source, "free", 0 if action == SPEECH_ACTION else -1)


def test_copies_of_one_performance_are_one_clip():
    names = ("ChrBrad@Guitar01", "ChrRachel_ChrBrad@Guitar01")
    assert len({clip_of(take("guitar", name, "smartbody")) for name in names}) == 1
    assert clip_of(take("guitar", "ChrRachel@Guitar01", "smartbody")) != clip_of(take("guitar", names[0], "smartbody"))
    assert clip_of(take(SPEECH_ACTION, "LJ001-0023_0")) == clip_of(take(SPEECH_ACTION, "LJ001-0023_1"))
    assert clip_of(take(SPEECH_ACTION, "LJ001-0023_0")) != clip_of(take(SPEECH_ACTION, "LJ001-0024_0"))


def test_every_action_keeps_most_of_its_takes_and_large_ones_lose_some():
    takes = [take("bow", "Bow")] * 16 + [take("lean", f"Lean{i}") for i in range(2)]
    takes += [take("walk", f"Walk{i}") for i in range(40) for _ in range(3)]
    takes += [take("jump", f"Jump{i}") for i in range(3)]
    split = Split.of(takes)
    for action in ("bow", "lean", "walk", "jump"):
        held = [split.held_out(item) for item in takes if item.action == action]
        assert sum(held) * 3 <= len(held)
        assert any(held) == (action in {"walk", "jump"})
    assert Split.of(reversed(takes)) == split


def test_the_rule_holds_out_the_same_clips_for_ever():
    split = Split.of([take("walk", f"Walk{i}") for i in range(20)])
    assert split.clips == {"cmu/Walk7", "cmu/Walk14"}


def test_a_clip_of_two_actions_is_on_one_side():
    takes = [take(action, f"Walk{i}") for i in range(30) for action in ("walk", "turn_90")]
    split = Split.of(takes)
    assert split.clips
    assert all(split.held_out(a) == split.held_out(b) for a, b in zip(takes[::2], takes[1::2], strict=True))


WORDS = {
    "direction": "straight ahead", "turn": "left", "side": "right", "hands": "both hands", "leg": "left",
    "part": "temple", "direction_hand": "to the right",
}  # fmt: skip


@pytest.mark.parametrize("action", sorted(PHRASES))
def test_the_words_of_a_caption_are_found_in_its_training_sentences(action):
    caption = Caption(action, WORDS)
    found = caption_of(action, caption.sentences())
    words = found.words
    assert words.items() <= WORDS.items()
    named = {slot for phrase in PHRASES[action] for slot in re.findall(r"\{(\w+)\}", phrase)} & WORDS.keys()
    if len(PHRASES[action]) >= 5:
        named = {
            slot for i, phrase in enumerate(PHRASES[action]) if i % 5 != 4 for slot in re.findall(r"\{(\w+)\}", phrase)
        } & WORDS.keys()
    assert set(words) == named
    unread = held_out_sentences(found)
    assert set(unread) <= set(caption.sentences(held_out=True))
    assert not set(unread) & set(caption.sentences())
    assert all(sentence.startswith(HELD_OUT_SUBJECTS) for sentence in unread)


def test_sentences_with_words_that_are_not_known_are_left_out():
    unknown, known = (set(held_out_sentences(Caption("walk", words))) for words in ({}, {"direction": "ahead"}))
    assert unknown < known
    assert {sentence for sentence in known if "ahead" not in sentence} == unknown


def test_a_style_is_found_by_its_adverbs():
    caption = Caption("bow", WORDS, "proud")
    found = caption_of("bow", caption.sentences())
    assert found.style == "proud"
    assert held_out_sentences(found) == caption.sentences(held_out=True)


def tones(seconds, gap):
    """A tone of so many seconds, quiet for a gap, and another tone."""
    at = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(int(gap * SAMPLE_RATE))
    parts = [0.3 * np.sin(2 * np.pi * 220 * at), quiet, 0.3 * np.sin(2 * np.pi * 330 * at)]
    return np.concatenate(parts).astype(np.float32)


def test_a_pause_is_put_where_it_is_quiet():
    samples = plan.with_pause(tones(4.3, 0.4))
    loud = np.abs(samples).reshape(-1, 160).max(1) > 0.1  # hundredths of a second
    edges = np.flatnonzero(np.diff(loud.astype(int))) / 100
    np.testing.assert_allclose(edges, [0.5, 4.8, 7.2, 11.5], atol=0.3)
    assert edges[2] - edges[1] >= 2


def test_the_two_stretches_can_be_exchanged():
    samples = plan.with_pause(tones(4.3, 0.4), swapped=True)
    first = samples[SAMPLE_RATE : 3 * SAMPLE_RATE]
    assert np.abs(np.fft.rfft(first)).argmax() / 2 == pytest.approx(330, abs=2)


def test_a_recording_shorter_than_the_stretches_is_used_whole():
    assert len(plan.with_pause(tones(0.5, 0.1))) == pytest.approx((1.1 + 3.5) * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    assert len(plan.with_pause(np.zeros(10, np.float32))) == pytest.approx(3.5 * SAMPLE_RATE, abs=10)


CONFIG = JudgeConfig(width=16, embedding=8, steps=30, batch=8, speech_steps=20, speech_batch=4)
ACTIONS = ("walk", "bow", "idle", "wave")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twelve tiny takes of four actions, and four pairs with speech."""
    for module in ("core.training.dataset", "core.evaluation.evaluate", "core.generate"):
        monkeypatch.setattr(f"{module}.encode_texts", vectors)
    packer = Packer(SKELETON)
    for number, action in enumerate(ACTIONS):
        for i in range(3):
            words = Caption(action, WORDS).sentences()
            packer.add(wandering(60, seed=number, turn=0.3 * i), action, words, f"{action}{i}", "cmu", "free")
    for i in range(4):
        energy = np.where(np.arange(150) // 30 % 2, 1.25, 0.1)  # ln(70 dB) - 3, and quiet
        heard = np.stack([energy, *np.zeros((3, 150)), np.arange(150) % 10 == i], -1)
        talk = Caption("talk", {}).sentences()
        packer.add(wandering(150, seed=90 + i), SPEECH_ACTION, talk, f"voice{i}_0", "speech", "free", heard)
    packer.write(tmp_path / "takes", "tiny", ("prosody", "onset"), 5)
    return tmp_path


@pytest.fixture
def model(folder):
    """A tiny untrained model that works with all the features."""
    config = DenoiserConfig(
        features=FEATURES, text_width=6, speech_width=5, width=16, layers=1, heads=2, feedforward=16, norm_first=True,
        absence="learned",
    )  # fmt: skip
    torch.manual_seed(0)
    rows = encode(wandering(90), SKELETON)
    statistics = Normalizer.fit(rows, 0.05), Normalizer(np.zeros(5), np.ones(5))
    made = Model(Denoiser(config).eval(), ModelConfig(config, ("prosody", "onset"), "tiny", steps=2), *statistics)
    save_model(folder / "tiny", made)
    return folder / "tiny"


def test_rows_of_takes_come_as_they_were_packed(folder):
    library = Library.open(folder / "takes")
    assert len(library.takes) == 16
    speech = library.takes[13]
    heard = library.heard(speech)
    assert heard.shape == (150, 5)
    np.testing.assert_array_equal(np.flatnonzero(heard[:, 4])[:2], [1, 11])
    np.testing.assert_allclose(library.rows(library.takes[0]), encode(wandering(60, seed=0), SKELETON), atol=1e-5)


def test_missing_and_damaged_takes_are_named(tmp_path, folder):
    with pytest.raises(InputError, match="holds no takes"):
        Library.open(tmp_path / "nothing")
    (folder / "takes" / "features.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match="damaged"):
        Library.open(folder / "takes")


def test_a_plan_keeps_recorded_and_reference_clips_apart_and_repeats_itself(folder):
    library = Library.open(folder / "takes")
    split = Split.of(library.takes)
    first, again = (plan.plan_text(library, split, 1) for _ in range(2))
    assert first == again
    assert {request.action for request in first.requests} == set(ACTIONS)
    assert len(first.requests) == len(first.recorded) == 4 * len(ACTIONS)
    assert [request.sentence for request in first.requests] == [item.sentence for item in first.recorded]
    asked = [*first.requests, *first.again]
    assert len({request.seed for request in asked}) == len(asked)
    once = [first.requests[k] for k in plan.first_of_each(first.recorded, 1)]
    assert [(item.action, item.sentence) for item in once] == [(item.action, item.sentence) for item in first.again]
    assert [item.action for item in once] == sorted(ACTIONS)
    assert not {item.sentence for item in first.recorded} & set(library.words)
    assert len({request.action for request in plan.plan_text(library, split, 1, limit=2).requests}) == 2


def test_all_rows_are_compared_with_performances_that_the_mocap_row_lacks(folder):
    library = Library.open(folder / "takes")
    takes = [take for take in library.takes if take.name not in {"bow1", "bow2"}]
    library = replace(library, takes=[*takes, *(take for take in takes if take.name == "walk0")])  # two takes of one
    told = plan.plan_text(library, Split.of(library.takes), 1)
    assert told.alone == ["bow"]
    for action in ACTIONS:
        shown = {clip_of(item.take) for item in told.recorded if item.action == action}
        others = [clip_of(item.take) for item in told.reference if item.action == action]
        assert len(others) == plan.REFERENCES
        assert shown == set(others) if action == "bow" else not shown & set(others)
        assert len(set(others[:2])) == (1 if action == "bow" else 2)  # in turn
    assert not {item.sentence for item in told.reference} & set(library.words)


def test_the_judges_learn_their_takes_and_are_kept(folder, tmp_path, monkeypatch):
    library = Library.open(folder / "takes")
    config = JudgeConfig(width=16, embedding=8, steps=240, batch=16, speech_steps=5, speech_batch=4, learning_rate=5e-3)
    split = Split(frozenset())
    shown = []

    def progress(label):
        shown.append(label)
        return lambda done, total: None

    text, speech = evaluators.load_or_train(tmp_path / "judges", library, split, config, progress)
    rows = [library.rows(item) for item in library.takes[:12]]
    embedded, looks = text.see(rows)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)
    right = [look[0] == item.action for look, item in zip(looks, library.takes, strict=False)]
    assert np.mean(right) > 0.8
    again, _ = evaluators.load_or_train(tmp_path / "judges", library, split, config, progress)
    assert len(shown) == 2  # only the first time
    np.testing.assert_array_equal(again.see(rows)[0], embedded)
    scores = [float(s) for s in speech.score(rows[0], [library.heard(library.takes[12])] * 2)]
    assert scores[0] == scores[1]
    (tmp_path / "judges" / "judges.safetensors").write_bytes(b"short")
    evaluators.load_or_train(tmp_path / "judges", library, split, config, progress)
    assert len(shown) == 4


def test_a_text_judge_pays_no_heed_to_padding():
    torch.manual_seed(0)
    judge = TextMotionJudge(CONFIG, 6, ACTIONS).eval()
    motion = torch.randn(1, 64, 67)
    padded = torch.cat([motion, torch.randn(1, 16, 67)], 1)
    valid = torch.arange(80)[None] < 64
    with torch.inference_mode():
        alone, _ = judge(torch.cat([motion, torch.zeros(1, 16, 67)], 1), valid)
        beside, _ = judge(padded, valid)
    torch.testing.assert_close(alone, beside)


def test_mismatched_speech_is_compared_for_as_long_as_both_last():
    torch.manual_seed(0)
    judge = SpeechMotionJudge(CONFIG).eval()
    rows = encode(wandering(100), SKELETON).astype(np.float32)
    speech = np.random.default_rng(0).normal(size=(120, 5)).astype(np.float32)
    matched, mismatched = preference_scores(judge, [rows], [speech], [[speech[:60], speech]])
    np.testing.assert_allclose(matched, mismatched)
    assert preference(matched, mismatched) == 0.5
    assert hands(rows).shape == (100, 13)


def test_the_command_writes_table_figures_and_pictures(folder, model, monkeypatch, capsys):
    sound = folder / "voices" / "someone.wav"
    sound.parent.mkdir()
    soundfile.write(sound, tones(3.0, 0.5), SAMPLE_RATE)
    monkeypatch.setattr(command, "DEMO_VOICE", sound)
    monkeypatch.setattr(command, "JudgeConfig", lambda **_: CONFIG)
    arguments = ["--model", str(model), "--takes", str(folder / "takes"), "--out", str(folder / "out" / "tiny")]
    assert main([*arguments, "--limit", "2"]) == 0
    out = folder / "out" / "tiny"
    figures = json.loads((out / "metrics.json").read_text())
    for section in ("text", "speech", "body_text", "body_speech", *(f"joins/{kind}" for kind in plan.KINDS)):
        table = figures
        for key in section.split("/"):
            table = table[key]
        assert set(table) == {"mocap", "ours", "shuffled", "noise"}
        assert all(np.isfinite(value) for row in table.values() for value in row.values()), section
    assert figures["body_text"]["mocap"]["jerk_ratio"] == 1
    assert figures["about"]["prompts"] == 8
    text = (out / "table.md").read_text()
    assert all(f"| {row} |" in text for row in ("mocap", "ours", "shuffled", "noise"))
    assert "quick run" in text
    assert text in capsys.readouterr().out
    for name in ("joins", "actions", "body", "text", "speech"):
        assert (out / f"{name}.png").stat().st_size > 500
    assert len(load_audio(next((out / "voices").glob("*.wav")))) > 5 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--limit", "1"], "--limit"),
        (["--seed", "-1"], "--seed"),
        (["--takes", "missing"], "holds no takes"),
        (["--model", "missing"], "no model"),
        (["--speech", "missing"], "No held-out recordings"),
    ],
)
def test_bad_input_is_one_sentence(folder, model, more, message):
    with pytest.raises(InputError, match=message):
        main(["--model", str(model), "--takes", str(folder / "takes"), *more])
