# SPDX-License-Identifier: GPL-3.0-or-later
"""From the tokens of a prompt's plain form to the words that the denoiser has learned its motions with."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .denoiser import Block, DenoiserConfig

HIDDEN = 1024
LAYER = DenoiserConfig(width=128, layers=2, heads=4, feedforward=512, dropout=0.2, norm_first=True)
"""Of the transformer over tokens; what else a denoiser has does not count."""
_SHARPNESS = 4.0  # between a mean of all that may be meant, and the likeliest alone
_LEAST = -20.0  # logarithm of a share: its powers are still numbers


class TextAligner(nn.Module):
    """Which captions of training a sentence means, and the mean of their vectors.

    Two wordings of one action lie far apart among sentence vectors, for these tell apart much that no motion shows. A
    denoiser that is told sentences has to learn beside the motion which of them mean the same; this small network
    learns it from words alone, and the denoiser is told captions (as in TMR, Petrovich et al. 2023, text is brought
    near motion before it is used). Who does it is left out before (`core.wording.plain`), for that moves a sentence as
    far. Two readings are summed: one of the sentence vector, the mean of the tokens, which knows what words mean; and
    one of a small transformer over the tokens, which can tell the word that counts.

    actions: of each caption (C,). captions (C, text_width) of length 1, one for each caption of training.
    """

    def __init__(self, text_width: int, actions: Sequence[str]) -> None:
        super().__init__()
        self.gist = nn.Sequential(
            nn.Linear(text_width, HIDDEN), nn.GELU(), nn.Dropout(0.5), nn.Linear(HIDDEN, len(actions))
        )
        self.token_in = nn.Linear(text_width, LAYER.width)
        self.layers = nn.ModuleList(Block(LAYER) for _ in range(LAYER.layers))
        self.words = nn.Sequential(
            nn.LayerNorm(2 * LAYER.width), nn.Dropout(0.3), nn.Linear(2 * LAYER.width, len(actions))
        )
        self.captions = nn.Buffer(torch.zeros(len(actions), text_width))
        known = {action: k for k, action in enumerate(dict.fromkeys(actions))}
        own = functional.one_hot(torch.tensor([known[action] for action in actions]))
        self.of_action = nn.Buffer(own.float(), persistent=False)  # (C, A)

    def scores(self, vectors: Tensor, tokens: Tensor, told: Tensor) -> Tensor:
        """Of each caption, before they are made shares: (n, C).

        vectors (n, text_width) of length 1, the direction of the tokens' sum; tokens (n, L, text_width); told (n, L)
        bool, False where there is none.
        """
        x = self.token_in(functional.layer_norm(tokens, tokens.shape[-1:]))  # (n, L, W)
        for layer in self.layers:
            x = layer(x, told[:, None, None, :], x)
        there = told[..., None]
        mean = (x * there).sum(1) / there.sum(1)
        largest = x.masked_fill(~there, -torch.inf).amax(1)
        return self.gist(vectors) + self.words(torch.cat([mean, largest], 1))

    @torch.no_grad()
    def shares(self, tokens: Tensor) -> Tensor:
        """How much each caption is meant: tokens (n, L, text_width) -> (n, C), rows of sum 1.

        Behind a sentence's last token are zeros. The likely actions are raised above the others, then of each action
        the likely captions: an action of many captions, styles for example, is as likely as all of these together.
        """
        scores = self.scores(functional.normalize(tokens.sum(1), dim=-1), tokens, tokens.any(-1))
        likely = scores.log_softmax(-1).clamp(min=_LEAST)  # (n, C)
        actions = functional.normalize((likely.exp() @ self.of_action) ** _SHARPNESS, p=1, dim=-1)  # (n, A)
        raised = (_SHARPNESS * likely).exp()
        return raised * (actions / (raised @ self.of_action) @ self.of_action.T)

    @torch.no_grad()
    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n, L, text_width) -> what the denoiser is told, (n, text_width) of length 1."""
        return functional.normalize(self.shares(tokens) @ self.captions, dim=-1)
