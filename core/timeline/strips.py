# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a timeline: text and speech strips, in seconds."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from ..assets import DEFAULT_MODEL
from ..errors import InputError

Guidance: TypeAlias = float | tuple[tuple[float, float], ...]
"""Guidance scale gamma of equation (2): a number, or (seconds, value) keys that are interpolated linearly."""

DEFAULT_GUIDANCE = 3.5
"""Guidance scale at which the included models follow prompts best (`python -m benchmarks.obedience`)."""
GUIDANCE_MAX = 20.0
"""Largest guidance scale of the panel."""
SEED_MAX = 2**31 - 1
"""Largest seed: Blender's integers have 32 bits."""
Scope: TypeAlias = Literal["whole", "upper body"]
"""Part of the body that follows a prompt: all of it, or spine, head and arms over another strip's root and legs."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class TextStrip:
    """A prompt for a span of time.

    Attributes:
        start: seconds.
        end: seconds, after start.
        prompt: what the character does.
        guidance: guidance scale of this strip, with keys in seconds of the timeline; None to use the timeline's.
        seed: seed of the noise; None to use the timeline's.
        scope: part of the body that follows the prompt.

    Raises:
        InputError: a time is out of range, or the prompt is blank.
    """

    start: float
    end: float
    prompt: str
    guidance: Guidance | None = None
    seed: int | None = None
    scope: Scope = "whole"

    def __post_init__(self) -> None:
        _check_span("text", self.prompt, self.start, self.end)
        if not self.prompt.strip():
            raise InputError(f"The text strip at {self.start:g} s has an empty prompt; describe what the person does.")


@dataclass(frozen=True)
class SpeechStrip:
    """A recording for a span of time.

    Attributes:
        start: seconds.
        audio: path of the sound file.
        end: seconds, after start; None for the end of the recording.
        offset: seconds to skip at the beginning of the recording.
        seed: seed of the noise; None to use the timeline's.

    Raises:
        InputError: a time is out of range.
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
            raise InputError(f"The speech strip {self.audio.name!r} has an offset of {self.offset:g} s; use 0 or more.")


@dataclass(frozen=True)
class Timeline:
    """Strips of one character and the settings to generate its motion with.

    Text and speech may overlap. Where text strips of one scope overlap, the one that starts later applies; the upper
    body follows a strip of its own scope rather than one of the whole body.

    Attributes:
        text: prompts.
        speech: recordings.
        fps: frame rate of the generated motion.
        seed: seed of the noise.
        guidance: guidance scale of strips without their own.
        model: name or folder of the weights.

    Raises:
        InputError: fps is out of range, or there are no strips.
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
            raise InputError("The timeline is empty; add a text or speech strip.")


def _check_span(kind: str, name: str, start: float, end: float) -> None:
    name = name if len(name) <= 40 else name[:39] + "…"
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InputError(f"The {kind} strip {name!r} has a time that is not a finite number.")
    if start < 0:
        raise InputError(f"The {kind} strip {name!r} starts at {start:g} s; start it at 0 or later.")
    if end <= start:
        raise InputError(f"The {kind} strip {name!r} ends at {end:g} s; end it after its start at {start:g} s.")


def guidance_at(guidance: Guidance, seconds: float) -> float:
    """Evaluate a guidance scale at a time in seconds: linear between keys and constant outside them.

    >>> guidance_at(((1.0, 0.0), (3.0, 4.0)), 2.5)
    3.0
    """
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


def resolve_audio_paths(timeline: Timeline, folder: Path) -> Timeline:
    """Return the timeline with relative audio paths resolved against a folder."""

    def absolute(audio: Path) -> Path:
        return Path(os.path.normpath(folder / audio))

    return replace(timeline, speech=tuple(replace(strip, audio=absolute(strip.audio)) for strip in timeline.speech))
