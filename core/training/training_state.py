# SPDX-License-Identifier: GPL-3.0-or-later
"""state.pt: the saved state of a training, from which an interrupted run continues and a model is exported."""

# pyright: reportUnknownMemberType=false

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..files import replacing
from ..model.denoiser import Denoiser, DenoiserConfig
from ..model.prompt_classifier import PromptClassifier
from .clip_set import ClipSet
from .recipes import Recipe

_CLASSIFIER = "classifier"
_OLD_CLASSIFIER = "aligner"  # its key in the states of earlier versions


@dataclass
class Learner:
    """The networks that an optimizer step changes.

    Attributes:
        denoiser: The network that learns.
        average: The exponential moving average of its weights, which is what the model consists of.
        optimizer: The optimizer of the denoiser.
    """

    denoiser: Denoiser
    average: Denoiser
    optimizer: torch.optim.Optimizer

    @staticmethod
    def of(denoiser: Denoiser, recipe: Recipe) -> "Learner":
        """Prepare to train a network as a recipe says."""
        average = copy.deepcopy(denoiser).requires_grad_(False)
        optimizer = torch.optim.AdamW(denoiser.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        return Learner(denoiser, average, optimizer)

    def restore(self, state: Mapping[str, Any]) -> int:
        """Continue from a saved state; return the number of steps taken."""
        self.denoiser.load_state_dict(state["denoiser"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["step"])


@torch.no_grad()
def blend_weights(average: Denoiser, denoiser: Denoiser, decay: float) -> None:
    """Set the weights of `average` to decay * their own + (1 - decay) * those of `denoiser`."""
    for slow, fast in zip(average.parameters(), denoiser.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def save_state(
    path: Path, step: int, clips: ClipSet, learner: Learner, recipe: Recipe, classifier: PromptClassifier | None
) -> None:
    """Write a training state; the file already there is replaced whole or not at all.

    Raises:
        InputError: It cannot be written.
    """
    state: dict[str, Any] = {
        "step": step,
        "config": asdict(learner.denoiser.config),
        "loss": recipe.loss,
        "feature_mean": torch.from_numpy(clips.normalizer.mean),
        "denoiser": learner.denoiser.state_dict(),
        "average": learner.average.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        _CLASSIFIER: classifier.state_dict() if classifier is not None else {},
    }
    with replacing(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # what torch raises when the disk is full
            raise OSError(f"{error}: the disk may be full") from error


def read_state(path: Path) -> dict[str, Any]:
    """Return a training state as it was saved, on the CPU."""
    return torch.load(path, weights_only=True, map_location="cpu")


def load_state(path: Path, clips: ClipSet, config: DenoiserConfig, recipe: Recipe) -> dict[str, Any]:
    """Return the state that an earlier run left, empty if there is none.

    Raises:
        InputError: It belongs to another network or loss, or was trained on other clips.
    """
    if not path.is_file():
        return {}
    state = read_state(path)
    if DenoiserConfig(**state["config"]) != config or state.get("loss", "ours") != recipe.loss:
        raise InputError(f"{path} was trained with another network or loss; give another --out, or remove it.")
    if not np.allclose(state["feature_mean"], clips.normalizer.mean):
        raise InputError(f"{path} was trained on other clips; give the same --clips and --start, or another --out.")
    return state


def classifier_of(state: Mapping[str, Any], clips: ClipSet) -> PromptClassifier | None:
    """Return the prompt classifier of a training state, or None if it has none.

    Raises:
        InputError: It does not fit the captions of the clips.
    """
    tensors: dict[str, Tensor] = state.get(_CLASSIFIER) or state.get(_OLD_CLASSIFIER) or {}
    if not tensors:
        return None
    actions, styles, _ = zip(*clips.captions(), strict=True)
    classifier = PromptClassifier(tensors["captions"].shape[1], actions, styles)
    try:
        classifier.load_state_dict(tensors)
    except RuntimeError as error:  # what torch raises for other names or shapes
        raise InputError(
            "The training state has a prompt classifier of another version or of other clips; give another --out."
        ) from error
    return classifier.eval().requires_grad_(False)
