# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write timelines as .json files; prompts alone also as .srt (see `subtitles`)."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard, cast

from ..errors import InputError
from ..files import write_whole
from .strips import SCOPES, SEED_MAX, Guidance, Scope, SpeechStrip, TextStrip, Timeline, resolve_audio_paths
from .subtitles import timeline_from_srt, timeline_to_srt

_TEXT_KEYS = {"start", "end", "prompt", "guidance", "seed", "scope"}
_NUMBER_MAX = 1e9  # a larger number is a mistake, and an integer might not fit a float


def load_timeline(path: Path | str) -> Timeline:
    """Read a timeline from a .json file, or prompts from an .srt file.

    Audio paths in a .json are relative to the file; missing settings are the defaults of `Timeline`.

    Raises:
        InputError: the file is missing, is neither of the two, or has an unknown or wrong key; the message names it.
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
        raise InputError(f"{path.name} is not UTF-8 text; save it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not valid JSON: {error}.") from error
    return resolve_audio_paths(timeline, path.resolve().parent)


def save_timeline(timeline: Timeline, path: Path | str) -> None:
    """Write a timeline as .json with audio paths relative to the file or, if the name ends in .srt, its prompts.

    Raises:
        InputError: the file cannot be written, or an .srt would have no prompts. An existing file is left unchanged.
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
    """Convert a timeline to the plain values of its .json, with audio paths relative to folder if on the same drive."""

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
            | ({} if strip.scope == TextStrip.scope else {"scope": strip.scope})
            for strip in timeline.text
        ],
        "speech": [
            {"start": strip.start, "audio": audio_name(strip.audio)}
            | ({} if strip.end is None else {"end": strip.end})
            | ({} if strip.offset == SpeechStrip.offset else {"offset": strip.offset})
            | ({} if strip.seed is None else {"seed": strip.seed})
            for strip in timeline.speech
        ],
    }


def timeline_from_json(data: object) -> Timeline:
    """Convert the plain values of a .json to a timeline; audio paths are not resolved.

    Raises:
        InputError: a key is unknown, missing or has a wrong value; the message names it.
    """
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
                _scope(row.get("scope", TextStrip.scope)),
            )
            for row in text
        ),
        speech=tuple(
            SpeechStrip(
                _number(row, "start"),
                Path(_string(row, "audio")),
                _number(row, "end") if row.get("end") is not None else None,
                _number(row, "offset", SpeechStrip.offset),
                _seed(row["seed"]) if row.get("seed") is not None else None,
            )
            for row in speech
        ),
        fps=_number(top, "fps", Timeline.fps),
        seed=_seed(top.get("seed", Timeline.seed)),
        guidance=_guidance(top.get("guidance", Timeline.guidance)),
        model=_string(top, "model", Timeline.model),
    )


def _table(data: object, what: str, known: set[str], needed: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{what} must be a JSON object with the keys {', '.join(sorted(known))}.")
    table = dict(cast(Mapping[str, Any], data))
    for key in table:
        if key not in known:
            raise InputError(f"{what} has the unknown key {key!r}; the known keys are {', '.join(sorted(known))}.")
    for key in sorted(needed):
        if key not in table:
            raise InputError(f"{what} has no key {key!r}; add it.")
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
    if abs(value) > _NUMBER_MAX:
        raise InputError(f"{key!r} must be a number from -{_NUMBER_MAX:g} to {_NUMBER_MAX:g}.")
    return float(value)


def _string(table: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"{key!r} must be text in quotes, not {value!r}.")
    if re.search("[\0\ud800-\udfff]", value):
        raise InputError(f"{key!r} contains an invalid Unicode character: {value!r}.")
    return value


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= SEED_MAX:
        raise InputError(f"'seed' must be a whole number from 0 to {SEED_MAX}, not {value!r}.")
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
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _NUMBER_MAX
