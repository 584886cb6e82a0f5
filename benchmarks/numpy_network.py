# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoiser in numpy against the one in torch: how far motion is apart, and how long a pass takes.

    python -m benchmarks.numpy_network [--model NAME] [--timelines 50] [--steps 20]

Prints the largest distance between joints of the two motions of each of some random timelines, the seconds of a pass of
the network with each, and the rate of a matrix product for comparison: a pass cannot be faster than its products.
"""

import argparse
import random
import time
from collections.abc import Callable

import numpy as np

from core.generate import Settings, generate
from core.model.checkpoint import load_model
from core.model.config import DenoiserConfig
from core.model.folder import open_model
from core.model.layout import denoiser_shapes
from core.model.model import Model
from core.model.network import Network
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import TextStrip, Timeline

ROWS, FRAMES = 8, 120  # of a pass
_ACTIONS = (
    "walks forward", "waves", "bows", "turns around", "runs in a circle", "sits down", "jumps", "kicks", "claps",
    "raises both arms", "stands still", "dances", "picks something up", "steps back", "looks around",
)  # fmt: skip
_MANNERS = ("", " slowly", " sadly", " proudly", " like a robot", " and stops")


def timelines(count: int, longest: int = 3) -> list[Timeline]:
    """Random timelines of one to `longest` text strips, the same each time."""
    rng = random.Random(0)
    made: list[Timeline] = []
    for seed in range(count):
        strips: list[TextStrip] = []
        for k in range(rng.randint(1, longest)):
            start = strips[-1].end if k else 0.0
            prompt = f"a person {rng.choice(_ACTIONS)}{rng.choice(_MANNERS)}"
            strips.append(TextStrip(start, start + rng.uniform(1.5, 4.0), prompt, rng.choice([None, 1.0, 3.0])))
        made.append(Timeline(tuple(strips), fps=20, seed=seed, guidance=2.0))
    return made


def largest_distance(timeline: Timeline, one: Model, other: Model, settings: Settings) -> float:
    """The largest distance in meters between the joints of what two models generate."""
    skeleton = neutral_skeleton()
    a, b = (generate(timeline, model, settings).positions(skeleton) for model in (one, other))
    return float(np.linalg.norm(a - b, axis=-1).max())


def seconds(call: Callable[[], object], repeats: int = 5) -> float:
    """The fastest of some calls."""
    call()
    taken: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def one_pass(network: Network) -> Callable[[], object]:
    """A pass of ROWS windows of FRAMES frames."""
    rng, config = np.random.default_rng(0), network.config
    x, text, speech = (
        rng.normal(size=(ROWS, *shape)).astype(np.float32)
        for shape in ((FRAMES, config.features), (config.text_width,), (FRAMES, config.speech_width))
    )
    present = np.ones((ROWS, FRAMES), bool)
    return lambda: network.denoise(x, 500, text, present[:, 0], speech, present)


def products_per_frame(config: DenoiserConfig) -> int:
    """Multiplications of the layers that see every frame; those of attention among frames do not count."""
    once = ("text_in", "time_in") if config.conditioning == "frames" else ("text_in", "time_in", "input_share")
    return sum(
        shape[0] * shape[1]
        for name, shape in denoiser_shapes(config).items()
        if len(shape) == 2
        and not name.startswith(once)
        and ("modulation" not in name or config.conditioning == "frames")
    )


def product_rate(size: int = 1024) -> float:
    """Multiplications and additions per second of a matrix product in single precision, in billions."""
    a, b = np.random.default_rng(0).normal(size=(2, size, size)).astype(np.float32)
    return 2 * size**3 / seconds(lambda: a @ b) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.numpy_network", description=__doc__)
    parser.add_argument("--model", default="open")
    parser.add_argument("--timelines", type=int, default=50)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    ours, theirs = open_model(given.model, device="cpu"), load_model(given.model)
    settings = Settings(steps=given.steps, device="cpu")
    apart = [largest_distance(timeline, ours, theirs, settings) for timeline in timelines(given.timelines)]
    print(
        f"{len(apart)} timelines: joints {max(apart):.2g} m apart at most, {np.median(apart):.2g} m in the median one"
    )
    products = ROWS * FRAMES * products_per_frame(ours.config.denoiser)
    for name, model in (("numpy", ours), ("torch", theirs)):
        taken = seconds(one_pass(model.network("cpu")))
        rate = 2 * products / taken / 1e9
        print(f"{name}: {taken:.3f} s a pass of {ROWS} x {FRAMES} frames, about {rate:.0f} GFLOP/s of its products")
    print(f"a matrix product: {product_rate():.0f} GFLOP/s")


if __name__ == "__main__":
    main()
