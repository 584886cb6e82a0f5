# SPDX-License-Identifier: GPL-3.0-or-later
"""The training state survives a full disk, and states of earlier versions are read."""

import pytest
import torch

from core.errors import InputError
from core.model.checkpoint import load_model
from core.training.trainer import train
from tests.core.training.tiny import CONFIG, recipe


def test_a_full_disk_leaves_the_last_good_state(clips, tmp_path, monkeypatch):
    out = tmp_path / "out"
    train(clips, out, CONFIG, recipe(2), "tiny")

    def half_written(state, path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("unexpected pos 576 vs 534")  # what torch says of a full disk

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half_written)
        with pytest.raises(
            InputError, match=r"state\.pt cannot be written: .*disk may be full; the existing file was kept\."
        ):
            train(clips, out, CONFIG, recipe(4), "tiny")
    assert not list(out.glob("*.part"))
    assert load_model(out / "tiny").config.trained_steps == 2
    assert torch.load(out / "state.pt", weights_only=True)["step"] == 2
    assert train(clips, out, CONFIG, recipe(4), "tiny").config.trained_steps == 4


def test_a_state_with_another_classifier_is_not_trained_on(clips, tmp_path):
    train(clips, tmp_path / "out", CONFIG, recipe(1), "tiny")
    state = torch.load(tmp_path / "out" / "state.pt", weights_only=True)
    state["classifier"]["scores.0.weight"] = state["classifier"].pop("gist.0.weight")
    torch.save(state, tmp_path / "out" / "state.pt")
    with pytest.raises(InputError, match="prompt classifier of another version"):
        train(clips, tmp_path / "out", CONFIG, recipe(2), "tiny")


def test_a_state_of_an_earlier_version_is_continued(clips, tmp_path):
    out = tmp_path / "out"
    first = train(clips, out, CONFIG, recipe(2), "tiny")
    state = torch.load(out / "state.pt", weights_only=True)
    tensors = state.pop("classifier")
    state["aligner"] = {"typical" if name == "prototypes" else name: value for name, value in tensors.items()}
    torch.save(state, out / "state.pt")
    (out / "conditioning.npy").rename(out / "told.npy")
    again = train(clips, out, CONFIG, recipe(3), "tiny")
    assert again.config.trained_steps == 3
    for key, value in first.classifier.state_dict().items():
        assert torch.equal(value, again.classifier.state_dict()[key]), key
    assert not (out / "conditioning.npy").exists()  # what was computed before is used
