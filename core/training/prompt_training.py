# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a `PromptClassifier`: which sentences express the same caption."""

# pyright: reportUnknownMemberType=false

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor
from torch.nn import functional

from ..console import Progress
from ..model.prompt_classifier import PROTOTYPES, PromptClassifier
from .styles import STYLES, split_by_style

Item = TypeVar("Item")

_BATCH = 128
_RATE, _TOKEN_RATE = 2e-3, 1e-3  # learning rates of the layers on sentence vectors and of those on tokens
_LAST = 0.005  # share of the learning rate that is left in the end
_WARMUP = 100
_DECAY = 0.1
_NOISE = 0.03  # standard deviation added to each entry of a sentence vector, whose length is 1
_TOKEN_DROPOUT = 0.1
_RESTYLED = 0.3  # how often a form is replaced by its copy in another style, if it has one
_SMOOTHING = 0.1

Tokens = npt.NDArray[np.float16] | npt.NDArray[np.float32]
Captions = Sequence[tuple[str, str, Sequence[int] | npt.NDArray[np.intp]]]
"""Action, style and sentences (rows of their tokens) of each caption."""


@dataclass(frozen=True)
class Restyled:
    """A canonical sentence repeated in a style.

    Attributes:
        form: The row of the plain sentence.
        style: A key of `STYLES`.
        text: The sentence with an adverb of the style.
    """

    form: int
    style: str
    text: str


def restyle(forms: Sequence[str], captions: Captions, seed: int) -> list[Restyled]:
    """Repeat each plain sentence in a style that no caption of its actions has.

    Args:
        forms: Canonical sentences.
        captions: The captions; their sentences are rows of `forms`.
        seed: Seed of the styles drawn.
    """
    rng = np.random.default_rng([seed, 13])
    styles_of: dict[str, set[str]] = defaultdict(set)
    for action, style, _ in captions:
        styles_of[action].add(style)
    known: dict[int, set[str]] = defaultdict(set)  # styles that the actions of a form have captions in
    for action, style, rows in captions:
        for form in () if style else map(int, rows):
            known[form] |= styles_of[action]
    more: list[Restyled] = []
    for form in sorted(known):
        adverbs = [(style, adverb) for style in STYLES if style not in known[form] for adverb in STYLES[style]]
        if adverbs:
            style, adverb = adverbs[int(rng.integers(len(adverbs)))]
            more.append(Restyled(form, style, f"{forms[form]} {adverb}"))
    return more


class _Examples:
    """Draws sentences: all actions equally often, and of an action plain and styled captions equally often."""

    def __init__(self, captions: Captions, more: Sequence[Restyled], first: int, seed: int) -> None:
        """Prepare to draw.

        Args:
            captions: The captions.
            more: Restyled sentences, which are the rows from `first` on.
            first: See `more`.
            seed: Seed of the draws.
        """
        self._rng = np.random.default_rng([seed, 11])
        self._captions = captions
        self._restyled = {one.form: (first + k, one.style) for k, one in enumerate(more)}
        of_action: dict[str, list[int]] = defaultdict(list)
        for i, (action, *_) in enumerate(captions):
            of_action[action].append(i)
        self._pools = [split_by_style(numbers, lambda i: captions[i][1]) for numbers in of_action.values()]

    def draw(self) -> tuple[int, int, str]:
        """Return a caption, the row of a sentence that expresses it, and the style that the sentence names."""
        caption = self._one(self._one(self._one(self._pools)))
        _, style, forms = self._captions[caption]
        form = int(self._one(forms))
        if not style and form in self._restyled and self._rng.random() < _RESTYLED:
            form, style = self._restyled[form]
        return caption, form, style

    def _one(self, among: Sequence[Item] | npt.NDArray[np.intp]) -> Item:
        return among[int(self._rng.integers(len(among)))]


def find_prototypes(vectors: Tensor, seed: int) -> Tensor:
    """Cluster sentence vectors (n, D) of length 1 by k-means.

    Returns:
        (PROTOTYPES, D) of length 1; for fewer vectors than that, the vectors themselves, some of them repeated.
    """
    if len(vectors) > PROTOTYPES:
        rng = np.random.default_rng([seed, 17])
        centers, _ = kmeans2(vectors.double().numpy(), PROTOTYPES, minit="++", missing="warn", rng=rng)
        vectors = torch.from_numpy(centers)
    return functional.normalize(vectors[torch.arange(PROTOTYPES) % len(vectors)].float(), dim=-1)


