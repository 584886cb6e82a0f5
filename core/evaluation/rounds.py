# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of a published protocol: their table, and the files that an interrupted run continues from."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import write_whole
from .statistics import mean_and_interval

Row = dict[str, float]
"""Figure -> value in one round."""
Rounds = dict[str, dict[str, list[float]]]
"""Row -> figure -> its value in each round, or a single value if nothing in it is random."""

COLUMNS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "humanml3d": {
        "fid": ("FID ↓", ".3f"), "r_precision_1": ("R@1 ↑", ".3f"), "r_precision_2": ("R@2 ↑", ".3f"),
        "r_precision_3": ("R@3 ↑", ".3f"), "matching": ("MM-Dist ↓", ".3f"), "diversity": ("diversity →", ".3f"),
        "multimodality": ("multimodality", ".3f"),
    },
    "beat": {
        "fgd": ("FGD ↓", ".2f"), "srgr": ("SRGR ↑", ".3f"), "beat_alignment": ("BeatAlign →", ".3f"),
        "l1_diversity": ("L1 diversity →", ".1f"),
    },
}  # fmt: skip
"""Dataset -> figure -> (heading, format)."""
_METRICS = "metrics.json"
_APART = 1_000_000  # between the seeds of two rounds; more than a round has clips


def table(kind: str, rows: Rounds) -> str:
    """Return a Markdown table of means, with confidence intervals for several rounds; "-" for a missing figure."""
    columns = {key: form for key, form in COLUMNS[kind].items() if any(key in row for row in rows.values())}
    lines = ["| | " + " | ".join(heading for heading, _ in columns.values()) + " |", "|---|" + "---|" * len(columns)]
    for name, row in rows.items():
        cells = [_cell(row[key], form) if key in row else "-" for key, (_, form) in columns.items()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    counts = {len(values) for row in rows.values() for values in row.values()}
    if max(counts) > 1:
        fixed = "; without ± nothing is drawn at random" if 1 in counts else ""
        lines += ["", f"Means of {max(counts)} rounds ± their 95 % confidence interval{fixed}."]
    return "\n".join(lines) + "\n"


def _cell(values: Sequence[float], form: str) -> str:
    mean, interval = mean_and_interval(values)
    return format(mean, form) + ("" if interval is None else f" ± {interval:{form}}")


def repeat_rounds(
    score: Callable[[int, str, bool], dict[str, Row]], rounds: int, seed: int, out: Path, about: Mapping[str, Any]
) -> str:
    """Score rounds, and write table.md and metrics.json after each.

    Args:
        score: Called with a seed, the beginning of the line of progress, and whether it is the first round; returns the
            rows.
        rounds: How many rounds.
        seed: Seed of the first one.
        out: Where to write. Rounds of the same evaluation that are already there are kept.
        about: What is evaluated; "dataset" is a key of `COLUMNS`.

    Returns:
        The table.

    Raises:
        InputError: `out` contains several rounds of another evaluation.
    """
    seeds, rows = _read_rounds(out, about)
    if seeds:
        print(f"Rounds already in {out}: {len(seeds)}.")
    for number in range(len(seeds), rounds):
        seeds.append(seed + number * _APART)
        label = f"Round {number + 1} of {rounds}" if rounds > 1 else "Generating"
        for name, row in score(seeds[-1], label, number == 0).items():
            for key, value in row.items():
                rows.setdefault(name, {}).setdefault(key, []).append(value)
        write_whole(out / "table.md", table(about["dataset"], rows))
        summary = {name: {key: _summary(values) for key, values in row.items()} for name, row in rows.items()}
        write_whole(out / _METRICS, json.dumps({"about": about, "seeds": seeds, "rows": summary}, indent=2) + "\n")
    return table(about["dataset"], rows)


def _summary(values: Sequence[float]) -> dict[str, Any]:
    mean, interval = mean_and_interval(values)
    return {"mean": mean, "interval": interval, "rounds": values}


def _read_rounds(out: Path, about: Mapping[str, Any]) -> tuple[list[int], Rounds]:
    """Return the seeds and the values of the rounds in a folder."""
    try:
        content = json.loads((out / _METRICS).read_text(encoding="utf-8"))
        seeds, other = list(content["seeds"]), dict(content["about"])
        rows = {name: {key: list(cell["rounds"]) for key, cell in row.items()} for name, row in content["rows"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [], {}
    if other == about:
        return seeds, rows
    if len(seeds) > 1:
        raise InputError(f"{out} contains {len(seeds)} rounds of another model or other settings; give another --out.")
    return [], {}
