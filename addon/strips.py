# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and speech strips on a character's NLA tracks: add them, and read them as a Timeline.

A strip plays an Action without keys, which moves nothing and carries our data; the Action's manual frame range keeps
the strip's length. Time 0 of the timeline is the scene's first frame.
"""

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import InputError
from ..core.timeline import Guidance, SpeechStrip, TextStrip, Timeline
from . import compat, preferences

TRACK_NAMES = {"TEXT": "Text", "SPEECH": "Speech", "GENERATED": "FreeTalker Generated"}
_NAME_BYTES = 60  # Blender keeps 63 of a strip's name


@dataclass(frozen=True)
class Placed:
    """A strip of ours where it was found; `heard` is False where it, a strip around it or its track is muted."""

    strip: Any
    track: Any
    heard: bool

    @property
    def data(self) -> Any:
        return self.strip.action.freetalker


def placed(armature: bpy.types.Object, kind: str) -> list[Placed]:
    """All strips of a kind on the object, metas opened, in order of time."""
    animation = armature.animation_data
    if animation is None:
        return []
    solo = any(track.is_solo for track in animation.nla_tracks)
    found = [
        one
        for track in animation.nla_tracks
        for one in _open(track.strips, track, not track.mute and (track.is_solo or not solo))
        if one.data.kind == kind
    ]
    return sorted(found, key=lambda one: one.strip.frame_start)


def _open(strips: Iterable[Any], track: Any, heard: bool) -> Iterator[Placed]:
    for strip in strips:
        if strip.type == "META":
            yield from _open(strip.strips, track, heard and not strip.mute)
        elif strip.action is not None:
            yield Placed(strip, track, heard and not strip.mute)


def add_text(armature: bpy.types.Object, prompt: str, start: int, length: int) -> bpy.types.NlaStrip:
    """A text strip of `length` frames. Raises InputError for an empty prompt or a length below one frame."""
    if not prompt.strip():
        raise InputError("The prompt is empty: write what the person does, such as 'a person walks forward'.")
    return _add(armature, "TEXT", prompt, start, length)


def add_speech(
    armature: bpy.types.Object, sound: bpy.types.Sound, scene: bpy.types.Scene, start: int, length: int | None = None
) -> bpy.types.NlaStrip:
    """A speech strip, as long as the recording where no length in frames is given.

    Raises InputError where the sound cannot be read, or is shorter than the length.
    """
    most = max(1, int(sound_seconds(sound) * frames_per_second(scene) + 1e-6))
    if length is not None and length > most:
        raise InputError(f"The recording '{sound.name}' ends after {most} frames, before the strip's {length}.")
    strip = _add(armature, "SPEECH", Path(sound.name).stem, start, most if length is None else length)
    strip.action.freetalker.sound = sound
    return strip


def _add(armature: bpy.types.Object, kind: str, name: str, start: int, length: int) -> bpy.types.NlaStrip:
    if length < 1:
        raise InputError(f"A strip needs a length of one frame or more, not {length}.")
    action = bpy.data.actions.new(short_name(name))
    action.freetalker.kind = kind
    if kind == "TEXT":
        action.freetalker.prompt = name
    action.use_frame_range = True  # a strip on an action without keys would shrink to one frame otherwise
    action.frame_start, action.frame_end = 0, length
    track = _track_with_room(armature, kind, start, start + length)
    for other in (strip for track in armature.animation_data.nla_tracks for strip in track.strips):
        other.select = False
    strip = track.strips.new(short_name(name), start, action)
    strip.name = short_name(name)
    strip.use_sync_length = False
    strip.extrapolation = "NOTHING"
    return strip


def _track_with_room(armature: bpy.types.Object, kind: str, start: float, end: float) -> bpy.types.NlaTrack:
    """The first track of this kind on which nothing lies from start to end, or a new one."""
    tracks = (armature.animation_data or armature.animation_data_create()).nla_tracks
    kinds = {one.track.name for one in placed(armature, kind)} | {TRACK_NAMES[kind]}
    for track in tracks:
        free = all(strip.frame_end <= start or strip.frame_start >= end for strip in track.strips)
        if track.name in kinds and free and not track.lock:
            return track
    track = tracks.new()
    track.name = TRACK_NAMES[kind]
    return track


def free_frame(armature: bpy.types.Object, kind: str, frame: int) -> int:
    """`frame`, or where strips of this kind lie there, the end of the row that they make."""
    for one in placed(armature, kind):
        if one.strip.frame_start <= frame < one.strip.frame_end:
            frame = round(one.strip.frame_end)
    return frame


def rename(action: bpy.types.Action) -> None:
    """Give the strips of a text action, and the action, the prompt's beginning as their name."""
    name = short_name(action.freetalker.prompt)
    if not name or action.name == name:
        return
    action.name = name
    for candidate in bpy.data.objects:
        for one in placed(candidate, "TEXT"):
            if one.strip.action == action:
                one.strip.name = name


