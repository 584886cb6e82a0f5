# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in the layouts of HumanML3D's and BEAT's evaluators and datasets, with random weights."""

import pickle
from pathlib import Path

import numpy as np
import torch

from core.evaluation import beat, humanml3d
from core.evaluation.humanml3d_networks import networks
from core.motion.skeleton import PARENTS, neutral_skeleton
from tests.core.dataset_makers import speaking, studio_clip, write_bvh, write_voice
from tests.core.moves import wandering

SKELETON = neutral_skeleton()
BODY = SKELETON.rest_positions[:22]
LENGTHS = np.linalg.norm(BODY - BODY[[0, *PARENTS[1:22]]], axis=-1)
NOWHERE = torch.full((512,), torch.nan)
TAR, META, INDEX_FILE = "text_mot_match/model/finest.tar", "Comp_v6_KLD01/meta", "glove/our_vab_idx.pkl"
WORDS = {"sos": 0, "eos": 1, "unk": 2, "man": 3, "walks": 4, "walk": 5, "slowly": 6}


def hollow(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same names and shapes, in a file of a few kilobytes."""
    return {name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in state.items()}


def write_evaluator(folder: Path, whole: bool = False) -> None:
    """In the layout as published: text_mot_match, Comp_v6_KLD01 and glove. whole: with random weights."""
    torch.manual_seed(0)
    for part in ("text_mot_match/model", "Comp_v6_KLD01/meta", "glove"):
        (folder / part).mkdir(parents=True)
    parts = networks()
    torch.nn.init.normal_(parts["text_encoder"].hidden)
    state = {name: network.state_dict() if whole else hollow(network.state_dict()) for name, network in parts.items()}
    torch.save(state | {"opt_text_encoder": {"state": {}}, "epoch": 12}, folder / TAR)
    rng = np.random.default_rng(0)
    np.save(folder / f"{META}/mean.npy", rng.normal(size=263).astype(np.float32) * 0.1)
    np.save(folder / f"{META}/std.npy", rng.uniform(0.5, 1, 263).astype(np.float32))
    np.save(folder / "glove/our_vab_data.npy", rng.normal(size=(len(WORDS), 300)))
    (folder / "glove/our_vab_words.pkl").write_bytes(pickle.dumps(list(WORDS)))
    (folder / INDEX_FILE).write_bytes(pickle.dumps(WORDS))


def write_test_set(folder: Path, clips: int) -> None:
    (folder / "new_joint_vecs").mkdir(parents=True)
    (folder / "texts").mkdir()
    names = [f"{i:06}" for i in range(clips)]
    for i, name in enumerate(names):
        motion = wandering(42 + i % 3, seed=i, turn=i / 10)
        np.save(folder / "new_joint_vecs" / f"{name}.npy", humanml3d.features_of(motion, SKELETON, LENGTHS))
        (folder / "texts" / f"{name}.txt").write_text("A man walks.#man/NOUN walks/VERB#0.0#0.0\n")
    (folder / "test.txt").write_text("\n".join(names) + "\n")


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
