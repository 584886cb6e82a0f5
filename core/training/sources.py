# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings of each source of motion, retargeted: what is read, what is dropped, and why."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..motion.clip import CORE_FPS, Motion
from ..motion.rotation import continuous
from ..motion.skeleton import INDEX, Skeleton, neutral_skeleton
from .anatomy import on_level_ground
from .faults import fault_of, largest_twist
from .more_people import FEET_DOWN
from .more_people import LICENSES as MORE_LICENSES
from .more_people import ON_THE_SPOT as MORE_ON_THE_SPOT
from .retarget import retarget, sole_clearance
from .source_readers import recordings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceMotion:
    """A recording ready for training.

    Attributes:
        motion: At 20 fps on the neutral skeleton.
        name: The name of the file or animation.
        source: A key of `LICENSES`.
        license: The source's license.
        phases: Moments of a gesture in seconds, or None.
        meta: What else the source says, such as a title or sentences.
    """

    motion: Motion
    name: str
    source: str
    license: str
    phases: Mapping[str, float] | None = None
    meta: Mapping[str, str] = field(default_factory=dict[str, str])


LICENSES: Mapping[str, str] = {
    "smartbody": "LGPL-2.1-or-later",
    "mesh2motion": "CC0-1.0",
    "cmu": "CMU mocap",
    "bandai_namco": "CC-BY-NC-4.0",
    "hdm05": "CC-BY-SA-3.0",
    **MORE_LICENSES,
}
_BY_MARKERS = ("cmu", "cmu_more", "bandai_namco", "hdm05")  # optical systems may confuse the few markers on a wrist
_LARGEST_TWIST = np.radians(120)
_UNEVEN = "walk on uneven terrain"  # the beginning of titles


def load_source(
    kind: str, folder: Path | str, counts: Counter[str] | None = None, at_most: int | None = None
) -> Iterator[SourceMotion]:
    """Read and retarget the usable recordings of a source.

    Unreadable files are logged and skipped; so are copies, held poses, glitches, pops, twisted forearms and recordings
    of less than ten frames.

    Args:
        kind: A key of `LICENSES`.
        folder: Where the source's archive was unpacked.
        counts: Counts the recordings kept or dropped, by reason.
        at_most: How many recordings of the same action and style are read, spread evenly; only "bandai_namco" and
            "hdm05", which name both, are limited.

    Raises:
        InputError: The kind is unknown, or the folder has no such files.
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
            motion = unroll_loop(motion, source.name, skeleton)
        if source.name in FEET_DOWN or meta.get("title", "").startswith(_UNEVEN):
            seconds = 0.05 if source.name in FEET_DOWN else 0.3
            motion = on_level_ground(motion, sole_clearance(motion.positions(skeleton), skeleton), seconds)
        yield SourceMotion(motion, source.name, kind, LICENSES[kind], source.phases or None, meta)


_ON_THE_SPOT = ("Walk_", "Jog_", "Sprint_", "Crouch_Fwd", "Run Anime")
_LOOP_SECONDS = 4.0


def unroll_loop(motion: Motion, name: str, skeleton: Skeleton) -> Motion:
    """Repeat a loop to about four seconds; a walk on the spot moves forward at the speed of its standing feet."""
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
    frames = len(motion) - 1  # the last frame of a loop equals the first
    rounds = max(1, int(np.ceil(_LOOP_SECONDS * motion.fps / frames)))
    order = np.tile(np.arange(frames), rounds)
    path = motion.translation[order] + np.arange(len(order))[:, None] * step
    return replace(motion, translation=path, rotations=continuous(motion.rotations[order]))
