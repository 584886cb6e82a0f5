# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts are read as captions of training, also in wordings that were never seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.generate import generate
from core.model.checkpoint import Model
from core.model.prompt_classifier import PROTOTYPES, PromptClassifier
from core.timeline.strips import TextStrip, Timeline
from core.training.captions import STYLES
from core.training.prompt_training import Restyled, find_prototypes, fit_classifier, restyle
from tests.core.test_generate import TEXT_WIDTH, make_model

WIDTH = 32
STEPS = 150


def wordings(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens (3 * number, 6, WIDTH) of three meanings and which each has: most of a sentence does not tell it.

    Three to six tokens are told, behind them are zeros.
    """
    rng = np.random.default_rng(seed)
    meaning = np.repeat(np.arange(3), number)
    tokens = rng.normal(size=(3 * number, 6, WIDTH))
    tokens[..., :3] = 0.0
    tokens[np.arange(3 * number), :, meaning] = 1.5
    tokens[np.arange(6) >= rng.integers(3, 7, 3 * number)[:, None]] = 0.0
    return tokens.astype(np.float32), meaning


def sentence_vectors(tokens: np.ndarray) -> torch.Tensor:
    return functional.normalize(torch.from_numpy(tokens).sum(1), dim=-1)


@pytest.fixture(scope="module")
def classifier() -> PromptClassifier:
    tokens, meaning = wordings(60, 0)
    captions = [(name, "", tuple(np.flatnonzero(meaning == k))) for k, name in enumerate(("walk", "bow", "bow"))]
    return fit_classifier(tokens, captions, 0, STEPS)


def test_unseen_wordings_are_read_as_their_captions(classifier: PromptClassifier):
    tokens, meaning = wordings(20, 1)
    told = classifier(torch.from_numpy(tokens))
    own = classifier.captions[torch.from_numpy(meaning)]
    before = (sentence_vectors(tokens) * own).sum(1)
    after = (told * own).sum(1)
    assert before.mean() < 0.8
    assert after.mean() > 0.95
    torch.testing.assert_close(told.norm(dim=1), torch.ones(len(told)))
    shares = classifier.caption_probabilities(torch.from_numpy(tokens))
    torch.testing.assert_close(shares.sum(1), torch.ones(len(told)))
    assert (shares.argmax(1).numpy() == meaning).mean() > 0.95


def test_the_word_that_counts_is_found_where_the_sum_of_words_is_ambiguous():
    """Of two meanings one names a thing first and then its opposite, the other the same words the other way round."""
    rng = np.random.default_rng(0)
    word = rng.normal(size=WIDTH)
    place = np.eye(WIDTH)[:2] * 2.0  # as a text network's tokens tell their place

    def told(number: int) -> tuple[np.ndarray, np.ndarray]:
        meaning = np.arange(number) % 2
        signs = np.where(meaning == 0, 1.0, -1.0)[:, None, None]
        tokens = np.concatenate([signs * word, -signs * word], 1) + place
        return (tokens + 0.3 * rng.normal(size=tokens.shape)).astype(np.float32), meaning

    tokens, meaning = told(120)
    captions = [(name, "", tuple(np.flatnonzero(meaning == k))) for k, name in enumerate(("start_walk", "stop_walk"))]
    classifier = fit_classifier(tokens, captions, 0, STEPS)
    unread, meant = told(40)
    assert (classifier.caption_probabilities(torch.from_numpy(unread)).argmax(1).numpy() == meant).mean() > 0.95


def test_padding_behind_the_last_token_is_ignored(classifier: PromptClassifier):
    tokens = torch.from_numpy(wordings(5, 2)[0])
    longer = functional.pad(tokens, (0, 0, 0, 7))
    torch.testing.assert_close(classifier(tokens), classifier(longer))


def test_the_scale_of_tokens_is_ignored(classifier: PromptClassifier):
    tokens = torch.from_numpy(wordings(5, 2)[0])
    torch.testing.assert_close(classifier(tokens), classifier(7 * tokens), atol=1e-4, rtol=1e-4)


def reading(
    monkeypatch: pytest.MonkeyPatch, captions: list[tuple[str, str]], actions: list[float], styles: list[float]
) -> dict[tuple[str, str], float]:
    """The share of each caption where a sentence means actions and styles with these shares."""
    classifier = PromptClassifier(WIDTH, *zip(*captions, strict=True))
    within = 1 / classifier.of_kind.sum(0) @ classifier.of_kind.T  # alike
    answer = (torch.tensor([actions]), torch.tensor([styles]), within[None])
    monkeypatch.setattr(classifier, "log_probabilities", lambda *_: tuple(share.log() for share in answer))
    shares = classifier.caption_probabilities(torch.ones(1, 1, WIDTH))[0]
    assert shares.sum() == pytest.approx(1)
    return {kind: float(sum(shares[i] for i, own in enumerate(captions) if own == kind)) for kind in captions}


def test_an_action_is_as_likely_as_all_its_captions(monkeypatch: pytest.MonkeyPatch):
    shares = reading(monkeypatch, [("walk", ""), ("walk", ""), ("walk", ""), ("bow", "")], [0.6, 0.4], [1.0])
    assert shares["walk", ""] > 0.8


@pytest.mark.parametrize("action", ["walk", "bow"])
def test_a_style_that_an_action_has_no_caption_in_counts_as_none(action: str, monkeypatch: pytest.MonkeyPatch):
    captions = [("walk", ""), ("walk", "proud"), ("walk", "sad"), ("bow", ""), ("bow", "sad")]
    meant = [0.9, 0.1] if action == "walk" else [0.1, 0.9]
    shares = reading(monkeypatch, captions, meant, [0.1, 0.8, 0.1])
    assert shares[action, "proud" if action == "walk" else ""] > 0.99


def test_an_action_with_styled_captions_alone_is_done_in_any_of_them(monkeypatch: pytest.MonkeyPatch):
    captions = [("walk", ""), ("walk", "happy"), ("bow", "sad"), ("bow", "proud")]
    shares = reading(monkeypatch, captions, [0.01, 0.99], [0.01, 0.97, 0.01, 0.01])
    assert shares["bow", "sad"] == pytest.approx(0.5, abs=0.01)
    assert shares["bow", "proud"] == pytest.approx(0.5, abs=0.01)


def test_unknown_words_are_read_as_the_action_of_the_nearest_prototype():
    """Where the layers are undecided, the nearest prototype of an action decides, wherever its others lie."""
    classifier = PromptClassifier(WIDTH, ["walk", "bow"], ["", ""]).eval()
    for layer in (classifier.gist[-1], classifier.words[-1]):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    words = torch.eye(WIDTH)
    classifier.prototypes.copy_(
        torch.stack([words[:4].repeat(PROTOTYPES // 4, 1), words[4:8].repeat(PROTOTYPES // 4, 1)])
    )
    shares = classifier.caption_probabilities((words[:8] + 0.5 * words[8:16])[:, None])
    assert (shares.argmax(1) == torch.arange(8) // 4).all()


@pytest.mark.parametrize("number", [1, 5, PROTOTYPES, 4 * PROTOTYPES])
def test_prototypes_are_where_sentences_gather(number: int):
    """Of five bunches each has some, as far as there are so many sentences."""
    rng = np.random.default_rng(0)
    bunches = functional.normalize(torch.from_numpy(rng.normal(size=(5, WIDTH))).float(), dim=1)
    noise = torch.from_numpy(0.02 * rng.normal(size=(number, WIDTH))).float()
    found = find_prototypes(functional.normalize(bunches[torch.arange(number) % 5] + noise, dim=1), 0)
    assert found.shape == (PROTOTYPES, WIDTH)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(PROTOTYPES))
    likeness = found @ bunches.T
    assert (likeness.amax(1) > 0.95).all()
    assert set(likeness.argmax(1).tolist()) == set(range(min(number, 5)))


def test_a_sentence_that_captions_share_is_shared_among_them():
    tokens, meaning = wordings(60, 0)
    first, second = np.flatnonzero(meaning == 0), np.flatnonzero(meaning == 1)
    captions = [("wave", "", (*first[:40], *second)), ("wave", "", (*first[40:], *second))]
    shares = fit_classifier(tokens, captions, 0, STEPS).caption_probabilities(torch.from_numpy(tokens[second]))
    assert 0.2 < shares[:, 0].mean() < 0.8


def test_a_caption_without_style_is_not_outnumbered_by_styled_ones():
    """A wording that two actions share is as likely the one that is known in eight styles too."""
    tokens, meaning = wordings(60, 0)
    shared, styled, other = (np.flatnonzero(meaning == k) for k in range(3))
    captions = [("walk", "", shared), *(("walk", "proud", styled) for _ in range(8)), ("start_walk", "", shared[:50])]
    captions.append(("start_walk", "sad", other))
    shares = fit_classifier(tokens, captions, 0, STEPS).caption_probabilities(torch.from_numpy(tokens[shared]))
    assert 0.2 < shares[:, 0].mean() < 0.8


def test_each_form_is_repeated_in_a_style_that_its_action_has_no_caption_in():
    forms = ["a person walks", "a person walks proudly", "a person strolls", "a person bows", "what nobody says"]
    captions = [("walk", "", (0, 2)), ("walk", "proud", (1,)), ("bow", "", (3,))]
    more = restyle(forms, captions, 0)
    assert [one.form for one in more] == [0, 2, 3]
    assert all(one.text in [f"{forms[one.form]} {manner}" for manner in STYLES[one.style]] for one in more)
    assert {restyle(forms, captions, seed)[0].style for seed in range(300)} == STYLES.keys() - {"proud"}


def test_an_action_with_captions_in_every_style_is_not_restyled():
    assert not restyle(["a person walks"], [("walk", style, (0,)) for style in ("", *STYLES)], 0)


def test_an_action_is_read_in_a_style_that_only_another_has_captions_in():
    """Meaning 2 stands for a manner that strafing alone is known in."""
    tokens, meaning = wordings(60, 0)
    plainly = np.flatnonzero(meaning < 2)
    manner = np.tile(tokens[meaning == 2], (2, 1, 1))
    captions = [(name, "", np.flatnonzero(meaning == k)) for k, name in enumerate(("walk", "bow"))]
    captions.append(("strafe", "sad", np.flatnonzero(meaning == 2)))
    spoken = np.maximum(tokens[plainly], manner)
    every = np.concatenate([tokens, spoken])
    more = [Restyled(int(form), "sad", "") for form in plainly]

    def share_read(tokens: np.ndarray, more: list[Restyled]) -> float:
        classifier = fit_classifier(tokens, captions, 0, STEPS, more)
        means = [functional.normalize(sentence_vectors(tokens[row]).mean(0), dim=0) for *_, row in captions]
        torch.testing.assert_close(classifier.captions, torch.stack(means))
        return float(
            (classifier.caption_probabilities(torch.from_numpy(spoken)).argmax(1).numpy() == meaning[plainly]).mean()
        )

    assert share_read(every, more) > 0.95
    assert share_read(tokens, []) < 0.8


def test_the_same_words_give_the_same_aligner():
    tokens, meaning = wordings(10, 0)
    captions = [("walk", "", tuple(np.flatnonzero(meaning == k))) for k in range(3)]
    first = fit_classifier(tokens, captions, 4, 10).state_dict()
    torch.rand(3)  # whatever else draws numbers
    again = fit_classifier(tokens, captions, 4, 10).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)


def with_classifier(model: Model) -> Model:
    """The model with an classifier to which all sentences mean the same."""
    classifier = PromptClassifier(TEXT_WIDTH, ["bow", "walk"], ["", ""]).eval()
    classifier.captions.copy_(functional.normalize(torch.rand(2, TEXT_WIDTH), dim=1))
    for layer in (classifier.gist[-1], classifier.words[-1]):
        torch.nn.init.zeros_(layer.weight)
    return replace(model, classifier=classifier.requires_grad_(False))


@pytest.mark.parametrize("has_classifier", [False, True])
def test_prompts_of_one_caption_give_one_motion(has_classifier: bool, monkeypatch: pytest.MonkeyPatch):
    def encode(prompts, encoder):
        return np.stack([np.roll([1.0, 2, 3, 0, 0, 0], len(prompt)) for prompt in prompts]).astype(np.float32)

    monkeypatch.setattr("core.planning.inputs.encode_texts", encode)
    monkeypatch.setattr("core.planning.inputs.encode_tokens", lambda *given: encode(*given)[:, None])
    model = with_classifier(make_model()) if has_classifier else make_model()
    first, second = (
        generate(Timeline((TextStrip(0, 3, prompt),), fps=20), model) for prompt in ("she bows", "she takes a bow")
    )
    assert np.array_equal(first.rotations, second.rotations) == has_classifier


@pytest.mark.parametrize("has_classifier", [False, True])
def test_an_aligner_reads_what_is_done_and_not_who_does_it(has_classifier: bool, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []

    def encode(prompts, encoder):
        read.extend(prompts)
        return np.ones((len(prompts), TEXT_WIDTH), np.float32)

    monkeypatch.setattr("core.planning.inputs.encode_texts", encode)
    monkeypatch.setattr("core.planning.inputs.encode_tokens", lambda *given: encode(*given)[:, None])
    model = with_classifier(make_model()) if has_classifier else make_model()
    generate(Timeline((TextStrip(0, 3, "The sad man waves his hand."),), fps=20), model)
    assert set(read) == {"a person waves their hand sadly" if has_classifier else "The sad man waves his hand."}
