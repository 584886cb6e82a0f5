# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and speech strips on a character's NLA tracks: add them, and read them as a Timeline.

A strip plays an Action without keys, which moves nothing and carries our data; the Action's manual frame range keeps
the strip's length. Time 0 of the timeline is the scene's first frame.
"""

import importlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import bpy
import numpy as np

from ..core.errors import InputError
from ..core.timeline import Guidance, SpeechStrip, TextStrip, Timeline
from . import compat, preferences
from .properties import GUIDANCE_MAX, SEED_MAX

TRACK_NAMES = {"TEXT": "Text", "SPEECH": "Speech", "GENERATED": "FreeTalker Generated"}
_NAME_BYTES = 59  # Blender keeps 63 of a strip's name, and ends that of a second one of that name with .001
_NUMBER = re.compile(r"\.\d{3,}$")


@dataclass(frozen=True)
class Placed:
    """A strip of ours where it was found; `heard` is False where it, a strip around it or its track is muted.

    path: the numbers of its track, of the meta strips around it, and its own.
    """

    strip: Any
    track: Any
    heard: bool
    path: tuple[int, ...]

    @property
    def data(self) -> Any:
        return self.strip.action.freetalker

    @property
    def key(self) -> str:
        """What `named` finds it by: its name is not enough, for strips within meta strips may have that of others."""
        return f"{'.'.join(map(str, self.path))} {self.strip.name}"

    @property
    def sharing(self) -> int:
        """How many strips play this Action: the parts of a split strip do, and linked duplicates."""
        action, animation = self.strip.action, self.strip.id_data.animation_data
        return action.users - action.use_fake_user - (animation.use_tweak_mode and animation.action == action)


def placed(armature: bpy.types.Object, *kinds: str) -> list[Placed]:
    """All strips of these kinds on the object, metas opened, in order of time."""
    animation = armature.animation_data
    if animation is None:
        return []
    solo = any(track.is_solo for track in animation.nla_tracks)
    found = [
        one
        for number, track in enumerate(animation.nla_tracks)
        for one in _open(track.strips, track, not track.mute and (track.is_solo or not solo), (number,))
        if one.data.kind in kinds
    ]
    return sorted(found, key=lambda one: one.strip.frame_start)


def _open(strips: Iterable[Any], track: Any, heard: bool, path: tuple[int, ...]) -> Iterator[Placed]:
    for number, strip in enumerate(strips):
        if strip.type == "META":
            yield from _open(strip.strips, track, heard and not strip.mute, (*path, number))
        elif strip.action is not None:
            yield Placed(strip, track, heard and not strip.mute, (*path, number))


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


def add_recordings(armature: bpy.types.Object, paths: list[Path], scene: bpy.types.Scene, start: int) -> None:
    """Speech strips of whole recordings, one after the other. Raises InputError for a bad one; then none is added."""
    for sound, length in _sounds(((path, 0.0) for path in paths), scene):
        add_speech(armature, sound, scene, start, length)
        start += length


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


def free_frame(armature: bpy.types.Object, kind: str, frame: int, scope: str = "WHOLE") -> int:
    """`frame`, or where strips of this kind and scope lie there, the end of the row that they make."""
    for one in placed(armature, kind):
        if one.data.scope == scope and one.strip.frame_start <= frame < one.strip.frame_end:
            frame = round(one.strip.frame_end)
    return frame


def rename(action: bpy.types.Action) -> None:
    """Give the strips of a text action, and the action, the prompt's beginning as their name."""
    name = short_name(action.freetalker.prompt)
    if not name:
        return
    action.freetalker.shown_name = name
    if not _same_name(action.name, name):
        action.name = name
    for candidate in bpy.data.objects:
        for one in placed(candidate, "TEXT"):
            if one.strip.action == action and not _same_name(one.strip.name, name):
                one.strip.name = name


def take_names(armature: bpy.types.Object) -> None:
    """Make the new name of a strip that was renamed its prompt; what shares its Action keeps the old one.

    Where the name showed but the beginning of the prompt, and still ends with "…", the rest of the prompt stays. In
    tweak mode a strip keeps what it shares, and its name is read later.
    """
    tweaked = armature.animation_data is not None and armature.animation_data.use_tweak_mode
    for one in placed(armature, "TEXT"):
        data, name = one.data, one.strip.name
        if not one.strip.action.is_editable or _same_name(name, data.shown_name) or (tweaked and one.sharing > 1):
            continue
        if not data.shown_name:  # of an older version, which did not read names
            data.shown_name = _NUMBER.sub("", name)
            continue
        line = " ".join(data.prompt.split())
        if name.endswith("…") and data.shown_name.endswith("…"):
            name = name[:-1] + line[len(data.shown_name) - 1 :]
        make_single(one)
        one.data.prompt = name


