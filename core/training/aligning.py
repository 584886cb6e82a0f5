# SPDX-License-Identifier: GPL-3.0-or-later
"""How a `TextAligner` learns which sentences of the takes mean the same."""

# pyright: reportUnknownMemberType=false

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ..console import Progress
from ..model.aligner import TextAligner
from .captions import by_style

_BATCH = 128
_RATE, _TOKEN_RATE, _LAST = 2e-3, 1e-3, 0.005  # of the sentences' layers, of the tokens', and which share is left
_WARMUP = 100
_DECAY = 0.1
_NOISE = 0.03  # of a number of a sentence vector, whose length is 1
_UNTOLD = 0.1  # of the tokens
_SMOOTHING = 0.1

Tokens = npt.NDArray[np.float16] | npt.NDArray[np.float32]
Captions = Sequence[tuple[str, str, Sequence[int] | npt.NDArray[np.intp]]]
"""Action, style and sentences (rows of their tokens) of each caption."""


def fit_aligner(tokens: Tokens, captions: Captions, seed: int, steps: int) -> TextAligner:
    """The aligner of captions, learned from tokens (S, L, text width) of their sentences' plain forms.

    Each action counts alike, and of an action those without a style as much as those with one. Sentences that several
    captions have in common are shared among those.
    """
    rng = np.random.default_rng([seed, 11])
    rows = [np.array(row) for *_, row in captions]
    of_action: dict[str, list[int]] = defaultdict(list)
    for i, (action, *_) in enumerate(captions):
        of_action[action].append(i)
    actions = [by_style(numbers, lambda i: captions[i][1]) for numbers in of_action.values()]

    def drawn_caption() -> int:
        pools = actions[int(rng.integers(len(actions)))]
        pool = pools[int(rng.integers(len(pools)))]
        return pool[int(rng.integers(len(pool)))]

    every = torch.from_numpy(tokens)
    vectors = functional.normalize(every.sum(1, dtype=torch.float32), dim=-1)  # (S, text width)
    told = every.any(-1)  # (S, L)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        aligner = TextAligner(every.shape[-1], [action for action, *_ in captions])
        aligner.captions.copy_(torch.stack([functional.normalize(vectors[row].mean(0), dim=0) for row in rows]))
        gist = list(aligner.gist.parameters())
        others = [parameter for name, parameter in aligner.named_parameters() if not name.startswith("gist.")]
        optimizer = torch.optim.AdamW([{"params": gist}, {"params": others}], lr=_RATE, weight_decay=_DECAY)
        progress = Progress("Aligning words")
        for step in range(steps):
            share = min(1.0, (step + 1) / _WARMUP) * (1 - step / steps) + _LAST
            for group, rate in zip(optimizer.param_groups, (_RATE, _TOKEN_RATE), strict=True):
                group["lr"] = rate * share
            meant = [drawn_caption() for _ in range(_BATCH)]
            drawn = [int(rows[i][rng.integers(len(rows[i]))]) for i in meant]
            length = int(told[drawn].sum(1).max())
            heard = told[drawn, :length] & (torch.rand(_BATCH, length) >= _UNTOLD)
            heard[:, 0] = True
            varied = vectors[drawn] + _NOISE * torch.randn(_BATCH, vectors.shape[1])
            scores = aligner.scores(varied, every[drawn, :length].float(), heard)
            loss = functional.cross_entropy(scores, torch.tensor(meant), label_smoothing=_SMOOTHING)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            progress(step + 1, steps)
    return aligner.eval().requires_grad_(False)
