# SPDX-License-Identifier: GPL-3.0-or-later
"""The aims of a model: which figures should reach which values."""

from dataclasses import dataclass

import numpy as np

from .evaluated_clip import Figures
from .result import Evaluation, Table


@dataclass(frozen=True)
class Aim:
    """What a figure should reach.

    Attributes:
        name: What is printed.
        value: The figure.
        low: The least value wanted.
        high: The largest value wanted.
        recorded: The same figure of the mocap row.
    """

    name: str
    value: float
    low: float = -np.inf
    high: float = np.inf
    recorded: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the figure is within the bounds."""
        return self.low <= self.value <= self.high

    @property
    def wanted(self) -> str:
        """The bounds as they are printed."""
        if np.isinf(self.low):
            return f"<= {self.high:.3g}"
        return f">= {self.low:.3g}" if np.isinf(self.high) else f"{self.low:.3g} to {self.high:.3g}"


def aims(evaluation: Evaluation) -> list[Aim]:
    """Return the aims of the "ours" row whose figures were measured."""
    found: list[Aim] = []
    if evaluation.text:
        found += _text_aims(evaluation.text)
    for kind, body in (("text", evaluation.body_text), ("speech", evaluation.body_speech)):
        if body:
            found += _body_aims(kind, body)
    if evaluation.speech:
        found += _speech_aims(evaluation.speech)
    for kind, joins in evaluation.joins.items():
        found += _seam_aims(kind, joins)
    return found


def _text_aims(text: Table) -> list[Aim]:
    ours, mocap, shuffled = text["ours"], text["mocap"], text["shuffled"]
    return [
        Aim("R-precision top 3, of mocap's own", _ratio(ours, mocap, "r_precision_3"), low=0.8, recorded=1),
        Aim(
            "actions recognized in held-out wordings", ours["actions_recognised"], low=0.8,
            recorded=mocap["actions_recognised"],
        ),
        Aim(
            "key actions recognized in held-out wordings", ours["key_actions_recognised"], low=0.8,
            recorded=mocap["key_actions_recognised"],
        ),
        Aim(
            "joint Frechet distance, shuffled : ours", _ratio(shuffled, ours, "joint_frechet"), low=5,
            recorded=_ratio(shuffled, mocap, "joint_frechet"),
        ),
    ]  # fmt: skip


def _body_aims(kind: str, body: Table) -> list[Aim]:
    ours, mocap = body["ours"], body["mocap"]
    return [
        Aim(f"jerk : mocap, {kind}", ours["jerk_ratio"], 0.8, 1.25, 1),
        Aim(f"acceleration : mocap, {kind}", ours["acceleration_ratio"], 0.8, 1.25, 1),
        Aim(f"toe skate : mocap, {kind}", _ratio(ours, mocap, "toe_skate"), high=1.25, recorded=1),
    ]


def _speech_aims(speech: Table) -> list[Aim]:
    ours, mocap = speech["ours"], speech["mocap"]
    return [
        Aim("matched speech preferred", ours["matched_preferred"], low=0.65, recorded=mocap["matched_preferred"]),
        Aim(
            "hand speed in pauses : in speech", ours["pause_to_speech"], high=0.4, recorded=mocap["pause_to_speech"]
        ),
    ]  # fmt: skip


def _seam_aims(kind: str, joins: Table) -> list[Aim]:
    ours, mocap = joins["ours"], joins["mocap"]
    return [
        Aim(f"PJ : mocap, {kind}", _ratio(ours, mocap, "peak_jerk"), high=1.5, recorded=1),
        Aim(
            f"worst transition : its mocap median, {kind}", ours["worst_to_median"], high=3,
            recorded=mocap["worst_to_median"],
        ),
    ]  # fmt: skip


def _ratio(a: Figures, b: Figures, key: str) -> float:
    return a[key] / max(b[key], 1e-9)