def make_single(one: Placed) -> None:
    """Give a strip an Action of its own, where it shares one."""
    if one.sharing > 1:
        one.strip.action = one.strip.action.copy()


def _same_name(name: str, shown: str) -> bool:
    """Whether a name is the shown one, or that with the number that Blender gives the second of a name."""
    base = _NUMBER.sub("", name)
    return base == _NUMBER.sub("", shown) or (base != name and shown.startswith(base))


def short_name(text: str) -> str:
    """One line of text that fits a strip's name."""
    line = " ".join(text.split())
    if len(line.encode()) <= _NAME_BYTES:
        return line
    return line.encode()[: _NAME_BYTES - 3].decode(errors="ignore").rstrip() + "…"


def frames_per_second(scene: bpy.types.Scene) -> float:
    return scene.render.fps / scene.render.fps_base


def load_sound(path: Path) -> bpy.types.Sound:
    """The recording of that path, which the file may know already. Raises InputError where there is no such file."""
    if not path.is_file():
        raise InputError(f"The sound file '{path}' does not exist: choose another.")
    return bpy.data.sounds.load(str(path), check_existing=True)


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
    take_names(armature)
    return peek(scene, armature, seeds, first)


def peek(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    seeds: Mapping[int, int] = MappingProxyType({}),
    first: int | None = None,
) -> Timeline:
    """`timeline`, but with nothing written to the file, as panels want it: new names are no prompts yet."""
    settings = scene.freetalker
    clock = Clock(scene.frame_start if first is None else first, frames_per_second(scene))
    text = [one for one in placed(armature, "TEXT") if one.heard]
    speech = [one for one in placed(armature, "SPEECH") if one.heard]
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
        guidance=_guidance(scene, slider(scene, armature), clock),
        model=settings.model or preferences.default_model(),
    )


@dataclass(frozen=True)
class Clock:
    """Frames of the scene as seconds from the frame `first`."""

    first: int
    fps: float

    def seconds(self, frame: float) -> float:
        """When a frame is."""
        return (frame - self.first) / self.fps


def _own_seed(one: Placed, seeds: Mapping[int, int]) -> int | None:
    return seeds.get(one.strip.action.session_uid, one.data.seed if one.data.use_seed else None)


def _text_strip(one: Placed, clock: Clock, seed: int | None) -> TextStrip:
    return TextStrip(
        clock.seconds(one.strip.frame_start),
        clock.seconds(one.strip.frame_end),
        one.data.prompt,
        _own_guidance(one, clock) if one.data.use_guidance else None,
        seed,
        "upper body" if one.data.scope == "UPPER" else "whole",
    )


def _own_guidance(one: Placed, clock: Clock) -> Guidance:
    """A strip's value, or its keys: they stay with what they were set for where the strip is moved, cut or trimmed."""
    if not one.data.guidance_keys.strip():
        return one.data.guidance
    origin = clock.seconds(one.strip.frame_start - one.strip.action_frame_start * one.strip.scale)
    try:
        return tuple((round(origin + seconds, 6), value) for seconds, value in guidance_keys(one.data.guidance_keys))
    except InputError as error:
        raise InputError(f"The strip '{one.strip.name}': {error}") from error


def guidance_keys(text: str) -> tuple[tuple[float, float], ...]:
    """(seconds, value) pairs written as '0:1, 2.5:0.5'. Raises InputError where they are not so, or out of order."""
    pairs = [pair.split(":") for pair in text.split(",")]
    try:
        keys = tuple((float(seconds), float(value)) for seconds, value in pairs)
    except ValueError:
        keys = ()
    times = [seconds for seconds, _ in keys]
    numbers = all(math.isfinite(seconds) and 0 <= value <= GUIDANCE_MAX for seconds, value in keys)
    if not keys or not numbers or any(before >= after for before, after in pairwise(times)):
        raise InputError(
            f"'{text}' is no row of times with values from 0 to {GUIDANCE_MAX:g}: write seconds:value, seconds:value, "
            "such as 0:1, 2.5:0.5."
        )
    return keys


