# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: the results of generating, kept side by side on the character, one of them shown by the generated strip.

A take is an Action that carries, beside its keys, the motion and the timeline that it was made of. The list on the
character holds the Actions; what leaves the list and the NLA is deleted.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core.errors import InputError
from ...core.motion.clip import Motion
from ...core.motion.rotation import Array
from ...core.planning.segments import stale_frames
from ...core.runs import Bools, true_runs
from ...core.timeline.files import timeline_from_json, timeline_to_json
from ...core.timeline.strips import Timeline
from .. import compat
from ..rigs import armature as rig
from . import bake

_ROW = 3 + 55 * 4  # numbers a frame: the pelvis' place, and the joints' quaternions
_MOTION = "motion"  # the name of these, float32, beside the properties of an Action's group
_RIG = "rig"  # likewise, of the rig's settings that its curves were made with


@dataclass(frozen=True)
class Record:
    """What a take was made of.

    timeline: with the content of its recordings for their paths. steps: 0 is the model's own number. first_frame: the
    scene's, which is time 0. left_stale: (start, stop) of frames that were not made anew although they had changed, as
    those of a locked strip.
    """

    timeline: Timeline
    steps: int = 0
    first_frame: int = 1
    left_stale: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> str:
        """The same as a line of text."""
        values = {"steps": self.steps, "first_frame": self.first_frame, "left_stale": self.left_stale}
        return json.dumps(values | {"timeline": timeline_to_json(self.timeline, Path())})

    @staticmethod
    def from_json(line: str) -> "Record":
        """What `to_json` wrote. Raises InputError for anything else, such as what a newer version wrote."""
        try:
            values = json.loads(line)
            stale = tuple((int(start), int(stop)) for start, stop in values["left_stale"])
            timeline = timeline_from_json(values["timeline"])
            return Record(timeline, int(values["steps"]), int(values["first_frame"]), stale)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"A take's record cannot be read: {error}.") from error

    def stale_in(self, timeline: Timeline, steps: int, first_frame: int, legs: bool = False) -> Bools:
        """Which frames of a timeline (T,), told as this one is, are not what this take shows, or only its legs."""
        stale = stale_frames(self.timeline, timeline, legs)
        for start, stop in self.left_stale:
            stale[start:stop] = True
        return stale | (self.steps != steps) | (self.first_frame != first_frame)


@dataclass(frozen=True)
class Take:
    """An Action with its motion and what that was made of."""

    action: Any
    motion: Motion
    record: Record


def read(action: bpy.types.Action | None) -> Take | None:
    """What an Action holds as a take; None where it holds none, or one of a newer version."""
    if action is None or not action.freetalker.told or _MOTION not in action.freetalker.keys():  # noqa: SIM118 - no dict
        return None
    rows = np.array(memoryview(action.freetalker[_MOTION]), np.float64).reshape(-1, _ROW)
    try:
        record = Record.from_json(action.freetalker.told)
    except InputError:
        return None
    return Take(action, Motion(rows[:, :3], rows[:, 3:].reshape(-1, 55, 4), fps=record.timeline.fps), record)


def write(action: bpy.types.Action, motion: Motion, record: Record, armature: bpy.types.Object) -> None:
    """Let an Action carry the motion, what it was made of, and the settings of the rig."""
    rows = np.concatenate([motion.translation, motion.rotations.reshape(len(motion), -1)], axis=1)
    if _MOTION in action.freetalker.keys():  # noqa: SIM118 - Blender 4.5 crashes on an array of another length
        del action.freetalker[_MOTION]
    action.freetalker[_MOTION] = rows.astype(np.float32).ravel()
    action.freetalker.told = record.to_json()
    action.freetalker[_RIG] = rig.settings(armature)


def add(armature: bpy.types.Object, action: bpy.types.Action, keep: int, note: str = "") -> None:
    """Put an Action at the end of the list, as the take at hand; the oldest that nobody pinned go, beyond `keep`.

    note: what was generated for it, in a few words.
    """
    kept = armature.freetalker
    numbers = [int(word) for take in kept.takes for word in take.name.split()[-1:] if word.isdecimal()]
    take = kept.takes.add()
    take.name, take.action, take.note = f"Take {max(numbers, default=0) + 1}", action, note
    kept.take = len(kept.takes) - 1
    loose = [index for index, take in enumerate(kept.takes) if not take.pinned]
    for index in reversed(loose[: -max(keep, 1)]):
        remove(armature, index)


