# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer: Huber loss on x0, EMA, dropped conditions; killed at any step it goes on where it was.

python -m core prepare --source DIR --out build/takes      # clips and speech to packed takes
python -m core train --takes build/takes --out build/open  # takes to a model folder
torchrun --nproc-per-node 2 -m core train --takes build/takes --out build/open  # on two GPUs
"""

# pyright: reportUnknownMemberType=false

import argparse
import copy
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed
from torch.nn import functional

from ..conditions.speech import features_width
from ..errors import InputError
from ..features import FEATURES
from ..model.checkpoint import Model, ModelConfig, load_model, save_model
from ..model.denoiser import Denoiser, DenoiserConfig
from ..sampling.schedule import Schedule, cosine_schedule
from ..skeleton import neutral_skeleton
from .card import licence_of, model_card
from .components import SIGNAL_STD, component_weights
from .dataset import WINDOW, TakeSet
from .feet import Feet


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn. steps: optimizer steps; batch: windows a step; saved every save_seconds."""

    steps: int = 5000
    batch: int = 32
    learning_rate: float = 1e-3
    warmup: int = 150
    ema: float = 0.998
    speech_share: float = 0.4
    smooth_weight: float = 1.0
    jerk_weight: float = 1.0
    feet_weight: float = 0.05
    seed: int = 1
    save_seconds: float = 300.0


def loss_of(
    denoiser: Denoiser, schedule: Schedule, batch: dict[str, Tensor], weights: Tensor, feet: Feet, recipe: Recipe
) -> Tensor:
    """Masked Huber loss of the predicted x0 (paper eq. 1), of its first and third difference in time, and of the feet.

    The third difference sees hardly anything but errors quicker than people move, 5 Hz and more: small beside the
    others, but what an eye takes for jitter. Of the feet, places count in 5 cm and steps in 1 cm a frame. Other errors
    count in units of the components' own spread, and all more where there is little noise (`noise_weights`).
    """
    x0, valid = batch["x"], batch["valid"]
    timesteps = torch.randint(0, len(schedule), (len(x0),), device=x0.device)
    noisy = schedule.add_noise_each(x0, torch.randn_like(x0), timesteps)
    predicted = denoiser(
        noisy, timesteps, batch["text"], batch["text_present"], batch["speech"], batch["speech_present"], valid
    )
    there = feet(predicted), feet(x0)
    predicted, x0 = predicted / SIGNAL_STD, x0 / SIGNAL_STD
    here = noise_weights(schedule).to(x0.device)[timesteps, None, None] * valid[..., None]  # (B, N, 1)
    total = torch.zeros((), device=x0.device)
    for order, weight in ((0, 1.0), (1, recipe.smooth_weight), (3, recipe.jerk_weight)):
        predicted_now, x0_now = (value.diff(dim=1, n=order) for value in (predicted, x0))
        error = functional.smooth_l1_loss(predicted_now, x0_now, reduction="none") * weights
        total = total + weight * (error * here[:, order:]).sum()
    total = total / len(weights)
    for order, unit in ((0, 0.05), (1, 0.01)):  # metres; metres a frame
        error = functional.smooth_l1_loss(there[0][order] / unit, there[1][order] / unit, reduction="none")
        total = total + recipe.feet_weight * (error.mean((2, 3)) * here[:, order:, 0]).sum()
    return total / valid.sum()