def fit_classifier(
    tokens: Tokens, captions: Captions, seed: int, steps: int, more: Sequence[Restyled] = ()
) -> PromptClassifier:
    """Train a classifier of prompts into captions.

    All actions count equally, and of an action plain and styled captions do. Sentences shared by several captions are
    divided between them.

    Args:
        tokens: (S + R, L, text width) tokens of S canonical sentences and then of `more`, zeros behind the last one.
        captions: The captions; their sentences are rows below S.
        seed: Seed of the training.
        steps: Optimizer steps.
        more: R forms repeated in another style; they express the same caption.

    Returns:
        The classifier, in eval mode.
    """
    examples = _Examples(captions, more, len(tokens) - len(more), seed)
    every = torch.from_numpy(tokens)
    vectors = functional.normalize(every.sum(1, dtype=torch.float32), dim=-1)  # (S + R, text width)
    present = every.any(-1)  # (S + R, L)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = PromptClassifier(
            every.shape[-1], [action for action, *_ in captions], [style for _, style, _ in captions]
        )
        _set_vectors(classifier, captions, vectors, seed)
        optimizer = _make_optimizer(classifier)
        loss_of = _Loss(classifier, captions)
        progress = Progress("Training the prompt classifier")
        for step in range(steps):
            share = min(1.0, (step + 1) / _WARMUP) * (1 - step / steps) + _LAST
            for group, rate in zip(optimizer.param_groups, (_RATE, _TOKEN_RATE), strict=True):
                group["lr"] = rate * share
            drawn = [examples.draw() for _ in range(_BATCH)]
            meant, forms, styles = (list(column) for column in zip(*drawn, strict=True))
            length = int(present[forms].sum(1).max())
            kept = present[forms, :length] & (torch.rand(_BATCH, length) >= _TOKEN_DROPOUT)
            kept[:, 0] = True
            varied = vectors[forms] + _NOISE * torch.randn(_BATCH, vectors.shape[1])
            loss = loss_of(classifier.log_probabilities(varied, every[forms, :length].float(), kept), meant, styles)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            progress(step + 1, steps)
    return classifier.eval().requires_grad_(False)


def _set_vectors(classifier: PromptClassifier, captions: Captions, vectors: Tensor, seed: int) -> None:
    """Set the mean vector of each caption, and the prototypes of each action among its plain sentences."""
    means = [functional.normalize(vectors[list(forms)].mean(0), dim=0) for *_, forms in captions]
    classifier.captions.copy_(torch.stack(means))
    plain: dict[str, set[int]] = defaultdict(set)
    for action, style, forms in captions:
        plain[action].update(() if style else map(int, forms))
    for row, action in zip(classifier.prototypes, classifier.actions, strict=True):
        if plain[action]:
            row.copy_(find_prototypes(vectors[sorted(plain[action])], seed))


def _make_optimizer(classifier: PromptClassifier) -> torch.optim.Optimizer:
    """Return an optimizer with a group for the layers on sentence vectors and one for all others."""
    gist = list(classifier.gist.parameters())
    others = [parameter for name, parameter in classifier.named_parameters() if not name.startswith("gist.")]
    return torch.optim.AdamW([{"params": gist}, {"params": others}], lr=_RATE, weight_decay=_DECAY)


class _Loss:
    """Cross entropy of action, style, and caption given both; smoothed."""

    def __init__(self, classifier: PromptClassifier, captions: Captions) -> None:
        self._action_of = classifier.of_action.argmax(1)
        alike = functional.normalize(classifier.of_kind @ classifier.of_kind.T, p=1, dim=-1)
        self._target = torch.lerp(torch.eye(len(captions)), alike, _SMOOTHING)  # (C, C)
        self._style_at = {style: k for k, style in enumerate(classifier.styles)}

    def __call__(self, answers: tuple[Tensor, Tensor, Tensor], meant: Sequence[int], styles: Sequence[str]) -> Tensor:
        """Return the loss.

        Args:
            answers: Log-probabilities of actions, styles and captions; see `PromptClassifier.log_probabilities`.
            meant: (B,) the caption of each sentence.
            styles: (B,) the style that each sentence names.
        """
        actions, by_style, within = answers
        style = torch.tensor([self._style_at.get(name, self._style_at[""]) for name in styles])
        return (
            functional.cross_entropy(actions, self._action_of[meant], label_smoothing=_SMOOTHING)
            + functional.cross_entropy(by_style, style, label_smoothing=_SMOOTHING)
            - (within * self._target[meant]).sum(1).mean()
        )
