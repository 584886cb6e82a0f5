# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of Table 1: SSIM and Frechet distances, smoothness, and joins. The definitions are in docs/paper.md."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.comparison import Comparison, seams
from core.evaluation.evaluated_clip import EvaluatedClip, windows
from core.evaluation.evaluators import TextMotionEvaluator
from core.evaluation.seam_table import Stretch, seam_figures, stretch, stretches_of
from core.evaluation.statistics import frechet_distance
from core.motion import metrics
from core.motion.clip import CORE_FPS
from core.motion.features import headings
from core.motion.rotation import Array, rotation_y

STRETCHES = 64  # of 5 s, for Frechet distances of speech and free motion; the same number in each row


Figure = tuple[float, float]
"""Mean and standard deviation."""


Row = dict[str, Figure]


@dataclass(frozen=True)
class Scale:
    """The range of 165 coordinates in recordings, which is black and white for SSIM.

    Attributes:
        low: (165,).
        high: (165,).
    """

    low: Array
    high: Array

    @staticmethod
    def of(clips: Sequence[EvaluatedClip]) -> "Scale":
        """Return the range of the coordinates of clips."""
        rows = np.concatenate([local_coordinates(clip.positions) for clip in clips])
        return Scale(rows.min(0), np.maximum(rows.max(0), rows.min(0) + 0.01))

    def picture(self, positions: Array) -> Array:
        """Return positions (T, 55, 3) as (T, 165) in 0..1."""
        return ((local_coordinates(positions) - self.low) / (self.high - self.low)).clip(0, 1)

    def similarity(self, a: EvaluatedClip, b: EvaluatedClip) -> float:
        """Return the SSIM of two clips for as long as both last."""
        length = min(len(a.positions), len(b.positions))
        return metrics.ssim(self.picture(a.positions[:length]), self.picture(b.positions[:length]))


def local_coordinates(positions: Array) -> Array:
    """Return positions (T, 55, 3) relative to position and heading in the first frame, as (T, 165) meters."""
    turn = rotation_y(-headings(positions)[0])
    return ((positions - positions[0, 0] * [1, 0, 1]) @ turn.T).reshape(len(positions), -1)


def spread(values: Sequence[float]) -> Figure:
    """Return mean and standard deviation."""
    return float(np.mean(values)), float(np.std(values))


def smoothness(clips: Sequence[EvaluatedClip]) -> dict[str, Figure]:
    """Return jerk in m/s^3 and acceleration in m/s^2 over clips."""
    return {
        "jerk": spread([metrics.jerk(clip.positions, CORE_FPS) for clip in clips]),
        "acceleration": spread([metrics.acceleration(clip.positions, CORE_FPS) for clip in clips]),
    }


def text_figures(
    clips: Sequence[EvaluatedClip],
    shown: Sequence[EvaluatedClip],
    comparison: Comparison,
    evaluator: TextMotionEvaluator,
) -> dict[str, float]:
    """Return SSIM and Frechet distance of text.

    Args:
        clips: The clips of a row.
        shown: A recorded clip of the same prompt for each.
        comparison: What is compared.
        evaluator: The text evaluator.
    """
    scale = Scale.of([*comparison.shown, *comparison.texts])
    values = [scale.similarity(a, b) for a, b in zip(clips, shown, strict=True)]
    motions, reference = (
        evaluator.embed_motions([clip.features for clip in some])[0] for some in (clips, comparison.texts)
    )
    return {"ssim": float(np.mean(values)), "text_frechet": frechet_distance(motions, reference)}


def free_figures(
    clips: Sequence[EvaluatedClip], comparison: Comparison, evaluator: TextMotionEvaluator
) -> dict[str, float]:
    """Return the Frechet distance of free motion and the figures of its joins, peaks relative to recordings."""
    usual, calm = recorded_stretches(comparison)
    around = [stretch(clip.positions, frame) for clip in clips for frame in seams()]
    joins = seam_figures([replace(item, usual=usual) for item in around if item is not None], calm, 0)
    return {"free_frechet": frechet(clips, comparison.free, evaluator)} | joins


def recorded_stretches(comparison: Comparison) -> tuple[float, list[Stretch]]:
    """Return the median peak of jerk in recordings, and what surrounds their frames."""
    calm = stretches_of(comparison.calm)
    usual = float(np.median([item.peak for item in calm]))
    return usual, [replace(item, usual=usual) for item in calm]


def frechet(
    clips: Sequence[EvaluatedClip], reference: Sequence[EvaluatedClip], evaluator: TextMotionEvaluator
) -> float:
    """Return the Frechet distance of `STRETCHES` windows of 5 s each, or of as many as there are."""
    return frechet_distance(
        *(evaluator.embed_motions(windows(list(some), STRETCHES))[0] for some in (clips, reference))
    )


def recorded_row(comparison: Comparison, evaluator: TextMotionEvaluator) -> Row:
    """Return the mocap row; SSIM is with other clips of the same action, joins are any frames of recordings."""
    _, calm = recorded_stretches(comparison)
    figures = text_figures(comparison.shown, comparison.texts, comparison, evaluator)
    figures |= seam_figures(calm, calm, 0, size=len(seams()) * len(comparison.talks))
    figures["speech_frechet"] = frechet(comparison.recorded_pairs, comparison.pairs, evaluator)
    figures["free_frechet"] = frechet(comparison.recorded_free, comparison.free, evaluator)
    return {name: (value, 0.0) for name, value in figures.items()} | smoothness(comparison.recorded_pairs)
