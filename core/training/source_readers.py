# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of each source of motion, in the layout of its archive: recordings on the skeleton they were made with."""

import csv
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
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
from ..motion.skeleton import INDEX, JOINT_NAMES, PARENTS, Skeleton, neutral_skeleton
from .joint_maps import JOINT_MAPS, JointMap, character_creator
from .more_sources import READERS as MORE_READERS
from .more_sources import without_flips
from .rest_pose import bandai_rest, estimate_rest, with_rest
from .retarget import BONE_END, rest_bones

T = TypeVar("T")
log = logging.getLogger(__name__)


def recordings(
    kind: str, folder: Path | str, counts: Counter[str] | None = None, at_most: int | None = None
) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Read the recordings of a source, as recorded, with what the source says about each.

    See `load_source` for the arguments and errors.
    """
    readers = {
        "smartbody": _smartbody, "mesh2motion": _mesh2motion, "cmu": _cmu,
        "bandai_namco": partial(_bandai_namco, at_most=at_most), "hdm05": partial(_hdm05, at_most=at_most),
        **MORE_READERS,
    }  # fmt: skip
    if kind not in readers:
        raise InputError(f"There is no source named {kind}; use {', '.join(readers)}.")
    found = False
    for recording in readers[kind](Path(folder), Counter() if counts is None else counts):
        found = True
        yield recording
    if not found:
        raise InputError(f"{folder} contains no {kind} clips; give the folder that the archive was unpacked to.")


def _read(files: list[Path], counts: Counter[str], read: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
    for file in files:
        try:
            yield file, read(file)
        except InputError as error:
            log.warning("%s", error)
            counts["unreadable"] += 1


def _smartbody(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Read every .skm with its skeleton: the one in its folder, that of its character, or `common`."""
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
    """Return the skeleton of a SmartBody motion, by its joint names, its character and its folder."""
    with open(file, encoding="utf-8", errors="replace") as opened:
        first = {line.split()[0] for line in opened if line.split()[1:] == ["Quat"]}
    character = file.stem.split("@")[0].split("_")[0]
    near = [path for path in skeletons if path.parent in (file.parent.parent / "skeletons", file.parent.parent)]
    named = [path for path in near if path.stem == character]
    if (
        "Hips" in first
    ):  # this set has no skeleton file; it is a T-pose in centimeters, so only bone lengths are unknown
        return _stand_in(JOINT_MAPS["motionbuilder"], neutral_skeleton(), 100.0)
    if "base" not in first:
        fitting = named or near
    elif "l_upperarm2" in first and named:  # a skeleton of the character itself, with the common names
        zebra, common = JOINT_MAPS["zebra"], JOINT_MAPS["common"]
        names = {a: b for joint in zebra for a, b in zip(zebra[joint], common[joint], strict=True)}
        return load_sk(named[0]).renamed(names)
    else:
        wanted = "test_utah" if character.lower().endswith("utah") else "common"
        fitting = [path for path in skeletons if path.stem == wanted]
    if not fitting:
        raise InputError(f"{file.name}: there is no skeleton (.sk) for it in its folder or next to that.")
    return load_sk(fitting[0])


def _stand_in(names: JointMap, skeleton: Skeleton, units_per_meter: float) -> SkSkeleton:
    """Return the neutral skeleton in its T-pose with straight limbs, with the names of a joint map."""
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
            offsets[i] = (bones[above] if straight else skeleton.offsets[INDEX[joint]]) * units_per_meter
    return SkSkeleton(tuple(places), tuple(parents), offsets, np.tile([1.0, 0.0, 0.0, 0.0], (len(order), 1)))


_UNGROUNDED = ("Jump_Loop", "Swim", "Flying", "Levitate")


def _mesh2motion(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Read every animation on the ground of every .glb; of two with the same name, the newer library's."""
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


_T_POSE_SECONDS = 0.07
_NO_FLOOR = "playground - climb"


def _cmu(folder: Path, counts: Counter[str]) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Read every .bvh and .amc on the floor, with its row of takes.csv.

    The first frames of the conversions for DAZ figures, a T-pose, are cut off. Those for Character Creator have no rest
    pose; it is estimated from all of them together.
    """
    table = next(iter(sorted(folder.rglob("takes.csv"))), None)
    titles: dict[str, Mapping[str, str]] = {}
    if table is not None:
        with open(table, encoding="utf-8", newline="") as file:
            titles = {row["file"]: row for row in csv.DictReader(file)}
    files = [*folder.rglob("*.bvh"), *folder.rglob("*.amc")]
    creator: list[tuple[SourceClip, Mapping[str, str]]] = []
    for file, clip in _read(sorted(files), counts, _bvh_or_amc):
        meta = titles.get(file.name, {})
        if meta.get("title", "").startswith(_NO_FLOOR):
            counts["off the ground"] += 1
            continue
        if "CC_Base_Hip" in clip.names:
            creator.append((without_flips(clip), meta))
            continue
        first = round(_T_POSE_SECONDS * clip.fps) if "lButtock" in clip.names else 0
        yield replace(clip, translations=clip.translations[first:], rotations=clip.rotations[first:]), meta
    if creator:
        axes = estimate_rest([clip for clip, _ in creator], character_creator(fingers=True), neutral_skeleton())
        yield from ((with_rest(clip, axes), meta) for clip, meta in creator)


def _bvh_or_amc(file: Path) -> SourceClip:
    """Read a file; an .amc belongs to the .asf that is named like its actor, the first part of its own name."""
    if file.suffix == ".bvh":
        return load_bvh(file)
    skeletons = [asf for asf in file.parent.glob("*.asf") if file.stem.startswith(f"{asf.stem}_")]
    if not skeletons:
        raise InputError(f"{file.name}: the .asf of its actor is not next to it.")
    return load_amc(file, load_asf(skeletons[0]))


def _bandai_namco(
    folder: Path, counts: Counter[str], at_most: int | None
) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Read every dataset-<set>_<content>_<style>_<number>.bvh, given a T-pose as its rest pose."""
    files = _sample(sorted(folder.rglob("dataset-*.bvh")), counts, at_most)
    for file, clip in _read(files, counts, load_bvh):
        _, content, style, *_ = f"{file.stem}__".split("_")
        yield with_rest(clip, bandai_rest()), {"content": content, "style": style}


def _hdm05(folder: Path, counts: Counter[str], at_most: int | None) -> Iterator[tuple[SourceClip, Mapping[str, str]]]:
    """Read every cut clip HDM_<actor>_<class>_<number>_<fps>.amc."""
    files = sorted(folder.rglob("HDM_*.amc"), key=lambda file: file.stem.split("_")[2:])
    for file, clip in _read(_sample(files, counts, at_most, first=2), counts, _bvh_or_amc):
        _, actor, action, *_ = f"{file.stem}__".split("_")
        yield clip, {"actor": actor, "class": action}


def _sample(files: list[Path], counts: Counter[str], at_most: int | None, first: int = 0) -> list[Path]:
    """Return an even sample of each group of files whose names, from part `first` on, differ only in numbers."""
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
