# SPDX-License-Identifier: GPL-3.0-or-later
"""The evaluators learn their clips, are kept, and ignore padding."""

import json

import numpy as np
import torch

from core.evaluation import evaluator_training
from core.evaluation.clips import Library
from core.evaluation.evaluators import (
    EvaluatorConfig,
    SpeechMotionEvaluator,
    TextMotionEvaluator,
    hand_features,
    preference_scores,
)
from core.evaluation.statistics import (
    preference,
)
from core.motion.features import encode as encode_features
from core.motion.skeleton import neutral_skeleton
from core.training.split import Split
from tests.core.evaluation.tiny import ACTIONS, CONFIG
from tests.core.moves import wandering

SKELETON = neutral_skeleton()


def test_evaluators_learn_their_clips_and_are_kept(folder, tmp_path, monkeypatch):
    library = Library.open(folder / "clips")
    config = EvaluatorConfig(
        width=16, embedding=8, steps=240, batch=16, speech_steps=5, speech_batch=4, learning_rate=5e-3
    )
    split = Split(frozenset())
    shown = []

    def progress(label):
        shown.append(label)
        return lambda done, total: None

    text, speech = evaluator_training.load_or_train(tmp_path / "evaluators", library, split, config, progress)
    rows = [library.motion_features(item) for item in library.clips[:12]]
    embedded, predictions = text.embed_motions(rows)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)
    right = [found[0] == item.action for found, item in zip(predictions, library.clips, strict=False)]
    assert np.mean(right) > 0.8
    again, _ = evaluator_training.load_or_train(tmp_path / "evaluators", library, split, config, progress)
    assert len(shown) == 2  # only the first time
    np.testing.assert_array_equal(again.embed_motions(rows)[0], embedded)
    scores = [float(s) for s in speech.score(rows[0], [library.voice_features(library.clips[12])] * 2)]
    assert scores[0] == scores[1]
    (tmp_path / "evaluators" / "evaluators.safetensors").write_bytes(b"short")
    evaluator_training.load_or_train(tmp_path / "evaluators", library, split, config, progress)
    assert len(shown) == 4


def test_a_text_evaluator_ignores_padding():
    torch.manual_seed(0)
    evaluator = TextMotionEvaluator(CONFIG, 6, ACTIONS).eval()
    motion = torch.randn(1, 64, 67)
    padded = torch.cat([motion, torch.randn(1, 16, 67)], 1)
    valid = torch.arange(80)[None] < 64
    with torch.inference_mode():
        alone, _ = evaluator(torch.cat([motion, torch.zeros(1, 16, 67)], 1), valid)
        beside, _ = evaluator(padded, valid)
    torch.testing.assert_close(alone, beside)


def test_mismatched_speech_is_compared_for_as_long_as_both_last():
    torch.manual_seed(0)
    evaluator = SpeechMotionEvaluator(CONFIG).eval()
    rows = encode_features(wandering(100), SKELETON).astype(np.float32)
    speech = np.random.default_rng(0).normal(size=(120, 5)).astype(np.float32)
    matched, mismatched = preference_scores(evaluator, [rows], [speech], [[speech[:60], speech]])
    np.testing.assert_allclose(matched, mismatched)
    assert preference(matched, mismatched) == 0.5
    assert hand_features(rows).shape == (100, 13)


def test_evaluators_of_an_earlier_version_are_used(folder, tmp_path):
    library, split = Library.open(folder / "clips"), Split(frozenset())
    trained = evaluator_training.load_or_train(tmp_path, library, split, CONFIG, lambda _: lambda done, total: None)
    header = json.loads((tmp_path / "evaluators.json").read_text())
    header["takes"] = header.pop("clips")
    (tmp_path / "judges.json").write_text(json.dumps(header))
    (tmp_path / "evaluators.json").unlink()
    (tmp_path / "evaluators.safetensors").rename(tmp_path / "judges.safetensors")
    known = evaluator_training.load_evaluators(tmp_path, library, split, CONFIG)
    assert known is not None
    for network, again in zip(trained, known, strict=True):
        for key, value in network.state_dict().items():
            assert torch.equal(value, again.state_dict()[key]), key
