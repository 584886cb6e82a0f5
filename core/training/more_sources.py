# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings of each source of `more.tar.xz`, on their own skeletons, Y up, with a rest pose that stands."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np

from ..errors import InputError
from ..formats import SourceClip
from ..formats.bvh import load_bvh
from ..formats.expmap import load_expmap
from ..formats.fbx import load_fbx
from ..formats.gltf import bind_axes, load_glb
from ..formats.opensim import load_opensim
from ..formats.vmd import load_pmd, load_vmd
from ..motion.rotation import Array, rotation_between, slerp
from .joint_maps import joint_map
from .more_people import off_the_ground
from .rest_pose import with_rest, with_y_up

T = TypeVar("T")
log = logging.getLogger(__name__)

Recordings: TypeAlias = Iterator[tuple[SourceClip, Mapping[str, str]]]

_EVERY = 4  # of the 120 frames a second of exponential maps
_HELD = np.radians(0.3)  # a frame: joints of a pose that is held turn less
_SPARE_SECONDS = 0.5
_FLIP = np.radians(90)  # in a frame, which no body turns at 60 frames a second
_FLIP_SECONDS = 0.35
_ARMS_DOWN = np.radians(35)  # from a T-pose


def _opensim(folder: Path, counts: Counter[str]) -> Recordings:
    """Every avatar animation, joints that it leaves alone as in the first frame of stand_1."""
    names = _opensim_names(folder)
    files = {names.get(file.stem, file.stem): file for file in sorted(folder.rglob("*.dat"))}
    base = load_opensim(files["stand_1"]) if "stand_1" in files else None
    for name, file in sorted(files.items()):
        for clip in _tried(lambda file=file: [load_opensim(file, under=base)], counts):
            yield from _named(clip, "opensim", name, counts)


def _opensim_names(folder: Path) -> dict[str, str]:
    """The names of animations, in small letters, by the numbers that their files are called by."""
    names: dict[str, str] = {}
    for table in sorted(folder.rglob("avataranimations.xml")):
        text = table.read_text(encoding="latin-1")[:1_000_000]
        for name, number in re.findall(r'<animation name="([^"]{1,80})"[^>]{0,80}>([0-9a-f-]{36})</animation>', text):
            names[number] = name.lower()
    return names


def _decentraland(folder: Path, counts: Counter[str]) -> Recordings:
    """Every emote; files without a skin have the rest pose of those with one. Props that come along are left out."""
    files = sorted(folder.rglob("*.glb"))
    known: dict[str, Array] = {}
    for file in files:
        with_skin = next(_tried(lambda file=file: [bind_axes(file)], Counter()), {})
        known = {joint: axes for joint, axes in with_skin.items() if joint.startswith("Avatar_")} | known
    for file in files:
        own = re.sub(r"^(no-export_|default_)?(emotes|emote_actions)_|_Particles$", "", file.stem).lower()
        for clip in _tried(lambda file=file: load_glb(file), counts):
            if clip.name.endswith("_Prop"):
                counts["prop"] += 1
                continue
            axes = known | _posed_legs(clip) if "Avatar_LeftLeg.001" in clip.names else known
            yield from _named(_bound(clip, axes), "decentraland", own, counts)


def _bound(clip: SourceClip, axes: Mapping[str, Array]) -> SourceClip:
    """The clip in the rest pose that its skin was bound in; joints without a skin keep that of their nodes."""
    own = dict(zip(clip.names, clip.rest_world()[1], strict=True))
    return with_rest(clip, {**own, **axes})


def _posed_legs(clip: SourceClip) -> dict[str, Array]:
    """World axes of the legs in a T-pose for files on another rig, whose leg bones have axes of their own.

    Their nodes are left in a pose that stands on slightly bent legs: its bones are made vertical, its feet straight.
    """
    places, axes = clip.rest_world()
    found: dict[str, Array] = {}
    for s in ("Left", "Right"):
        hip, knee, foot, toe = (clip.index(f"Avatar_{s}{joint}") for joint in ("UpLeg", "Leg", "Foot", "ToeBase"))
        for joint, end, wanted in ((hip, knee, [0.0, -1.0, 0.0]), (knee, foot, [0.0, -1.0, 0.0])):
            found[clip.names[joint]] = rotation_between(places[end] - places[joint], wanted) @ axes[joint]
        ahead = (places[toe] - places[foot]) * [1.0, 0.0, 1.0]
        for joint in (foot, toe):
            found[clip.names[joint]] = rotation_between(ahead, [0.0, 0.0, 1.0]) @ axes[joint]
    return found


