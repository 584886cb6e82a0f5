# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences of one caption become alike before the denoiser is told them, also those that were never read."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.generate import generate
from core.model.aligner import TextAligner
from core.model.checkpoint import Model
from core.timeline import TextStrip, Timeline
from core.training.aligning import fit_aligner
from tests.core.test_generate import TEXT_WIDTH, make_model

WIDTH = 32
STEPS = 150


def wordings(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (3 * number, WIDTH) of three meanings and which each has: most of a vector does not tell it."""
    rng = np.random.default_rng(seed)
    meaning = np.repeat(np.arange(3), number)
    vectors = rng.normal(size=(3 * number, WIDTH))
    vectors[:, :3] = 0.0
    vectors[np.arange(3 * number), meaning] = 4.0
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), meaning


@pytest.fixture(scope="module")
def aligner() -> TextAligner:
    vectors, meaning = wordings(60, 0)
    captions = [(name, tuple(np.flatnonzero(meaning == k))) for k, name in enumerate(("walk", "bow", "bow"))]
    return fit_aligner(vectors, captions, 0, STEPS)


def test_wordings_that_were_never_read_become_their_captions(aligner: TextAligner):
    vectors, meaning = wordings(20, 1)
    told = aligner(torch.from_numpy(vectors))
    own = aligner.captions[torch.from_numpy(meaning)]
    before = (torch.from_numpy(vectors) * own).sum(1)
    after = (told * own).sum(1)
    assert before.mean() < 0.8
    assert after.mean() > 0.95
    torch.testing.assert_close(told.norm(dim=1), torch.ones(len(told)))
    assert (aligner.shares(torch.from_numpy(vectors)).argmax(1).numpy() == meaning).mean() > 0.95


def test_the_length_of_a_sentence_vector_says_nothing(aligner: TextAligner):
    vectors = torch.from_numpy(wordings(5, 2)[0])
    torch.testing.assert_close(aligner(vectors), aligner(7 * vectors))


def test_what_captions_have_in_common_is_shared_among_them():
    vectors, meaning = wordings(60, 0)
    first, second = np.flatnonzero(meaning == 0), np.flatnonzero(meaning == 1)
    captions = [("wave", (*first[:40], *second)), ("wave", (*first[40:], *second))]
    shares = fit_aligner(vectors, captions, 0, STEPS).shares(torch.from_numpy(vectors[second]))
    assert 0.2 < shares[:, 0].mean() < 0.8


def test_the_same_words_give_the_same_aligner():
    vectors, meaning = wordings(10, 0)
    captions = [("walk", tuple(np.flatnonzero(meaning == k))) for k in range(3)]
    first = fit_aligner(vectors, captions, 4, 10).state_dict()
    torch.rand(3)  # whatever else draws numbers
    again = fit_aligner(vectors, captions, 4, 10).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)


def aligned(model: Model) -> Model:
    """The model with an aligner to which all sentences mean the same."""
    aligner = TextAligner(TEXT_WIDTH, 2).eval()
    aligner.captions.copy_(functional.normalize(torch.rand(2, TEXT_WIDTH), dim=1))
    for layer in (aligner.scores[0], aligner.scores[-1]):
        torch.nn.init.zeros_(layer.weight)
    return replace(model, aligner=aligner.requires_grad_(False))


@pytest.mark.parametrize("has_aligner", [False, True])
def test_prompts_of_one_caption_give_one_motion(has_aligner: bool, monkeypatch: pytest.MonkeyPatch):
    def encode(prompts, encoder):
        return np.stack([np.roll([1.0, 2, 3, 0, 0, 0], len(prompt)) for prompt in prompts]).astype(np.float32)

    monkeypatch.setattr("core.generate.encode_texts", encode)
    model = aligned(make_model()) if has_aligner else make_model()
    first, second = (
        generate(Timeline((TextStrip(0, 3, prompt),), fps=20), model) for prompt in ("she bows", "she takes a bow")
    )
    assert np.array_equal(first.rotations, second.rotations) == has_aligner


@pytest.mark.parametrize("has_aligner", [False, True])
def test_an_aligner_reads_what_is_done_and_not_who_does_it(has_aligner: bool, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []

    def encode(prompts, encoder):
        read.extend(prompts)
        return np.ones((len(prompts), TEXT_WIDTH), np.float32)

    monkeypatch.setattr("core.generate.encode_texts", encode)
    model = aligned(make_model()) if has_aligner else make_model()
    generate(Timeline((TextStrip(0, 3, "The old man waves his hand."),), fps=20), model)
    assert set(read) == {"a person waves their hand" if has_aligner else "The old man waves his hand."}
