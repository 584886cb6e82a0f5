# SPDX-License-Identifier: GPL-3.0-or-later
"""HumanML3D's and BEAT's metrics: formulas on made-up numbers, and the commands on random weights of the layouts."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.__main__ import main
from core.conditions.speech import features_width
from core.errors import InputError
from core.evaluation import beat, humanml3d
from core.evaluation.statistics import frechet_distance, precision_in_batches
from core.model.checkpoint import Model, ModelConfig, save_model
from core.model.denoiser import Denoiser, DenoiserConfig
from core.model.foreign import layout_of
from core.motion.clip import Motion
from core.motion.features import FEATURES, Normalizer
from core.motion.released_features import encode
from core.motion.rotation import euler_to_matrix, quaternion_to_matrix
from core.motion.skeleton import PARENTS, neutral_skeleton
from core.timeline.strips import Timeline
from tests.core.dataset_makers import speaking, studio_clip, write_bvh, write_voice
from tests.core.moves import wandering
from tests.core.tiny_networks import vectors

SKELETON = neutral_skeleton()
BODY = SKELETON.rest_positions[:22]
LENGTHS = np.linalg.norm(BODY - BODY[[0, *PARENTS[1:22]]], axis=-1)


# formulas


def test_the_frechet_distance_of_two_normal_distributions_is_the_closed_form():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(50, 4))
    covariance = np.cov(a, rowvar=False)
    moved = np.array([1.0, -2.0, 0.0, 3.0])
    b = (a - a.mean(0)) * 3 + a.mean(0) + moved  # tr(C + 9 C - 2 (9 C C)^(1/2)) = 4 tr C
    expected = moved @ moved + 4 * np.trace(covariance)
    assert frechet_distance(a, b, biased=False) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(a, a, biased=False) == pytest.approx(0, abs=1e-9)


def test_a_perfect_embedding_is_always_retrieved_and_an_unrelated_one_by_chance():
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(32 * 40 + 7, 16))
    assert precision_in_batches(texts, texts, 0) == [1.0, 1.0, 1.0]
    chance = precision_in_batches(texts, rng.normal(size=texts.shape), 0)
    np.testing.assert_allclose(chance, [1 / 32, 2 / 32, 3 / 32], atol=0.02)


def test_a_text_asks_for_its_motion_and_not_the_other_way_round():
    """Every motion has its own text nearest, two of four texts have the first motion nearer."""
    motions = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [-5.0, 0.0]])
    texts = np.array([[0.0, 0.1], [3.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    assert precision_in_batches(texts, motions, 0, size=4) == [0.5, 1.0, 1.0]


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


# HumanML3D's features


def test_the_features_are_those_of_the_body_alone():
    motion = wandering(40, turn=1.0)
    positions = motion.positions(SKELETON)
    positions[:, 22:] = positions[:, 15:16]  # nothing but the body touches the floor
    whole, body = encode(positions), encode(positions[:, :22])
    assert body.shape == (39, humanml3d.FEATURES) == (39, 263)
    columns = [*range(4 + 63), *range(166, 166 + 126), *range(490, 490 + 66), *range(655, 659)]
    np.testing.assert_allclose(body, whole[:, columns], atol=1e-12)
    np.testing.assert_allclose(humanml3d.bone_lengths(body), LENGTHS, atol=1e-9)


def test_bones_take_other_lengths_and_keep_their_directions():
    positions = wandering(20).positions(SKELETON)[:, :22]
    np.testing.assert_allclose(humanml3d.with_lengths(positions, LENGTHS), positions, atol=1e-9)
    np.testing.assert_allclose(humanml3d.with_lengths(positions, 2 * LENGTHS), 2 * positions, atol=1e-9)
    other = LENGTHS * np.linspace(0.8, 1.3, 22)
    features = humanml3d.features_of(wandering(20), SKELETON, other)
    np.testing.assert_allclose(humanml3d.bone_lengths(features), other, atol=1e-9)


def test_feet_stand_that_move_less_than_45_millimetres_a_frame():
    motion = wandering(3)
    still = replace(motion, rotations=motion.rotations[[0, 0, 0]], translation=motion.translation[[0, 0, 0]])
    for step, stands in ((0.044, 1.0), (0.045, 0.0)):
        path = still.translation + np.arange(3)[:, None] * [step, 0.0, 0.0]
        features = humanml3d.features_of(replace(still, translation=path), SKELETON, LENGTHS)
        assert (features[:, -4:] == stands).all()


# HumanML3D's evaluator, with random weights


NOWHERE = torch.full((512,), torch.nan)
_TAR, _META, _INDEX = "text_mot_match/model/finest.tar", "Comp_v6_KLD01/meta", "glove/our_vab_idx.pkl"
WORDS = {"sos": 0, "eos": 1, "unk": 2, "man": 3, "walks": 4, "walk": 5, "slowly": 6}


def hollow(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same names and shapes, in a file of a few kilobytes."""
    return {name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in state.items()}


