# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of batch runs: the result of each timeline, and what its outputs were generated with."""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from ...core.errors import InputError
from ...core.files import replacing
from ...core.timeline.files import load_timeline
from ...core.timeline.strips import Timeline
from ..setup.models import MODELS

REPORT = "report.json"
"""Default name of a report."""

Content: TypeAlias = dict[str, Any]
"""A report, a row of it, or what an output was generated with, as in .json."""


def is_timeline(path: Path, report: Path) -> bool:
    """Whether a file is a timeline by its extension, and not a report."""
    return path.suffix.lower() in {".json", ".srt"} and path.is_file() and path.name not in {REPORT, report.name}


def up_to_date(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: Content) -> bool:
    """Whether all outputs of a timeline are current.

    They must be newer than the timeline and its recordings, and generated with the same options.

    Args:
        path: The timeline.
        outputs: Kind -> path.
        options: See `options.parse`.
        content: Of the report of an earlier run.
    """
    before = content.get("made_with", {})
    try:
        timeline = load_timeline(path)
        newest = max(source.stat().st_mtime for source in [path, *(strip.audio for strip in timeline.speech)])
        newer = all(output.stat().st_mtime >= newest for output in outputs.values())
        now = _made_with(timeline, outputs, options)
        return newer and all(before.get(output) == values for output, values in now.items())
    except (OSError, InputError):
        return False


def remember(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: Content) -> None:
    """Record in the content of a report what the outputs of a timeline were generated with."""
    if path.suffix.lower() != ".blend":
        now = _made_with(load_timeline(path), outputs, options)
        content["made_with"] = {**content.get("made_with", {}), **now}


def _made_with(timeline: Timeline, outputs: Mapping[str, Path], options: argparse.Namespace) -> dict[str, Content]:
    """Return what each output depends on besides the timeline and its recordings, and its modification time."""
    name = options.model or timeline.model
    values = {"model": name, "weights": _weights(name), "seed": options.seed, "steps": options.steps}
    size = {"size": list(options.size)}
    return {
        str(output): values | (size if kind in {"blend", "video"} else {}) | {"changed": output.stat().st_mtime_ns}
        for kind, output in outputs.items()
    }


@lru_cache(maxsize=8)
def _weights(name: str) -> str:
    """Return a hash of a model's files.

    Raises:
        OSError: They cannot be read.
    """
    folder = MODELS / name if (MODELS / name).is_dir() else Path(name)
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.iterdir()):
        if file.suffix in {".json", ".safetensors"}:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def read_report(path: Path) -> Content:
    """Read the report of an earlier run; empty if there is none or it is invalid."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(content, dict) and isinstance(content.get("made_with", {}), dict)
    return content if whole else {}


def with_rows(content: Content, rows: Sequence[Content]) -> Content:
    """Return the content of a report with new rows.

    Args:
        content: Of the report so far, whose `made_with` is kept.
        rows: One per timeline, with `outcome` (made, skipped or failed) and `seconds`.
    """
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in ("made", "skipped", "failed")}
    seconds = round(sum(row["seconds"] for row in rows), 1)
    return {**counts, "seconds": seconds, "timelines": rows, "made_with": content.get("made_with", {})}


def write_report(path: Path, content: Content) -> None:
    """Write the content of a report as .json.

    Raises:
        InputError: The file cannot be written.
    """
    with replacing(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