def _sumerian(folder: Path, counts: Counter[str]) -> Recordings:
    """Gestures, emotes and idles of the hosts; poses of head and eyes alone are left out."""
    for file in sorted(folder.rglob("*.glb")):
        if file.stem == "poi":
            counts["pose"] += 1
            continue
        axes = next(_tried(lambda file=file: [bind_axes(file)], Counter()), {})
        for clip in _tried(lambda file=file: load_glb(file), counts):
            bound = _bound(clip, axes)
            if "char:l_knee" in clip.names:  # the alien's legs lean backward by 17 degrees as it stands
                bound = with_vertical_legs(bound, joint_map(bound))
            yield from _named(bound, "sumerian", f"{file.parent.name} {clip.name}", counts)


def _vircadia_web(folder: Path, counts: Counter[str]) -> Recordings:
    """Every animation once: the files are versions of one another."""
    done: set[str] = set()
    for file in sorted(folder.rglob("*.glb")):
        axes = next(_tried(lambda file=file: [bind_axes(file)], Counter()), {})
        for clip in _tried(lambda file=file: load_glb(file), counts):
            if clip.name in done:
                counts["copy"] += 1
                continue
            done.add(clip.name)
            yield from _named(_bound(clip, axes), "vircadia_web", clip.name, counts)


def _mmdagent(folder: Path, counts: Counter[str]) -> Recordings:
    """What the two characters do, without the pose they hold afterwards; both move on the one skeleton there is."""
    models = sorted(folder.rglob("*.pmd"))
    if not models:
        raise InputError(f"No model (.pmd) lies below {folder.name}: its skeleton is needed to read the motions.")
    skeleton = load_pmd(models[0])
    files = sorted(folder.rglob("*.vmd"))
    bases = {file.parent: load_vmd(file, skeleton) for file in files if file.stem == "stand"}
    for file in files:
        base = bases.get(file.parent)
        for clip in _tried(lambda file=file, base=base: [load_vmd(file, skeleton, base)], counts):
            yield from _named(moving_part(clip), "mmdagent", file.stem.lower(), counts)


def _cmu_more(folder: Path, counts: Counter[str]) -> Recordings:
    """More takes: as .fbx, as .bvh, and as exponential maps on the skeleton of one of these."""
    for file in sorted(folder.rglob("*.fbx")):
        for clip in _tried(lambda file=file: load_fbx(file), counts):
            # the first two frames come out of a T-pose
            later = replace(clip, translations=clip.translations[2:], rotations=clip.rotations[2:])
            yield from _named(later, "cmu_more", file.stem, counts)
    bones: SourceClip | None = None
    for file in sorted(folder.rglob("*.bvh")):
        for clip in _tried(lambda file=file: [load_bvh(file)], counts):
            bones = bones or clip
            yield from _named(after_t_pose(clip), "cmu_more", file.stem, counts)
    if bones is None:
        return
    for file in sorted(folder.rglob("*.txt")):
        for clip in _tried(lambda file=file, bones=bones: [load_expmap(file, bones, every=_EVERY)], counts):
            yield from _named(after_t_pose(clip), "cmu_more", file.stem, counts)


def _animated_drawings(folder: Path, counts: Counter[str]) -> Recordings:
    """The example motions; most have Z up."""
    for file in sorted(folder.rglob("*.bvh")):
        for clip in _tried(lambda file=file: [load_bvh(file)], counts):
            names = {joint: chain for joint, chain in joint_map(clip).items() if chain[0] in clip.names}
            upright = with_y_up(clip, names)
            yield from _named(after_t_pose(upright or clip), "animated_drawings", file.stem, counts)


READERS: Mapping[str, Callable[[Path, Counter[str]], Recordings]] = {
    "opensim": _opensim, "decentraland": _decentraland, "mmdagent": _mmdagent, "sumerian": _sumerian,
    "vircadia_web": _vircadia_web, "cmu_more": _cmu_more, "animated_drawings": _animated_drawings,
}  # fmt: skip
"""How each source is read: its folder and a counter of what is left out, by reason."""