def write_evaluator(folder: Path, whole: bool = False) -> None:
    """In the layout as published: text_mot_match, Comp_v6_KLD01 and glove. whole: with random weights."""
    torch.manual_seed(0)
    for part in ("text_mot_match/model", "Comp_v6_KLD01/meta", "glove"):
        (folder / part).mkdir(parents=True)
    networks = humanml3d.networks()
    torch.nn.init.normal_(networks["text_encoder"].hidden)
    state = {
        name: network.state_dict() if whole else hollow(network.state_dict()) for name, network in networks.items()
    }
    torch.save(state | {"opt_text_encoder": {"state": {}}, "epoch": 12}, folder / _TAR)
    rng = np.random.default_rng(0)
    np.save(folder / f"{_META}/mean.npy", rng.normal(size=263).astype(np.float32) * 0.1)
    np.save(folder / f"{_META}/std.npy", rng.uniform(0.5, 1, 263).astype(np.float32))
    np.save(folder / "glove/our_vab_data.npy", rng.normal(size=(len(WORDS), 300)))
    (folder / "glove/our_vab_words.pkl").write_bytes(pickle.dumps(list(WORDS)))
    (folder / _INDEX).write_bytes(pickle.dumps(WORDS))


@pytest.fixture(scope="module")
def evaluator_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("humanml3d") / "evaluator"
    write_evaluator(folder, whole=True)
    return folder


@pytest.fixture(scope="module")
def evaluator(evaluator_folder: Path) -> humanml3d.Evaluator:
    return humanml3d.Evaluator.open(evaluator_folder)


def test_the_evaluators_layout_is_the_published_one():
    shapes = {name: layout_of(network) for name, network in humanml3d.networks().items()}
    assert shapes["movement_encoder"] == {
        "main.0.weight": (512, 259, 4), "main.0.bias": (512,), "main.3.weight": (512, 512, 4), "main.3.bias": (512,),
        "out_net.weight": (512, 512), "out_net.bias": (512,),
    }  # fmt: skip
    for name, width, hidden in (("motion_encoder", 512, 1024), ("text_encoder", 300, 512)):
        layout = shapes[name]
        assert layout["hidden"] == (2, 1, hidden)
        assert layout["input_emb.weight"] == (hidden, width)
        assert layout["gru.weight_ih_l0_reverse"] == layout["gru.weight_hh_l0"] == (3 * hidden, hidden)
        assert layout["output_net.0.weight"] == (hidden, 2 * hidden)
        assert layout["output_net.1.weight"] == (hidden,)
        assert layout["output_net.3.weight"] == (512, hidden)
    assert shapes["text_encoder"]["pos_emb.weight"] == (300, 15)
    assert len(shapes["motion_encoder"]) == 17
    assert len(shapes["text_encoder"]) == 19


def test_what_a_clip_means_does_not_depend_on_the_others(evaluator: humanml3d.Evaluator):
    rng = np.random.default_rng(1)
    clips = [rng.normal(size=(length, 263)) for length in (40, 199, 87, 196)]
    seen = evaluator.see(clips)
    assert seen.shape == (4, 512)
    np.testing.assert_allclose(evaluator.see(clips[2:3])[0], seen[2], atol=1e-5)
    np.testing.assert_allclose(evaluator.see([clips[1][:196], clips[2][:84]]), seen[[1, 2]], atol=1e-5)
    contacts = [np.concatenate([clip[:, :-4], 1 - clip[:, -4:]], 1) for clip in clips]
    np.testing.assert_array_equal(evaluator.see(contacts), seen)
    assert np.abs(seen[0] - seen[3]).max() > 1e-3


