# SPDX-License-Identifier: GPL-3.0-or-later
"""The clips of each source of motion, retargeted: what is read, what is passed over, and why."""

import csv
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..errors import InputError
from ..formats import SourceClip
from ..formats.amc import load_amc, load_asf
from ..formats.bvh import load_bvh
from ..formats.gltf import load_glb
from ..formats.skm import SkSkeleton, load_sk, load_skm
from ..motion.clip import CORE_FPS, Motion
from ..motion.rotation import continuous
from ..motion.skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton
from .anatomy import on_level_ground
from .joint_maps import JOINT_MAPS, SIDES, JointMap, bandai_rest, character_creator, with_rest
from .more_people import FEET_DOWN
from .more_people import LICENCES as MORE_LICENCES
from .more_people import ON_THE_SPOT as MORE_ON_THE_SPOT
from .more_sources import READERS as MORE_READERS
from .more_sources import without_flips
from .rest_pose import estimated_rest
from .retarget import BONE_END, rest_bones, retarget, sole_clearance

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceMotion:
    """One recording ready to be learned from.

    motion: at 20 fps on the neutral skeleton. name: the file's (or animation's) own.
    phases: gesture moments in seconds. meta: what the source says about it, such as a title or sentences.
    """

    motion: Motion
    name: str
    source: str
    licence: str
    phases: Mapping[str, float] | None = None
    meta: Mapping[str, str] = field(default_factory=dict[str, str])


LICENCES: Mapping[str, str] = {
    "smartbody": "LGPL-2.1-or-later",
    "mesh2motion": "CC0-1.0",
    "cmu": "CMU mocap",
    "bandai_namco": "CC-BY-NC-4.0",
    "hdm05": "CC-BY-SA-3.0",
    **MORE_LICENCES,
}
_SHORTEST = 10  # frames at 20 fps
_FASTEST_TURN = np.radians(100)  # a frame at 20 fps; the quickest punches stay under it
_POP = np.radians(60)  # a turn in one frame, where the frames beside it hardly turn: more than in a runner's ankle
_BY_MARKERS = ("cmu", "cmu_more", "bandai_namco", "hdm05")  # a few markers on the wrist may be taken for one another
_LARGEST_TWIST = np.radians(120)


def load_source(
    kind: str, folder: Path | str, counts: Counter[str] | None = None, at_most: int | None = None
) -> Iterator[SourceMotion]:
    """The usable clips of one of `LICENCES` in its unpacked folder.

    Unreadable files are logged and passed over, as are copies, poses, glitches, pops, twisted forearms and clips of
    under ten frames; `counts` gathers how many of each. at_most: how many recordings of the same action and style are
    read, spread evenly over those of "bandai_namco" and "hdm05", which name both. Raises InputError for another kind,
    or a folder with no such files.
    """
    counts = Counter() if counts is None else counts
    skeleton = neutral_skeleton()
    seen: set[bytes] = set()
    for source, meta in recordings(kind, folder, counts, at_most):
        try:
            motion = retarget(source, skeleton).resampled(CORE_FPS)
        except InputError as error:
            log.warning("%s", error)
            counts["no joint map"] += 1
            continue
        key = np.round(motion.rotations[:, :22], 3).tobytes()
        if key in seen:
            counts["copy"] += 1
            continue
        seen.add(key)
        fault = fault_of(motion)
        if kind in _BY_MARKERS and fault is None and largest_twist(motion, skeleton) > _LARGEST_TWIST:
            fault = "twisted forearm"
        counts[fault or "kept"] += 1
        if fault:
            log.info("%s: %s", source.name, fault)
            continue
        if kind == "mesh2motion" or source.name in MORE_ON_THE_SPOT:
            motion = unrolled(motion, source.name, skeleton)
        if source.name in FEET_DOWN or meta.get("title", "").startswith(_UNEVEN):
            seconds = 0.05 if source.name in FEET_DOWN else 0.3
            motion = on_level_ground(motion, sole_clearance(motion.positions(skeleton), skeleton), seconds)
        yield SourceMotion(motion, source.name, kind, LICENCES[kind], source.phases or None, meta)


