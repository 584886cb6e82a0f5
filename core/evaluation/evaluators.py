# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluator networks: one knows which text a motion shows, the other which speech a motion belongs to.

Both are contrastive and are trained on the training split of the clips alone, in minutes on a CPU. Figures of networks
of one's own are only meaningful next to those of recordings, shuffled conditions and noise.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.clip import CORE_FPS
from ..motion.features import POSITIONS
from ..motion.rotation import Array
from ..motion.skeleton import INDEX
from ..training.clip import WINDOW
from .clips import BODY_FEATURES, Floats, body_features

_HANDS = 13  # columns of `hand_features`
_VOICE = 5  # columns of the voice features


@dataclass(frozen=True)
class EvaluatorConfig:
    """How the evaluators are trained; a change of any number, or of the clips, trains them again.

    Attributes:
        width: Of the hidden layers.
        embedding: Numbers of an embedding.
        steps: Optimizer steps of the text evaluator.
        batch: Its batch.
        speech_steps: Optimizer steps of the speech evaluator.
        speech_batch: Its batch.
        learning_rate: Of both.
        temperature: Of the contrastive losses.
        seed: Of both.
    """

    width: int = 128
    embedding: int = 48
    steps: int = 2500
    batch: int = 64
    speech_steps: int = 500
    speech_batch: int = 24
    learning_rate: float = 1e-3
    temperature: float = 0.1
    seed: int = 1