def test_captions_are_words_with_tags(evaluator: humanml3d.Evaluator):
    told = [["man/NOUN", "walks/VERB"], ["man/NOUN"], ["man/NOUN", "flies/VERB"], ["man/NOUN", "soars/ADV"]]
    read = evaluator.read(told)
    assert read.shape == (4, 512)
    np.testing.assert_allclose(evaluator.read(told[1:2])[0], read[1], atol=1e-5)
    np.testing.assert_allclose(read[2], read[3], atol=1e-6)  # neither has a vector
    assert np.abs(read[0] - read[2]).max() > 1e-3
    walk = [["walk/VERB"], ["walk/NOUN"], ["walks/VERB"], ["walks/NOUN"]]
    same, other, verb, noun = evaluator.read(walk)
    np.testing.assert_allclose(same, other, atol=1e-6)  # an action whatever the tagger says
    assert np.abs(verb - noun).max() > 1e-4
    long = ["man/NOUN"] * 20
    np.testing.assert_allclose(*evaluator.read([long, [*long, "walks/VERB"]]), atol=1e-6)


class _Code:
    def __reduce__(self):
        return print, ("run",)


def _change_state(folder: Path, change) -> None:
    path = folder / "text_mot_match/model/finest.tar"
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / _TAR).unlink(), "should hold one finest.tar"),
        (lambda f: (f / _TAR).write_bytes(b"PK"), r"finest\.tar holds no weights"),
        (lambda f: _change_state(f, lambda s: s.pop("text_encoder")), "its 'text_encoder' should be a table"),
        (lambda f: _change_state(f, lambda s: s["text_encoder"].pop("hidden")), "'text_encoder' has no tensor 'hid"),
        (
            lambda f: _change_state(f, lambda s: s["motion_encoder"].update({"hidden": torch.zeros(2, 1, 512)})),
            r"'hidden' is \(2, 1, 512\) and should be \(2, 1, 1024\)",
        ),
        (lambda f: _change_state(f, lambda s: s["movement_encoder"].update({"out_net.bias": NOWHERE})), "not finite"),
        (lambda f: np.save(f / f"{_META}/mean.npy", np.zeros(251)), r"263 finite numbers, not .* \(251,\)"),
        (lambda f: np.save(f / f"{_META}/std.npy", np.zeros(263)), "not above 0"),
        (lambda f: (f / _INDEX).write_bytes(pickle.dumps(_Code())), "more than lists, texts and numbers"),
        (lambda f: (f / _INDEX).write_bytes(b"\x80\x04"), "our_vab_idx.pkl holds more than .* cut short"),
        (lambda f: (f / _INDEX).write_bytes(pickle.dumps({"man": 1})), "does not fit the lists"),
        (lambda f: np.save(f / "glove/our_vab_data.npy", np.zeros((7, 50))), "should have 300 numbers for each word"),
    ],
)  # fmt: skip
def test_an_evaluator_of_another_layout_is_one_sentence(tmp_path: Path, capsys, change, message: str):
    write_evaluator(tmp_path / "own")
    change(tmp_path / "own")
    with pytest.raises(InputError, match=message) as raised:
        humanml3d.Evaluator.open(tmp_path / "own")
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)
    assert "run" not in capsys.readouterr().out


def write_test_set(folder: Path, clips: int) -> None:
    (folder / "new_joint_vecs").mkdir(parents=True)
    (folder / "texts").mkdir()
    names = [f"{i:06}" for i in range(clips)]
    for i, name in enumerate(names):
        motion = wandering(50 + i % 3, seed=i, turn=i / 10)
        np.save(folder / "new_joint_vecs" / f"{name}.npy", humanml3d.features_of(motion, SKELETON, LENGTHS))
        (folder / "texts" / f"{name}.txt").write_text("A man walks.#man/NOUN walks/VERB#0.0#0.0\n")
    (folder / "test.txt").write_text("\n".join(names) + "\n")


