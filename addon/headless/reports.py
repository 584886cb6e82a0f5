# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a batch run: how each timeline ended, and what its outputs were made with."""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.files import replacing
from ...core.timeline.files import load_timeline
from ..setup.models import MODELS

REPORT = "report.json"


def is_timeline(path: Path, report: Path) -> bool:
    return path.suffix.lower() in {".json", ".srt"} and path.is_file() and path.name not in {REPORT, report.name}


def up_to_date(
    path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: Mapping[str, Any]
) -> bool:
    """Whether all outputs are there, newer than the timeline and its recordings, and made with the same options."""
    before = content.get("made_with", {})
    try:
        timeline = load_timeline(path)
        newest = max(source.stat().st_mtime for source in [path, *(strip.audio for strip in timeline.speech)])
        newer = all(output.stat().st_mtime >= newest for output in outputs.values())
        made = _made_with(timeline, outputs, options)
        return newer and all(before.get(output) == values for output, values in made.items())
    except (OSError, InputError):
        return False


def remember(path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: dict[str, Any]) -> None:
    """Note in the report's content with what the outputs were made."""
    if path.suffix.lower() != ".blend":
        made = _made_with(load_timeline(path), outputs, options)
        content["made_with"] = {**content.get("made_with", {}), **made}


def _made_with(timeline: Any, outputs: Mapping[str, Path], options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What, beside a timeline and its recordings, each output is made with; changed: the time that it bears since."""
    name = options.model or timeline.model
    values = {"model": name, "weights": _weights(name), "seed": options.seed, "steps": options.steps}
    size = {"size": list(options.size)}
    return {
        str(output): values | (size if kind in {"blend", "video"} else {}) | {"changed": output.stat().st_mtime_ns}
        for kind, output in outputs.items()
    }


@lru_cache(maxsize=8)
def _weights(name: str) -> str:
    """A number that tells a model's files from those of another. Raises OSError where they cannot be read."""
    folder = MODELS / name if (MODELS / name).is_dir() else Path(name)
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.iterdir()):
        if file.suffix in {".json", ".safetensors"}:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def read_report(path: Path) -> dict[str, Any]:
    """What the report of an earlier run says; nothing where there is none, or it is no report."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(content, dict) and isinstance(content.get("made_with", {}), dict)
    return content if whole else {}


def with_rows(content: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The report of these rows; what all outputs were made with stays."""
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in ("made", "skipped", "failed")}
    seconds = round(sum(row["seconds"] for row in rows), 1)
    return {**counts, "seconds": seconds, "timelines": rows, "made_with": content.get("made_with", {})}


def write_report(path: Path, content: Mapping[str, Any]) -> None:
    with replacing(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
