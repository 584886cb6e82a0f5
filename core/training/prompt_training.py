# SPDX-License-Identifier: GPL-3.0-or-later
"""How a `TextAligner` learns which sentences of the takes mean the same."""

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
from .captions import STYLES, by_style

Item = TypeVar("Item")

_BATCH = 128
_RATE, _TOKEN_RATE, _LAST = 2e-3, 1e-3, 0.005  # of the sentences' layers, of the tokens', and which share is left
_WARMUP = 100
_DECAY = 0.1
_NOISE = 0.03  # of a number of a sentence vector, whose length is 1
_UNTOLD = 0.1  # of the tokens
_RESTYLED = 0.3  # of the times that a form is drawn which has another style
_SMOOTHING = 0.1

Tokens = npt.NDArray[np.float16] | npt.NDArray[np.float32]
Captions = Sequence[tuple[str, str, Sequence[int] | npt.NDArray[np.intp]]]
"""Action, style and sentences (rows of their tokens) of each caption."""


@dataclass(frozen=True)
class Restyled:
    """A plain form once more, in a style. form: its row among the forms; style: a key of `STYLES`."""

    form: int
    style: str
    said: str


def restyled(forms: Sequence[str], captions: Captions, seed: int) -> list[Restyled]:
    """The forms of captions without a style, each in a style that no caption of its actions has.

    captions: their sentences are rows of forms.
    """
    rng = np.random.default_rng([seed, 13])
    styles_of: dict[str, set[str]] = defaultdict(set)
    for action, style, _ in captions:
        styles_of[action].add(style)
    known: dict[int, set[str]] = defaultdict(set)  # of a form's actions
    for action, style, rows in captions:
        for form in () if style else map(int, rows):
            known[form] |= styles_of[action]
    more: list[Restyled] = []
    for form in sorted(known):
        manners = [(style, said) for style in STYLES if style not in known[form] for said in STYLES[style]]
        if manners:
            style, said = manners[int(rng.integers(len(manners)))]
            more.append(Restyled(form, style, f"{forms[form]} {said}"))
    return more


class _Examples:
    """Sentences to learn from: each action alike, of an action those without a style as much as those with one."""

    def __init__(self, captions: Captions, more: Sequence[Restyled], first: int, seed: int) -> None:
        """more: the forms from row `first` on."""
        self._rng = np.random.default_rng([seed, 11])
        self._captions = captions
        self._again = {one.form: (first + k, one.style) for k, one in enumerate(more)}
        of_action: dict[str, list[int]] = defaultdict(list)
        for i, (action, *_) in enumerate(captions):
            of_action[action].append(i)
        self._pools = [by_style(numbers, lambda i: captions[i][1]) for numbers in of_action.values()]

    def draw(self) -> tuple[int, int, str]:
        """A caption, a form that is told as it, and the style that this form names."""
        caption = self._one(self._one(self._one(self._pools)))
        _, style, forms = self._captions[caption]
        form = int(self._one(forms))
        if not style and form in self._again and self._rng.random() < _RESTYLED:
            form, style = self._again[form]
        return caption, form, style

    def _one(self, among: Sequence[Item] | npt.NDArray[np.intp]) -> Item:
        return among[int(self._rng.integers(len(among)))]


def typical(vectors: Tensor, seed: int) -> Tensor:
    """Where sentence vectors (n, D) of length 1 gather: (TYPICAL, D) of length 1, some of them twice for a small n."""
    if len(vectors) > PROTOTYPES:
        rng = np.random.default_rng([seed, 17])
        middles, _ = kmeans2(vectors.double().numpy(), PROTOTYPES, minit="++", missing="warn", rng=rng)
        vectors = torch.from_numpy(middles)
    return functional.normalize(vectors[torch.arange(PROTOTYPES) % len(vectors)].float(), dim=-1)


def fit_aligner(
    tokens: Tokens, captions: Captions, seed: int, steps: int, more: Sequence[Restyled] = ()
) -> PromptClassifier:
    """The aligner of captions, learned from tokens (S + R, L, text width) of their sentences' plain forms and `more`.

    Each action counts alike, and of an action those without a style as much as those with one. Sentences that several
    captions have in common are shared among those. more: forms once more, told as the same caption (R,).
    """
    examples = _Examples(captions, more, len(tokens) - len(more), seed)
    every = torch.from_numpy(tokens)
    vectors = functional.normalize(every.sum(1, dtype=torch.float32), dim=-1)  # (S + R, text width)
    told = every.any(-1)  # (S + R, L)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        aligner = PromptClassifier(
            every.shape[-1], [action for action, *_ in captions], [style for _, style, _ in captions]
        )
        means = [functional.normalize(vectors[list(forms)].mean(0), dim=0) for *_, forms in captions]
        aligner.captions.copy_(torch.stack(means))
        plainly: dict[str, set[int]] = defaultdict(set)
        for action, style, forms in captions:
            plainly[action].update(() if style else map(int, forms))
        for row, action in zip(aligner.typical, aligner.actions, strict=True):
            if plainly[action]:
                row.copy_(typical(vectors[sorted(plainly[action])], seed))
        gist = list(aligner.gist.parameters())
        others = [parameter for name, parameter in aligner.named_parameters() if not name.startswith("gist.")]
        optimizer = torch.optim.AdamW([{"params": gist}, {"params": others}], lr=_RATE, weight_decay=_DECAY)
        action_of = aligner.of_action.argmax(1)
        alike = functional.normalize(aligner.of_kind @ aligner.of_kind.T, p=1, dim=-1)
        told_within = torch.lerp(torch.eye(len(captions)), alike, _SMOOTHING)  # (C, C)
        style_at = {style: k for k, style in enumerate(aligner.styles)}
        progress = Progress("Aligning words")
        for step in range(steps):
            share = min(1.0, (step + 1) / _WARMUP) * (1 - step / steps) + _LAST
            for group, rate in zip(optimizer.param_groups, (_RATE, _TOKEN_RATE), strict=True):
                group["lr"] = rate * share
            drawn = [examples.draw() for _ in range(_BATCH)]
            meant, forms, named = (list(column) for column in zip(*drawn, strict=True))
            length = int(told[forms].sum(1).max())
            heard = told[forms, :length] & (torch.rand(_BATCH, length) >= _UNTOLD)
            heard[:, 0] = True
            varied = vectors[forms] + _NOISE * torch.randn(_BATCH, vectors.shape[1])
            actions, styles, within = aligner.read(varied, every[forms, :length].float(), heard)
            style = torch.tensor([style_at.get(name, style_at[""]) for name in named])
            loss = (
                functional.cross_entropy(actions, action_of[meant], label_smoothing=_SMOOTHING)
                + functional.cross_entropy(styles, style, label_smoothing=_SMOOTHING)
                - (within * told_within[meant]).sum(1).mean()
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            progress(step + 1, steps)
    return aligner.eval().requires_grad_(False)