def test_the_test_set_is_read_as_the_makers_do(tmp_path: Path):
    write_test_set(tmp_path, 40)
    np.save(tmp_path / "new_joint_vecs/000000.npy", np.zeros((39, 263)))
    np.save(tmp_path / "new_joint_vecs/000001.npy", np.zeros((200, 263)))
    np.save(tmp_path / "new_joint_vecs/000002.npy", np.full((60, 263), np.nan))
    (tmp_path / "texts/000003.txt").unlink()
    np.save(tmp_path / "new_joint_vecs/000004.npy", np.arange(100 * 263).reshape(100, 263) / 1e4)
    lines = ["he walks#man/NOUN walks/VERB#0.5#3.0", "short#man/NOUN#0.0#1.0", "no time#man/NOUN#nan#nan"]
    (tmp_path / "texts/000004.txt").write_text("\n".join(lines))
    samples = humanml3d.read_test_set(tmp_path, None, 0)
    assert {sample.name for sample in samples} == {f"{i:06}" for i in range(4, 40)}
    cut, whole = sorted((sample for sample in samples if sample.name == "000004"), key=lambda one: len(one.rows))
    assert (len(cut.rows), cut.frames, cut.words, cut.rows[0, 0]) == (
        50,
        48,
        ("man/NOUN", "walks/VERB"),
        10 * 263 / 1e4,
    )
    assert (len(whole.rows), whole.caption) == (100, "no time")
    some = humanml3d.read_test_set(tmp_path, 33, 1)
    assert len(some) == 33
    assert [one.name for one in some] != [one.name for one in humanml3d.read_test_set(tmp_path, 33, 2)]
    with pytest.raises(InputError, match="has 20 clips that can be used, and 32 at least"):
        humanml3d.read_test_set(tmp_path, 20, 0)
    np.save(tmp_path / "new_joint_vecs/000005.npy", np.zeros((60, 251)))
    with pytest.raises(InputError, match=r"000005\.npy should hold 263 numbers a frame, not the shape \(60, 251\)"):
        humanml3d.read_test_set(tmp_path, None, 0)
    (tmp_path / "test.txt").unlink()
    with pytest.raises(InputError, match=r"has no test\.txt"):
        humanml3d.read_test_set(tmp_path, None, 0)


# BEAT, with random weights


def write_autoencoder(folder: Path, whole: bool = False) -> None:
    """As published: trained on several devices, with the half that decodes; and the statistics of its data."""
    torch.manual_seed(0)
    state = beat.network().state_dict()
    state = {f"module.pose_encoder.{name}": value for name, value in (state if whole else hollow(state)).items()}
    state["module.decoder.net.7.bias"] = torch.zeros(beat.COLUMNS)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model_state": state}, folder / "ae_300.bin")
    np.save(folder / "bvh_mean.npy", np.zeros(141))
    np.save(folder / "bvh_std.npy", np.full(141, 20.0))


def write_beat(folder: Path, recordings: int) -> None:
    for i in range(1, recordings + 1):
        place = folder / "2"
        write_bvh(studio_clip(speaking(120 * 5, seed=i, fps=120)), place / f"2_scott_0_{i}_{i}.bvh")
        write_voice(place / f"2_scott_0_{i}_{i}.wav", 5.0)
        (place / f"2_scott_0_{i}_{i}.txt").write_text(
            "beat_align\t0.0\t2.0\t2.0\t0.5\t\n02_nonbeat\t2.0\t5.0\t3.0\t0\thi\n"
        )


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beat")
    write_beat(folder, 2)
    return folder


def test_the_autoencoders_layout_is_the_published_one(tmp_path: Path):
    layout = layout_of(beat.network())
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
    both = seen.see([rows, rows[10:44]])
    assert both.shape == (4, 300)  # three stretches of 34 frames begin every ten
    np.testing.assert_allclose(both[1], both[3], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "ae_300.bin").unlink(), "ae_300.bin does not exist"),
        (lambda f: (f / "ae_300.bin").write_bytes(b"\x80\x02"), "holds no weights"),
        (lambda f: torch.save({"fc_mu.bias": torch.zeros(300)}, f / "ae_300.bin"), "an unknown tensor 'fc_mu.bias'"),
        (lambda f: np.save(f / "bvh_mean.npy", np.zeros(225)), r"bvh_mean\.npy should be 141 finite numbers"),
        (lambda f: np.save(f / "bvh_std.npy", np.zeros(141)), "bvh_std.npy holds numbers that are not above 0"),
        (lambda f: (f / "bvh_std.npy").unlink(), "bvh_std.npy is no array of numbers"),
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
    with pytest.raises(InputError, match="holds no recordings of BEAT"):
        beat.read_recordings(recordings, ["4"], None)