class TextMotionEvaluator(nn.Module):
    """Motion and text in one embedding space, and a classifier of the action that a motion shows.

    Attributes:
        actions: The actions that are distinguished.
    """

    def __init__(self, config: EvaluatorConfig, text_width: int, actions: Sequence[str]) -> None:
        super().__init__()
        self.actions = list(actions)
        w, e = config.width, config.embedding
        self.mean, self.std = nn.Buffer(torch.zeros(BODY_FEATURES)), nn.Buffer(torch.ones(BODY_FEATURES))
        self.body = nn.Sequential(
            nn.Conv1d(BODY_FEATURES + 1, w, 4, 2, 1), nn.GELU(), nn.Conv1d(w, w, 4, 2, 1), nn.GELU(),
            nn.Conv1d(w, w, 4, 2, 1), nn.GELU(),
        )  # fmt: skip
        self.summary = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * w, w), nn.GELU(), nn.Dropout(0.2))
        self.motion_out = nn.Linear(w, e)
        self.text = nn.Sequential(nn.Linear(text_width, 2 * w), nn.GELU(), nn.Dropout(0.2), nn.Linear(2 * w, e))
        self.action_out = nn.Linear(w, len(self.actions))

    def summarize(self, motion: Tensor, valid: Tensor) -> Tensor:
        """Map motion (B, T, 67), valid (B, T) bool, to (B, width)."""
        rows = (motion - self.mean) / self.std * valid[..., None]
        x = self.body(torch.cat([rows, valid[..., None].float()], -1).transpose(1, 2))  # (B, W, T/8)
        mask = functional.interpolate(valid[:, None].float(), size=x.shape[2], mode="nearest")  # (B, 1, T/8)
        mean = (x * mask).sum(2) / mask.sum(2).clamp(min=1)
        largest = (x * mask + (mask - 1) * 1e4).amax(2)
        return self.summary(torch.cat([mean, largest], 1))

    def forward(self, motion: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings (B, E) of length 1, and the actions' logits (B, A)."""
        summary = self.summarize(motion, valid)
        return functional.normalize(self.motion_out(summary), dim=-1), self.action_out(summary)

    def embed_text(self, vectors: Tensor) -> Tensor:
        """Map sentence vectors (B, Dt) to embeddings (B, E) of length 1."""
        return functional.normalize(self.text(vectors), dim=-1)

    @torch.inference_mode()
    def embed_motions(self, motions: Sequence[Floats]) -> tuple[Array, list[tuple[str, ...]]]:
        """Embed the first 5 s of motions, features (T, 659) each.

        Returns:
            Embeddings (N, E), and of each motion the three most likely actions, best first.
        """
        answers: list[Array] = []
        actions: list[tuple[str, ...]] = []
        for at in range(0, len(motions), 64):
            batch, valid = padded([body_features(rows[:WINDOW]) for rows in motions[at : at + 64]], WINDOW)
            embedded, scores = self(batch, valid)
            answers.append(embedded.double().numpy())
            first = scores.argsort(1, descending=True)[:, :3].tolist()
            actions += [tuple(self.actions[k] for k in row) for row in first]
        return np.concatenate(answers), actions

    @torch.inference_mode()
    def action_probability(self, rows: Floats, action: str) -> float:
        """Return the probability that the first 5 s of a motion, features (T, 659), show an action."""
        _, scores = self(*padded([body_features(rows[:WINDOW])], WINDOW))
        return float(scores.softmax(1)[0, self.actions.index(action)])

    @torch.inference_mode()
    def embed_texts(self, vectors: Floats) -> Array:
        """Embed sentence vectors (N, Dt) as (N, E)."""
        return self.embed_text(torch.from_numpy(np.ascontiguousarray(vectors, np.float32))).double().numpy()


class SpeechMotionEvaluator(nn.Module):
    """How well a motion fits speech: the mean cosine similarity of embeddings, one per tenth of a second."""

    def __init__(self, config: EvaluatorConfig) -> None:
        super().__init__()
        w, e = config.width // 2, config.embedding // 2
        self.mean, self.std = nn.Buffer(torch.zeros(_HANDS)), nn.Buffer(torch.ones(_HANDS))
        self.speech_mean, self.speech_std = nn.Buffer(torch.zeros(_VOICE)), nn.Buffer(torch.ones(_VOICE))

        def tower(columns: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv1d(columns, w, 5, 2, 2), nn.GELU(), nn.Conv1d(w, w, 5, 1, 4, 2), nn.GELU(),
                nn.Conv1d(w, w, 5, 1, 8, 4), nn.GELU(), nn.Conv1d(w, e, 1),
            )  # fmt: skip

        self.motion, self.speech = tower(_HANDS), tower(_VOICE)

    def embed(self, motion: Tensor, speech: Tensor) -> tuple[Tensor, Tensor]:
        """Map motion (B, T, 13) and speech (B, T, 5) to embeddings of length 1, (B, E, T/2) each."""
        moved = self.motion(((motion - self.mean) / self.std).transpose(1, 2))
        heard = self.speech(((speech - self.speech_mean) / self.speech_std).transpose(1, 2))
        return functional.normalize(moved, dim=1), functional.normalize(heard, dim=1)

    @torch.inference_mode()
    def score(self, motion: Floats, speeches: Sequence[Floats]) -> Array:
        """Return how well features (T, 659) fit each speech (>= T, 5), of which the first T rows are read: (N,)."""
        length = len(motion)
        heard = torch.from_numpy(np.stack([np.asarray(speech[:length], np.float32) for speech in speeches]))
        a, b = self.embed(torch.from_numpy(hand_features(motion))[None], heard)
        return (a * b).sum(1).mean(1).double().numpy()


def hand_features(rows: Floats | Array) -> Floats:
    """Return what the speech evaluator sees of features (T, 659): (T, 13).

    Positions of the wrists and the head in the facing frame, their speeds, and the speed of the faster hand.
    """

    def place(name: str) -> Floats:
        first = POSITIONS.start + 3 * (INDEX[name] - 1)
        return np.asarray(rows[:, first : first + 3], np.float32)

    left, right, head = place("left_wrist"), place("right_wrist"), place("head")
    speeds = [np.linalg.norm(np.gradient(p, axis=0), axis=1, keepdims=True) * CORE_FPS for p in (left, right, head)]
    largest = np.maximum(speeds[0], speeds[1])
    return np.concatenate([left, right, head, *speeds, largest], axis=1).astype(np.float32)


def padded(parts: Sequence[Floats], length: int) -> tuple[Tensor, Tensor]:
    """Return arrays (T, D) as one (B, length, D), zeros behind each, and which rows are theirs (B, length)."""
    batch = np.zeros((len(parts), length, parts[0].shape[1]), np.float32)
    valid = np.zeros((len(parts), length), bool)
    for row, part in enumerate(parts):
        batch[row, : len(part)] = part
        valid[row, : len(part)] = True
    return torch.from_numpy(batch), torch.from_numpy(valid)


def preference_scores(
    evaluator: SpeechMotionEvaluator,
    motions: Sequence[Floats],
    own: Sequence[Floats],
    rivals_of: Sequence[Sequence[Floats]],
) -> tuple[Array, Array]:
    """Compare the fit of motions to their own speech with that to other speech.

    Both are heard for as long as all three last.

    Args:
        evaluator: Scores a motion with a speech.
        motions: Features (T, 659) of each motion.
        own: The speech (T, 5) of each motion.
        rivals_of: Other speech for each motion.

    Returns:
        Scores with the own speech and with the other speech, (P,) each, one per comparison.
    """
    matched: list[float] = []
    mismatched: list[float] = []
    for motion, speech, rivals in zip(motions, own, rivals_of, strict=True):
        for rival in rivals:
            length = min(len(motion), len(speech), len(rival))
            scores = evaluator.score(motion[:length], [speech, rival])
            matched.append(float(scores[0]))
            mismatched.append(float(scores[1]))
    return np.array(matched), np.array(mismatched)
