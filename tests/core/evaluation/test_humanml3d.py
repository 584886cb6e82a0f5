# SPDX-License-Identifier: GPL-3.0-or-later
"""HumanML3D's features, evaluator and test set."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.evaluation import humanml3d
from core.evaluation.humanml3d_networks import networks
from core.evaluation.humanml3d_set import FEATURES as SET_FEATURES
from core.evaluation.humanml3d_set import read_test_set
from core.model.foreign import tensor_layout
from core.motion.released_features import encode
from tests.core.evaluation.published_files import (
    INDEX_FILE,
    LENGTHS,
    META,
    NOWHERE,
    SKELETON,
    TAR,
    write_evaluator,
    write_test_set,
)
from tests.core.moves import wandering


def test_the_features_are_those_of_the_body_alone():
    motion = wandering(40, turn=1.0)
    positions = motion.positions(SKELETON)
    positions[:, 22:] = positions[:, 15:16]  # nothing but the body touches the floor
    whole, body = encode(positions), encode(positions[:, :22])
    assert body.shape == (39, SET_FEATURES) == (39, 263)
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


def test_feet_stand_that_move_less_than_45_millimeters_per_frame():
    motion = wandering(3)
    still = replace(motion, rotations=motion.rotations[[0, 0, 0]], translation=motion.translation[[0, 0, 0]])
    for step, stands in ((0.044, 1.0), (0.045, 0.0)):
        path = still.translation + np.arange(3)[:, None] * [step, 0.0, 0.0]
        features = humanml3d.features_of(replace(still, translation=path), SKELETON, LENGTHS)
        assert (features[:, -4:] == stands).all()


@pytest.fixture(scope="module")
def evaluator(evaluator_folder: Path) -> humanml3d.Evaluator:
    return humanml3d.Evaluator.open(evaluator_folder)


def test_the_evaluators_layout_is_the_published_one():
    shapes = {name: tensor_layout(network) for name, network in networks().items()}
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
    seen = evaluator.embed_motions(clips)
    assert seen.shape == (4, 512)
    np.testing.assert_allclose(evaluator.embed_motions(clips[2:3])[0], seen[2], atol=1e-5)
    np.testing.assert_allclose(evaluator.embed_motions([clips[1][:196], clips[2][:84]]), seen[[1, 2]], atol=1e-5)
    contacts = [np.concatenate([clip[:, :-4], 1 - clip[:, -4:]], 1) for clip in clips]
    np.testing.assert_array_equal(evaluator.embed_motions(contacts), seen)
    assert np.abs(seen[0] - seen[3]).max() > 1e-3


def test_captions_are_words_with_tags(evaluator: humanml3d.Evaluator):
    captions = [["man/NOUN", "walks/VERB"], ["man/NOUN"], ["man/NOUN", "flies/VERB"], ["man/NOUN", "soars/ADV"]]
    read = evaluator.embed_captions(captions)
    assert read.shape == (4, 512)
    np.testing.assert_allclose(evaluator.embed_captions(captions[1:2])[0], read[1], atol=1e-5)
    np.testing.assert_allclose(read[2], read[3], atol=1e-6)  # neither has a vector
    assert np.abs(read[0] - read[2]).max() > 1e-3
    walk = [["walk/VERB"], ["walk/NOUN"], ["walks/VERB"], ["walks/NOUN"]]
    same, other, verb, noun = evaluator.embed_captions(walk)
    np.testing.assert_allclose(same, other, atol=1e-6)  # an action whatever the tagger says
    assert np.abs(verb - noun).max() > 1e-4
    long = ["man/NOUN"] * 20
    np.testing.assert_allclose(*evaluator.embed_captions([long, [*long, "walks/VERB"]]), atol=1e-6)


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
        (lambda f: (f / TAR).unlink(), "must contain exactly one finest.tar"),
        (lambda f: (f / TAR).write_bytes(b"PK"), r"finest\.tar contains no weights"),
        (lambda f: _change_state(f, lambda s: s.pop("text_encoder")), "its 'text_encoder' must be a table"),
        (lambda f: _change_state(f, lambda s: s["text_encoder"].pop("hidden")), "'text_encoder' has no tensor 'hid"),
        (
            lambda f: _change_state(f, lambda s: s["motion_encoder"].update({"hidden": torch.zeros(2, 1, 512)})),
            r"'hidden' has the shape \(2, 1, 512\) instead of \(2, 1, 1024\)",
        ),
        (lambda f: _change_state(f, lambda s: s["movement_encoder"].update({"out_net.bias": NOWHERE})), "not finite"),
        (lambda f: np.save(f / f"{META}/mean.npy", np.zeros(251)), r"263 finite numbers, not .* \(251,\)"),
        (lambda f: np.save(f / f"{META}/std.npy", np.zeros(263)), "not above 0"),
        (lambda f: (f / INDEX_FILE).write_bytes(pickle.dumps(_Code())), "more than lists, texts and numbers"),
        (lambda f: (f / INDEX_FILE).write_bytes(b"\x80\x04"), "our_vab_idx.pkl contains more than .* incomplete"),
        (lambda f: (f / INDEX_FILE).write_bytes(pickle.dumps({"man": 1})), "does not fit the word lists"),
        (lambda f: np.save(f / "glove/our_vab_data.npy", np.zeros((7, 50))), "must have 300 numbers for each word"),
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


def test_the_test_set_is_read_as_its_authors_do(tmp_path: Path):
    write_test_set(tmp_path, 40)
    np.save(tmp_path / "new_joint_vecs/000000.npy", np.zeros((39, 263)))
    np.save(tmp_path / "new_joint_vecs/000001.npy", np.zeros((200, 263)))
    np.save(tmp_path / "new_joint_vecs/000002.npy", np.full((60, 263), np.nan))
    (tmp_path / "texts/000003.txt").unlink()
    np.save(tmp_path / "new_joint_vecs/000004.npy", np.arange(100 * 263).reshape(100, 263) / 1e4)
    lines = ["he walks#man/NOUN walks/VERB#0.5#3.0", "short#man/NOUN#0.0#1.0", "no time#man/NOUN#nan#nan"]
    (tmp_path / "texts/000004.txt").write_text("\n".join(lines))
    samples = read_test_set(tmp_path, None, 0)
    assert {sample.name for sample in samples} == {f"{i:06}" for i in range(4, 40)}
    cut, whole = sorted((sample for sample in samples if sample.name == "000004"), key=lambda one: len(one.features))
    assert (len(cut.features), cut.frames, cut.words, cut.features[0, 0]) == (
        50,
        48,
        ("man/NOUN", "walks/VERB"),
        10 * 263 / 1e4,
    )
    assert (len(whole.features), whole.caption) == (100, "no time")
    some = read_test_set(tmp_path, 33, 1)
    assert len(some) == 33
    assert [one.name for one in some] != [one.name for one in read_test_set(tmp_path, 33, 2)]
    with pytest.raises(InputError, match="has 20 usable clips, but at least 32"):
        read_test_set(tmp_path, 20, 0)
    np.save(tmp_path / "new_joint_vecs/000005.npy", np.zeros((60, 251)))
    with pytest.raises(InputError, match=r"000005\.npy must have 263 numbers per frame, not the shape \(60, 251\)"):
        read_test_set(tmp_path, None, 0)
    (tmp_path / "test.txt").unlink()
    with pytest.raises(InputError, match=r"has no test\.txt"):
        read_test_set(tmp_path, None, 0)
