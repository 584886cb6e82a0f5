# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline: text and speech strips in seconds, their .json form, and prompts as .srt subtitles."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from ..assets import DEFAULT_MODEL
from ..errors import InputError

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
    model: str = DEFAULT_MODEL

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and 1 <= self.fps <= 1000):
            raise InputError(f"The timeline's fps is {self.fps:g}; give a number from 1 to 1000.")
        if not self.text and not self.speech:
            raise InputError("The timeline is empty: add a text or a speech strip.")


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


SEED_MAX = 2**31 - 1
GUIDANCE_MAX = 20.0
