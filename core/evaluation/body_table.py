# SPDX-License-Identifier: GPL-3.0-or-later
"""The body table: smoothness, feet and joint limits."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence

import numpy as np

from ..motion import metrics
from ..motion.clip import CORE_FPS
from ..motion.skeleton import Skeleton
from .evaluated_clip import EvaluatedClip, Figures


def body_figures(clips: Sequence[EvaluatedClip], skeleton: Skeleton) -> Figures:
    """Average the metrics of the body over clips.

    Returns:
        Jerk in m/s^3, acceleration in m/s^2, speeds in cm/s, lengths in cm, shares in percent.
    """
    fps = CORE_FPS
    rows: list[list[float]] = []
    for clip in clips:
        positions = clip.positions
        hands = positions[:, metrics.HANDS]
        rows.append([
            metrics.jerk(positions, fps), metrics.jerk(hands, fps),
            metrics.acceleration(positions, fps), metrics.acceleration(hands, fps),
            100 * metrics.foot_skate(positions, fps), 100 * metrics.floating(positions, skeleton, fps),
            100 * metrics.penetration(positions, skeleton), 100 * metrics.joint_limit_violations(clip.rotations),
            100 * metrics.root_drift(positions, fps),
        ])  # fmt: skip
    names = ("jerk", "jerk_hands", "acceleration", "acceleration_hands", "toe_skate", "float", "penetration",
             "joint_limits", "root_drift")  # fmt: skip
    return dict(zip(names, np.mean(rows, 0).tolist(), strict=True))


def with_ratios(table: Mapping[str, Figures]) -> dict[str, Figures]:
    """Return the table with the ratios of jerk and acceleration to the mocap row added to each row."""
    result: dict[str, Figures] = {}
    for row, figures in table.items():
        result[row] = dict(figures)
        for key in ("jerk", "jerk_hands", "acceleration", "acceleration_hands"):
            result[row][f"{key}_ratio"] = figures[key] / max(table["mocap"][key], 1e-9)
    return result
