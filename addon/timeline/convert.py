# SPDX-License-Identifier: GPL-3.0-or-later
"""The strips of a character as a Timeline, and a Timeline as strips.

Time 0 of the timeline is the scene's first frame.
"""

from collections.abc import Mapping
from types import MappingProxyType

import bpy

from ...core.errors import InputError
from ...core.timeline.strips import Guidance, SpeechStrip, TextStrip, Timeline
from ..setup import preferences
from ..units import Clock, frames_per_second
from .guidance import guidance_keys, guidance_of, set_guidance, slider
from .names import adopt_names
from .sounds import load_sounds, sound_file, sound_seconds
from .strips import StripRef, _check_removable, add_speech, add_text, check_seed, find_strips, remove, set_own_seed


def timeline(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    seeds: Mapping[int, int] = MappingProxyType({}),
    first: int | None = None,
) -> Timeline:
    """The strips that are heard, as a Timeline in seconds from the frame `first`, else from the scene's first.

    seeds: of strips whose own is to be another, by the session_uid of their Action.

    Raises InputError where there are none, or one of them cannot be used.
    """
    adopt_names(armature)
    return peek_timeline(scene, armature, seeds, first)


def peek_timeline(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    seeds: Mapping[int, int] = MappingProxyType({}),
    first: int | None = None,
) -> Timeline:
    """`timeline`, but with nothing written to the file, as panels want it: new names are no prompts yet."""
    settings = scene.freetalker
    clock = Clock(scene.frame_start if first is None else first, frames_per_second(scene))
    text = [one for one in find_strips(armature, "TEXT") if one.heard]
    speech = [one for one in find_strips(armature, "SPEECH") if one.heard]
    if not text and not speech:
        raise InputError(
            f"'{armature.name}' has no text or speech strip that counts: add one, unmute one, or end a track's solo."
        )
    for one in (*text, *speech):
        if one.strip.frame_start < clock.first:
            raise InputError(
                f"The strip '{one.strip.name}' starts at frame {one.strip.frame_start:g}, before the scene's first "
                f"frame {clock.first}: move the strip, or let the scene start earlier."
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
    return seeds.get(one.strip.action.session_uid, one.data.seed if one.data.use_seed else None)


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
    """A strip's value, or its keys: they stay with what they were set for where the strip is moved, cut or trimmed."""
    if not one.data.guidance_keys.strip():
        return one.data.guidance
    origin = clock.seconds(one.strip.frame_start - one.strip.action_frame_start * one.strip.scale)
    try:
        return tuple((round(origin + seconds, 6), value) for seconds, value in guidance_keys(one.data.guidance_keys))
    except InputError as error:
        raise InputError(f"The strip '{one.strip.name}': {error}") from error


def _set_own_guidance(strip: bpy.types.NlaStrip, text: TextStrip) -> None:
    data = strip.action.freetalker
    data.use_guidance = text.guidance is not None
    if isinstance(text.guidance, tuple):
        pairs = ((f"{seconds - text.start:.6f}", f"{value:.6f}") for seconds, value in text.guidance)
        data.guidance_keys = ", ".join(":".join(number.rstrip("0").rstrip(".") for number in pair) for pair in pairs)
    elif text.guidance is not None:
        data.guidance = text.guidance


def _speech_strip(one: StripRef, clock: Clock, seed: int | None) -> SpeechStrip:
    sound = one.data.sound
    if sound is None:
        raise InputError(f"The speech strip '{one.strip.name}' has no sound: choose one.")
    if one.strip.use_reverse or one.strip.repeat != 1 or abs(one.strip.scale - 1) > 1e-3:
        raise InputError(
            f"The speech strip '{one.strip.name}' is scaled, repeated or reversed, and a recording cannot be: set its "
            "Playback Scale and Repeat to 1 in the NLA editor, and trim it by its frames."
        )
    fps = clock.fps
    length = (one.strip.frame_end - one.strip.frame_start) / fps
    offset = max(0.0, one.strip.action_frame_start / fps)
    seconds = sound_seconds(sound)
    if offset + length > seconds + 1 / fps:
        raise InputError(
            f"The speech strip '{one.strip.name}' ends {offset + length - seconds:.2f} s after its recording of "
            f"{seconds:.2f} s: shorten it."
        )
    start = clock.seconds(one.strip.frame_start)
    return SpeechStrip(start, sound_file(sound), start + min(length, seconds - offset), offset, seed)


def add_timeline(
    scene: bpy.types.Scene, armature: bpy.types.Object, source: Timeline, replace: bool = False, settings: bool = True
) -> None:
    """The strips of a Timeline, on the nearest frames of the scene, and its settings.

    replace: take away the text and speech strips that are there. settings: set the guidance that counts for the
    character, and the scene's seed and model.

    Raises InputError where a recording cannot be read or is shorter than its offset, a seed is none that Blender keeps,
    or a strip cannot be taken away; then nothing has changed.
    """
    for seed in (source.seed, *(strip.seed for strip in (*source.text, *source.speech))):
        check_seed(seed)
    old = [*find_strips(armature, "TEXT"), *find_strips(armature, "SPEECH")] if replace else []
    for one in old:
        _check_removable(one)
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
        set_own_seed(strip.action.freetalker, text.seed)
        strip.action.freetalker.scope = "WHOLE" if text.scope == "whole" else "UPPER"
    for speech, (sound, most) in zip(source.speech, recordings, strict=True):
        start = frame(speech.start)
        length = most if speech.end is None else min(most, max(1, frame(speech.end) - start))
        strip = add_speech(armature, sound, scene, start, length)
        set_own_seed(strip.action.freetalker, speech.seed)
        if speech.offset:
            shift = speech.offset * fps
            action = strip.action
            action.frame_start, action.frame_end = shift, shift + length
            strip.action_frame_start, strip.action_frame_end = shift, shift + length
    if not settings:
        return
    set_guidance(scene, slider(scene, armature), source.guidance)
    scene.freetalker.seed = source.seed
    scene.freetalker.model = source.model