def check_seed(seed: int | None) -> None:
    """Raises InputError where Blender's properties cannot hold a seed."""
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise InputError(f"The seed {seed} is not one from 0 to {SEED_MAX}, as Blender can keep: choose such a one.")


def set_own_seed(data: Any, seed: int | None) -> None:
    """Give a strip's data a seed of its own, or none."""
    data.use_seed = seed is not None
    data.seed = seed or 0


def _set_own_guidance(strip: bpy.types.NlaStrip, text: TextStrip) -> None:
    data = strip.action.freetalker
    data.use_guidance = text.guidance is not None
    if isinstance(text.guidance, tuple):
        pairs = ((f"{seconds - text.start:.6f}", f"{value:.6f}") for seconds, value in text.guidance)
        data.guidance_keys = ", ".join(":".join(number.rstrip("0").rstrip(".") for number in pair) for pair in pairs)
    elif text.guidance is not None:
        data.guidance = text.guidance


def _speech_strip(one: Placed, clock: Clock, seed: int | None) -> SpeechStrip:
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


def own_slider(scene: bpy.types.Scene, armature: bpy.types.Object) -> Any | None:
    """A character's own Text / Audio in a scene, used or not; None where it never had one."""
    return next((one for one in scene.freetalker.sliders if one.character == armature), None)


def slider(scene: bpy.types.Scene, armature: bpy.types.Object) -> Any:
    """Whose `guidance` counts for a character: its own where it is used, else the scene's settings."""
    own = own_slider(scene, armature)
    return own if own is not None and own.use_guidance else scene.freetalker


def use_own_slider(scene: bpy.types.Scene, armature: bpy.types.Object, use: bool) -> None:
    """Let a character follow its own Text / Audio or the scene's. Its first value is the scene's."""
    own = own_slider(scene, armature)
    if own is None:
        own = next((one for one in scene.freetalker.sliders if one.character not in scene.objects.values()), None)
        if own is None:
            own = scene.freetalker.sliders.add()  # none is ever taken away: keyframes know them by their number
        _set_guidance(scene, own, scene.freetalker.guidance)
        own.character = armature
    own.use_guidance = use


def _guidance(scene: bpy.types.Scene, owner: Any, clock: Clock) -> Guidance:
    """What a slider says; as (seconds, value) with straight lines between where it has keys."""
    curve = guidance_curve(scene, owner)
    if curve is None or curve.mute or not len(curve.keyframe_points):
        return owner.guidance
    points = curve.keyframe_points
    straight = all(point.interpolation == "LINEAR" for point in points) or len(points) == 1
    if straight and not len(curve.modifiers) and curve.extrapolation == "CONSTANT":
        keys = [(point.co[0], point.co[1]) for point in points]
    else:
        frames = range(clock.first, max(int(curve.range()[1]), clock.first) + 1)
        keys = _corners([(frame, curve.evaluate(frame)) for frame in frames])
    return tuple((round(clock.seconds(frame), 6), round(max(0.0, value), 6)) for frame, value in keys)


def guidance_curve(scene: bpy.types.Scene, owner: Any) -> Any | None:
    """The keys of a slider of the scene, where it has any."""
    animation = scene.animation_data
    if animation is None or animation.action is None:
        return None
    bag = compat.channelbag(animation.action, animation.action_slot)
    return None if bag is None else bag.fcurves.find(owner.path_from_id("guidance"))


def _corners(keys: list[tuple[int, float]], tolerance: float = 1e-4) -> list[tuple[int, float]]:
    """The fewest of the keys, by halving at the worst, whose straight lines pass all others within the tolerance."""
    times, values = np.array(keys).T
    kept, open_spans = {0, len(keys) - 1}, [(0, len(keys) - 1)]
    while open_spans:
        low, high = open_spans.pop()
        inner = slice(low, high + 1)
        off = np.abs(values[inner] - np.interp(times[inner], times[[low, high]], values[[low, high]]))
        worst = low + int(off.argmax())
        if off.max() > tolerance and low < worst < high:
            kept.add(worst)
            open_spans += [(low, worst), (worst, high)]
    return [keys[index] for index in sorted(kept)]


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
    old = [*placed(armature, "TEXT"), *placed(armature, "SPEECH")] if replace else []
    for one in old:
        _check_removable(one)
    recordings = _sounds(((speech.audio, speech.offset) for speech in source.speech), scene)
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
    _set_guidance(scene, slider(scene, armature), source.guidance)
    scene.freetalker.seed = source.seed
    scene.freetalker.model = source.model


