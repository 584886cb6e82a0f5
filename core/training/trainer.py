# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop; a run that is killed at any step continues where it was."""

# pyright: reportUnknownMemberType=false

import time
from pathlib import Path

import numpy as np
import torch

from ..model.checkpoint import Model, load_model, torch_denoiser
from ..model.denoiser import Denoiser, DenoiserConfig
from ..model.prompt_classifier import PromptClassifier
from ..sampling.schedule import cosine_schedule
from .clip_set import ClipSet
from .export import export
from .losses import make_loss
from .prompt_conditioning import set_conditioning
from .recipes import Recipe
from .team import Team, joined_team
from .training_state import Learner, blend_weights, load_state, save_state


def learning_rate(step: int, recipe: Recipe) -> float:
    """Return the learning rate of a step.

    It rises linearly during the warm-up, stays constant, and over the last `decay_share` of the steps falls linearly to
    a fiftieth. So a run can be given more steps at any time before those.
    """
    warm = min(1.0, (step + 1) / recipe.warmup)
    left = 1 - step / max(recipe.steps, 1)
    return recipe.learning_rate * warm * min(1.0, max(left / max(recipe.decay_share, 1e-9), 0.02))


def train(
    clips: ClipSet, out: Path, config: DenoiserConfig, recipe: Recipe, name: str, start: Model | None = None
) -> Model:
    """Train, or continue training, and write a model folder.

    The batch and the noise of a step depend on (seed, step) alone, so an interrupted run ends with the same weights.
    Under torchrun each process takes its share of every batch.

    Args:
        clips: The training clips.
        out: Folder of state.pt, the training state, and of the model folder.
        config: The network.
        recipe: How to train.
        name: Name of the model folder.
        start: A trained model of the same shape to begin with, if there is no state yet.

    Raises:
        InputError: The state is another network's, or was trained on other clips.
    """
    out.mkdir(parents=True, exist_ok=True)
    with joined_team() as team:
        _train(clips, out / "state.pt", config, recipe, torch_denoiser(start) if start else None, team)
        model = None if team.rank else export(out / "state.pt", clips, out / name, name, recipe, start)
    return model or load_model(out / name)


def _train(
    clips: ClipSet, state_file: Path, config: DenoiserConfig, recipe: Recipe, start: Denoiser | None, team: Team
) -> None:
    state = load_state(state_file, clips, config, recipe)
    classifier = set_conditioning(clips, recipe, state, state_file.parent, write=team.rank == 0)
    torch.manual_seed(recipe.seed)
    denoiser = Denoiser(config).to(team.device)
    unit_text = np.allclose(np.linalg.norm(clips.texts, axis=1), 1.0, atol=0.01)
    if denoiser.text_in is not None and unit_text:  # the entries of unit vectors are small
        torch.nn.init.normal_(denoiser.text_in.weight)
    if start is not None:
        denoiser.load_state_dict(start.state_dict())
    learner = Learner.of(denoiser, recipe)
    first = 0
    if state:
        first = learner.restore(state)
        print(f"resuming at step {first}", flush=True)
        state.clear()  # frees memory
    _take_steps(clips, state_file, recipe, team, learner, classifier, first)
    if team.rank == 0:
        save_state(state_file, max(first, recipe.steps), clips, learner, recipe, classifier)


def _take_steps(
    clips: ClipSet, state_file: Path, recipe: Recipe, team: Team, learner: Learner,
    classifier: PromptClassifier | None, first: int,
) -> None:  # fmt: skip
    """Take the optimizer steps from `first` on, and save the state now and then."""
    denoiser, optimizer = learner.denoiser, learner.optimizer
    loss_of = make_loss(recipe, cosine_schedule(), clips.normalizer, team.device)
    saved = started = time.monotonic()
    running = 0.0
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        batch = team.share(clips.batch(recipe.seed, step, recipe.batch, recipe.speech_share))
        torch.manual_seed((recipe.seed + 1009 * team.rank) * 1_000_003 + step)
        loss = loss_of(denoiser, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients(denoiser)
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), 1.0)
        optimizer.step()
        blend_weights(learner.average, denoiser, min(recipe.ema, (1 + step) / (10 + step)))
        running = loss.item() if step == first else 0.98 * running + 0.02 * loss.item()
        if team.rank:
            continue
        if (step + 1) % 100 == 0:
            pace = (time.monotonic() - started) / (step + 1 - first)
            print(f"step {step + 1}/{recipe.steps}  loss {running:.4f}  {pace:.2f} s a step", flush=True)
        if time.monotonic() - saved > recipe.save_seconds:
            save_state(state_file, step + 1, clips, learner, recipe, classifier)
            saved = time.monotonic()
