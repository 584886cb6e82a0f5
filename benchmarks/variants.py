# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of each recipe on one core: parameters, seconds per training step, seconds for 10 s of motion.

    python -m benchmarks.variants [--steps 4] [--batch 32]

Networks and conditions are as wide as in the papers (CLIP and 1133 speech features; WavLM Base+), their numbers random.
Seconds are processor time of one thread, so other load matters little. Sampling is timed over 20 steps of three
windows, without the second take of DoubleTake, and scaled up to the steps of the recipe.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from core.conditions.speech import features_width
from core.model.denoiser import Denoiser
from core.motion.clip import CORE_FPS, Motion
from core.motion.features import FEATURES, encode
from core.motion.rotation import axis_angle_to_quaternion
from core.motion.skeleton import neutral_skeleton
from core.sampling.doubletake import double_take
from core.sampling.guidance import Conditions, guided
from core.sampling.methods import CorrectedDoubleTake
from core.sampling.samplers import Denoise, make_sampler
from core.sampling.schedule import cosine_schedule
from core.training.clip import WINDOW
from core.training.components import component_weights, fit_components
from core.training.losses import make_loss
from core.training.recipes import PRESETS, Preset

TEXT = {"open": 384, "freetalker": 512, "diffmotion-v2": 0}
SPEECH = {
    "open": features_width(("mfcc", "prosody", "onset", "voice")),
    "freetalker": 1133,
    "diffmotion-v2": 768,
}
SECONDS = 10
TIMED_STEPS = 20


def swaying(frames: int) -> Motion:
    """Return a motion in which every joint oscillates at its own rate."""
    rng = np.random.default_rng(0)
    seconds = np.arange(frames)[:, None, None] / CORE_FPS
    wave = 0.3 * np.sin(seconds * rng.uniform(1, 6, (55, 3)) + rng.uniform(0, 6, (55, 3)))
    path = np.stack([np.zeros(frames), np.full(frames, 0.95), np.arange(frames) / CORE_FPS], -1)
    return Motion(path, axis_angle_to_quaternion(wave))


def seconds_of(run: Callable[[], object], times: int) -> float:
    """Return processor seconds of a run: the minimum of several, after one that is not counted."""
    run()
    found: list[float] = []
    for _ in range(times):
        before = time.process_time()
        run()
        found.append(time.process_time() - before)
    return min(found)


def step_of(preset: Preset, denoiser: Denoiser, batch: int) -> Callable[[], object]:
    """Return one optimizer step on windows of random numbers, all of them with text and speech."""
    config, recipe = denoiser.config, preset.recipe
    normalizer = fit_components(encode(swaying(600), neutral_skeleton()).astype(np.float32))
    loss_of = make_loss(recipe, cosine_schedule(), normalizer, torch.device("cpu"))
    optimizer = torch.optim.AdamW(denoiser.parameters(), lr=recipe.learning_rate)
    there = torch.ones(batch, WINDOW, dtype=torch.bool)
    inputs = {
        "x": torch.randn(batch, WINDOW, config.features), "valid": there, "text": torch.randn(batch, config.text_width),
        "text_present": there[:, 0], "speech": torch.randn(batch, WINDOW, config.speech_width), "speech_present": there,
    }  # fmt: skip

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of(denoiser, inputs).backward()
        optimizer.step()

    return step


def sampling_of(preset: Preset, denoiser: Denoiser) -> Callable[[], object]:
    """Return `TIMED_STEPS` steps of the first take of 10 s of motion with text and speech."""
    config, schedule = denoiser.config, cosine_schedule()
    frames = round(SECONDS * CORE_FPS) + 1
    windows = [range(0, 77), range(57, 144), range(124, frames)]

    def denoise_for(stretches: list[range], length: int, second: bool) -> Denoise:
        rows = len(stretches)
        conditions = Conditions(
            torch.randn(1, config.text_width), torch.full((rows, 1, length), float(config.text_width > 0)),
            torch.randn(rows, length, config.speech_width), torch.ones(rows, length, dtype=torch.bool),
        )  # fmt: skip
        return guided(denoiser, schedule, conditions)

    @torch.inference_mode()
    def run() -> None:
        double_take(
            denoise_for, windows, features=config.features, sampler=make_sampler(preset.recipe.sampler, schedule),
            steps=TIMED_STEPS, method=CorrectedDoubleTake(refine=0), longest=WINDOW,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip

    return run


def main() -> int:
    """Print a row for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4, help="number of timed runs")
    parser.add_argument("--batch", type=int, default=32, help="windows per step")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| recipe | parameters | s per step | s for 10 s of motion |\n|---|---|---|---|")
    for name, preset in PRESETS.items():
        features = len(component_weights()) if preset.recipe.components else FEATURES
        config = replace(preset.network, features=features, text_width=TEXT[name], speech_width=SPEECH[name])
        denoiser = Denoiser(config)
        parameters = sum(parameter.numel() for parameter in denoiser.parameters())
        step = seconds_of(step_of(preset, denoiser, given.batch), given.steps)
        sampled = seconds_of(sampling_of(preset, denoiser.eval()), given.steps)
        sampled *= preset.recipe.sampler_steps / TIMED_STEPS
        print(f"| {name} | {parameters:,} | {step:.2f} | {sampled:.{int(sampled < 10)}f} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