def remove(armature: bpy.types.Object, index: int) -> None:
    """Take a take off the list; its Action goes, unless it is used elsewhere. The one at hand stays at hand."""
    kept = armature.freetalker
    action, at_hand = kept.takes[index].action, kept.take
    kept.takes.remove(index)
    if action is not None and action.users == 0:
        bpy.data.actions.remove(action)
    kept.take = max(0, min(at_hand - (at_hand > index), len(kept.takes) - 1))  # which may show another


def spliced(take: Take, motion: Motion, armature: bpy.types.Object) -> Any:
    """A copy of the take's Action with the keys of those frames in which `motion` differs; all others keep their bits.

    So do keys that were edited by hand, interpolation included. None where the rig's bone map or its settings are no
    longer those that the curves were made with, and the Action has to be made anew.
    """
    if _RIG not in take.action.freetalker.keys() or take.action.freetalker[_RIG] != rig.settings(armature):  # noqa: SIM118
        return None
    old, new = (_by_channel(rig.curves(one, armature)) for one in (take.motion, motion))
    action = take.action.copy()
    bag = compat.channelbag(action)
    curves = {(curve.data_path, curve.array_index): curve for curve in (bag.fcurves if bag is not None else ())}
    if {(path, index) for path, rows in new.items() for index in range(rows.shape[1])} - set(curves):
        bpy.data.actions.remove(action)
        return None
    for path, rows in new.items():
        if len(rows) == 1:  # a switch, which holds
            continue
        before = old.get(path, rows[:0])
        both = min(len(before), len(rows))
        differs = np.ones(len(rows), bool)
        differs[:both] = np.abs(before[:both] - rows[:both]).max(axis=1) > 1e-7
        if path.endswith("rotation_quaternion"):
            differs[:both] &= np.abs(before[:both] + rows[:both]).max(axis=1) > 1e-7
        here = [curves[path, index] for index in range(rows.shape[1])]
        first = take.record.first_frame
        for start, stop in true_runs(differs):
            _put_keys(here, rows, first, start, stop)
        for curve in here:
            _cut(curve, first + len(rows))
            curve.update()
    return action


def _by_channel(curves: Iterable[rig.Curve]) -> dict[str, Array]:
    """The values (T, indices) of each data path."""
    found: dict[str, list[Array]] = {}
    for path, _, _, values in curves:
        found.setdefault(path, []).append(values)
    return {path: np.stack(values, axis=1) for path, values in found.items()}


def _put_keys(curves: list[Any], rows: Array, first: int, start: int, stop: int) -> None:
    """Write rows start..stop (of (T, indices)) to the keys of their frames, as near as may be to the key before them.

    Numbers of a rotation may end a whole turn apart from those of the key behind them. Then the last one holds until
    there, for what lies between such numbers is no way from the one to the other.
    """
    part, path = rows[start:stop], curves[0].data_path
    keys = {round(point.co[0]) for point in curves[0].keyframe_points}
    before, after = (
        np.array([curve.evaluate(frame) for curve in curves]) if frame in keys else None
        for frame in (first + start - 1, first + stop)
    )
    if before is not None:
        part = _nearest(part, part[0], before, path)
    elif after is not None:
        part = _nearest(part, part[-1], after, path)
    hold = after is not None and not np.array_equal(_nearest(part, part[-1], after, path), part)
    for curve, values in zip(curves, part.T, strict=True):
        bake.put_keys(curve, first + start, values, hold)


def _nearest(rows: Array, row: Array, there: Array, path: str) -> Array:
    """The same rotations (T, indices) by those numbers for which `row` of them is nearest to `there`."""
    if path.endswith("rotation_euler"):
        return rows + np.round((there - row) / (2 * np.pi)) * (2 * np.pi)
    return -rows if path.endswith("rotation_quaternion") and row @ there < 0 else rows


def _cut(curve: Any, frame: int) -> None:
    """Take away the keys from a frame on."""
    points = curve.keyframe_points
    while len(points) and round(points[-1].co[0]) >= frame:
        points.remove(points[-1], fast=True)
