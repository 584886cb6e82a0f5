# SPDX-License-Identifier: GPL-3.0-or-later
"""BEAT's metrics, evaluator and recordings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.evaluation import beat
from core.model.foreign import tensor_layout
from core.motion.clip import Motion
from core.motion.rotation import euler_to_matrix, quaternion_to_matrix
from tests.core.evaluation.published_files import SKELETON, write_autoencoder


def test_beats_figures_of_made_up_rows():
    rows = np.zeros((30, beat.COLUMNS))
    assert beat.l1_diversity(rows + 7) == 0
    swing = rows + np.where(np.arange(30) % 2, 1.0, -1.0)[:, None]
    assert beat.l1_diversity(swing) == pytest.approx(141)
    scores = np.zeros(30)
    scores[:15] = 0.33
    assert beat.recall(rows, rows, scores) == pytest.approx(1)
    beside = rows.copy()
    beside[:, :3] = 1.3  # 3.9 degrees in one joint of 47
    assert beat.recall(beside, rows, scores) == pytest.approx(1)
    beside[:, :3] = 1.4
    assert beat.recall(beside, rows, scores) == pytest.approx(46 / 47)
    assert beat.recall(rows + 2, rows, scores) == 0


def test_the_alignment_of_identical_beats_is_one():
    speed = np.ones(60)
    speed[[10, 25, 40]] = 0.1
    rows = np.zeros((61, beat.COLUMNS))
    rows[1:, 3 * beat.JOINTS.index("RightForeArm")] = np.cumsum(speed)
    at = np.array([10, 25, 40]) / beat.FPS
    assert beat.beat_alignment(rows, at) == pytest.approx(1)
    assert beat.beat_alignment(rows, at + 0.3) == pytest.approx(np.exp(-0.5))
    assert beat.beat_alignment(np.zeros((61, beat.COLUMNS)), at) == 0


def test_the_autoencoders_layout_is_the_published_one(tmp_path: Path):
    layout = tensor_layout(beat.network())
    assert len(beat.JOINTS) == len(set(beat.JOINTS)) == 47
    assert layout["net.0.0.weight"] == (300, 141, 3)
    assert layout["net.1.0.weight"] == (600, 300, 3)
    assert layout["net.2.0.weight"] == (600, 600, 4)
    assert layout["net.3.weight"] == (300, 600, 3)
    assert layout["out_net.0.weight"] == (1200, 3600)
    assert layout["out_net.3.weight"] == (600, 1200)
    assert layout["out_net.6.weight"] == (300, 600)
    assert layout["fc_mu.weight"] == layout["fc_logvar.weight"] == (300, 300)
    write_autoencoder(tmp_path, whole=True)
    seen = beat.Evaluator.open(tmp_path / "ae_300.bin", tmp_path)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 141)) * 20
    both = seen.embed_motions([rows, rows[10:44]])
    assert both.shape == (4, 300)  # three stretches of 34 frames begin every ten
    np.testing.assert_allclose(both[1], both[3], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "ae_300.bin").unlink(), "ae_300.bin does not exist"),
        (lambda f: (f / "ae_300.bin").write_bytes(b"\x80\x02"), "contains no weights"),
        (lambda f: torch.save({"fc_mu.bias": torch.zeros(300)}, f / "ae_300.bin"), "an unknown tensor 'fc_mu.bias'"),
        (lambda f: np.save(f / "bvh_mean.npy", np.zeros(225)), r"bvh_mean\.npy must have 141 finite numbers"),
        (lambda f: np.save(f / "bvh_std.npy", np.zeros(141)), "bvh_std.npy contains numbers that are not above 0"),
        (lambda f: (f / "bvh_std.npy").unlink(), "bvh_std.npy is not an array of numbers"),
    ],
)  # fmt: skip
def test_an_autoencoder_of_another_layout_is_one_sentence(tmp_path: Path, change, message: str):
    write_autoencoder(tmp_path)
    change(tmp_path)
    with pytest.raises(InputError, match=message):
        beat.Evaluator.open(tmp_path / "ae_300.bin", tmp_path)


def turns(rows: np.ndarray, joint: str) -> np.ndarray:
    at = 3 * beat.JOINTS.index(joint)
    return euler_to_matrix(np.radians(rows[:, at : at + 3]), "XYZ")


def test_recordings_are_read_with_their_scores(recordings: Path):
    first, _ = beat.read_recordings(recordings, ["2"], None)
    assert first.clip.fps == 15
    assert first.rows.shape == (75, 141)
    for name in ("Spine", "LeftForeArm", "RightHandThumb3"):
        local = quaternion_to_matrix(first.clip.rotations[:, first.clip.index(name)])
        np.testing.assert_allclose(turns(first.rows, name), local, atol=1e-6)
    assert first.scores is not None
    np.testing.assert_array_equal(first.scores, np.where(np.arange(75) <= 30, 0.5, 0.0))
    assert len(beat.read_recordings(recordings, [], 1)) == 1
    with pytest.raises(InputError, match="contains no BEAT recordings"):
        beat.read_recordings(recordings, ["4"], None)


def test_what_goes_to_our_skeleton_comes_back(recordings: Path):
    """Arms and fingers as they were within a degree, which the wrist's twist goes to the forearm by."""
    one = beat.read_recordings(recordings, [], 1)[0]
    near = one.rows.mean(0)
    back = beat.round_trip(one, SKELETON, near)
    for name in ("RightArm", "LeftForeArm", "RightHand", "LeftHandIndex2", "RightHandThumb1", "LeftHandRing"):
        np.testing.assert_allclose(turns(back, name), turns(one.rows, name), atol=0.02, err_msg=name)
    assert np.abs(back - near).reshape(-1, 3).sum(-1).max() <= 360
    far = np.zeros(141)
    far[0] = 3600
    turned = beat.round_trip(one, SKELETON, far)
    np.testing.assert_allclose(turns(turned, "Spine"), turns(back, "Spine"), atol=1e-9)
    assert np.abs(turned[:, 0] - 3600).max() <= 180


def test_a_turn_that_several_joints_share_is_shared_evenly(recordings: Path):
    one = beat.read_recordings(recordings, [], 1)[0]
    rest = Motion(np.zeros((40, 3)), np.tile([1.0, 0, 0, 0], (40, 55, 1)), beat.FPS)
    still = beat.on_skeleton(rest, one, SKELETON, np.zeros(141))
    bent = rest.rotations.copy()
    bent[:, 12] = [np.cos(0.2), np.sin(0.2), 0.0, 0.0]  # the neck nods by 0.4 radians
    nods = beat.on_skeleton(replace(rest, rotations=bent), one, SKELETON, np.zeros(141)) - still
    for name in ("Neck", "Neck1"):
        at = 3 * beat.JOINTS.index(name)
        np.testing.assert_allclose(nods[:, at : at + 3], [[np.degrees(0.2), 0, 0]] * 40, atol=1e-6)
    assert np.abs(nods).sum() == pytest.approx(40 * np.degrees(0.4))
