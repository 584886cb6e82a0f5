# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines as .json files; .srt files are read and written by `subtitles`."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard, cast

from ..assets import DEFAULT_MODEL
from ..errors import InputError
from ..files import write_whole
from .strips import SCOPES, Guidance, Scope, SpeechStrip, TextStrip, Timeline, with_absolute_audio
from .subtitles import timeline_from_srt, timeline_to_srt

_TEXT_KEYS = {"start", "end", "prompt", "guidance", "seed", "scope"}
_LARGEST = 1e9  # a number in a file beyond this is a mistake, and may not fit a float


def load_timeline(path: Path | str) -> Timeline:
    """Read a timeline's .json, whose audio paths are relative to the file, or the prompts of an .srt.

    Raises InputError naming the file where it is missing, neither of the two, or has an unknown or wrong key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        timeline = timeline_from_srt(text) if _is_srt(path) else timeline_from_json(json.loads(text))
    except OSError as error:
        raise InputError(f"The timeline {path} cannot be read: {error.strerror or error}.") from error
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8: save it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not JSON: {error}.") from error
    return with_absolute_audio(timeline, path.resolve().parent)


def save_timeline(timeline: Timeline, path: Path | str) -> None:
    """Write a timeline's .json, its audio relative to the file; or where the name ends in .srt, its prompts.

    Raises InputError where the file cannot be written, or would hold no prompt; what was there stays then.
    """
    path = Path(path)
    if _is_srt(path):
        text = timeline_to_srt(timeline)
    else:
        text = json.dumps(timeline_to_json(timeline, path.resolve().parent), indent=2, ensure_ascii=False) + "\n"
    write_whole(path, text)


def _is_srt(path: Path) -> bool:
    return path.suffix.lower() == ".srt"


def timeline_to_json(timeline: Timeline, folder: Path) -> dict[str, Any]:
    """The .json form as plain values; audio paths relative to folder, except on another drive."""

    def audio_name(audio: Path) -> str:
        try:
            return Path(os.path.relpath(audio, folder)).as_posix() if audio.is_absolute() else audio.as_posix()
        except ValueError:
            return audio.as_posix()

    return {
        "fps": timeline.fps,
        "seed": timeline.seed,
        "guidance": timeline.guidance,
        "model": timeline.model,
        "text": [
            {"start": strip.start, "end": strip.end, "prompt": strip.prompt}
            | ({} if strip.guidance is None else {"guidance": strip.guidance})
            | ({} if strip.seed is None else {"seed": strip.seed})
            | ({} if strip.scope == "whole" else {"scope": strip.scope})
            for strip in timeline.text
        ],
        "speech": [
            {"start": strip.start, "audio": audio_name(strip.audio)}
            | ({} if strip.end is None else {"end": strip.end})
            | ({} if strip.offset == 0 else {"offset": strip.offset})
            | ({} if strip.seed is None else {"seed": strip.seed})
            for strip in timeline.speech
        ],
    }


def timeline_from_json(data: object) -> Timeline:
    """A Timeline of the .json form's plain values; paths stay as written. Raises InputError naming the wrong key."""
    top = _table(data, "The timeline", {"fps", "seed", "guidance", "model", "text", "speech"})
    text = [
        _table(row, f"Text strip {i}", _TEXT_KEYS, {"start", "end", "prompt"})
        for i, row in enumerate(_rows(top, "text"), 1)
    ]
    speech = [
        _table(row, f"Speech strip {i}", {"start", "end", "audio", "offset", "seed"}, {"start", "audio"})
        for i, row in enumerate(_rows(top, "speech"), 1)
    ]
    return Timeline(
        text=tuple(
            TextStrip(
                _number(row, "start"),
                _number(row, "end"),
                _string(row, "prompt"),
                _guidance(row["guidance"]) if row.get("guidance") is not None else None,
                _seed(row["seed"]) if row.get("seed") is not None else None,
                _scope(row.get("scope", "whole")),
            )
            for row in text
        ),
        speech=tuple(
            SpeechStrip(
                _number(row, "start"),
                Path(_string(row, "audio")),
                _number(row, "end") if row.get("end") is not None else None,
                _number(row, "offset", 0.0),
                _seed(row["seed"]) if row.get("seed") is not None else None,
            )
            for row in speech
        ),
        fps=_number(top, "fps", 30.0),
        seed=_seed(top.get("seed", 0)),
        guidance=_guidance(top.get("guidance", 1.0)),
        model=_string(top, "model", DEFAULT_MODEL),
    )


def _table(data: object, what: str, known: set[str], needed: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{what} must be a JSON object with the keys {', '.join(sorted(known))}.")
    table = dict(cast(Mapping[str, Any], data))
    for key in table:
        if key not in known:
            raise InputError(f"{what} has the unknown key {key!r}; known are {', '.join(sorted(known))}.")
    for key in sorted(needed):
        if key not in table:
            raise InputError(f"{what} lacks the key {key!r}.")
    return table


def _rows(table: Mapping[str, Any], key: str) -> list[object]:
    rows = table.get(key, [])
    if not isinstance(rows, list):
        raise InputError(f"{key!r} must be a list of strips.")
    return cast(list[object], rows)


def _number(table: Mapping[str, Any], key: str, default: float | None = None) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key!r} must be a number, not {value!r}.")
    if abs(value) > _LARGEST:
        raise InputError(f"{key!r} must be a number up to {_LARGEST:g} in size.")
    return float(value)


def _string(table: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"{key!r} must be text in quotes, not {value!r}.")
    if re.search("[\0\ud800-\udfff]", value):
        raise InputError(f"{key!r} holds a character that is none in Unicode: {value!r}.")
    return value


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise InputError(f"'seed' must be a whole number from 0 to {2**31 - 1}, not {value!r}.")
    return value


def _scope(value: object) -> Scope:
    for scope in SCOPES:
        if value == scope:
            return scope
    raise InputError(f"'scope' must be {' or '.join(map(repr, SCOPES))}, not {value!r}.")


def _guidance(value: object) -> Guidance:
    message = f"'guidance' must be a number or a list of [seconds, value] pairs in order, not {value!r}."
    if _is_scale(value):
        return float(value)
    if not isinstance(value, list) or not value:
        raise InputError(message)
    keys: list[tuple[float, float]] = []
    for pair in cast(list[object], value):
        items = cast(list[object], pair) if isinstance(pair, list) else []
        numbers = [float(n) for n in items if _is_scale(n)]
        if len(items) != 2 or len(numbers) != 2 or (keys and numbers[0] <= keys[-1][0]):
            raise InputError(message)
        keys.append((numbers[0], numbers[1]))
    return tuple(keys)


def _is_scale(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
