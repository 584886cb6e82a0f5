# SPDX-License-Identifier: GPL-3.0-or-later
"""The text table: retrieval, Frechet distances and recognition by the text evaluator."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..conditions.text import encode_texts
from ..motion.rotation import Array
from ..training.clip_set import KEY_ACTIONS
from .clips import Floats, Library
from .evaluated_clip import EvaluatedClip, Figures
from .evaluators import TextMotionEvaluator
from .plan import CaptionedClip, Request, TextPlan
from .statistics import (
    diversity,
    frechet_distance,
    joint_frechet_distance,
    matching_score,
    mismatched,
    multimodality,
    r_precision,
)


@dataclass(frozen=True)
class Scored:
    """Motions and their texts in the evaluator's embedding space.

    Attributes:
        motions: (N, E).
        texts: (N, E).
        labels: (N,) the action that each motion should show.
        predictions: (N,) the three most likely actions of each motion, best first.
    """

    motions: Array
    texts: Array
    labels: Sequence[str]
    predictions: Sequence[tuple[str, ...]]

    @staticmethod
    def of(evaluator: TextMotionEvaluator, clips: Sequence[Floats], vectors: Floats, labels: Sequence[str]) -> "Scored":
        """Embed motions and texts.

        Args:
            evaluator: The evaluator.
            clips: Features (T, 659) of each motion.
            vectors: (N, Dt) sentence vectors.
            labels: (N,) actions.
        """
        motions, predictions = evaluator.embed_motions(clips)
        return Scored(motions, evaluator.embed_texts(vectors), labels, predictions)

    def first(self, number: int) -> "Scored":
        """Return the first `number` of them."""
        return Scored(self.motions[:number], self.texts[:number], self.labels[:number], self.predictions[:number])


def text_figures(scored: Scored, reference: Scored, seed: int) -> Figures:
    """Compute retrieval, Frechet distances to the reference, diversity, and shares of recognized actions.

    Shares are 0..1, of all clips and of those of a presenter's actions (`KEY_ACTIONS`).
    """
    top = r_precision(scored.texts, scored.motions, scored.labels, seed)
    right = [
        [label == prediction[0], label in prediction]
        for prediction, label in zip(scored.predictions, scored.labels, strict=True)
    ]
    key = [first for (first, _), label in zip(right, scored.labels, strict=True) if label in KEY_ACTIONS]
    return {
        "r_precision_1": top[0],
        "r_precision_2": top[1],
        "r_precision_3": top[2],
        "matching_score": matching_score(scored.texts, scored.motions),
        "frechet": frechet_distance(scored.motions, reference.motions),
        "joint_frechet": joint_frechet_distance(scored.texts, scored.motions, reference.texts, reference.motions),
        "diversity": diversity(scored.motions, seed),
        "actions_recognised": float(np.mean(right, 0)[0]),
        "key_actions_recognised": float(np.mean(key)) if key else 0.0,
        "actions_in_top_3": float(np.mean(right, 0)[1]),
    }


def action_shares(scored: Scored) -> Figures:
    """Return the share of the clips of each action that are recognized as it."""
    return {
        action: float(
            np.mean(
                [
                    prediction[0] == action
                    for prediction, a in zip(scored.predictions, scored.labels, strict=True)
                    if a == action
                ]
            )
        )
        for action in sorted(set(scored.labels))
    }


def text_tables(
    library: Library, plan: TextPlan, evaluator: TextMotionEvaluator, made: Mapping[str, Sequence[EvaluatedClip]],
    recorded: Sequence[EvaluatedClip], seed: int,
) -> tuple[dict[str, Figures], dict[str, Figures]]:  # fmt: skip
    """Compute the text table, and the share recognized of each action in each row.

    Args:
        library: The packed clips.
        plan: What was asked for.
        evaluator: The text evaluator.
        made: Row -> clips for `plan.requests`, and then for `plan.again` if there are any; "ours" is one of the rows.
        recorded: The clips of the mocap row.
        seed: Seed of what is drawn.
    """
    unique = sorted({item.sentence for item in (*plan.recorded, *plan.reference)})
    vectors = dict(zip(unique, encode_texts(unique, library.encoder), strict=True))

    def score(clips: Sequence[Floats], items: Sequence[CaptionedClip | Request]) -> Scored:
        texts = np.stack([vectors[item.sentence] for item in items])
        return Scored.of(evaluator, clips, texts, [item.action for item in items])

    prompts = [*plan.requests, *plan.again]
    every = {row: score([clip.features for clip in clips], prompts[: len(clips)]) for row, clips in made.items()}
    generated = {row: item.first(len(plan.requests)) for row, item in every.items()}
    reference = score([library.motion_features(item.clip) for item in plan.reference], plan.reference)
    mocap = score([clip.features for clip in recorded], plan.recorded)
    ours = generated["ours"]
    order = mismatched(ours.labels)
    shuffled = replace(ours, texts=ours.texts[order], labels=[ours.labels[int(k)] for k in order])
    rows = {"mocap": mocap, "ours": ours, "shuffled": shuffled} | generated
    shares = {row: action_shares(item) for row, item in rows.items()}
    actions = {action: {row: shares[row].get(action, 0.0) for row in rows} for action in sorted(set(mocap.labels))}
    sentences = [request.sentence for request in prompts]
    spread = {row: multimodality(item.motions, sentences[: len(item.motions)]) for row, item in every.items()}
    spread |= {"mocap": multimodality(mocap.motions, mocap.labels), "shuffled": spread["ours"]}
    figures = {row: text_figures(item, reference, seed) | {"multimodality": spread[row]} for row, item in rows.items()}
    return figures, actions
