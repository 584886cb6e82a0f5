# SPDX-License-Identifier: GPL-3.0-or-later
"""report.md of `python -m core prepare`: what was kept of each source, and what was dropped and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..motion.clip import CORE_FPS
from .clip import Clip


def summarize(counts: Counter[str]) -> str:
    """Return names with their counts, most frequent first, such as "walk 12, bow 3"."""
    return ", ".join(f"{action} {count}" for action, count in counts.most_common())


@dataclass(frozen=True)
class Intake:
    """What was read from a source.

    Attributes:
        source: Its name.
        license: Its license.
        minutes: Minutes of motion or speech kept.
        counts: Recordings that were "kept", or dropped, by reason.
    """

    source: str
    license: str
    minutes: float
    counts: Counter[str]


def sources_report(family: str, intakes: Sequence[Intake], clips: Sequence[Clip]) -> str:
    """Return report.md of a family of sources: recordings and clips of each source, and clips of each action."""
    restricted = [f"{item.source} is {item.license}" for item in intakes if "-NC-" in item.license]
    lines = [
        f"# Clips of the family {family}",
        "",
        f"For non-commercial use only: {', '.join(restricted)}." if restricted else "Commercial use is allowed.",
        "",
        "| source | license | minutes read | recordings kept | dropped | clips | minutes of clips |",
        "|---|---|---|---|---|---|---|",
    ]
    of_source, frames = Counter(clip.source for clip in clips), Counter[str]()
    for clip in clips:
        frames[clip.source] += clip.stop - clip.start
    for item in intakes:
        dropped = Counter({reason: n for reason, n in item.counts.items() if reason != "kept" and n})
        lines.append(
            f"| {item.source} | {item.license} | {item.minutes:.1f} | {item.counts['kept']} | "
            f"{summarize(dropped) or 'none'} | {of_source[item.source]} | {frames[item.source] / CORE_FPS / 60:.1f} |"
        )
    lines += [
        "",
        "Minutes of clips include mirrored and augmented copies, and windows that overlap.",
        "",
        "| action | clips | of these |",
        "|---|---|---|",
    ]
    for action, n in Counter(clip.action for clip in clips).most_common():
        sources = summarize(Counter(clip.source for clip in clips if clip.action == action))
        lines.append(f"| {action} | {n} | {sources} |")
    return "\n".join(lines) + "\n"
