# SPDX-License-Identifier: GPL-3.0-or-later
"""Generating the clips of a row: the model, or a network without training."""

# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from ..console import Progress
from ..generate import Settings, generate
from ..model.checkpoint import Model
from ..model.denoiser import Denoiser
from ..motion.clip import Motion
from ..motion.skeleton import Skeleton
from ..timeline.strips import Timeline
from .evaluated_clip import EvaluatedClip

NOISE_STEPS = 4
"""Denoising steps of the untrained network; more do not change it."""
Make = Callable[[Timeline], Motion]


def untrained(model: Model, seed: int) -> Model:
    """Return the same network with random weights."""
    torch.manual_seed(seed)
    denoiser = Denoiser(model.config.denoiser).eval().requires_grad_(False)
    return replace(model, denoiser=denoiser)


def maker(model: Model, steps: int | None, device: str) -> Make:
    """Return a function that generates the motion of a timeline; see `Settings` for the arguments."""
    settings = Settings(steps=steps, device=device)
    return lambda timeline: generate(timeline, model, settings)


def generate_all(make: Make, timelines: Sequence[Timeline], label: str) -> list[Motion]:
    """Generate the motion of each timeline.

    Args:
        make: Generates a motion.
        timelines: The timelines.
        label: What the line of progress begins with.
    """
    progress = Progress(label)
    motions: list[Motion] = []
    for timeline in timelines:
        motions.append(make(timeline))
        progress(len(motions), len(timelines))
    return motions


def evaluated(motions: Sequence[Motion], skeleton: Skeleton) -> list[EvaluatedClip]:
    """Return motions as the metrics see them."""
    return [EvaluatedClip.of_motion(motion, skeleton) for motion in motions]
