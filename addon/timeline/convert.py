# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of a character's strips to a Timeline, and of a Timeline to strips.

Time 0 of the timeline is the scene's first frame, unless another is given.
"""

from collections.abc import Mapping
from types import MappingProxyType

import bpy

from ...core.errors import InputError
from ...core.timeline.strips import Guidance, SpeechStrip, TextStrip, Timeline
from ..data import scene_settings, strip_action, strip_data
from ..setup import preferences
from ..units import Clock, frames_per_second
from .guidance import guidance_keys, guidance_of, set_guidance, slider
from .names import adopt_names
from .sounds import load_sounds, sound_file, sound_seconds
from .strips import (
    StripRef,
    add_speech,
    add_text,
    check_removable,
    check_seed,
    find_strips,
    remove,
    set_own_seed,
    strips_of,
)


def timeline(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    seeds: Mapping[int, int] = MappingProxyType({}),
    first: int | None = None,
) -> Timeline:
    """Convert the strips that are not muted to a Timeline, after adopting new strip names as prompts.

    Args:
        scene: Gives the frame rate, the model and the seed.
        armature: The character.
        seeds: Seeds that replace those of single strips, by the session_uid of their Action.
        first: Frame of time 0; the scene's first frame by default.

    Raises:
        InputError: There are no such strips, or one of them cannot be used.
    """
    adopt_names(armature)
    return peek_timeline(scene, armature, seeds, first)


def peek_timeline(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    seeds: Mapping[int, int] = MappingProxyType({}),
    first: int | None = None,
) -> Timeline:
    """Do the same as `timeline` without writing to the file, for panels: new strip names are not adopted."""
    settings = scene_settings(scene)
    clock = Clock(scene.frame_start if first is None else first, frames_per_second(scene))
    text = [one for one in find_strips(armature, "TEXT") if one.audible]
    speech = [one for one in find_strips(armature, "SPEECH") if one.audible]
    if not text and not speech:
        raise InputError(
            f"'{armature.name}' has no text or speech strip that is not muted; add one, unmute one, or turn off the "
            "solo of a track."
        )
    for one in (*text, *speech):
        if one.strip.frame_start < clock.first:
            raise InputError(
                f"The strip '{one.strip.name}' starts at frame {one.strip.frame_start:g}, before the scene's first "
                f"frame {clock.first}; move the strip, or let the scene start earlier."
            )
    return Timeline(
        text=tuple(_text_strip(one, clock, _own_seed(one, seeds)) for one in text),
        speech=tuple(_speech_strip(one, clock, _own_seed(one, seeds)) for one in speech),
        fps=clock.fps,
        seed=settings.seed,
        guidance=guidance_of(scene, slider(scene, armature), clock),
        model=settings.model or preferences.default_model(),
    )


def _own_seed(one: StripRef, seeds: Mapping[int, int]) -> int | None:
    return seeds.get(one.action.session_uid, one.data.seed if one.data.use_seed else None)


def _text_strip(one: StripRef, clock: Clock, seed: int | None) -> TextStrip:
    return TextStrip(
        clock.seconds(one.strip.frame_start),
        clock.seconds(one.strip.frame_end),
        one.data.prompt,
        _own_guidance(one, clock) if one.data.use_guidance else None,
        seed,
        "upper body" if one.data.scope == "UPPER" else "whole",
    )


def _own_guidance(one: StripRef, clock: Clock) -> Guidance:
    """Return a strip's value or keys; the keys stay in place when the strip is moved, split or trimmed."""
    if not one.data.guidance_keys.strip():
        return one.data.guidance
    origin = clock.seconds(one.strip.frame_start - one.strip.action_frame_start * one.strip.scale)
    try:
        return tuple((round(origin + seconds, 6), value) for seconds, value in guidance_keys(one.data.guidance_keys))
    except InputError as error:
        raise InputError(f"The strip '{one.strip.name}': {error}") from error


def _set_own_guidance(strip: bpy.types.NlaStrip, text: TextStrip) -> None:
    data = strip_data(strip_action(strip))
    data.use_guidance = text.guidance is not None
    if isinstance(text.guidance, tuple):
        pairs = ((f"{seconds - text.start:.6f}", f"{value:.6f}") for seconds, value in text.guidance)
        data.guidance_keys = ", ".join(":".join(number.rstrip("0").rstrip(".") for number in pair) for pair in pairs)
    elif text.guidance is not None:
        data.guidance = text.guidance


def _speech_strip(one: StripRef, clock: Clock, seed: int | None) -> SpeechStrip:
    sound = one.data.sound
    if sound is None:
        raise InputError(f"The speech strip '{one.strip.name}' has no sound; choose one.")
    if one.strip.use_reverse or one.strip.repeat != 1 or abs(one.strip.scale - 1) > 1e-3:
        raise InputError(
            f"The speech strip '{one.strip.name}' is scaled, repeated or reversed, which is not possible for a "
            "recording; set its Playback Scale and Repeat to 1 in the NLA editor, and trim it by its frames."
        )
    fps = clock.fps
    length = (one.strip.frame_end - one.strip.frame_start) / fps
    offset = max(0.0, one.strip.action_frame_start / fps)
    seconds = sound_seconds(sound)
    if offset + length > seconds + 1 / fps:
        raise InputError(
            f"The speech strip '{one.strip.name}' ends {offset + length - seconds:.2f} s after its recording of "
            f"{seconds:.2f} s; shorten it."
        )
    start = clock.seconds(one.strip.frame_start)
    return SpeechStrip(start, sound_file(sound), start + min(length, seconds - offset), offset, seed)


def add_timeline(
    scene: bpy.types.Scene, armature: bpy.types.Object, source: Timeline, replace: bool = False, settings: bool = True
) -> None:
    """Add the strips of a Timeline on the nearest frames of the scene.

    Args:
        scene: The scene.
        armature: The character.
        source: The timeline.
        replace: Remove the character's text and speech strips first.
        settings: Also set the character's guidance, and the scene's seed and model.

    Raises:
        InputError: A recording cannot be read or is shorter than its offset, a seed is out of range, or a strip cannot
            be removed; then nothing has changed.
    """
    for seed in (source.seed, *(strip.seed for strip in (*source.text, *source.speech))):
        check_seed(seed)
    old = strips_of(armature) if replace else []
    for one in old:
        check_removable(one)
    recordings = load_sounds(((speech.audio, speech.offset) for speech in source.speech), scene)
    for one in old:
        remove(one)
    fps = frames_per_second(scene)

    def frame(seconds: float) -> int:
        return scene.frame_start + round(seconds * fps)

    for text in source.text:
        start = frame(text.start)
        strip = add_text(armature, text.prompt, start, max(1, frame(text.end) - start))
        _set_own_guidance(strip, text)
        data = strip_data(strip_action(strip))
        set_own_seed(data, text.seed)
        data.scope = "WHOLE" if text.scope == "whole" else "UPPER"
    for speech, (sound, most) in zip(source.speech, recordings, strict=True):
        start = frame(speech.start)
        length = most if speech.end is None else min(most, max(1, frame(speech.end) - start))
        strip = add_speech(armature, sound, scene, start, length)
        action = strip_action(strip)
        set_own_seed(strip_data(action), speech.seed)
        if speech.offset:
            shift = speech.offset * fps
            action.frame_start, action.frame_end = shift, shift + length
            strip.action_frame_start, strip.action_frame_end = shift, shift + length
    if not settings:
        return
    set_guidance(scene, slider(scene, armature), source.guidance)
    scene_settings(scene).seed = source.seed
    scene_settings(scene).model = source.model
