# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of HumanML3D's published evaluator (Guo et al. 2022), in its layout."""

# pyright: reportUnknownMemberType=false

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

MOTION_WIDTH = 259
"""Numbers per frame that the networks see: all features but the contacts."""
WORD_WIDTH = 300
"""Numbers of a word vector."""
SHARED = 512
"""Numbers of an embedding."""
# parts of speech, and kinds of words that matter for motion
TAGS = (
    "VERB", "NOUN", "DET", "ADP", "NUM", "AUX", "PRON", "ADJ", "ADV", "Loc_VIP", "Body_VIP", "Obj_VIP", "Act_VIP",
    "Desc_VIP", "OTHER",
)  # fmt: skip


class _Movements(nn.Module):
    """Maps features (B, 4 N, 259) to (B, N, 512), one for every four frames."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(MOTION_WIDTH, SHARED, 4, 2, 1), nn.Dropout(0.2), nn.LeakyReLU(0.2),
            nn.Conv1d(SHARED, SHARED, 4, 2, 1), nn.Dropout(0.2), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.out_net = nn.Linear(SHARED, SHARED)

    def forward(self, rows: Tensor) -> Tensor:
        return self.out_net(self.main(rows.transpose(1, 2)).transpose(1, 2))


class _Sequences(nn.Module):
    """Maps sequences (B, N, width), of which the first `lengths` rows count, to (B, 512).

    For texts, `tags` is the number of tags.
    """

    def __init__(self, width: int, hidden: int, tags: int = 0) -> None:
        super().__init__()
        if tags:
            self.pos_emb = nn.Linear(tags, width)
        self.input_emb = nn.Linear(width, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.LayerNorm(hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, SHARED)
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, hidden))

    def forward(self, rows: Tensor, lengths: Sequence[int], tags: Tensor | None = None) -> Tensor:
        if tags is not None:
            rows = rows + self.pos_emb(tags)
        packed = pack_padded_sequence(
            self.input_emb(rows), torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        _, last = self.gru(packed, self.hidden.repeat(1, len(rows), 1))
        return self.output_net(torch.cat([last[0], last[1]], -1))


def networks() -> dict[str, nn.Module]:
    """Return the evaluator's three networks with random weights, by their names in the published file."""
    return {
        "movement_encoder": _Movements(),
        "motion_encoder": _Sequences(SHARED, 1024),
        "text_encoder": _Sequences(WORD_WIDTH, 512, len(TAGS)),
    }
