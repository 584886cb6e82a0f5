# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline: text and speech strips in seconds, their .json form, and prompts as .srt subtitles."""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeGuard, cast, get_args

from .errors import InputError
from .files import write_whole

Guidance: TypeAlias = float | tuple[tuple[float, float], ...]
"""The guidance scale gamma of equation (2): one number, or (seconds, value) keys with straight lines between."""

GUIDANCE = 3.5
"""The guidance scale at which the shipped weights obey best: `python -m benchmarks.obedience`."""
Scope: TypeAlias = Literal["whole", "upper body"]
"""What of the body follows a prompt: all of it, or spine, head and arms, while root and legs follow what is below."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class TextStrip:
    """A prompt from start to end seconds. guidance, seed: its own, or None for the timeline's. scope: for what."""

    start: float
    end: float
    prompt: str
    guidance: Guidance | None = None
    seed: int | None = None
    scope: Scope = "whole"

    def __post_init__(self) -> None:
        _check_span("text", self.prompt, self.start, self.end)
        if not self.prompt.strip():
            raise InputError(f"The text strip at {self.start:g} s has an empty prompt: write what the person does.")


@dataclass(frozen=True)
class SpeechStrip:
    """The recording audio from start to end seconds.

    end: None for the end of the recording. offset: seconds of the recording that are passed over. seed: its own, or
    None for the timeline's.
    """

    start: float
    audio: Path
    end: float | None = None
    offset: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        end = self.start + 1.0 if self.end is None else self.end
        _check_span("speech", self.audio.name, self.start, end)
        if not (math.isfinite(self.offset) and self.offset >= 0):
            raise InputError(f"The speech strip {self.audio.name!r} has the offset {self.offset:g} s; it starts at 0.")


@dataclass(frozen=True)
class Timeline:
    """What a character does. fps: of the resulting motion; seed: of the noise; model: the name of the weights.

    Text and speech may overlap; so may text strips, where of those of one scope the one that starts later is heard. The
    upper body hears those of its own scope before the others.
    """

    text: tuple[TextStrip, ...] = ()
    speech: tuple[SpeechStrip, ...] = ()
    fps: float = 30.0
    seed: int = 0
    guidance: Guidance = 1.0
    model: str = "open"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and 1 <= self.fps <= 1000):
            raise InputError(f"The timeline's fps is {self.fps:g}; give a number from 1 to 1000.")
        if not self.text and not self.speech:
            raise InputError("The timeline is empty: add a text or a speech strip.")


_TEXT_KEYS = {"start", "end", "prompt", "guidance", "seed", "scope"}
_LARGEST = 1e9  # a number in a file beyond this is a mistake, and may not fit a float


def _check_span(kind: str, name: str, start: float, end: float) -> None:
    name = name if len(name) <= 40 else name[:39] + "…"
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InputError(f"The {kind} strip {name!r} has a time that is not a finite number.")
    if start < 0:
        raise InputError(f"The {kind} strip {name!r} starts at {start:g} s; a timeline begins at 0.")
    if end <= start:
        raise InputError(f"The {kind} strip {name!r} ends at {end:g} s, not after its start at {start:g} s.")


def guidance_at(guidance: Guidance, seconds: float) -> float:
    """The guidance scale at a time: straight lines between keys, the first and last value held outside."""
    if not isinstance(guidance, tuple):
        return guidance
    before = [key for key in guidance if key[0] <= seconds]
    after = [key for key in guidance if key[0] > seconds]
    if not before:
        return after[0][1]
    if not after:
        return before[-1][1]
    (t0, v0), (t1, v1) = before[-1], after[0]
    return v0 + (v1 - v0) * (seconds - t0) / (t1 - t0)


def with_absolute_audio(timeline: Timeline, folder: Path) -> Timeline:
    """The same with every relative audio path taken from folder."""

    def absolute(audio: Path) -> Path:
        return Path(os.path.normpath(folder / audio))

    return replace(timeline, speech=tuple(replace(strip, audio=absolute(strip.audio)) for strip in timeline.speech))


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
        model=_string(top, "model", "open"),
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


_SRT_TIME = r"(\d{1,4}):(\d{1,2}):(\d{1,2}(?:[,.]\d{1,3})?)"
_SRT_TIMES = re.compile(rf"\s*{_SRT_TIME}\s*-->\s*{_SRT_TIME}(?:\s.*)?", re.ASCII)
_SRT_UPPER = "[upper body]"
_SRT_MARKUP = re.compile(r"</?(?:b|i|u|font)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)


def timeline_from_srt(text: str) -> Timeline:
    """Subtitles as text strips, each caption a prompt without its markup. Raises InputError naming the caption.

    A caption that begins with "[upper body]" has that scope.
    """
    strips: list[TextStrip] = []
    captions = [caption for caption in re.split(r"\n[ \t]*(?:\n[ \t]*)+", text.replace("\r", "").strip()) if caption]
    for number, caption in enumerate(captions, 1):
        lines = caption.split("\n")
        if lines[0].strip().isdecimal() and len(lines) > 1:
            lines = lines[1:]
        times = _SRT_TIMES.fullmatch(lines[0])
        if times is None:
            raise InputError(f"Caption {number} lacks its times; write them as 00:00:01,000 --> 00:00:04,000.")
        hours, minutes, seconds, *end = times.groups()
        prompt = "\n".join(_SRT_MARKUP.sub("", line).strip() for line in lines[1:])
        scope: Scope = "upper body" if prompt.lower().startswith(_SRT_UPPER) else "whole"
        prompt = prompt if scope == "whole" else prompt[len(_SRT_UPPER) :].strip()
        strips.append(TextStrip(_srt_seconds(hours, minutes, seconds), _srt_seconds(*end), prompt, scope=scope))
    if not strips:
        raise InputError("The file has no captions; each is a number, a line of times, and a prompt.")
    return Timeline(text=tuple(strips))


def timeline_to_srt(timeline: Timeline) -> str:
    """The prompts as subtitles, to the millisecond, with their scope; speech, guidance and seed have no place there.

    Raises InputError where there is no prompt.
    """
    if not timeline.text:
        raise InputError("Subtitles hold prompts, and there are none: save a .json, or add a text strip.")
    captions: list[str] = []
    for number, strip in enumerate(sorted(timeline.text, key=lambda strip: strip.start), 1):
        prompt = "\n".join(line.strip() for line in strip.prompt.splitlines() if line.strip())
        prompt = prompt if strip.scope == "whole" else f"{_SRT_UPPER} {prompt}"
        captions.append(f"{number}\n{_srt_time(strip.start)} --> {_srt_time(strip.end)}\n{prompt}\n")
    return "\n".join(captions)


def _srt_seconds(hours: str, minutes: str, seconds: str) -> float:
    # rounded, for a sum in binary is not the sum that was written
    return round(int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", ".")), 3)


def _srt_time(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"