def recordings(
    kind: str, folder: Path | str, counts: Counter[str] | None = None, at_most: int | None = None
) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """What `load_source` reads, on the source's own skeleton and as recorded, with what the source says about it."""
    readers = {
        "smartbody": _smartbody, "mesh2motion": _mesh2motion, "cmu": _cmu,
        "bandai_namco": partial(_bandai_namco, at_most=at_most), "hdm05": partial(_hdm05, at_most=at_most),
        **MORE_READERS,
    }  # fmt: skip
    if kind not in readers:
        raise InputError(f"There is no source named {kind}: use {', '.join(readers)}.")
    found = False
    for recording in readers[kind](Path(folder), Counter() if counts is None else counts):
        found = True
        yield recording
    if not found:
        raise InputError(f"No {kind} clips lie in {folder}: give the folder that the archive was unpacked to.")


def fault_of(motion: Motion) -> str | None:
    """Why a motion at 20 fps is unfit for learning, or None.

    "short"; "glitch": a turn or a leap that no body makes; "pop": a jump of one frame; "still": a pose held; "T-pose".
    """
    if len(motion) < _SHORTEST:
        return "short"
    body = motion.rotations[:, :22]
    cosine = np.abs((body[1:] * body[:-1]).sum(-1)).clip(0, 1)  # (T-1, 22)
    turns = 2 * np.arccos(cosine)
    if turns.max() > _FASTEST_TURN or np.abs(np.diff(motion.translation, axis=0)).max() > 0.5:
        return "glitch"
    beside = np.maximum(turns[:-2], turns[2:])  # (T-3, 22)
    if (turns[1:-1] > np.maximum(_POP, 6 * beside)).any():
        return "pop"
    shoulders = [INDEX["left_shoulder"], INDEX["right_shoulder"]]
    raised = 2 * np.arccos(np.abs(body[:, shoulders, 0]).clip(0, 1))
    if turns.max() < 1e-3:
        return "T-pose" if raised.max() < np.radians(20) else "still"
    return None


def largest_twist(motion: Motion, skeleton: Skeleton) -> float:
    """Radians that the more twisted forearm is turned about itself, in all but the worst twentieth of the frames."""
    largest = 0.0
    for side in SIDES:
        bone = skeleton.offsets[INDEX[f"{side}_wrist"]]
        turn = motion.rotations[:, INDEX[f"{side}_elbow"]]  # (T, 4)
        half = np.arctan2(np.abs(turn[:, 1:] @ bone) / np.linalg.norm(bone), np.abs(turn[:, 0]))
        largest = max(largest, float(np.percentile(2 * half, 95)))
    return largest