def moving_part(clip: SourceClip) -> SourceClip:
    """A clip without what it holds still at its start and end.

    Args:
        clip: A clip that a joint map fits; of its joints those that the map names are looked at.

    Returns:
        The part from the first to the last frame that moves and half a second around it; the whole where none does.
    """
    body = sorted(clip.index(name) for chain in joint_map(clip).values() for name in chain if name in clip.names)
    rotations = clip.rotations[:, body]
    cosine = np.abs((rotations[1:] * rotations[:-1]).sum(-1)).clip(0, 1)  # (T-1, J)
    moving = np.flatnonzero(2 * np.arccos(cosine).max(-1, initial=0.0) > _HELD)
    if not len(moving):
        return clip
    spare = int(_SPARE_SECONDS * clip.fps)
    kept = slice(max(0, int(moving[0]) - spare), int(moving[-1]) + 2 + spare)
    return replace(clip, translations=clip.translations[kept], rotations=clip.rotations[kept])


def after_t_pose(clip: SourceClip) -> SourceClip:
    """A clip without the T-pose that it begins with.

    Args:
        clip: A clip that a joint map fits, whose rest pose has its arms to the sides.

    Returns:
        The part from where one of the hands hangs 35 degrees lower than the shoulder; the whole where none ever does.
    """
    names = joint_map(clip)
    positions, _ = clip.world()
    lowered = np.zeros(len(clip), bool)
    for side in ("left", "right"):
        arm = (
            positions[:, clip.index(names[f"{side}_wrist"][0])] - positions[:, clip.index(names[f"{side}_shoulder"][0])]
        )
        lowered |= np.arctan2(-arm[:, 1], np.hypot(arm[:, 0], arm[:, 2])) > _ARMS_DOWN
    first = int(lowered.argmax())
    return replace(clip, translations=clip.translations[first:], rotations=clip.rotations[first:])


def without_flips(clip: SourceClip) -> SourceClip:
    """A clip whose joints do not turn over for a moment, as converted recordings do where an angle jumps.

    Args:
        clip: Any clip of 60 frames a second or more.

    Returns:
        The clip in which the frames between two jumps of over 90 degrees, at most a third of a second apart and back
        to where the joint came from, are interpolated.
    """
    rotations = clip.rotations.copy()
    for joint in range(len(clip.names)):
        turns = _angles(rotations[1:, joint], rotations[:-1, joint])  # (T-1,)
        jumps = [int(frame) for frame in np.flatnonzero(turns > _FLIP)]
        while len(jumps) > 1:
            start, stop = jumps[0], jumps[1] + 1  # the last frame before and the first one after
            near = stop - start <= _FLIP_SECONDS * clip.fps
            if not near or _angles(rotations[start, joint], rotations[stop, joint]) > _FLIP:
                jumps = jumps[1:]
                continue
            share = (np.arange(start + 1, stop) - start) / (stop - start)
            rotations[start + 1 : stop, joint] = slerp(rotations[start, joint], rotations[stop, joint], share)
            jumps = jumps[2:]
    return replace(clip, rotations=rotations)


def _angles(a: Array, b: Array) -> Array:
    """Radians between unit quaternions (..., 4)."""
    return 2 * np.arccos(np.abs((a * b).sum(-1)).clip(0, 1))


def with_vertical_legs(clip: SourceClip, names: Mapping[str, tuple[str, ...]]) -> SourceClip:
    """A clip on a body whose legs are vertical in its rest pose, by moving knees and ankles within thighs and shins.

    Args:
        clip: A clip whose rest pose has slanting legs.
        names: Its joint map.

    Returns:
        The clip with the same rotations; a leg that is as at rest stands straight.
    """
    offsets, translations = clip.offsets.copy(), clip.translations.copy()
    places, axes = clip.rest_world()
    for side in ("left", "right"):
        hip, knee, ankle = (clip.index(names[f"{side}_{joint}"][0]) for joint in ("hip", "knee", "ankle"))
        upright = rotation_between(places[ankle] - places[hip], [0.0, -1.0, 0.0])  # (3, 3)
        for joint in (knee, ankle):
            above = axes[clip.parents[joint]]
            turn = above.T @ upright @ above
            offsets[joint] = turn @ offsets[joint]
            translations[:, joint] = translations[:, joint] @ turn.T
    return replace(clip, offsets=offsets, translations=translations)


def _named(clip: SourceClip, kind: str, own: str, counts: Counter[str]) -> Recordings:
    """The clip under its source's name and its own, unless it is off the ground."""
    if off_the_ground(own):
        counts["off the ground"] += 1
        return
    yield replace(clip, name=f"{kind}/{own}"), {"clip": own}


def _tried(read: Callable[[], Iterable[T]], counts: Counter[str]) -> Iterator[T]:
    """What a reader returns; a file that it refuses is logged, counted and passed over."""
    try:
        yield from read()
    except InputError as error:
        log.warning("%s", error)
        counts["unreadable"] += 1
