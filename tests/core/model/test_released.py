# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint in the released layout becomes a model folder that generates; anything else is refused in a sentence."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from core.__main__ import main
from core.generate import Settings, generate
from core.model.checkpoint import load_model
from core.model.denoiser import Denoiser
from core.model.released import read_checkpoint, released_config, released_layout, released_name
from core.motion.features import headings
from core.motion.metrics import sole_heights
from core.motion.released_features import canonicalize, encode, y_up
from core.motion.rotation import rotation_y
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import SpeechStrip, TextStrip, Timeline
from tests.core.moves import wandering
from tests.core.tiny_networks import make_clip, make_wavlm

LAYOUTS = json.loads((Path(__file__).parents[2] / "golden" / "b_denoiser_state_dict_keys.json").read_text())
PROMPT = "a person walks"


def random_checkpoint(version: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {name: 0.02 * torch.randn(shape) for name, shape in LAYOUTS[version].items()}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the command needs, random or tiny: model001000000.pt, clip, wavlm and statistics."""
    folder = tmp_path_factory.mktemp("released")
    torch.save(random_checkpoint("v3_0"), folder / "model001000000.pt")
    make_clip(folder / "clip", PROMPT, width=512)
    make_wavlm(folder / "wavlm", width=1024)
    y_up = wandering(90).positions(neutral_skeleton())
    z_up = np.stack([y_up[..., 0], -y_up[..., 2], y_up[..., 1]], -1)
    features = encode(z_up)
    (folder / "statistics").mkdir()
    np.save(folder / "statistics" / "my_v0_mean.npy", features.mean(0))
    np.save(folder / "statistics" / "my_v0_std.npy", features.std(0) + 1e-3)
    return folder


def run(given: Path, out: Path, **changes: Path) -> int:
    paths = {name: given / name for name in ("clip", "wavlm", "statistics")} | changes
    checkpoint = paths.pop("checkpoint", given / "model001000000.pt")
    options = [argument for name, path in paths.items() for argument in (f"--{name}", str(path))]
    return main(["import-checkpoint", str(checkpoint), *options, "--out", str(out)])


@pytest.fixture(scope="module")
def folder(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "freetalker"
    assert run(given, out) == 0
    return out


@pytest.mark.parametrize("version", LAYOUTS)
def test_the_layout_is_the_released_one(version: str):
    config = released_config(256 if version in ("v3_0", "v3_5") else 512, version in ("v3_5", "v3_4"))
    assert released_layout(config) == {name: tuple(shape) for name, shape in LAYOUTS[version].items()}


@pytest.mark.parametrize("version", LAYOUTS)
def test_every_weight_comes_in_unchanged(version: str, tmp_path: Path):
    state = random_checkpoint(version)
    torch.save(state | {"clip_model.text_projection": torch.zeros(2)}, tmp_path / "model.pt")
    weights = read_checkpoint(tmp_path / "model.pt").state_dict()
    assert sum(name.endswith(("pe", "inv_freq")) for name in state) + len(weights) == len(state)
    for name, value in weights.items():
        assert torch.equal(value, state[released_name(name)])


def test_the_model_folder_loads_like_any_other(folder: Path, given: Path):
    model = load_model("freetalker", search=folder.parent)
    assert {path.name for path in folder.iterdir()} >= {"config.json", "weights.safetensors", "card.md"}
    assert list(folder.parent.iterdir()) == [folder]
    assert sum(p.numel() for p in model.denoiser.parameters()) == 7_340_947
    assert (model.config.sampler, model.config.steps, model.config.double_take) == ("ddpm", 1000, "legacy")
    assert model.config.trained_steps == 1_000_000
    assert model.config.text_encoder == str(given / "clip")
    state = random_checkpoint("v3_0")
    assert torch.equal(model.denoiser.text_in.weight, state["embed_text.weight"])  # not halved on the way
    np.testing.assert_allclose(
        model.normalizer.mean, np.load(given / "statistics" / "my_v0_mean.npy"), rtol=1e-6, atol=1e-6
    )
    np.testing.assert_array_equal(model.speech_normalizer.std, 1)


def test_an_imported_model_generates_from_text_and_speech(folder: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "voice.wav", 0.1 * rng.standard_normal(16000 * 3), 16000)
    timeline = Timeline(
        (TextStrip(0, 3, PROMPT), TextStrip(9, 10, PROMPT)), (SpeechStrip(3, tmp_path / "voice.wav"),), fps=20
    )
    model = load_model(folder)
    motion = generate(timeline, model, Settings(steps=3))
    assert len(motion) == 201
    skeleton = neutral_skeleton()
    raw = generate(timeline, model, Settings(steps=3, cleanup=False))
    positions = raw.positions(skeleton)
    np.testing.assert_allclose(positions[0, 0, [0, 2]], 0, atol=1e-9)
    assert headings(positions)[0] == pytest.approx(0, abs=1e-6)
    assert np.percentile(sole_heights(positions, skeleton).min(-1), 5) == pytest.approx(0, abs=1e-6)
    assert np.median(positions[:, 15, 1]) > 1.2  # the head is up
    assert np.isfinite(motion.rotations).all()


def test_the_network_makes_the_motion_that_its_numbers_say(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A network that answers the features of a clip in the released form leads to that clip."""
    skeleton = neutral_skeleton()
    ours = wandering(81, turn=1.0).positions(skeleton)
    z_up = np.stack([ours[..., 0], -ours[..., 2], ours[..., 1]], -1)
    model = load_model(folder)
    answer = torch.as_tensor(model.normalizer.normalize(encode(z_up))).float()
    monkeypatch.setattr(Denoiser, "forward", lambda self, x, *conditions: answer[: x.shape[1]].expand_as(x))
    settings = Settings(steps=2, cleanup=False)
    motion = generate(Timeline((TextStrip(0, 3.95, PROMPT),), fps=20), model, settings)
    expected = y_up(canonicalize(z_up))[:80]
    turn = rotation_y(-headings(expected)[0])
    np.testing.assert_allclose(_seen(motion.positions(skeleton)), _seen(expected @ turn.T), atol=1e-3)


def _seen(positions: np.ndarray) -> np.ndarray:
    """World positions (T, 55, 3) less where the first pelvis is."""
    return positions - positions[0, 0]


def refused(capsys: pytest.CaptureFixture[str], out: Path, code: int, message: str) -> None:
    error = capsys.readouterr().err
    assert code == 2
    assert re.search(message, error), error
    assert error.count("\n") == 1
    assert not out.exists()
    assert not out.parent.exists() or not list(out.parent.iterdir())


class Bomb:
    """What a pickle must not do when it is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_not_run(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "models" / "new"
    (tmp_path / "bad.pt").write_bytes(pickle.dumps({"embed_text.weight": Bomb(tmp_path / "bang")}))
    torch.save({"embed_text.weight": Bomb(tmp_path / "bang")}, tmp_path / "worse.pt")
    for name in ("bad.pt", "worse.pt"):
        refused(capsys, out, run(given, out, checkpoint=tmp_path / name), f"{name} contains no weights")
    assert not (tmp_path / "bang").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("embed_audio.bias"), "has no tensor 'embed_audio.bias'"),
        (lambda state: state.update({"seed_pose.weight": torch.zeros(3)}), "unknown tensor 'seed_pose.weight'"),
        (
            lambda state: state.update({"embed_audio.weight": torch.zeros(256, 141)}),
            r"has the shape \(256, 141\) instead of",
        ),
        (
            lambda state: state.update({"embed_text.bias": torch.zeros(64)}),
            "'embed_text.bias' does not have 256 or 512",
        ),
        (lambda state: state.update({"embed_text.bias": 3}), "a table of tensors"),
        (lambda state: state.clear(), "a table of tensors"),
        (lambda state: state["output_process.poseFinal.bias"].fill_(torch.inf), "not finite"),
    ],
)
def test_a_checkpoint_of_another_layout_is_refused(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change, message: str
):
    state = random_checkpoint("v3_0")
    change(state)
    torch.save(state, tmp_path / "model.pt")
    out = tmp_path / "models" / "new"
    refused(capsys, out, run(given, out, checkpoint=tmp_path / "model.pt"), message)


@pytest.mark.parametrize("left", [0, 100, 100_000])
def test_a_checkpoint_cut_short_is_refused(given: Path, tmp_path: Path, capsys, left: int):
    (tmp_path / "model.pt").write_bytes((given / "model001000000.pt").read_bytes()[:left])
    out = tmp_path / "models" / "new"
    refused(capsys, out, run(given, out, checkpoint=tmp_path / "model.pt"), "model.pt contains no weights")
    refused(capsys, out, run(given, out, checkpoint=tmp_path / "none.pt"), "none.pt does not exist")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"one \*mean\*.npy with 659 numbers, not 0"),
        ({"mean.npy": np.zeros(659), "Mean_2.npy": np.zeros(659), "std.npy": np.ones(659)}, "not 2"),
        ({"mean.npy": np.zeros(263), "std.npy": np.ones(263)}, r"659 finite numbers, not the shape \(263,\)"),
        ({"mean.npy": np.zeros(659), "std.npy": np.zeros(659)}, "not above 0"),
        ({"mean.npy": np.full(659, np.nan), "std.npy": np.ones(659)}, "659 finite numbers"),
        ({"mean.npy": np.array([{}]), "std.npy": np.ones(659)}, "not an array of numbers"),
    ],
)
def test_other_statistics_are_refused(given: Path, tmp_path: Path, capsys, files: dict[str, np.ndarray], message: str):
    (tmp_path / "own").mkdir()
    for name, values in files.items():
        np.save(tmp_path / "own" / name, values)
    out = tmp_path / "models" / "new"
    refused(capsys, out, run(given, out, statistics=tmp_path / "own"), message)


def test_other_encoders_are_refused(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "models" / "new"
    other = Path(make_clip(tmp_path / "small", PROMPT, width=12))
    refused(capsys, out, run(given, out, clip=other), "512 numbers, but .* has 12")
    other = Path(make_wavlm(tmp_path / "base", width=32, large=False))
    refused(capsys, out, run(given, out, wavlm=other), "1024 numbers, but .* has 32")
    refused(capsys, out, run(given, out, clip=tmp_path / "absent"), "text encoder .*absent' cannot be loaded")
    refused(capsys, out, run(given, out, wavlm=tmp_path / "absent"), "WavLM network .*absent' cannot be loaded")


def test_a_folder_that_is_there_is_left_alone(given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    assert run(given, tmp_path / "mine") == 2
    assert "mine already exists" in capsys.readouterr().err
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"