def test_what_goes_to_our_skeleton_comes_back(recordings: Path):
    """Arms and fingers as they were within a degree, which the wrist's twist goes to the forearm by."""
    one = beat.read_recordings(recordings, [], 1)[0]
    near = one.rows.mean(0)
    back = beat.through_ours(one, SKELETON, near)
    for name in ("RightArm", "LeftForeArm", "RightHand", "LeftHandIndex2", "RightHandThumb1", "LeftHandRing"):
        np.testing.assert_allclose(turns(back, name), turns(one.rows, name), atol=0.02, err_msg=name)
    assert np.abs(back - near).reshape(-1, 3).sum(-1).max() <= 360
    far = np.zeros(141)
    far[0] = 3600
    turned = beat.through_ours(one, SKELETON, far)
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


# the commands


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    blocks = ("mfcc", "prosody", "onset")
    torch.manual_seed(0)
    width = features_width(blocks)
    config = DenoiserConfig(
        features=FEATURES, text_width=6, speech_width=width, width=16, layers=1, heads=2, feedforward=16
    )
    statistics = Normalizer(np.zeros(FEATURES), np.ones(FEATURES)), Normalizer(np.zeros(width), np.ones(width))
    folder = tmp_path_factory.mktemp("model") / "tiny"
    save_model(folder, Model(Denoiser(config), ModelConfig(config, blocks, "tiny"), *statistics), torch.float32)
    return folder


def score(*arguments: str | Path) -> int:
    return main(["score", *(str(argument) for argument in arguments)])