def _read(files: list[Path], counts: Counter[str], read: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
    for file in files:
        try:
            yield file, read(file)
        except InputError as error:
            log.warning("%s", error)
            counts["unreadable"] += 1


def _smartbody(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every .skm with the skeleton that belongs to it: beside it, or the character's or the `common` one."""
    table = folder / "gestures.csv"
    gestures: dict[str, Mapping[str, str]] = {}
    if table.is_file():
        with open(table, encoding="utf-8", newline="") as file:
            gestures = {row["clip"]: row for row in csv.DictReader(file)}
    skeletons = sorted(folder.rglob("*.sk"))

    def read(file: Path) -> SourceClip:
        return load_skm(file, _skeleton_for(file, skeletons))

    for file, clip in _read(sorted(folder.rglob("*.skm")), counts, read):
        yield clip, {"folder": file.parent.relative_to(folder).as_posix(), **gestures.get(clip.name, {})}


def _skeleton_for(file: Path, skeletons: list[Path]) -> SkSkeleton:
    """The skeleton of a SmartBody motion, by its joint names, its character's name and its folder."""
    with open(file, encoding="utf-8", errors="replace") as opened:
        first = {line.split()[0] for line in opened if line.split()[1:] == ["Quat"]}
    character = file.stem.split("@")[0].split("_")[0]
    near = [path for path in skeletons if path.parent in (file.parent.parent / "skeletons", file.parent.parent)]
    named = [path for path in near if path.stem == character]
    if "Hips" in first:  # this set came without its skeleton: a T-pose in centimetres, so only lengths are unknown
        return _stand_in(JOINT_MAPS["motionbuilder"], neutral_skeleton(), 100.0)
    if "base" not in first:
        fitting = named or near
    elif "l_upperarm2" in first and named:  # a character's own skeleton under the common names
        zebra, common = JOINT_MAPS["zebra"], JOINT_MAPS["common"]
        names = {a: b for joint in zebra for a, b in zip(zebra[joint], common[joint], strict=True)}
        return load_sk(named[0]).renamed(names)
    else:
        wanted = "test_utah" if character.lower().endswith("utah") else "common"
        fitting = [path for path in skeletons if path.stem == wanted]
    if not fitting:
        raise InputError(f"{file.name}: no skeleton (.sk) for it lies in or beside its folder.")
    return load_sk(fitting[0])


def _stand_in(names: JointMap, skeleton: Skeleton, units_a_metre: float) -> SkSkeleton:
    """The neutral skeleton in its T-pose with straight limbs, under the names of a joint map."""
    bones = rest_bones(skeleton)
    order = [(joint, name) for joint in JOINT_NAMES if joint in names for name in names[joint]]
    places = {name: i for i, (_, name) in enumerate(order)}
    parents: list[int] = []
    offsets = np.zeros((len(order), 3))
    for i, (joint, name) in enumerate(order):
        chain = names[joint]
        if name != chain[0]:
            parents.append(i - 1)
        elif joint == "pelvis":
            parents.append(-1)
        else:
            above = JOINT_NAMES[PARENTS[INDEX[joint]]]
            parents.append(places[names[above][-1]])
            straight = above in bones and BONE_END[above] == joint
            offsets[i] = (bones[above] if straight else skeleton.offsets[INDEX[joint]]) * units_a_metre
    return SkSkeleton(tuple(places), tuple(parents), offsets, np.tile([1.0, 0.0, 0.0, 0.0], (len(order), 1)))


_UNGROUNDED = ("Jump_Loop", "Swim", "Flying", "Levitate")
_ON_THE_SPOT = ("Walk_", "Jog_", "Sprint_", "Crouch_Fwd", "Run Anime")
_LOOP_SECONDS = 4.0


def _mesh2motion(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every animation of every .glb but those off the ground; of two with one name the newer library's."""
    done: set[str] = set()
    for file, clips in _read(sorted(folder.rglob("*.glb"), reverse=True), counts, load_glb):
        for clip in clips:
            if clip.name.startswith(_UNGROUNDED):
                counts["off the ground"] += 1
            elif clip.name in done:
                counts["copy"] += 1
            else:
                done.add(clip.name)
                yield clip, {"file": file.name}


def unrolled(motion: Motion, name: str, skeleton: Skeleton) -> Motion:
    """A loop repeated to about four seconds; one that walks on the spot goes forward as its standing feet demand."""
    on_the_spot = name.startswith(_ON_THE_SPOT) or name in MORE_ON_THE_SPOT
    if "_Loop" not in name and not on_the_spot:
        return motion
    step = np.zeros(3)
    if on_the_spot:
        positions = motion.positions(skeleton)
        feet = [INDEX["left_foot"], INDEX["right_foot"]]
        height = positions[:, feet, 1] - skeleton.rest_positions[feet, 1]  # (T, 2)
        lower = height.argmin(1)
        speed = np.diff(positions[:, feet], axis=0)  # (T-1, 2, 3)
        standing = np.stack([speed[t, lower[t]] for t in range(len(speed)) if height[t].min() < 0.03])
        step = -np.median(standing, axis=0) * [1.0, 0.0, 1.0]
    frames = len(motion) - 1  # the last frame of a loop is the first again
    rounds = max(1, int(np.ceil(_LOOP_SECONDS * motion.fps / frames)))
    order = np.tile(np.arange(frames), rounds)
    path = motion.translation[order] + np.arange(len(order))[:, None] * step
    return replace(motion, translation=path, rotations=continuous(motion.rotations[order]))


_T_POSE_SECONDS = 0.07
_NO_FLOOR = "playground - climb"
_UNEVEN = "walk on uneven terrain"


def _cmu(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every .bvh and .amc take on the floor, with its row of takes.csv.

    The DAZ conversions come out of a T-pose, which is cut off; those of Character Creator have no rest pose, which is
    read off all of them together.
    """
    table = next(iter(sorted(folder.rglob("takes.csv"))), None)
    takes: dict[str, Mapping[str, str]] = {}
    if table is not None:
        with open(table, encoding="utf-8", newline="") as file:
            takes = {row["file"]: row for row in csv.DictReader(file)}
    files = [*folder.rglob("*.bvh"), *folder.rglob("*.amc")]
    creator: list[tuple[SourceClip, Mapping[str, str]]] = []
    for file, clip in _read(sorted(files), counts, _bvh_or_amc):
        take = takes.get(file.name, {})
        if take.get("title", "").startswith(_NO_FLOOR):
            counts["off the ground"] += 1
            continue
        if "CC_Base_Hip" in clip.names:
            creator.append((without_flips(clip), take))
            continue
        first = round(_T_POSE_SECONDS * clip.fps) if "lButtock" in clip.names else 0
        yield replace(clip, translations=clip.translations[first:], rotations=clip.rotations[first:]), take
    if creator:
        axes = estimated_rest([clip for clip, _ in creator], character_creator(fingers=True), neutral_skeleton())
        yield from ((with_rest(clip, axes), take) for clip, take in creator)


def _bvh_or_amc(file: Path) -> SourceClip:
    """A take; that of an .amc on the .asf named as its actor, which is its name up to the last `_` (or before)."""
    if file.suffix == ".bvh":
        return load_bvh(file)
    skeletons = [asf for asf in file.parent.glob("*.asf") if file.stem.startswith(f"{asf.stem}_")]
    if not skeletons:
        raise InputError(f"{file.name}: the .asf of its actor does not lie beside it.")
    return load_amc(file, load_asf(skeletons[0]))


def _bandai_namco(
    folder: Path, counts: Counter[str], at_most: int | None
) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every recording, in a T-pose at rest: dataset-<set>_<content>_<style>_<number>.bvh."""
    files = _sample(sorted(folder.rglob("dataset-*.bvh")), counts, at_most)
    for file, clip in _read(files, counts, load_bvh):
        _, content, style, *_ = f"{file.stem}__".split("_")
        yield with_rest(clip, bandai_rest()), {"content": content, "style": style}


def _hdm05(folder: Path, counts: Counter[str], at_most: int | None) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Every cut clip: HDM_<actor>_<class>_<number>_<fps>.amc."""
    files = sorted(folder.rglob("HDM_*.amc"), key=lambda file: file.stem.split("_")[2:])
    for file, clip in _read(_sample(files, counts, at_most, first=2), counts, _bvh_or_amc):
        _, actor, action, *_ = f"{file.stem}__".split("_")
        yield clip, {"actor": actor, "class": action}


def _sample(files: list[Path], counts: Counter[str], at_most: int | None, first: int = 0) -> list[Path]:
    """Of the files whose names agree but for their numbers, and what comes before the part `first`, an even sample."""
    groups: dict[str, list[Path]] = {}
    for file in files:
        kind = "_".join(part for part in file.stem.split("_")[first:] if not part.isdigit())
        groups.setdefault(kind, []).append(file)
    chosen: list[Path] = []
    for group in groups.values():
        kept = min(at_most or len(group), len(group))
        chosen += [group[i * len(group) // kept] for i in range(kept)]
        if kept < len(group):
            counts["enough of its kind"] += len(group) - kept
    return chosen
