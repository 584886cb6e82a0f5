# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a prompt as one of the captions that the denoiser was trained with."""

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .classifier_config import (
    HIDDEN,
    LAYER,
    LEAST_LOGIT,
    LEAST_PROBABILITY,
    PROTOTYPE_WEIGHT,
    PROTOTYPES,
    RENAMED_TENSORS,
    SHARPNESS,
)
from .denoiser import Block


class PromptClassifier(nn.Module):
    """The probability of each training caption given a prompt, and the mean of the captions' vectors.

    Two wordings of one action lie far apart among sentence vectors, since these distinguish much that no motion shows.
    A denoiser conditioned on sentences has to learn, beside the motion, which of them mean the same; this small network
    learns it from words alone, and the denoiser is conditioned on captions (as in TMR, Petrovich et al. 2023, text is
    brought near motion before it is used). Who acts is left out before (`core.prompts.canonical`).

    Two readings are summed: one of the sentence vector, the mean of the tokens, which knows what words mean; and one of
    a small transformer over the tokens, which finds the word that counts. Words that neither has met are decided by the
    nearest of each action's prototypes (k-means over its training sentences without a style).

    Action and style are read apart, so that an action is understood in every style. A style that an action has no
    caption in counts as none.

    Attributes:
        actions, styles: the distinct ones, in the order of the outputs.
        kinds: (action, style) of each caption.
        captions: the captions' vectors, (C, text_width) of length 1.
        prototypes: (A, PROTOTYPES, text_width) of length 1, zeros where an action has none.
        of_action, of_style: which action and style each caption is of, one-hot (C, A) and (C, S).
    """

    def __init__(self, text_width: int, actions: Sequence[str], styles: Sequence[str]) -> None:
        """Args: text_width: of a token; actions, styles: of each caption of training (C,), "" for no style."""
        super().__init__()
        self.kinds = list(zip(actions, styles, strict=True))
        self.actions, self.styles = list(dict.fromkeys(actions)), list(dict.fromkeys(("", *styles)))
        self._sizes = (len(self.actions), len(self.styles), len(self.kinds))
        outputs = sum(self._sizes)
        self.gist = nn.Sequential(nn.Linear(text_width, HIDDEN), nn.GELU(), nn.Dropout(0.5), nn.Linear(HIDDEN, outputs))
        self.token_in = nn.Linear(text_width, LAYER.width)
        self.layers = nn.ModuleList(Block(LAYER) for _ in range(LAYER.layers))
        self.words = nn.Sequential(nn.LayerNorm(2 * LAYER.width), nn.Dropout(0.3), nn.Linear(2 * LAYER.width, outputs))
        self.captions = nn.Buffer(torch.zeros(len(self.kinds), text_width))
        self.prototypes = nn.Buffer(torch.zeros(len(self.actions), PROTOTYPES, text_width))
        self.of_action = nn.Buffer(_one_hot(actions, self.actions), persistent=False)  # (C, A)
        self.of_style = nn.Buffer(_one_hot(styles, self.styles), persistent=False)  # (C, S)
        self.of_kind = nn.Buffer(_one_hot(self.kinds, list(dict.fromkeys(self.kinds))), persistent=False)  # (C, K)
        known = (self.of_action.T @ self.of_style).clamp(max=1)  # (A, S)
        no_style = _one_hot([""], self.styles).expand_as(known)
        self.known = nn.Buffer(known, persistent=False)
        self.fallback = nn.Buffer(  # (A, S): the style that stands in for those which an action has no caption in
            torch.where(known[:, :1] > 0, no_style, functional.normalize(known, p=1, dim=1)), persistent=False
        )
        self.register_load_state_dict_pre_hook(_rename_buffers)

    def log_probabilities(self, vectors: Tensor, tokens: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the layers read.

        Args:
            vectors: sentence vectors, the direction of the tokens' sum, (n, text_width) of length 1.
            tokens: (n, L, text_width).
            present: False where there is no token, (n, L) bool.

        Returns:
            Log-probabilities of each action (n, A), of each style (n, S), and of each caption among those of its
            action and style (n, C).
        """
        x = self.token_in(functional.layer_norm(tokens, tokens.shape[-1:]))  # (n, L, W)
        for layer in self.layers:
            x = layer(x, present[:, None, None, :], x)
        there = present[..., None]
        mean = (x * there).sum(1) / there.sum(1)
        largest = x.masked_fill(~there, -torch.inf).amax(1)
        outputs = self.gist(vectors) + self.words(torch.cat([mean, largest], 1))
        actions, styles, captions = outputs.split(self._sizes, dim=-1)
        captions = (captions - captions.amax(-1, keepdim=True)).clamp(min=LEAST_LOGIT)
        alike = captions.exp() @ self.of_kind @ self.of_kind.T
        return actions.log_softmax(-1), styles.log_softmax(-1), captions - alike.log()

    def _prototype_logits(self, vectors: Tensor) -> Tensor:
        """What the nearest prototype adds to each action, (n, D) -> (n, A); the mean of it for those without."""
        nearest = torch.einsum("nd,akd->nak", vectors, self.prototypes).amax(-1)
        has = self.prototypes.any(-1).any(-1)
        mean = (nearest * has).sum(-1, keepdim=True) / has.sum().clamp(min=1)
        return PROTOTYPE_WEIGHT * torch.where(has, nearest, mean)

    @torch.no_grad()
    def caption_probabilities(self, tokens: Tensor) -> Tensor:
        """How likely each caption is.

        The probabilities of actions are sharpened, then those of the captions of each action.

        Args:
            tokens: (n, L, text_width), zeros behind a sentence's last token.

        Returns:
            (n, C), rows of sum 1.
        """
        vectors = functional.normalize(tokens.sum(1), dim=-1)
        action_logits, *others = self.log_probabilities(vectors, tokens, tokens.any(-1))
        actions = (action_logits + self._prototype_logits(vectors)).softmax(-1)
        styles, captions = (one.exp() for one in others)
        styled = styles[:, None] * self.known
        styled = styled + (1 - styled.sum(-1, keepdim=True)) * self.fallback  # (n, A, S) of each action's style
        of_style = torch.einsum("ca,nas,cs->nc", self.of_action, styled, self.of_style)
        sharpened = (of_style * captions).clamp(min=LEAST_PROBABILITY) ** SHARPNESS
        actions = functional.normalize(actions**SHARPNESS, p=1, dim=-1)
        return sharpened * (actions / (sharpened @ self.of_action) @ self.of_action.T)

    @torch.no_grad()
    def forward(self, tokens: Tensor) -> Tensor:
        """What the denoiser is conditioned on: tokens (n, L, text_width) -> (n, text_width) of length 1."""
        return functional.normalize(self.caption_probabilities(tokens) @ self.captions, dim=-1)


def _one_hot(values: Sequence[Hashable], among: Sequence[Hashable]) -> Tensor:
    place = {value: k for k, value in enumerate(among)}
    return functional.one_hot(torch.tensor([place[value] for value in values]), len(among)).float()


def _rename_buffers(_: nn.Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
    """Give the tensors of an earlier version's state their names of now."""
    for old, new in RENAMED_TENSORS.items():
        if prefix + old in state:
            state[prefix + new] = state.pop(prefix + old)
