# SPDX-License-Identifier: GPL-3.0-or-later
"""table.md, metrics.json and the plots of an evaluation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..files import write_whole
from ..motion.clip import CORE_FPS
from ..motion.rotation import Array
from .rows import Figures

ROWS = ("mocap", "ours", "shuffled", "noise")
Table = Mapping[str, Figures]
"""The figures of each of `ROWS`."""

_COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    # section -> figure -> (heading, format)
    "text": {
        "r_precision_1": ("R@1", ".2f"), "r_precision_2": ("R@2", ".2f"), "r_precision_3": ("R@3", ".2f"),
        "matching_score": ("matching", ".2f"), "frechet": ("Frechet", ".3f"),
        "joint_frechet": ("joint Frechet", ".3f"), "diversity": ("diversity", ".2f"),
        "multimodality": ("multimodality", ".2f"), "actions_recognised": ("recognised", ".0%"),
        "key_actions_recognised": ("of key actions", ".0%"), "actions_in_top_3": ("in top 3", ".0%"),
    },
    "speech": {
        "beats_onsets_to_motion": ("beats, voice to body", ".2f"),
        "beats_motion_to_onsets": ("beats, body to voice", ".2f"),
        "strokes_in_speech": ("strokes/min, speech", ".1f"), "strokes_in_pauses": ("strokes/min, pauses", ".1f"),
        "hands_in_speech": ("hands m/s, speech", ".2f"), "hands_in_pauses": ("hands m/s, pauses", ".2f"),
        "pause_to_speech": ("pauses : speech", ".2f"), "matched_preferred": ("matched preferred", ".0%"),
        "frechet_pairs": ("Frechet, pairs", ".3f"), "frechet_gestures": ("Frechet, gestures", ".3f"),
    },
    "body": {
        "jerk": ("jerk", ".1f"), "jerk_ratio": (": mocap", ".2f"), "jerk_hands": ("hands", ".1f"),
        "jerk_hands_ratio": (": mocap", ".2f"), "acceleration": ("acc.", ".2f"),
        "acceleration_ratio": (": mocap", ".2f"), "acceleration_hands": ("hands", ".2f"),
        "acceleration_hands_ratio": (": mocap", ".2f"), "toe_skate": ("toe skate cm/s", ".2f"),
        "float": ("float %", ".2f"), "penetration": ("in floor cm", ".2f"),
        "joint_limits": ("joints beyond limits %", ".2f"), "root_drift": ("root drift cm/s", ".1f"),
    },
    "joins": {
        "peak_jerk": ("PJ", ".4f"), "area_under_jerk": ("AUJ", ".3f"), "p95_to_median": ("95 % : median", ".2f"),
        "worst_to_median": ("worst : median", ".2f"), "transition_distance": ("distance cm", ".2f"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """What is wanted of a figure: at least `low`, at most `high`."""

    name: str
    value: float
    low: float = -np.inf
    high: float = np.inf
    recorded: float | None = None  # what the mocap row reaches

    @property
    def reached(self) -> bool:
        return self.low <= self.value <= self.high

    @property
    def wanted(self) -> str:
        if np.isinf(self.low):
            return f"<= {self.high:.3g}"
        return f">= {self.low:.3g}" if np.isinf(self.high) else f"{self.low:.3g} to {self.high:.3g}"


@dataclass(frozen=True)
class Evaluation:
    """All figures. about: settings and counts; actions: share recognised of each action in each row; notes: what the
    reader has to know; profiles: mean jerk profile at seams of each kind, by row."""

    name: str
    about: Mapping[str, Any]
    text: Table
    speech: Table
    body_text: Table
    body_speech: Table
    joins: Mapping[str, Table]
    actions: Mapping[str, Figures]
    profiles: Mapping[str, Mapping[str, Array]]
    notes: Sequence[str]


def with_ratios(table: Table) -> dict[str, Figures]:
    """The body's figures with jerk and acceleration against the mocap row beside them."""
    result: dict[str, Figures] = {}
    for row, figures in table.items():
        result[row] = dict(figures)
        for key in ("jerk", "jerk_hands", "acceleration", "acceleration_hands"):
            result[row][f"{key}_ratio"] = figures[key] / max(table["mocap"][key], 1e-9)
    return result