def noise_weights(schedule: Schedule) -> Tensor:
    """(T,) weight of each noise step: half and the root of the signal-to-noise ratio, at most 4, mean 1.

    Errors are small where there is little noise, and what is quick and small, as a wave of the hand, is decided there.
    The full ratio (min-SNR, Hang et al. 2023) would leave next to nothing for the steps that ask the text.
    """
    ratio = schedule.signal / (1 - schedule.signal)
    weights = np.minimum(0.5 + SIGNAL_STD * np.sqrt(ratio), 4.0)
    return torch.from_numpy(weights / weights.mean()).float()


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then even, then over the last half of the steps linear down to a fiftieth.

    So a run can be given more steps at any time before its second half.
    """
    warm = min(1.0, (step + 1) / recipe.warmup)
    left = 1 - step / max(recipe.steps, 1)
    return recipe.learning_rate * warm * min(1.0, max(left / 0.5, 0.02))


def train(
    takes: TakeSet, out: Path, config: DenoiserConfig, recipe: Recipe, name: str, start: Model | None = None
) -> Model:
    """Train, or go on training, into out/state.pt, and write the model folder out/NAME.

    start: a trained model of the same shape to begin with, where there is no state yet.

    The batch and the noise of a step depend on (seed, step) alone, so an interrupted run ends with the same weights.
    Under torchrun each process takes its share of every batch.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _team() as team:
        _train(takes, out / "state.pt", config, recipe, start.denoiser if start else None, team)
        model = None if team.rank else export(out / "state.pt", takes, out / name, name, start)
    return model or load_model(out / name)


