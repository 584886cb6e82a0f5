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

_BATCH = 256
_RATE, _LAST_RATE = 2e-3, 1e-5
_DECAY = 0.1
_NOISE = 0.03  # of a number of a sentence vector, whose length is 1
_SMOOTHING = 0.1

Vectors = npt.NDArray[np.float32]
Captions = Sequence[tuple[str, tuple[int, ...]]]
"""Action and sentences (rows of their vectors) of each caption."""


def fit_aligner(sentences: Vectors, captions: Captions, seed: int, steps: int) -> TextAligner:
    """The aligner of captions, learned from vectors (S, text width) of their sentences' plain forms.

    Each action counts alike. Sentences that several captions have in common are shared among those.
    """
    rng = np.random.default_rng([seed, 11])
    rows = [np.array(row) for _, row in captions]
    of_action: dict[str, list[int]] = defaultdict(list)
    for i, (action, _) in enumerate(captions):
        of_action[action].append(i)
    groups = list(of_action.values())
    vectors = functional.normalize(torch.from_numpy(np.array(sentences, np.float32)), dim=-1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        aligner = TextAligner(vectors.shape[1], len(captions))
        aligner.captions.copy_(torch.stack([functional.normalize(vectors[row].mean(0), dim=0) for row in rows]))
        optimizer = torch.optim.AdamW(aligner.scores.parameters(), lr=_RATE, weight_decay=_DECAY)
        progress = Progress("Aligning words")
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = _RATE * (1 - step / steps) + _LAST_RATE
            meant = [groups[k][int(rng.integers(len(groups[k])))] for k in rng.integers(len(groups), size=_BATCH)]
            told = vectors[[int(rows[i][rng.integers(len(rows[i]))]) for i in meant]]
            told = told + _NOISE * torch.randn_like(told)
            loss = functional.cross_entropy(aligner.scores(told), torch.tensor(meant), label_smoothing=_SMOOTHING)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            progress(step + 1, steps)
    return aligner.eval().requires_grad_(False)