def _sounds(recordings: Iterable[tuple[Path, float]], scene: bpy.types.Scene) -> list[tuple[bpy.types.Sound, int]]:
    """The sound of each (path, offset in seconds), and how many frames of it come after the offset.

    Raises InputError where one cannot be used; no sound stays behind then.
    """
    known = set(bpy.data.sounds)
    found: list[tuple[bpy.types.Sound, int]] = []
    try:
        for path, offset in recordings:
            sound = load_sound(path)
            seconds = sound_seconds(sound)
            if offset >= seconds:
                raise InputError(
                    f"The speech strip '{path.name}' begins {offset:g} s into a recording of {seconds:.2f} s: lower "
                    "its offset."
                )
            found.append((sound, max(1, int((seconds - offset) * frames_per_second(scene) + 1e-6))))
    except InputError:
        for sound in set(bpy.data.sounds) - known:
            bpy.data.sounds.remove(sound)
        raise
    return found


def _set_guidance(scene: bpy.types.Scene, owner: Any, guidance: Guidance) -> None:
    """Give a slider a value, or keys with straight lines between; keys that it had go."""
    if isinstance(guidance, tuple):
        owner.guidance = guidance[0][1]
        owner.keyframe_insert("guidance")  # Blender makes action, slot and curve as it likes them
    curve = guidance_curve(scene, owner)
    if curve is None:
        owner.guidance = guidance
        return
    if not isinstance(guidance, tuple):
        bag = compat.channelbag(scene.animation_data.action, scene.animation_data.action_slot)
        bag.fcurves.remove(curve)
        owner.guidance = guidance
        return
    points = curve.keyframe_points
    points.clear()
    points.add(len(guidance))
    fps = frames_per_second(scene)
    for point, (seconds, value) in zip(points, guidance, strict=True):
        point.co = scene.frame_start + seconds * fps, value
        point.interpolation = "LINEAR"
    curve.update()


def disabled_reason(armature: bpy.types.Object) -> str:
    """Why the character's tracks cannot be changed now; empty where they can."""
    if not armature.is_editable:
        return f"'{armature.name}' is linked from another file: make a library override of it"
    if armature.animation_data is not None and armature.animation_data.use_tweak_mode:
        return "A strip is being tweaked: leave tweak mode (Tab in the NLA editor)"
    if armature.data.is_editmode:
        return "The armature's bones are being edited: leave Edit Mode (Tab in the 3D viewport)"
    return ""


def named(armature: bpy.types.Object, key: str) -> Placed:
    """The text or speech strip of that key, or the first of that name. Raises InputError where there is none."""
    found = [one for kind in ("TEXT", "SPEECH") for one in placed(armature, kind)]
    for one in sorted(found, key=lambda one: (one.key != key, len(one.path))):
        if key in (one.key, one.strip.name):
            return one
    raise InputError(f"'{armature.name}' has no text or speech strip '{key}' any more.")


def active(context: Any) -> Placed | None:
    """Our strip that is active in the NLA editor, or the only one selected there."""
    chosen = context.selected_nla_strips or ()
    strip = context.active_nla_strip or (chosen[0] if len(chosen) == 1 else None)
    if strip is None or strip.action is None or strip.action.freetalker.kind not in {"TEXT", "SPEECH"}:
        return None
    found = placed(strip.id_data, strip.action.freetalker.kind)
    return next((one for one in found if one.strip == strip), None)


def remove(one: Placed) -> None:
    """Take away a strip; its action goes with the last that plays it.

    Raises InputError for one in a meta strip or on a locked track.
    """
    _check_removable(one)
    action = one.strip.action
    one.track.strips.remove(one.strip)
    if action.users == 0:
        bpy.data.actions.remove(action)


def _check_removable(one: Placed) -> None:
    if len(one.path) > 2:
        raise InputError(f"The strip '{one.strip.name}' lies within a meta strip: take that apart first (Ctrl Alt G).")
    if one.track.lock:
        raise InputError(f"The strip '{one.strip.name}' lies on a locked track: unlock the track in the NLA editor.")
