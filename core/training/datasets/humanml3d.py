# SPDX-License-Identifier: GPL-3.0-or-later
"""HumanML3D (Guo et al., CVPR 2022): index.csv, texts/NAME.txt, and AMASS or else new_joints/NAME.npy.

index.csv counts frames after every int(fps / 20)th frame of the AMASS recording was taken, and after the beginning of
some subsets was cut off. If fps is not a multiple of 20, these are not 20 frames per second and are resampled.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ...errors import InputError
from ...motion.clip import CORE_FPS, Motion
from ...motion.fitting import fit, on_floor
from ...motion.skeleton import neutral_skeleton
from ..retarget import on_neutral
from .recording import DroppedError, Options, Recording, files_below

EXPECTED = "index.csv, a folder texts with files such as 000000.txt, and a folder amass_data or new_joints"
LICENSE = "LicenseRef-AMASS-NC-research"
_HEADS = {"Eyes_Japan_Dataset": 60, "MPI_HDM05": 60, "TotalCapture": 20, "MPI_Limits": 20, "Transitions_mocap": 10}
"""AMASS subset -> frames at 20 fps that were cut off before counting."""
_RENAMED = {
    "BioMotionLab_NTroje": "BMLrub", "DFaust_67": "DFaust", "Eyes_Japan_Dataset": "EyesJapanDataset",
    "MPI_HDM05": "HDM05", "MPI_Limits": "PosePrior", "MPI_mosh": "MoSh", "SSM_synced": "SSM",
    "TCD_handMocap": "TCDHands", "Transitions_mocap": "Transitions",
}  # fmt: skip
"""Folder of the SMPL+H release, as in the index -> folder of the SMPL-X release."""
_SPARE = 5  # frames by which a recording may fall short of the index


@dataclass(frozen=True)
class _Row:
    """A row of index.csv.

    Attributes:
        source: Path of the recording below the AMASS folder.
        start: First frame.
        stop: The frame after the last one.
    """

    source: PurePosixPath
    start: int
    stop: int


def find(source: Path, options: Options) -> list[Recording]:
    """Return every clip of the index, or of new_joints if there is no index.

    Raises:
        InputError: The texts are missing.
    """
    texts, joints, index = (_below(source, name) for name in ("texts", "new_joints", "index.csv"))
    rows = _rows(index) if index else {}
    known = [path.stem for path in files_below(joints, ".npy")] if joints else []
    names = sorted(rows) or [name for name in known if not name.startswith("M")]
    if names and texts is None:
        raise InputError(f"{source} has no folder texts; unpack texts.zip of HumanML3D next to new_joints.")
    amass = options.amass or _below(source, "amass_data")
    found: list[Recording] = []
    for name in names:
        words, mirrored = (_file(texts, f"{prefix}{name}.txt") for prefix in ("", "M"))
        recorded = _amass_file(amass, rows[name].source) if amass and name in rows else None
        fitted = _file(joints, f"{name}.npy")
        files = tuple(path for path in (recorded, fitted) if path)
        read = partial(_motion, name, rows.get(name), recorded, fitted)
        group = str(rows[name].source) if name in rows else name  # several clips may come from one recording
        found.append(Recording(name, group, LICENSE, read, files, None, words, mirrored))
    return found


def _below(source: Path, name: str) -> Path | None:
    """Return a file or folder in the dataset's folder, in HumanML3D below it, or next to it; None if it is missing."""
    return next(
        (place / name for place in (source, source / "HumanML3D", source.parent) if (place / name).exists()), None
    )


def _file(folder: Path | None, name: str) -> Path | None:
    return folder / name if folder and (folder / name).is_file() else None


def _rows(index: Path) -> dict[str, _Row]:
    """Return the rows of index.csv by the names of the clips.

    Raises:
        InputError: It is not HumanML3D's.
    """
    try:
        with open(index, encoding="utf-8", newline="") as file:
            return {
                Path(row["new_name"]).stem: _Row(
                    PurePosixPath(*(part for part in PurePosixPath(row["source_path"]).parts if part != "pose_data")),
                    int(row["start_frame"]), int(row["end_frame"]),
                )
                for row in csv.DictReader(file)
            }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{index.name} cannot be read; use HumanML3D's own, with columns source_path, start_frame, end_frame and "
            "new_name."
        ) from error


def _amass_file(amass: Path, source: PurePosixPath) -> Path | None:
    """Return the AMASS recording of a source_path, in the folders of either release, or None."""
    subset, *rest = source.parts
    stem = PurePosixPath(*rest).with_suffix("").as_posix().removesuffix("_poses")
    for folder in (subset, _RENAMED.get(subset, subset)):
        for place in (amass / folder, amass / folder / folder):
            for path in _spellings(stem):
                for ending in ("_poses.npz", "_stageii.npz"):
                    if (place / f"{path}{ending}").is_file():
                        return place / f"{path}{ending}"
    return None


def _spellings(stem: str) -> Iterator[str]:
    """Yield a path, and the same with its blanks replaced as in the SMPL-X release."""
    yield stem
    if " " in stem:
        yield stem.replace(" ", "_")
        yield stem.replace(" ", "-")


def _motion(name: str, row: _Row | None, recorded: Path | None, fitted: Path | None) -> Motion:
    """Return a clip from AMASS, or from the positions of its joints if AMASS lacks it or a part of it."""
    if recorded and row:
        try:
            return _cut(Motion.load(recorded), row, recorded)
        except InputError:
            if fitted is None:
                raise
    if fitted is None:
        raise DroppedError(
            "no motion",
            f"{name} has neither its AMASS recording {row.source if row else ''} nor new_joints/{name}.npy.",
        )
    return _from_positions(fitted)


def _cut(motion: Motion, row: _Row, path: Path) -> Motion:
    """Return the frames of a row of the index, on the neutral skeleton."""
    every = max(1, int(motion.fps / CORE_FPS))
    frames = Motion(
        motion.translation[::every], motion.rotations[::every], motion.fps / every, motion.betas, motion.gender
    )
    head = _HEADS.get(row.source.parts[0], 0)
    part = frames.slice(head + row.start, head + row.stop)
    if len(part) < row.stop - row.start - _SPARE:
        raise DroppedError(
            "short", f"{path.name} ends before the frames {row.start} to {row.stop} that index.csv names."
        )
    return on_neutral(part, neutral_skeleton())


def _from_positions(path: Path) -> Motion:
    """Return the motion with joints at positions (T, 22, 3), Y up.

    Raises:
        DroppedError: The file cannot be read.
    """
    try:
        positions = np.load(path, allow_pickle=False)
        skeleton = neutral_skeleton()
        return on_floor(fit(positions, CORE_FPS, skeleton), skeleton)
    except (OSError, ValueError, EOFError) as error:
        raise DroppedError(
            "unreadable", f"{path.name} cannot be read; it must be an .npy of joint positions (T, 22, 3)."
        ) from error
