# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam tables: jerk and distance where strips meet, next to the same in recordings."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..motion import metrics
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton
from ..training.clip import SPEECH_ACTION, Clip
from .clips import Floats, Library
from .evaluated_clip import EvaluatedClip, Figures
from .result import Table
from .seams import Seam

REACH = 20
"""Frames of jerk on both sides of a seam: 1 s."""
_WIDTH = 2 * REACH + 2
_DRAWS = 50
_CLIPS = 24  # recordings of an action that its seams are compared with
_STRETCHES = 3  # recorded stretches per action at a seam


@dataclass(frozen=True)
class Stretch:
    """What surrounds a seam, or any frame of a recording.

    Attributes:
        profile: (42,) jerk.
        distance: Transition distance in meters.
        usual: Median peak of recordings of the same actions.
    """

    profile: Array
    distance: float
    usual: float = 1.0

    @property
    def peak(self) -> float:
        """The largest jerk of the profile."""
        return float(self.profile.max())


def stretch(positions: Array, frame: int) -> Stretch | None:
    """Return what surrounds a frame within one second, or None if positions (T, 55, 3) end before."""
    first = frame - 2 - REACH
    profile = metrics.jerk_profile(positions)[max(first, 0) : first + _WIDTH]
    if first < 0 or len(profile) < _WIDTH:
        return None
    return Stretch(profile, metrics.transition_distance(positions, frame))


def stretches_of(clips: Sequence[EvaluatedClip]) -> list[Stretch]:
    """Return stretches of recordings, one in the middle of each clip, and every two seconds in longer ones."""
    found: list[Stretch | None] = []
    for clip in clips:
        length = len(clip.positions)
        first = (length % (2 * REACH) + 2 * REACH) // 2 if length >= 2 * REACH else 0
        found += [stretch(clip.positions, frame) for frame in range(first, length, 2 * REACH)]
    return [item for item in found if item is not None]


def seam_figures(seams: Sequence[Stretch], recorded: Sequence[Stretch], seed: int, size: int | None = None) -> Figures:
    """Compute the figures of a row of a seam table.

    Args:
        seams: The stretches of the row.
        recorded: Stretches of recordings, which the area under the jerk is relative to.
        seed: Seed of the draws.
        size: Average over several draws of this many stretches. Recordings have more stretches than there are seams,
            and a mean over more is smoother, a maximum larger.

    Returns:
        Peak jerk, area under the jerk, peaks relative to the usual peak, and transition distance in cm.
    """
    size = min(size or len(seams), len(seams))
    draws = _DRAWS if size < len(seams) else 1
    rng = np.random.default_rng(seed)
    reference = float(np.mean([item.profile for item in recorded]))
    each: list[list[float]] = []
    for _ in range(draws):
        draw = [seams[int(i)] for i in rng.permutation(len(seams))[:size]]
        profiles, peaks = [item.profile for item in draw], np.array([item.peak / item.usual for item in draw])
        each.append([
            metrics.peak_jerk(profiles), metrics.area_under_jerk(profiles, reference),
            float(np.percentile(peaks, 95)), float(peaks.max()),
            100 * float(np.mean([item.distance for item in draw])),
        ])  # fmt: skip
    names = ("peak_jerk", "area_under_jerk", "p95_to_median", "worst_to_median", "transition_distance")
    return dict(zip(names, np.mean(each, 0).tolist(), strict=True))


def _some_clips(library: Library, action: str) -> list[Clip]:
    """Return some clips of an action, spread evenly."""
    clips = [clip for clip in library.clips if clip.action == action and clip.speech < 0]
    return clips[:: max(1, len(clips) // _CLIPS)][:_CLIPS]


def recorded_at(
    seams: Sequence[Seam], library: Library, paired: Sequence[tuple[EvaluatedClip, Floats]], skeleton: Skeleton
) -> dict[str, list[EvaluatedClip]]:
    """Return recorded clips of each action that meets another at a seam; of speech those of `held_out_pairs`."""
    actions = {action for seam in seams for action in seam.actions} - {SPEECH_ACTION}
    clips = {SPEECH_ACTION: [clip for clip, _ in paired]}
    for action in actions:
        clips[action] = [
            EvaluatedClip.of_features(library.motion_features(clip), skeleton) for clip in _some_clips(library, action)
        ]
    return clips


def seam_tables(
    seams: Sequence[Seam],
    made: Mapping[str, Sequence[EvaluatedClip]],
    recorded: Mapping[str, Sequence[EvaluatedClip]],
    seed: int,
) -> tuple[dict[str, Table], dict[str, dict[str, Array]]]:
    """Compute a table for each kind of seam, and the mean jerk profiles of its rows.

    The peak at a seam is relative to the median peak of the livelier of the two actions that meet there, that of a
    recording to the median peak of its own action.

    Args:
        seams: The seams.
        made: Row -> a clip for each seam; "ours" and "noise".
        recorded: Clips of each action at the seams; see `recorded_at`.
        seed: Seed of what is drawn.
    """
    tables: dict[str, Table] = {}
    profiles: dict[str, dict[str, Array]] = {}
    every = {action: stretches_of(clips) for action, clips in recorded.items()}
    usual = {action: float(np.median([item.peak for item in items])) for action, items in every.items() if items}
    for kind in dict.fromkeys(seam.kind for seam in seams):
        at = [i for i, seam in enumerate(seams) if seam.kind == kind and set(seam.actions) <= usual.keys()]
        own = _recorded_stretches([seams[i] for i in at], every, usual)
        found: dict[str, list[Stretch]] = {}
        for row, clips in made.items():
            around = [(stretch(clips[i].positions, seams[i].frame), seams[i].actions) for i in at]
            found[row] = [
                replace(item, usual=max(usual[action] for action in actions))
                for item, actions in around
                if item is not None
            ]
        if not own or not all(found.values()):
            continue
        figures = {row: seam_figures(items, own, seed) for row, items in found.items()}
        mocap = seam_figures(own, own, seed, size=len(at))
        tables[kind] = {
            "mocap": mocap, "ours": figures["ours"], "shuffled": figures["ours"], "noise": figures["noise"],
        }  # fmt: skip
        as_many = [own[int(k)] for k in np.random.default_rng(seed).permutation(len(own))[: len(at)]]
        profiles[kind] = {
            row: np.mean([item.profile for item in items], 0) for row, items in {"mocap": as_many, **found}.items()
        }
    return tables, profiles


def _recorded_stretches(
    seams: Sequence[Seam], every: Mapping[str, Sequence[Stretch]], usual: Mapping[str, float]
) -> list[Stretch]:
    """Return stretches of recordings, of each action in proportion to how often it is at the seams."""
    own: list[Stretch] = []
    for action in sorted({action for seam in seams for action in seam.actions}):
        number = _STRETCHES * sum(seam.actions.count(action) for seam in seams)
        items = [every[action][k % len(every[action])] for k in range(number)]
        own += [replace(item, usual=usual[action]) for item in items]
    return own