def short_name(text: str) -> str:
    """One line of text that fits a strip's name."""
    line = " ".join(text.split())
    if len(line.encode()) <= _NAME_BYTES:
        return line
    return line.encode()[: _NAME_BYTES - 3].decode(errors="ignore").rstrip() + "…"


def frames_per_second(scene: bpy.types.Scene) -> float:
    return scene.render.fps / scene.render.fps_base


def sound_seconds(sound: bpy.types.Sound) -> float:
    """How long a recording is. Raises InputError where there is no such file or it is no sound."""
    aud: Any = importlib.import_module("aud")  # whose stubs say that its functions take nothing
    path = sound_file(sound)
    if not path.is_file():
        raise InputError(f"The sound file '{path}' does not exist: choose another or mend its path.")
    try:
        heard = aud.Sound(str(path))
        seconds = heard.length / heard.specs[0]
    except (aud.error, ZeroDivisionError) as error:
        raise InputError(f"'{path.name}' cannot be read as sound: convert it to WAV, FLAC, OGG or MP3.") from error
    if seconds <= 0:
        raise InputError(f"The sound file '{path.name}' is empty: choose one that holds speech.")
    return seconds


def sound_file(sound: bpy.types.Sound) -> Path:
    """The recording as a file; a packed one is written to Blender's temporary folder."""
    if sound.packed_file is None:
        return Path(bpy.path.abspath(sound.filepath))
    path = Path(bpy.app.tempdir, f"freetalker-{sound.session_uid}{Path(sound.filepath).suffix}")
    if not path.is_file() or path.stat().st_size != sound.packed_file.size:
        path.write_bytes(sound.packed_file.data)
    return path


def timeline(scene: bpy.types.Scene, armature: bpy.types.Object) -> Timeline:
    """The strips that are heard, as a Timeline in seconds from the scene's first frame.

    Raises InputError where there are none, or one of them cannot be used.
    """
    settings = scene.freetalker
    fps = frames_per_second(scene)
    text = [one for one in placed(armature, "TEXT") if one.heard]
    speech = [one for one in placed(armature, "SPEECH") if one.heard]
    if not text and not speech:
        raise InputError(
            f"'{armature.name}' has no text or speech strip that counts: add one, unmute one, or end a track's solo."
        )
    for one in (*text, *speech):
        if one.strip.frame_start < scene.frame_start:
            raise InputError(
                f"The strip '{one.strip.name}' starts at frame {one.strip.frame_start:g}, before the scene's first "
                f"frame {scene.frame_start}: move the strip, or let the scene start earlier."
            )
    return Timeline(
        text=tuple(_text_strip(one, scene) for one in text),
        speech=tuple(_speech_strip(one, scene) for one in speech),
        fps=fps,
        seed=settings.seed,
        guidance=_guidance(scene),
        model=settings.model or preferences.default_model(),
    )


def _seconds(scene: bpy.types.Scene, frame: float) -> float:
    return (frame - scene.frame_start) / frames_per_second(scene)


