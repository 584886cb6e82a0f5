# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny datasets in their published layouts, and what tests read of the packed clips."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.motion.clip import Motion
from core.training.datasets.recording import Recording
from tests.core.dataset_makers import (
    SKELETON,
    speaking,
    studio_clip,
    with_axes_anywhere,
    write_bvh,
    write_smplx,
    write_voice,
)

SECONDS = 4.0


def write_beat(folder: Path, recordings: int = 3) -> None:
    for i in range(1, recordings + 1):
        stem = folder / "2" / f"2_scott_0_{i}_{i}"
        write_bvh(studio_clip(speaking(int(SECONDS * 120), i, 120.0)), stem.with_suffix(".bvh"))
        write_voice(stem.with_suffix(".wav"), SECONDS, 120 + 10 * i)
        stem.with_suffix(".TextGrid").write_text("not read")


def write_beat2(folder: Path, recordings: int = 3) -> None:
    for i in range(1, recordings + 1):
        stem = f"2_scott_0_{i}_{i}"
        write_smplx(speaking(int(SECONDS * 30), i, 30.0), folder / "smplxflame_30" / f"{stem}.npz", up="y")
        write_voice(folder / "wave16k" / f"{stem}.wav", SECONDS)
    (folder / "train_test_split.csv").write_text("id,type\n2_scott_0_1_1,train\n")


def write_trinity(folder: Path, recordings: int = 3) -> None:
    for i in range(1, recordings + 1):
        clip = with_axes_anywhere(studio_clip(speaking(int(SECONDS * 60), i, 60.0)))
        write_bvh(clip, folder / "Motion" / f"Recording_00{i}.bvh", "ZXY")
        write_voice(folder / "Audio" / f"Recording_00{i}.wav", SECONDS)


def write_zeggs(folder: Path, recordings: int = 3) -> None:
    for i, style in zip(range(1, recordings + 1), ("Neutral", "Happy", "Agreement"), strict=False):
        clip = with_axes_anywhere(studio_clip(speaking(int(SECONDS * 60), i, 60.0)))
        write_bvh(clip, folder / "clean" / f"00{i}_{style}_0_x_1_0.bvh", "ZYX")
        write_voice(folder / "clean" / f"00{i}_{style}_0_x_1_0.wav", SECONDS)
        (folder / "original").mkdir(exist_ok=True)
        (folder / "original" / f"00{i}_{style}_0.bvh").write_text("begins at another time than its sound")


def write_own(folder: Path) -> None:
    for name in ("monday/walk", "tuesday/walk", "talk", "both"):
        write_bvh(studio_clip(speaking(int(SECONDS * 30), len(name), 30.0)), folder / f"{name}.bvh", "YXZ")
    for name in ("monday/walk", "tuesday/walk"):
        (folder / f"{name}.txt").write_text("a person walks\nsomeone goes\n")
    (folder / "both.txt").write_text("a guide explains the map\n")
    for name in ("talk", "both"):
        write_voice(folder / f"{name}.wav", SECONDS)


def turning(frames: int, fps: float) -> Motion:
    """Return a standing body that turns left by 0.1 radians a second, so that a frame shows its time."""
    motion = speaking(frames, 0, fps)
    still = Motion(np.zeros((frames, 3)), np.repeat(motion.rotations[:1], frames, 0), fps)
    rotations = still.rotations.copy()
    half = 0.05 * np.arange(frames) / fps
    rotations[:, 0] = np.stack([np.cos(half), 0 * half, np.sin(half), 0 * half], -1)
    return Motion(still.translation, rotations, fps)


def seconds_of(motion: Motion) -> float:
    """Return the time of the first frame of a cut of `turning`."""
    return 20 * float(np.arctan2(motion.rotations[0, 0, 2], motion.rotations[0, 0, 0]))


def write_humanml3d(folder: Path) -> None:
    """Write clips at 120 fps (SMPL+H), in a renamed folder with a cut beginning (SMPL-X), at 250 fps, of HumanAct12."""
    rows = ["source_path,start_frame,end_frame,new_name"]
    sources = (
        ("KIT/3/kick_high_left02", 0, 100), ("Eyes_Japan_Dataset/hamada/gesture etc-01", 20, 120),
        ("BMLhandball/S01/Trial 7", 40, 140), ("humanact12/P01G01R01F0001T0064A0201", 0, 90),
    )  # fmt: skip
    for i, (path, start, stop) in enumerate(sources):
        ending = "" if "humanact" in path else "_poses"
        rows.append(f"./pose_data/{path}{ending}.npy,{start},{stop},{i:06}.npy")
        (folder / "texts").mkdir(parents=True, exist_ok=True)
        (folder / "texts" / f"{i:06}.txt").write_text(
            "a man raises his left hand.#a/DET man/NOUN#0.0#0.0\nhe  waves#he/PRON wave/VERB#1.0#4.0\n"
            "a man lifts an arm#a/DET#nan#nan\n\n"
        )
        (folder / "texts" / f"M{i:06}.txt").write_text("a man raises his right hand.#a/DET man/NOUN#0.0#0.0\n")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    amass = folder / "amass_data"
    write_smplx(
        turning(1200, 120.0), amass / "KIT/3/kick_high_left02_poses.npz", joints=52, rate_name="mocap_framerate"
    )
    write_smplx(turning(1200, 100.0), amass / "EyesJapanDataset/hamada/gesture_etc-01_stageii.npz")
    write_smplx(turning(2600, 250.0), amass / "BMLhandball/S01/Trial 7_poses.npz", joints=52)
    (folder / "new_joints").mkdir()
    np.save(folder / "new_joints" / "000003.npy", speaking(90, 4).positions(SKELETON)[:, :22].astype(np.float32))


WRITERS: dict[str, Callable[[Path], None]] = {
    "humanml3d": write_humanml3d, "beat": write_beat, "beat2": write_beat2, "trinity": write_trinity,
    "zeggs": write_zeggs, "bvh": write_own,
}  # fmt: skip


def header(folder: Path) -> dict:
    """Return the content of clips.json."""
    return json.loads((folder / "clips.json").read_text())


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def one(recordings: list[Recording], name: str) -> Motion:
    """Read the recording of a name."""
    return next(recording for recording in recordings if recording.name == name).read()