def aims(evaluation: Evaluation) -> list[Aim]:
    """The goals of the `ours` row, those that were measured."""
    found: list[Aim] = []
    text, speech = evaluation.text, evaluation.speech
    if text:
        ours = text["ours"]
        found += [
            Aim("R-precision top 3, of mocap's own", _over(ours, text["mocap"], "r_precision_3"), low=0.8, recorded=1),
            Aim(
                "actions recognised in held-out wordings",
                ours["actions_recognised"],
                low=0.8,
                recorded=text["mocap"]["actions_recognised"],
            ),
            Aim(
                "key actions recognised in held-out wordings",
                ours["key_actions_recognised"],
                low=0.8,
                recorded=text["mocap"]["key_actions_recognised"],
            ),
            Aim(
                "joint Frechet distance, shuffled : ours",
                _over(text["shuffled"], ours, "joint_frechet"),
                low=5,
                recorded=_over(text["shuffled"], text["mocap"], "joint_frechet"),
            ),
        ]
    for kind, body in (("text", evaluation.body_text), ("speech", evaluation.body_speech)):
        if body:
            found += [
                Aim(f"jerk : mocap, {kind}", body["ours"]["jerk_ratio"], 0.8, 1.25, 1),
                Aim(f"acceleration : mocap, {kind}", body["ours"]["acceleration_ratio"], 0.8, 1.25, 1),
                Aim(
                    f"toe skate : mocap, {kind}", _over(body["ours"], body["mocap"], "toe_skate"), high=1.25, recorded=1
                ),
            ]
    if speech:
        found += [
            Aim(
                "matched speech preferred",
                speech["ours"]["matched_preferred"],
                low=0.65,
                recorded=speech["mocap"]["matched_preferred"],
            ),
            Aim(
                "hand speed in pauses : in speech",
                speech["ours"]["pause_to_speech"],
                high=0.4,
                recorded=speech["mocap"]["pause_to_speech"],
            ),
        ]
    for kind, joins in evaluation.joins.items():
        found += [
            Aim(f"PJ : mocap, {kind}", _over(joins["ours"], joins["mocap"], "peak_jerk"), high=1.5, recorded=1),
            Aim(
                f"worst transition : its mocap median, {kind}",
                joins["ours"]["worst_to_median"],
                high=3,
                recorded=joins["mocap"]["worst_to_median"],
            ),
        ]
    return found


def _over(a: Figures, b: Figures, key: str) -> float:
    return a[key] / max(b[key], 1e-9)


def markdown(evaluation: Evaluation) -> str:
    """The text of table.md."""
    lines = [f"# {evaluation.name}", "", *(f"- {note}" for note in evaluation.notes), "", "## Aims", ""]
    goals = aims(evaluation)
    reached = sum(goal.reached for goal in goals)
    lines += [f"{reached} of {len(goals)} reached.", "", "| aim | wanted | ours | mocap | reached |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {goal.name} | {goal.wanted} | {goal.value:.2f} | {_number(goal.recorded)} | {_verdict(goal)} |"
        for goal in goals
    ]
    sections: list[tuple[str, str, Table]] = [
        ("Text", "text", evaluation.text),
        ("Speech", "speech", evaluation.speech),
        ("Body, to text (jerk m/s^3, acceleration m/s^2)", "body", evaluation.body_text),
        ("Body, to speech (jerk m/s^3, acceleration m/s^2)", "body", evaluation.body_speech),
        *((f"Joins, {kind} (m/frame^3)", "joins", table) for kind, table in evaluation.joins.items()),
    ]
    for title, section, table in sections:
        if table:
            lines += ["", f"## {title}", "", *_rows(section, table)]
    if evaluation.actions:
        lines += ["", "## Recognised, by action", "", "| action | " + " | ".join(ROWS) + " |", "|---|" + "---|" * 4]
        lines += [
            f"| {action} | " + " | ".join(f"{shares[row]:.0%}" for row in ROWS) + " |"
            for action, shares in evaluation.actions.items()
        ]
    return "\n".join([*lines, ""])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _verdict(goal: Aim) -> str:
    return "yes" if goal.reached else "**no**"


def _rows(section: str, table: Table) -> list[str]:
    columns = {key: form for key, form in _COLUMNS[section].items() if key in table["ours"]}
    lines = ["| | " + " | ".join(heading for heading, _ in columns.values()) + " |", "|---|" + "---|" * len(columns)]
    for row in ROWS:
        cells = [format(table[row][key], form) for key, (_, form) in columns.items()]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines


def write(evaluation: Evaluation, out: Path) -> None:
    """Write table.md, metrics.json, joins.png, actions.png and body.png into a folder."""
    figures: dict[str, Any] = {
        "model": evaluation.name,
        "about": evaluation.about,
        "notes": list(evaluation.notes),
        "aims": [
            {
                "name": goal.name,
                "wanted": goal.wanted,
                "value": goal.value,
                "mocap": goal.recorded,
                "reached": goal.reached,
            }
            for goal in aims(evaluation)
        ],
        "text": evaluation.text,
        "speech": evaluation.speech,
        "body_text": evaluation.body_text,
        "body_speech": evaluation.body_speech,
        "joins": evaluation.joins,
        "actions": evaluation.actions,
    }
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "metrics.json", json.dumps(figures, indent=2) + "\n")
    write_whole(out / "table.md", markdown(evaluation))
    if evaluation.profiles:
        _seam_plot(evaluation.profiles, out / "joins.png")
    if evaluation.actions:
        _bars({a: [s["mocap"], s["ours"]] for a, s in evaluation.actions.items()}, ("mocap", "ours"),
              "clips that look like their action", 1.0, out / "actions.png")  # fmt: skip
    ratios = {
        f"{key}, {kind}": [table[row][key] / max(table["mocap"][key], 1e-9) for row in ("ours", "noise")]
        for kind, table in (("text", evaluation.body_text), ("speech", evaluation.body_speech))
        if table
        for key in ("jerk", "jerk_hands", "acceleration", "acceleration_hands", "toe_skate")
    }
    if ratios:
        _bars(ratios, ("ours", "noise"), "times that of mocap (line: 1)", 2.0, out / "body.png", line=1.0)


_COLOURS = {"mocap": (60, 60, 60), "ours": (30, 90, 200), "shuffled": (200, 140, 20), "noise": (200, 60, 60)}
_GREY = (205, 205, 205)


def _seam_plot(profiles: Mapping[str, Mapping[str, Array]], path: Path) -> None:
    """The mean jerk profile a second to both sides of the seams: one panel a kind."""
    width, height, left = 400, 260, 60
    image = Image.new("RGB", (left + width * len(profiles), height + 50), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    # noise leaves the picture: what matters is how near the others are to one another
    shown = [curve for rows in profiles.values() for row, curve in rows.items() if row != "noise"]
    top = 1.3 * max(float(curve.max()) for curve in shown)
    for panel, (kind, rows) in enumerate(profiles.items()):
        x0 = left + panel * width
        draw.text((x0 + 4, 4), f"{kind}: jerk about the seam, m/frame^3", fill="black", font=font)
        for k in range(5):
            y = 24 + height * (1 - k / 4)
            draw.line([(x0, y), (x0 + width - 20, y)], fill=_GREY)
            if panel == 0:
                draw.text((4, y - 7), f"{top * k / 4:.3f}", fill="black", font=font)
        middle = x0 + (width - 20) / 2
        draw.line([(middle, 24), (middle, 24 + height)], fill=_GREY)
        for row, curve in rows.items():
            span = (width - 20) / max(len(curve) - 1, 1)
            points = [(x0 + k * span, 24 + height * (1 - float(v) / top)) for k, v in enumerate(curve.clip(0, top))]
            draw.line(points, fill=_COLOURS[row], width=2)
        seconds = len(next(iter(rows.values()))) / 2 / CORE_FPS
        draw.text((x0, height + 28), f"-{seconds:.1f} s", fill="black", font=font)
        draw.text((x0 + width - 60, height + 28), f"+{seconds:.1f} s", fill="black", font=font)
        for k, row in enumerate(rows):
            draw.text((x0 + 8 + 60 * k, 26), row, fill=_COLOURS[row], font=font)
    image.save(path)


def _bars(
    values: Mapping[str, Sequence[float]], rows: Sequence[str], title: str, top: float, path: Path,
    line: float | None = None,
) -> None:  # fmt: skip
    """Horizontal bars: for each name one of each row; longer ones than `top` are cut and say their value."""
    step, left, width = 9 * len(rows) + 8, 170, 420
    image = Image.new("RGB", (left + width + 60, 30 + step * len(values)), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    draw.text((4, 4), title, fill="black", font=font)
    for k, row in enumerate(rows):
        draw.text((left + width - 120 + 60 * k, 4), row, fill=_COLOURS[row], font=font)
    for i, (name, numbers) in enumerate(values.items()):
        y = 26 + i * step
        draw.text((4, y), name, fill="black", font=font)
        for k, number in enumerate(numbers):
            length = width * min(max(number, 0.0), top) / top
            draw.rectangle([left, y + 9 * k, left + length, y + 9 * k + 7], fill=_COLOURS[rows[k]])
            draw.text((left + length + 4, y + 9 * k - 3), f"{number:.2f}", fill="black", font=font)
    if line is not None:
        x = left + width * line / top
        draw.line([(x, 22), (x, 30 + step * len(values))], fill=(0, 0, 0))
    image.save(path)