def test_score_humanml3d(evaluator_folder: Path, model: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr("core.planning.inputs.encode_texts", vectors)
    write_test_set(tmp_path / "HumanML3D", 33)
    arguments = ("humanml3d", "--model", model, "--source", tmp_path, "--evaluator", evaluator_folder, "--steps", "1")
    assert score(*arguments, "--multimodality", "2", "--out", tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    rows = found["rows"]
    assert list(rows) == ["recordings", "ours", "shuffled", "noise"]
    assert rows["recordings"]["fid"]["mean"] == pytest.approx(0, abs=1e-6)
    assert rows["ours"]["fid"] == rows["shuffled"]["fid"]
    assert rows["ours"]["fid"]["mean"] > 0
    assert rows["ours"]["multimodality"]["mean"] > 0
    assert found["seeds"] == [0]
    assert {cell["interval"] for row in rows.values() for cell in row.values()} == {None}
    assert found["about"]["clips"] == 33
    said = capsys.readouterr().out
    assert said.endswith((tmp_path / "out" / "table.md").read_text())
    assert "±" not in said
    assert "| FID ↓ | R@1 ↑ | R@2 ↑ | R@3 ↑ | MM-Dist ↓ | diversity → | multimodality |" in said
    assert score(*arguments, "--limit", "0") == 2
    assert "--limit must be 1 or more" in capsys.readouterr().err
    assert score(*arguments, "--rounds", "0") == 2
    assert capsys.readouterr().err == "--rounds must be 1 or more, not 0.\n"


class _Teller:
    """Stands in for `generate`: wanders by the seed, and remembers seeds and prompts; interrupted after `stop`."""

    def __init__(self, stop: int | None):
        self.seeds: list[int] = []
        self.prompts: list[str] = []
        self.stop = stop

    def __call__(self, timeline: Timeline, *_: object) -> Motion:
        if len(self.seeds) == self.stop:
            raise KeyboardInterrupt
        self.seeds.append(timeline.seed)
        self.prompts.append(timeline.text[0].prompt)
        return wandering(round(timeline.text[0].end * 20) + 1, seed=timeline.seed, turn=timeline.seed % 7 / 10)


def test_rounds_have_their_own_noise_and_draws_and_go_on_where_they_were_stopped(
    evaluator_folder: Path, model: Path, tmp_path: Path, capsys, monkeypatch
):
    write_test_set(tmp_path, 40)
    for i in range(40):
        (tmp_path / f"texts/{i:06}.txt").write_text(f"he walks {i}#man/NOUN#0#0\nhe runs {i}#man/NOUN walks/VERB#0#0\n")
    out = tmp_path / "out"
    arguments = ["humanml3d", "--model", model, "--source", tmp_path, "--evaluator", evaluator_folder, "--out", out]

    def tell(rounds: int, *more: str, stop: int | None = None) -> tuple[int, _Teller]:
        teller = _Teller(stop)
        monkeypatch.setattr("core.evaluation.published.generate", teller)
        return score(*arguments, "--rounds", str(rounds), "--multimodality", "1", *more), teller

    def found() -> dict:
        return json.loads((out / "metrics.json").read_text())

    each = 40 + 10 + 40  # ours, one caption ten times, noise
    code, stopped = tell(3, stop=2 * each + 5)
    assert code == 130
    first, second, third = (stopped.seeds[at : at + each] for at in (0, each, 2 * each))
    assert len(set(first)) == 50  # an untrained network begins with the same noise
    assert len({*first, *second, *third}) == 50 + 50 + 5
    orders = [[line.split(" ")[2] for line in stopped.prompts[at : at + 40]] for at in (0, each)]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    assert set(stopped.prompts[:40]) != set(stopped.prompts[each : each + 40])  # and other captions of the same clips
    assert "Round 3 of 3, ours: " not in capsys.readouterr().out
    two = found()
    assert two["seeds"] == [0, 1_000_000]
    ours = two["rows"]["ours"]
    for figure in ("fid", "matching", "diversity", "multimodality"):
        a, b = ours[figure]["rounds"]
        assert a != b
        assert ours[figure]["mean"] == pytest.approx((a + b) / 2)
        assert ours[figure]["interval"] == pytest.approx(1.96 * abs(a - b) / 2 / np.sqrt(2))
    assert two["rows"]["recordings"]["fid"]["interval"] == pytest.approx(0, abs=1e-6)

    code, went_on = tell(3)
    assert code == 0
    assert went_on.seeds[:5] == third[:5]
    assert len(went_on.seeds) == each
    said = capsys.readouterr().out
    assert "Round 3 of 3, ours: 50/50" in said
    assert "Round 2" not in said
    three = found()
    assert three["rows"]["ours"]["fid"]["rounds"][:2] == ours["fid"]["rounds"]
    cell = f"{three['rows']['ours']['fid']['mean']:.3f} ± {three['rows']['ours']['fid']['interval']:.3f}"
    assert f"| ours | {cell} |" in said
    assert said.endswith("\nMeans of 3 rounds ± their 95 % confidence interval.\n")

    before = (out / "metrics.json").read_bytes()
    assert tell(1)[1].seeds == []
    assert capsys.readouterr().out == f"Rounds that lie in {out} already: 3.\n" + said[said.index("| | FID") :]
    code, other = tell(1, "--guidance", "2")
    assert (code, other.seeds) == (2, [])
    assert capsys.readouterr().err == (
        f"{out} holds 3 rounds of another model or other settings; give another --out.\n"
    )
    assert (out / "metrics.json").read_bytes() == before


def test_score_beat(recordings: Path, model: Path, tmp_path: Path, capsys):
    write_autoencoder(tmp_path, whole=True)
    arguments = ["beat", "--model", model, "--source", recordings, "--evaluator", tmp_path / "ae_300.bin"]
    assert score(*arguments) == 2
    assert "--statistics is missing" in capsys.readouterr().err
    arguments += ["--statistics", tmp_path, "--steps", "1", "--out", tmp_path / "out", "--rounds", "2"]
    assert score(*arguments) == 0
    told = json.loads((tmp_path / "out" / "metrics.json").read_text())["rows"]
    rows = {name: {key: cell["mean"] for key, cell in row.items()} for name, row in told.items()}
    assert list(rows) == ["recordings", "through ours", "ours", "noise", "shuffled"]
    assert rows["recordings"]["fgd"] == pytest.approx(0, abs=1e-6)
    assert rows["recordings"]["srgr"] == pytest.approx(0.5 * 31 / 75 / 0.165)
    assert rows["through ours"]["fgd"] < rows["ours"]["fgd"] == rows["shuffled"]["fgd"]
    assert rows["through ours"]["srgr"] > rows["ours"]["srgr"]
    assert rows["ours"]["l1_diversity"] > 0
    for name, row in told.items():  # nothing is drawn for the recordings
        assert {len(cell["rounds"]) for cell in row.values()} == {1 if name in ("recordings", "through ours") else 2}, (
            name
        )
    a, b = told["ours"]["fgd"]["rounds"]
    assert a != b
    said = capsys.readouterr().out
    assert said.endswith((tmp_path / "out" / "table.md").read_text())
    assert said.endswith("Means of 2 rounds ± their 95 % confidence interval; without ± nothing is drawn at random.\n")
