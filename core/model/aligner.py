# SPDX-License-Identifier: GPL-3.0-or-later
"""From the sentence vector of a prompt's plain form to the words that the denoiser has learned its motions with."""

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 1024
_SHARPNESS = 4.0  # between a mean of all that may be meant, and the likeliest alone


class TextAligner(nn.Module):
    """Which captions of training a sentence means, and the mean of their vectors.

    Two wordings of one action lie far apart among sentence vectors, for these tell apart much that no motion shows. A
    denoiser that is told sentences has to learn beside the motion which of them mean the same; this small network
    learns it from words alone, and the denoiser is told captions (as in TMR, Petrovich et al. 2023, text is brought
    near motion before it is used). Who does it is left out before (`core.wording.plain`), for that moves a sentence as
    far. captions (C, text_width) of length 1: one for each caption of training.
    """

    def __init__(self, text_width: int, captions: int) -> None:
        super().__init__()
        self.scores = nn.Sequential(
            nn.Linear(text_width, HIDDEN), nn.GELU(), nn.Dropout(0.5), nn.Linear(HIDDEN, captions)
        )
        self.captions = nn.Buffer(torch.zeros(captions, text_width))

    @torch.no_grad()
    def shares(self, sentences: Tensor) -> Tensor:
        """How much each caption is meant: sentence vectors (n, text_width) -> (n, captions), rows of sum 1."""
        return (_SHARPNESS * self.scores(functional.normalize(sentences, dim=-1))).softmax(-1)

    @torch.no_grad()
    def forward(self, sentences: Tensor) -> Tensor:
        """Sentence vectors (n, text_width) -> what the denoiser is told, (n, text_width) of length 1."""
        return functional.normalize(self.shares(sentences) @ self.captions, dim=-1)
