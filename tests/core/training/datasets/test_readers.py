# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read is what was written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.motion.clip import Motion
from core.motion.fitting import fit, on_floor
from core.motion.rotation import (
    rotation_y,
)
from core.motion.skeleton import INDEX
from core.training.datasets import beat, beat2, bvh, humanml3d, trinity, zeggs
from core.training.datasets.recording import Options
from tests.core.dataset_makers import SKELETON, speaking, studio_clip, with_axes_anywhere, write_bvh, write_smplx
from tests.core.training.datasets.makers import SECONDS, one, seconds_of, turning

LIMBS = ("hip", "knee", "shoulder", "elbow")
ENDS = {"hip": "knee", "knee": "ankle", "shoulder": "elbow", "elbow": "wrist"}


def along(motion: Motion, joint: str, end: str) -> np.ndarray:
    positions = motion.positions(SKELETON)
    bone = positions[:, INDEX[end]] - positions[:, INDEX[joint]]
    return bone / np.linalg.norm(bone, axis=-1, keepdims=True)


def degrees_apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1))).max())


@pytest.mark.parametrize(("kind", "module", "rate"), [("beat", beat, 120), ("beat2", beat2, 30)])
def test_recorded_rotations_come_through(datasets: Path, kind: str, module, rate: int):
    motion = one(module.find(datasets / kind, Options()), "2_scott_0_2_2")
    written = speaking(int(SECONDS * rate), 2, float(rate)).resampled(20.0)
    assert motion.fps == 20.0
    assert abs(len(motion) - len(written)) <= 1
    frames = min(len(motion), len(written))
    for name, joint in INDEX.items():
        cosine = np.abs((motion.rotations[:frames, joint] * written.rotations[:frames, joint]).sum(-1)).clip(0, 1)
        assert np.degrees(2 * np.arccos(cosine)).max() < 2.0, name
    path = motion.translation - motion.translation[0]
    np.testing.assert_allclose(path[:frames], (written.translation - written.translation[0])[:frames], atol=2e-3)
    soles = motion.positions(SKELETON)[:, [INDEX["left_foot"], INDEX["right_foot"]], 1]
    assert abs(float(np.percentile(soles.min(1), 5)) - SKELETON.rest_positions[INDEX["left_foot"], 1]) < 0.03


def test_beat2s_hands_are_turned_from_the_hand_that_the_files_mean(tmp_path: Path):
    """Fingers turned from the flat hand, and the same from the relaxed one, are the same."""
    read: list[Motion] = []
    for folder, hand in (("flat", 0.0), ("relaxed", 1.0)):
        for i in (1, 2):
            path = tmp_path / folder / "smplxflame_30" / f"2_scott_0_{i}_{i}.npz"
            write_smplx(speaking(60, i, 30.0), path, up="y")
            with np.load(path, allow_pickle=True) as file:
                data = {name: file[name] for name in file.files}
            data["poses"][:, 75:] -= hand * SKELETON.relaxed_hands.ravel()
            np.savez(path, **data)
        read.append(one(beat2.find(tmp_path / folder, Options()), "2_scott_0_2_2"))
    written = speaking(60, 2, 30.0).resampled(20.0)
    for motion in read:
        np.testing.assert_allclose(motion.rotations[:, 25:], written.rotations[:, 25:], atol=2e-3)


@pytest.mark.parametrize(
    ("kind", "module", "name"),
    [("trinity", trinity, "Recording_002"), ("zeggs", zeggs, "002_Happy_0_x_1_0")],
)
def test_a_zero_pose_that_is_no_pose_is_seen_through(datasets: Path, kind: str, module, name: str):
    motion = one(module.find(datasets / kind, Options()), name)
    written = speaking(int(SECONDS * 60), 2, 60.0).resampled(20.0)
    frames = min(len(motion), len(written))
    written, motion = written.slice(0, frames), motion.slice(0, frames)
    bones = {f"{side}_{joint}": f"{side}_{ENDS[joint]}" for side in ("left", "right") for joint in LIMBS}
    for start, end in bones.items():
        assert degrees_apart(along(motion, start, end), along(written, start, end)) < 3.0, start
    bones = {f"{side}_wrist": f"{side}_middle1" for side in ("left", "right")} | {"pelvis": "neck"}
    for start, end in bones.items():
        assert degrees_apart(along(motion, start, end), along(written, start, end)) < 6.0, start


def test_euler_angles_are_not_copied(datasets: Path):
    """The same recording with other axes has other angles in the file, and the same motion."""
    paths = [datasets / "plain.bvh", datasets / "other.bvh"]
    clip = studio_clip(speaking(120, 7))
    write_bvh(clip, paths[0])
    write_bvh(with_axes_anywhere(clip), paths[1])
    plain, other = (bvh.BvhReader([path]).motion(path) for path in paths)
    for side in ("left", "right"):
        for joint in LIMBS:
            bone = f"{side}_{joint}", f"{side}_{ENDS[joint]}"
            assert degrees_apart(along(plain, *bone), along(other, *bone)) < 3.0


def test_z_up_and_a_namespace(tmp_path: Path):
    clip = studio_clip(speaking(60, 3, heading=1.0))
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # y -> z, and so every joint's own axes
    rotations = np.concatenate([clip.rotations[..., :1], clip.rotations[..., 1:] @ turn.T], -1)
    with_z_up = replace(
        clip,
        names=tuple(f"mixamorig:{name}" for name in clip.names),
        rotations=rotations,
        translations=clip.translations @ turn.T,
        offsets=clip.offsets @ turn.T,
    )
    motions: list[Motion] = []
    for i, turned in enumerate((clip, with_z_up)):
        path = tmp_path / f"{i}.bvh"
        write_bvh(turned, path)
        motions.append(bvh.BvhReader([path]).motion(path))
    np.testing.assert_allclose(motions[0].positions(SKELETON), motions[1].positions(SKELETON), atol=1e-3)


def test_amass_is_cut_where_the_index_says(datasets: Path):
    found = humanml3d.find(datasets / "humanml3d", Options())
    assert [recording.name for recording in found] == ["000000", "000001", "000002", "000003"]
    plain, head, quick, fitted = (recording.read() for recording in found)
    assert (len(plain), plain.fps) == (100, 20.0)
    assert seconds_of(plain) == pytest.approx(0.0, abs=0.01)
    assert seconds_of(head) == pytest.approx(3.0 + 1.0, abs=0.01)  # the makers had cut off 3 s
    # every 12th of 250 frames a second was taken and called 20 a second
    assert quick.fps == pytest.approx(250 / 12)
    assert seconds_of(quick) == pytest.approx(40 * 12 / 250, abs=0.01)
    written = on_floor(fit(speaking(90, 4).positions(SKELETON)[:, :22], 20.0, SKELETON), SKELETON)
    np.testing.assert_allclose(fitted.positions(SKELETON), written.positions(SKELETON), atol=1e-3)


def test_speakers_are_chosen(datasets: Path):
    assert len(beat.find(datasets / "beat", Options(speakers=frozenset({"2"})))) == 3
    assert not beat2.find(datasets / "beat2", Options(speakers=frozenset({"4"})))


def test_turning_tells_the_time():
    turned = turning(100, 20.0).slice(60)
    assert seconds_of(turned) == pytest.approx(3.0)
    np.testing.assert_allclose(
        rotation_y(0.3) @ [0, 0, 1], turned.forward_kinematics(SKELETON)[1][0, 0] @ [0, 0, 1], atol=1e-6
    )
