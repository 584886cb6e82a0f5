# SPDX-License-Identifier: GPL-3.0-or-later
"""table.md, metrics.json and the plots of an evaluation."""

# pyright: reportUnknownMemberType=false

import json
from pathlib import Path
from typing import Any

from ..files import write_whole
from .aims import Aim, aims
from .plots import plot_bars, plot_seams
from .result import ROWS, Evaluation, Table

_COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    # section -> figure -> (heading, format)
    "text": {
        "r_precision_1": ("R@1", ".2f"), "r_precision_2": ("R@2", ".2f"), "r_precision_3": ("R@3", ".2f"),
        "matching_score": ("matching", ".2f"), "frechet": ("Frechet", ".3f"),
        "joint_frechet": ("joint Frechet", ".3f"), "diversity": ("diversity", ".2f"),
        "multimodality": ("multimodality", ".2f"), "actions_recognised": ("recognized", ".0%"),
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


def markdown(evaluation: Evaluation) -> str:
    """Return the text of table.md."""
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
        lines += ["", "## Recognized, by action", "", "| action | " + " | ".join(ROWS) + " |", "|---|" + "---|" * 4]
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
        plot_seams(evaluation.profiles, out / "joins.png")
    if evaluation.actions:
        plot_bars({a: [s["mocap"], s["ours"]] for a, s in evaluation.actions.items()}, ("mocap", "ours"),
              "clips that look like their action", 1.0, out / "actions.png")  # fmt: skip
    ratios = {
        f"{key}, {kind}": [table[row][key] / max(table["mocap"][key], 1e-9) for row in ("ours", "noise")]
        for kind, table in (("text", evaluation.body_text), ("speech", evaluation.body_speech))
        if table
        for key in ("jerk", "jerk_hands", "acceleration", "acceleration_hands", "toe_skate")
    }
    if ratios:
        plot_bars(ratios, ("ours", "noise"), "times that of mocap (line: 1)", 2.0, out / "body.png", line=1.0)
