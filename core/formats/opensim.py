# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatar animations of OpenSimulator and Second Life, in the viewer's own binary form.

A file holds keys for each joint that it moves: rotations relative to a T-pose whose joints all have the world's axes,
X forward, Y to the left, Z up, and positions as offsets from rest. It has no skeleton; that of every avatar is the same
(`BONES`). A clip comes back with Y up, facing +Z, in meters.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..motion.rotation import Array, continuous, slerp
from . import SourceClip
from .records import Records

BONES: Mapping[str, tuple[str, tuple[float, float, float]]] = {
    "mPelvis": ("", (0.0, 0.0, 1.07)), "mTorso": ("mPelvis", (0.0, 0.0, 0.08)),
    "mChest": ("mTorso", (-0.02, 0.0, 0.2)), "mNeck": ("mChest", (-0.01, 0.0, 0.25)),
    "mHead": ("mNeck", (0.0, 0.0, 0.08)),
} | {
    f"{joint}{side}": (parent if parent in ("mPelvis", "mChest") else f"{parent}{side}", (x, sign * y, z))
    for side, sign in (("Left", 1), ("Right", -1))
    for joint, parent, (x, y, z) in (
        ("mCollar", "mChest", (-0.02, 0.08, 0.17)), ("mShoulder", "mCollar", (0.0, 0.08, 0.0)),
        ("mElbow", "mShoulder", (0.0, 0.25, 0.0)), ("mWrist", "mElbow", (0.0, 0.21, 0.0)),
        ("mHip", "mPelvis", (0.03, 0.13, -0.04)), ("mKnee", "mHip", (0.0, -0.05, -0.49)),
        ("mAnkle", "mKnee", (-0.03, 0.0, -0.47)), ("mFoot", "mAnkle", (0.11, 0.0, -0.06)),
    )
}  # fmt: skip
"""Each joint's parent and its place there in the T-pose, to the centimeter, in the file's own axes."""

_Indices: TypeAlias = npt.NDArray[np.signedinteger[Any]]
_LONGEST = 600.0  # seconds
_FARTHEST = 5.0  # meters that a position of 65535 means
_FULL = 65535.0


def load_opensim(path: Path | str, fps: float = 30.0, under: SourceClip | None = None) -> SourceClip:
    """Read an animation.

    Args:
        path: The file; by custom it ends in .animatn, .anim or .dat.
        fps: Frames per second to sample it at.
        under: A clip that this function read, whose first frame is the pose of joints that this file leaves alone:
            many files move one arm only. The T-pose where not given.

    Returns:
        The clip of the joints of `BONES`, named after the file. Keys of other joints are passed over.

    Raises:
        InputError: The file is no such animation, breaks off or lasts more than ten minutes.
    """
    path = Path(path)
    try:
        return _parse(path.stem, Records(path.read_bytes()), fps, under)
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as an OpenSimulator animation: {error}.") from error


def _parse(name: str, file: Records, fps: float, under: SourceClip | None) -> SourceClip:
    major, minor, _, seconds = file.numbers("HHif")
    if (major, minor) != (1, 0):
        raise ValueError(f"its version is {major}.{minor}, and only 1.0 is known")
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"it lasts {seconds:g} seconds, and {_LONGEST:g} are the most")
    file.text()  # the facial expression that goes with it
    file.numbers("ffiffi")  # loop and easing times, and a pose for the hands
    names = tuple(BONES)
    rests = np.array([_y_up(np.array(offset)) for _, offset in BONES.values()])  # (J, 3)
    times = np.arange(int(seconds * fps + 1e-3) + 1) / fps  # (T,)
    if under is None:
        pose, places = np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1)), rests
    else:
        pose, places = under.rotations[0], under.translations[0]
    rotations, translations = np.tile(pose, (len(times), 1, 1)), np.tile(places, (len(times), 1, 1))
    for _ in range(file.count("I", 13)):
        joint = file.text()
        file.numbers("i")  # the joint's priority over other animations
        turns, moves = _keys(file, seconds), _keys(file, seconds)
        if joint not in BONES:
            continue
        at = names.index(joint)
        if len(turns):
            vector = _y_up(turns[:, 1:] * 2 - 1)  # (K, 3)
            real = np.sqrt(np.maximum(0.0, 1 - (vector**2).sum(-1, keepdims=True)))
            keys = np.concatenate([real, vector], -1)
            keys /= np.linalg.norm(keys, axis=-1, keepdims=True)
            low, high, weight = _between(turns[:, 0], times)
            rotations[:, at] = slerp(keys[low], keys[high], weight)
        if len(moves):
            keys = rests[at] + _y_up((moves[:, 1:] * 2 - 1) * _FARTHEST)
            low, high, weight = _between(moves[:, 0], times)
            translations[:, at] = keys[low] + weight[:, None] * (keys[high] - keys[low])
    parents = tuple(names.index(parent) if parent else -1 for parent, _ in BONES.values())
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1))
    return SourceClip(name, names, parents, rests, upright, translations, continuous(rotations), fps)


def _y_up(v: Array) -> Array:
    """Vectors (..., 3) from X forward, Y left, Z up to X left, Y up, Z forward."""
    return v[..., [1, 2, 0]]


def _keys(file: Records, seconds: float) -> Array:
    """Keys (K, 4), in the order of their times: seconds, then three numbers from 0 to 1."""
    keys = np.frombuffer(file.take(8 * file.count("i", 8)), "<u2").reshape(-1, 4) / _FULL
    keys = keys[np.argsort(keys[:, 0], kind="stable")]
    return keys * [seconds, 1.0, 1.0, 1.0]


def _between(keys: Array, times: Array) -> tuple[_Indices, _Indices, Array]:
    """For each time the keys before and after it and how far it is from the one to the other; ends are held."""
    high = np.clip(np.searchsorted(keys, times), 1, max(len(keys) - 1, 1))
    low, high = high - 1, np.minimum(high, len(keys) - 1)
    gap = np.maximum(keys[high] - keys[low], 1e-9)
    return low, high, np.clip((times - keys[low]) / gap, 0.0, 1.0)