@dataclass(frozen=True)
class _Team:
    """Which of how many processes train together, and this one's device."""

    rank: int
    size: int
    device: torch.device

    def share(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """This process' rows of a batch of arrays."""
        return {key: torch.from_numpy(value[self.rank :: self.size]).to(self.device) for key, value in batch.items()}

    def average_gradients(self, denoiser: Denoiser) -> None:
        if self.size > 1:
            for parameter in denoiser.parameters():
                if parameter.grad is not None:
                    distributed.all_reduce(parameter.grad)
                    parameter.grad /= self.size


@contextmanager
def _team() -> Generator[_Team, None, None]:
    """The processes that torchrun has started, or this one alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    if size == 1:
        yield _Team(0, 1, torch.device("cuda" if cuda else "cpu"))
        return
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
        yield _Team(distributed.get_rank(), size, device)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _train(
    takes: TakeSet, state_file: Path, config: DenoiserConfig, recipe: Recipe, start: Denoiser | None, team: _Team
) -> None:
    device = team.device
    torch.manual_seed(recipe.seed)
    denoiser = Denoiser(config).to(device)
    torch.nn.init.normal_(denoiser.text_in.weight)  # a sentence vector has length 1: its entries are small
    if start is not None:
        denoiser.load_state_dict(start.state_dict())
    average = copy.deepcopy(denoiser).requires_grad_(False)
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    schedule, weights = cosine_schedule(), torch.from_numpy(component_weights()).float().to(device)
    feet = Feet(takes.normalizer, neutral_skeleton(), device)
    first = _resume(state_file, takes, denoiser, average, optimizer, config)
    saved = started = time.monotonic()
    running = 0.0
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        batch = team.share(takes.batch(recipe.seed, step, recipe.batch, recipe.speech_share))
        torch.manual_seed((recipe.seed + 1009 * team.rank) * 1_000_003 + step)
        loss = loss_of(denoiser, schedule, batch, weights, feet, recipe)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients(denoiser)
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimizer.step()
        _average(average, denoiser, min(recipe.ema, (1 + step) / (10 + step)))
        running = loss.item() if step == first else 0.98 * running + 0.02 * loss.item()
        if team.rank:
            continue
        if (step + 1) % 100 == 0:
            pace = (time.monotonic() - started) / (step + 1 - first)
            print(f"step {step + 1}/{recipe.steps}  loss {running:.4f}  {pace:.2f} s a step", flush=True)
        if time.monotonic() - saved > recipe.save_seconds:
            _save_state(state_file, step + 1, takes, denoiser, average, optimizer, config)
            saved = time.monotonic()
    if team.rank == 0:
        _save_state(state_file, recipe.steps, takes, denoiser, average, optimizer, config)


def export(state_file: Path, takes: TakeSet, folder: Path, name: str, start: Model | None = None) -> Model:
    """Write the averaged weights of a training state, which began with `start`, as a model folder."""
    state = torch.load(state_file, weights_only=True, map_location="cpu")
    config = DenoiserConfig(**state["config"])
    denoiser = Denoiser(config)
    denoiser.load_state_dict(state["average"])
    trained = int(state["step"]) + (start.config.trained_steps if start else 0)
    model_config = ModelConfig(
        config, takes.speech_blocks, takes.encoder, window=WINDOW, projected_from=FEATURES, trained_steps=trained,
        held_out_clips=len(takes.split.clips), licence=licence_of(takes),
    )  # fmt: skip
    card = model_card(name, takes, model_config)
    model = Model(denoiser.eval().requires_grad_(False), model_config, takes.normalizer, takes.speech_normalizer, card)
    save_model(folder, model)
    return model


@torch.no_grad()
def _average(average: Denoiser, denoiser: Denoiser, decay: float) -> None:
    for slow, fast in zip(average.parameters(), denoiser.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def _save_state(
    path: Path,
    step: int,
    takes: TakeSet,
    denoiser: Denoiser,
    average: Denoiser,
    optimizer: torch.optim.Optimizer,
    config: DenoiserConfig,
) -> None:
    state: dict[str, Any] = {
        "step": step,
        "config": asdict(config),
        "feature_mean": torch.from_numpy(takes.normalizer.mean),
        "denoiser": denoiser.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    temporary = path.with_name(path.name + ".part")
    torch.save(state, temporary)
    os.replace(temporary, path)  # a full disk leaves the last good state


def _resume(
    path: Path,
    takes: TakeSet,
    denoiser: Denoiser,
    average: Denoiser,
    optimizer: torch.optim.Optimizer,
    config: DenoiserConfig,
) -> int:
    """Load a state where there is one; the step to go on with."""
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    if state["config"] != asdict(config):
        raise InputError(f"{path} was trained with another network: give another --out, or remove it.")
    if not np.allclose(state["feature_mean"], takes.normalizer.mean):
        raise InputError(f"{path} was trained on other takes: give the same --takes and --start, or another --out.")
    denoiser.load_state_dict(state["denoiser"])
    average.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    print(f"going on at step {state['step']}", flush=True)
    return int(state["step"])


def main(arguments: Sequence[str]) -> int:
    """`python -m core train`."""
    parser = argparse.ArgumentParser(prog="python -m core train", description=__doc__)
    parser.add_argument("--takes", type=Path, required=True, help="folder that `prepare` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of the training state and the model")
    parser.add_argument("--name", default="open", help="name of the model folder")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--feedforward", type=int, default=768)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--start", help="a model to begin with, by name or folder, instead of random weights")
    parser.add_argument("--export-only", action="store_true", help="write the model folder of the last saved state")
    for field, kind in (
        ("steps", int),
        ("batch", int),
        ("learning-rate", float),
        ("seed", int),
        ("save-seconds", float),
    ):
        parser.add_argument(f"--{field}", type=kind, default=getattr(Recipe, field.replace("-", "_")))
    given = parser.parse_args(arguments)
    if not (given.takes / "takes.json").is_file():
        raise InputError(f"{given.takes} holds no takes: run `python -m core prepare --out {given.takes}` first.")
    start = load_model(given.start) if given.start else None
    takes = TakeSet(given.takes, (start.normalizer, start.speech_normalizer) if start else None)
    if given.export_only:
        export(given.out / "state.pt", takes, given.out / given.name, given.name, start)
        return 0
    config = DenoiserConfig(
        features=len(component_weights()), text_width=takes.sentences.shape[1],
        speech_width=features_width(takes.speech_blocks), width=given.width, layers=given.layers,
        feedforward=given.feedforward, dropout=given.dropout, norm_first=True, absence="learned",
        conditioning="every_layer", skip=True, answer_filter=5,
    )  # fmt: skip
    recipe = Recipe(
        steps=given.steps, batch=given.batch, learning_rate=given.learning_rate, seed=given.seed,
        save_seconds=given.save_seconds,
    )  # fmt: skip
    if start is not None and start.denoiser.config != config:
        raise InputError(f"The model {given.start} has another network than was asked for: give its sizes.")
    train(takes, given.out, config, recipe, given.name, start)
    return 0
