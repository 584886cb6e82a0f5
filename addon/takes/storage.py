# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: the results of generation, listed on the character; the generated strip plays the active one.

A take is an Action that stores, besides its keys, the generated motion and the timeline that it was generated from. An
Action that is neither in the list nor in the NLA is deleted.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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
from ..data import character_data, strip_data
from ..rigs import armature as rig
from . import bake

_ROW = 3 + 55 * 4  # numbers per frame: translation, and quaternions of the joints
_MOTION = "motion"  # custom property of an Action's strip data: the motion as float32
_RIG = "rig"  # custom property of an Action's strip data: the rig settings that its curves were made with


@dataclass(frozen=True)
class Record:
    """What a take was generated from.

    Args:
        timeline: With hashes of the recordings in place of their paths.
        steps: Denoising steps; 0 for the model's default.
        first_frame: The scene's first frame, at time 0.
        left_stale: (start, stop) frames that were not regenerated although they had changed, as under a locked strip.
    """

    timeline: Timeline
    steps: int = 0
    first_frame: int = 1
    left_stale: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> str:
        """Serialize the record to one line."""
        values = {"steps": self.steps, "first_frame": self.first_frame, "left_stale": self.left_stale}
        return json.dumps(values | {"timeline": timeline_to_json(self.timeline, Path())})

    @staticmethod
    def from_json(line: str) -> "Record":
        """Parse a line written by `to_json`.

        Raises:
            InputError: The line is something else, for example from a newer version.
        """
        try:
            values = json.loads(line)
            stale = tuple((int(start), int(stop)) for start, stop in values["left_stale"])
            timeline = timeline_from_json(values["timeline"])
            return Record(timeline, int(values["steps"]), int(values["first_frame"]), stale)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"The record of a take cannot be read: {error}.") from error

    def stale_in(self, timeline: Timeline, steps: int, first_frame: int, legs: bool = False) -> Bools:
        """Compare the take with the current timeline.

        Args:
            timeline: With hashes of the recordings in place of their paths.
            steps: Denoising steps; 0 for the model's default.
            first_frame: The scene's first frame.
            legs: Consider only what changes root and legs.

        Returns:
            (T,) whether each frame of the timeline is stale in this take.
        """
        stale = stale_frames(self.timeline, timeline, legs)
        for start, stop in self.left_stale:
            stale[start:stop] = True
        return stale | (self.steps != steps) | (self.first_frame != first_frame)


@dataclass(frozen=True)
class Take:
    """An Action with the motion that it plays and what that was generated from."""

    action: bpy.types.Action
    motion: Motion
    record: Record


def read(action: bpy.types.Action | None) -> Take | None:
    """Return the take stored on an Action; None if there is none, or it is from a newer version."""
    if action is None:
        return None
    data = strip_data(action)
    if not data.told or _MOTION not in data.keys():  # noqa: SIM118 - no dict
        return None
    rows = np.array(memoryview(data[_MOTION]), np.float64).reshape(-1, _ROW)
    try:
        record = Record.from_json(data.told)
    except InputError:
        return None
    return Take(action, Motion(rows[:, :3], rows[:, 3:].reshape(-1, 55, 4), fps=record.timeline.fps), record)


def write(action: bpy.types.Action, motion: Motion, record: Record, armature: bpy.types.Object) -> None:
    """Store a take on an Action: the motion, its record, and the rig settings of the character."""
    data = strip_data(action)
    rows = np.concatenate([motion.translation, motion.rotations.reshape(len(motion), -1)], axis=1)
    if _MOTION in data.keys():  # noqa: SIM118 - Blender 4.5 crashes on an array of another length
        del data[_MOTION]
    data[_MOTION] = rows.astype(np.float32).ravel()
    data.told = record.to_json()
    data[_RIG] = rig.settings(armature)


def add(armature: bpy.types.Object, action: bpy.types.Action, keep: int, note: str = "") -> None:
    """Append a take to the character's list and make it active.

    Args:
        armature: The character.
        action: The take's Action.
        keep: Number of takes that are not pinned to keep; older ones are removed.
        note: What was generated, in a few words.
    """
    character = character_data(armature)
    numbers = [int(word) for take in character.takes for word in take.name.split()[-1:] if word.isdecimal()]
    take = character.takes.add()
    take.name, take.action, take.note = f"Take {max(numbers, default=0) + 1}", action, note
    character.take = len(character.takes) - 1
    unpinned = [index for index, take in enumerate(character.takes) if not take.pinned]
    for index in reversed(unpinned[: -max(keep, 1)]):
        remove(armature, index)


def remove(armature: bpy.types.Object, index: int) -> None:
    """Remove a take from the list, and its Action if nothing else uses it. The active take stays active."""
    character = character_data(armature)
    action, active = character.takes[index].action, character.take
    character.takes.remove(index)
    if action is not None and action.users == 0:
        bpy.data.actions.remove(action)
    character.take = max(0, min(active - (active > index), len(character.takes) - 1))  # may play another take


def splice(take: Take, motion: Motion, armature: bpy.types.Object) -> bpy.types.Action | None:
    """Copy a take's Action and rewrite the keys of the frames in which `motion` differs from it.

    All other keys are kept bit for bit, including those edited by hand and their interpolation.

    Returns:
        None if the rig's bone map or settings have changed since the curves were made, so that a new Action is needed.
    """
    data = strip_data(take.action)
    if _RIG not in data.keys() or data[_RIG] != rig.settings(armature):  # noqa: SIM118
        return None
    old, new = (_by_channel(rig.curves(one, armature)) for one in (take.motion, motion))
    action = take.action.copy()
    bag = compat.channelbag(action)
    curves = {(curve.data_path, curve.array_index): curve for curve in (bag.fcurves if bag is not None else ())}
    if {(path, index) for path, rows in new.items() for index in range(rows.shape[1])} - set(curves):
        bpy.data.actions.remove(action)
        return None
    for path, rows in new.items():
        if len(rows) == 1:  # a switch, which is constant
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
            _replace_keys(here, rows, first, start, stop)
        for curve in here:
            _truncate(curve, first + len(rows))
            curve.update()
    return action


def _by_channel(curves: Iterable[rig.Curve]) -> dict[str, Array]:
    """Return the values (T, indices) of each data path."""
    found: dict[str, list[Array]] = {}
    for path, _, _, values in curves:
        found.setdefault(path, []).append(values)
    return {path: np.stack(values, axis=1) for path, values in found.items()}


def _replace_keys(curves: list[bpy.types.FCurve], rows: Array, first: int, start: int, stop: int) -> None:
    """Write rows start..stop of (T, indices) to the keys of their frames, with rotations near those of the key before.

    Rotation values may end a full turn away from those of the key after them. Then the last one is held until there,
    because interpolating between such values would spin the bone.
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
        bake.replace_keys(curve, first + start, values, hold)


def _nearest(rows: Array, row: Array, target: Array, path: str) -> Array:
    """Return equivalent rotations (T, indices), chosen so that `row`, one of them, is nearest to `target`."""
    if path.endswith("rotation_euler"):
        return rows + np.round((target - row) / (2 * np.pi)) * (2 * np.pi)
    return -rows if path.endswith("rotation_quaternion") and row @ target < 0 else rows


def _truncate(curve: bpy.types.FCurve, frame: int) -> None:
    """Remove the keys from a frame on."""
    points = curve.keyframe_points
    while len(points) and round(points[-1].co[0]) >= frame:
        points.remove(points[-1], fast=True)
