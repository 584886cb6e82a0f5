# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch runs of one timeline, of a .blend file, or of every timeline in a folder."""

import argparse
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import InputError
from ..generation.memory import loaded_model
from ..setup.models import model_path
from . import reports, scenes
from .options import OUTPUTS


def run(options: argparse.Namespace) -> int:
    """Execute a batch run.

    Args:
        options: See `options.parse`.

    Returns:
        The exit code: 0, or 2 if a timeline of a folder failed.

    Raises:
        InputError: The timeline cannot be used or an output cannot be written.
    """
    if options.timeline.is_dir():
        return _run_folder(options)
    if not options.skip_existing:
        scenes.render(options.timeline, options.outputs, options)
        return 0
    report = options.report or next(iter(options.outputs.values())).parent / reports.REPORT
    content = reports.read_report(report)
    if reports.up_to_date(options.timeline, options.outputs, options, content):
        print(f"{options.timeline.name} is up to date.")
        return 0
    reports.write_report(report, content)  # fails before the work if it cannot be written
    scenes.render(options.timeline, options.outputs, options)
    reports.remember(options.timeline, options.outputs, options, content)
    reports.write_report(report, content)
    return 0


def _run_folder(options: argparse.Namespace) -> int:
    """Process every timeline of a folder and update the report after each. Returns the exit code."""
    report = options.report or next(iter(options.outputs.values())) / reports.REPORT
    paths = sorted(path for path in options.timeline.iterdir() if reports.is_timeline(path, report))
    if not paths:
        raise InputError(f"{options.timeline} contains no timelines; put .json or .srt files there.")
    names = [path.stem for path in paths]
    twice = next((path for path in paths if names.count(path.stem) > 1), None)
    if twice is not None:
        raise InputError(f"Two timelines are called {twice.stem!r} and would have the same outputs; rename one.")
    if options.model:
        loaded_model(model_path(options.model))
    content = reports.read_report(report)
    rows: list[reports.Content] = []
    # a report that cannot be written fails here, before hours of work
    reports.write_report(report, reports.with_rows(content, rows))
    for number, path in enumerate(paths, start=1):
        print(f"{path.name}, {number} of {len(paths)}", flush=True)
        outputs = {kind: folder / (path.stem + OUTPUTS[kind][0]) for kind, folder in options.outputs.items()}
        rows.append(_outcome(path, outputs, options, content))
        reports.write_report(report, reports.with_rows(content, rows))
    for row in rows:
        print(f"{row['outcome']:8}{row['seconds']:8.1f} s  {row['timeline']:24} {row.get('error', '')}".rstrip())
    print(report)
    failed = sum(row["outcome"] == "failed" for row in rows)
    if failed:
        print(f"{failed} of {len(rows)} timelines failed; see {report} for the reasons.", file=sys.stderr)
    return 2 if failed else 0


def _outcome(
    path: Path, outputs: Mapping[str, Path], options: argparse.Namespace, content: reports.Content
) -> reports.Content:
    """Process one timeline and return its row of the report, also if it fails; updates the report's content."""
    row: reports.Content = {"timeline": path.name, "outcome": "made", "seconds": 0.0}
    begun = time.monotonic()
    try:
        if options.skip_existing and reports.up_to_date(path, outputs, options, content):
            row["outcome"] = "skipped"
        else:
            row["motion_seconds"] = round(scenes.render(path, outputs, options), 3)
            reports.remember(path, outputs, options, content)
        row["outputs"] = [str(output) for output in outputs.values()]
    except ModuleNotFoundError:
        raise  # every other timeline would fail, too
    except Exception as error:
        row["outcome"] = "failed"
        row["error"] = str(error)
        if not isinstance(error, InputError):
            traceback.print_exc()
            row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"
        print(row["error"], file=sys.stderr)
    row["seconds"] = round(time.monotonic() - begun, 1)
    return row
