# SPDX-License-Identifier: GPL-3.0-or-later
"""From the tokens of a prompt's plain form to the words that the denoiser has learned its motions with."""

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .denoiser import Block, DenoiserConfig

HIDDEN = 1024
PROTOTYPES = 48
"""Sentence vectors that are kept of each action."""
LAYER = DenoiserConfig(width=128, layers=2, heads=4, feedforward=512, dropout=0.2, norm_first=True)
"""Of the transformer over tokens; what else a denoiser has does not count."""
_LIKENESS = 12.0  # how much a likely action gains with the cosine of the nearest of its typical vectors
_SHARPNESS = 4.0  # between a mean of all that may be meant, and the likeliest alone
_LEAST = 1e-9  # of a share: its power is still a number
_LEAST_SCORE = -80.0  # below the highest: its exponential is still a number


class PromptClassifier(nn.Module):
    """Which captions of training a sentence means, and the mean of their vectors.

    Two wordings of one action lie far apart among sentence vectors, for these tell apart much that no motion shows. A
    denoiser that is told sentences has to learn beside the motion which of them mean the same; this small network
    learns it from words alone, and the denoiser is told captions (as in TMR, Petrovich et al. 2023, text is brought
    near motion before it is used). Who does it is left out before (`core.wording.plain`), for that moves a sentence as
    far. Two readings are summed: one of the sentence vector, the mean of the tokens, which knows what words mean; and
    one of a small transformer over the tokens, which can tell the word that counts. Words that neither has met are
    told by the typical vectors that they lie nearest to, those of an action in no style, for that moves all as far.

    What is done and in which style are read apart, so that a deed is understood in every style. One in a style that it
    has no caption in means the deed without a style.

    `actions` and `styles` are the distinct ones, in the order of the answers; of the arguments of these names each is
    that of a caption of training (C,), "" where it has no style; `kinds` are the pairs of these. captions
    (C, text_width) and typical (A, TYPICAL, text_width) of length 1.
    """

    def __init__(self, text_width: int, actions: Sequence[str], styles: Sequence[str]) -> None:
        super().__init__()
        self.kinds = list(zip(actions, styles, strict=True))
        self.actions, self.styles = list(dict.fromkeys(actions)), list(dict.fromkeys(("", *styles)))
        self._sizes = (len(self.actions), len(self.styles), len(self.kinds))
        answers = sum(self._sizes)
        self.gist = nn.Sequential(nn.Linear(text_width, HIDDEN), nn.GELU(), nn.Dropout(0.5), nn.Linear(HIDDEN, answers))
        self.token_in = nn.Linear(text_width, LAYER.width)
        self.layers = nn.ModuleList(Block(LAYER) for _ in range(LAYER.layers))
        self.words = nn.Sequential(nn.LayerNorm(2 * LAYER.width), nn.Dropout(0.3), nn.Linear(2 * LAYER.width, answers))
        self.captions = nn.Buffer(torch.zeros(len(self.kinds), text_width))
        self.typical = nn.Buffer(torch.zeros(len(self.actions), PROTOTYPES, text_width))
        self.of_action = nn.Buffer(_one_hot(actions, self.actions), persistent=False)  # (C, A)
        self.of_style = nn.Buffer(_one_hot(styles, self.styles), persistent=False)  # (C, S)
        self.of_kind = nn.Buffer(_one_hot(self.kinds, list(dict.fromkeys(self.kinds))), persistent=False)  # (C, K)
        known = (self.of_action.T @ self.of_style).clamp(max=1)  # (A, S)
        plainly = _one_hot([""], self.styles).expand_as(known)
        self.known = nn.Buffer(known, persistent=False)
        self.otherwise = nn.Buffer(  # (A, S): the style that those stand for which an action has no caption in
            torch.where(known[:, :1] > 0, plainly, functional.normalize(known, p=1, dim=1)), persistent=False
        )

    def read(self, vectors: Tensor, tokens: Tensor, told: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logarithms of shares: of each action (n, A), of each style (n, S), and of each caption among those of its
        action and style (n, C).

        vectors (n, text_width) of length 1, the direction of the tokens' sum; tokens (n, L, text_width); told (n, L)
        bool, False where there is none.
        """
        x = self.token_in(functional.layer_norm(tokens, tokens.shape[-1:]))  # (n, L, W)
        for layer in self.layers:
            x = layer(x, told[:, None, None, :], x)
        there = told[..., None]
        mean = (x * there).sum(1) / there.sum(1)
        largest = x.masked_fill(~there, -torch.inf).amax(1)
        answers = self.gist(vectors) + self.words(torch.cat([mean, largest], 1))
        actions, styles, captions = answers.split(self._sizes, dim=-1)
        captions = (captions - captions.amax(-1, keepdim=True)).clamp(min=_LEAST_SCORE)
        alike = captions.exp() @ self.of_kind @ self.of_kind.T
        return actions.log_softmax(-1), styles.log_softmax(-1), captions - alike.log()

    def _likely(self, vectors: Tensor) -> Tensor:
        """What the nearest typical vectors add to each action, (n, D) -> (n, A); the mean of it for those without."""
        nearest = torch.einsum("nd,akd->nak", vectors, self.typical).amax(-1)
        has = self.typical.any(-1).any(-1)
        mean = (nearest * has).sum(-1, keepdim=True) / has.sum().clamp(min=1)
        return _LIKENESS * torch.where(has, nearest, mean)

    @torch.no_grad()
    def caption_probabilities(self, tokens: Tensor) -> Tensor:
        """How much each caption is meant: tokens (n, L, text_width) -> (n, C), rows of sum 1.

        Behind a sentence's last token are zeros. The likely actions are raised above the others, then of each action
        the likely captions.
        """
        vectors = functional.normalize(tokens.sum(1), dim=-1)
        deeds, *others = self.read(vectors, tokens, tokens.any(-1))
        actions, (styles, captions) = (deeds + self._likely(vectors)).softmax(-1), (one.exp() for one in others)
        styled = styles[:, None] * self.known
        styled = styled + (1 - styled.sum(-1, keepdim=True)) * self.otherwise  # (n, A, S) of each action's style
        of_style = torch.einsum("ca,nas,cs->nc", self.of_action, styled, self.of_style)
        raised = (of_style * captions).clamp(min=_LEAST) ** _SHARPNESS
        actions = functional.normalize(actions**_SHARPNESS, p=1, dim=-1)
        return raised * (actions / (raised @ self.of_action) @ self.of_action.T)

    @torch.no_grad()
    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n, L, text_width) -> what the denoiser is told, (n, text_width) of length 1."""
        return functional.normalize(self.caption_probabilities(tokens) @ self.captions, dim=-1)


def _one_hot(values: Sequence[Hashable], among: Sequence[Hashable]) -> Tensor:
    place = {value: k for k, value in enumerate(among)}
    return functional.one_hot(torch.tensor([place[value] for value in values]), len(among)).float()