def _text_strip(one: Placed, scene: bpy.types.Scene) -> TextStrip:
    return TextStrip(
        _seconds(scene, one.strip.frame_start),
        _seconds(scene, one.strip.frame_end),
        one.data.prompt,
        one.data.guidance if one.data.use_guidance else None,
    )


def _speech_strip(one: Placed, scene: bpy.types.Scene) -> SpeechStrip:
    sound = one.data.sound
    if sound is None:
        raise InputError(f"The speech strip '{one.strip.name}' has no sound: choose one.")
    fps = frames_per_second(scene)
    length = (one.strip.frame_end - one.strip.frame_start) / fps
    offset = max(0.0, one.strip.action_frame_start / fps)
    seconds = sound_seconds(sound)
    if offset + length > seconds + 1 / fps:
        raise InputError(
            f"The speech strip '{one.strip.name}' ends {offset + length - seconds:.2f} s after its recording of "
            f"{seconds:.2f} s: shorten it."
        )
    start = _seconds(scene, one.strip.frame_start)
    return SpeechStrip(start, sound_file(sound), start + min(length, seconds - offset), offset)


def _guidance(scene: bpy.types.Scene) -> Guidance:
    """The scene's slider; as (seconds, value) of each frame where it has keys."""
    animation = scene.animation_data
    if animation is not None and animation.action is not None:
        bag = compat.channelbag(animation.action, animation.action_slot)
        curve = bag.fcurves.find("freetalker.guidance") if bag is not None else None
        if curve is not None:
            frames = range(scene.frame_start, max(int(curve.range()[1]), scene.frame_start) + 1)
            return tuple((_seconds(scene, frame), max(0.0, curve.evaluate(frame))) for frame in frames)
    return scene.freetalker.guidance


def add_timeline(scene: bpy.types.Scene, armature: bpy.types.Object, source: Timeline) -> None:
    """The strips and settings of a Timeline, on the nearest frames of the scene.

    Raises InputError where a recording cannot be read or is shorter than its strip.
    """
    fps = frames_per_second(scene)

    def frame(seconds: float) -> int:
        return scene.frame_start + round(seconds * fps)

    for text in source.text:
        strip = add_text(armature, text.prompt, frame(text.start), max(1, frame(text.end) - frame(text.start)))
        if isinstance(text.guidance, float):
            strip.action.freetalker.use_guidance = True
            strip.action.freetalker.guidance = text.guidance
    for speech in source.speech:
        sound = bpy.data.sounds.load(str(speech.audio), check_existing=True)
        most = int((sound_seconds(sound) - speech.offset) * fps + 1e-6)
        length = most if speech.end is None else min(most, frame(speech.end) - frame(speech.start))
        strip = add_speech(armature, sound, scene, frame(speech.start), max(1, length))
        if speech.offset:
            shift = speech.offset * fps
            action = strip.action
            action.frame_start, action.frame_end = shift, shift + length
            strip.action_frame_start, strip.action_frame_end = shift, shift + length
    scene.freetalker.seed = source.seed
    scene.freetalker.model = source.model
    if isinstance(source.guidance, int | float):
        scene.freetalker.guidance = source.guidance
    else:
        for seconds, value in source.guidance:
            scene.freetalker.guidance = value
            scene.freetalker.keyframe_insert("guidance", frame=scene.frame_start + seconds * fps)


def disabled_reason(armature: bpy.types.Object) -> str:
    """Why the character's tracks cannot be changed now; empty where they can."""
    if not armature.is_editable:
        return f"'{armature.name}' is linked from another file: make a library override of it"
    if armature.animation_data is not None and armature.animation_data.use_tweak_mode:
        return "A strip is being tweaked: leave tweak mode (Tab in the NLA editor)"
    return ""


def remove(armature: bpy.types.Object, action_name: str) -> None:
    """Take away the text or speech strips that play the action of that name; the action goes with its last strip."""
    for one in (*placed(armature, "TEXT"), *placed(armature, "SPEECH")):
        action = one.strip.action
        if action.name == action_name and one.strip.name in one.track.strips:
            one.track.strips.remove(one.strip)
            if action.users == 0:
                bpy.data.actions.remove(action)
                return
