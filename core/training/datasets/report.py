# SPDX-License-Identifier: GPL-3.0-or-later
"""report.md of a dataset: what was kept, what was dropped and why, and the split."""

from collections import Counter
from collections.abc import Mapping, Sequence

from ...motion.clip import CORE_FPS
from ..clip import Clip
from ..report import summarize
from .parts import Part

SPLITS = ("train", "val", "test")
_SHOWN = 200  # messages about dropped recordings


def dataset_report(kind: str, parts: Sequence[Part], splits: Mapping[str, str], seed: int) -> str:
    """Return the text of report.md."""
    licenses = sorted({part.license for part in parts})
    dropped = Counter(part.reason for part in parts if not part.clips)
    clips = [clip for part in parts for clip, _ in part.clips]
    lines = [
        f"# Clips of {kind}",
        "",
        "For non-commercial use only."
        if any("-NC-" in license for license in licenses)
        else "For use under the license of your recordings.",
        "",
        "| source | license | recordings kept | dropped | clips | minutes of clips |",
        "|---|---|---|---|---|---|",
        f"| {kind} | {', '.join(licenses)} | {sum(bool(part.clips) for part in parts)} | "
        f"{summarize(dropped) or 'none'} | {len(clips)} | {_minutes(clips):.1f} |",
        "",
        f"Split 8:1:1 by recording, seed {seed}; training uses train alone.",
        "",
        "| split | recordings | clips | minutes of clips |",
        "|---|---|---|---|",
    ]
    for name in SPLITS:
        chosen = [part for part in parts if part.clips and splits[part.group] == name]
        inside = [clip for part in chosen for clip, _ in part.clips]
        lines.append(f"| {name} | {len(chosen)} | {len(inside)} | {_minutes(inside):.1f} |")
    sentences = [part.sentence for part in parts if part.sentence]
    if sentences:
        lines += ["", "## Dropped", "", *(f"- {sentence}" for sentence in sentences[:_SHOWN])]
    if len(sentences) > _SHOWN:
        lines.append(f"- and {len(sentences) - _SHOWN} more.")
    return "\n".join(lines) + "\n"


def _minutes(clips: Sequence[Clip]) -> float:
    return sum(clip.stop - clip.start for clip in clips) / CORE_FPS / 60
