# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of subtle actions: steps, nods and shrugs as sampled, after cleanup, and in recordings.

    python -m benchmarks.subtle_actions [--model open] [--seeds 8] [--clips build/clips]

Medians, followed by minimum and maximum; sampled and cleaned-up motions are the same attempts. Toes slide at their mean
speed while they are less than 5 cm above the floor.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.evaluation.clips import Library
from core.generate import Settings, generate
from core.model.checkpoint import load_model
from core.motion.clip import CORE_FPS, Motion
from core.motion.features import decode
from core.motion.metrics import foot_skate
from core.motion.skeleton import INDEX, neutral_skeleton
from core.postprocess.clean import clean
from core.timeline.strips import DEFAULT_GUIDANCE, TextStrip, Timeline

SECONDS = 4.0
SKELETON = neutral_skeleton()
TOES = [INDEX["left_foot"], INDEX["right_foot"]]
SHOULDERS = [INDEX["left_shoulder"], INDEX["right_shoulder"]]


def distance(motion: Motion) -> float:
    """Return the largest horizontal distance between two positions of the pelvis, in cm."""
    path = motion.positions(SKELETON)[:, 0][:, [0, 2]]
    return 100 * float(np.linalg.norm(path[:, None] - path[None], axis=-1).max())


def rise(motion: Motion) -> float:
    """Return how far a foot is lifted, in cm."""
    return 100 * float(np.ptp(motion.positions(SKELETON)[:, TOES, 1], axis=0).max())


def slide(motion: Motion) -> float:
    """Return the mean speed of toes near the floor, in cm/s."""
    return 100 * foot_skate(motion.positions(SKELETON), motion.fps)


def nod(motion: Motion) -> float:
    """Return the range of the pitch of the head relative to the chest, in degrees."""
    _, world = motion.forward_kinematics(SKELETON)
    nose = np.einsum("tji,tj->ti", world[:, INDEX["spine3"]], world[:, INDEX["head"], :, 2])
    return float(np.degrees(np.ptp(np.arctan2(nose[:, 1], nose[:, 2]))))


def shrug(motion: Motion) -> float:
    """Return the range of the height of the shoulders relative to the chest, mean of both, in cm."""
    height = motion.positions(SKELETON)[..., 1]
    return 100 * float(np.ptp(height[:, SHOULDERS] - height[:, [INDEX["spine3"]]], axis=0).mean())


STEP = (("distance, cm", distance), ("foot rises, cm", rise), ("toes slide, cm/s", slide))
ACTIONS: tuple[tuple[str, str, Sequence[tuple[str, Callable[[Motion], float]]]], ...] = (
    ("step_back", "a person takes a step back", STEP),
    ("step_forward", "a person takes a step forward", STEP),
    ("strafe", "a person steps to the left", STEP),
    ("nod", "a person nods", (("head turns, degrees", nod),)),
    ("shrug", "a person shrugs", (("shoulders rise, cm", shrug),)),
)


def spread(values: Sequence[float]) -> str:
    """Return median, minimum and maximum as text."""
    return f"{np.median(values):.0f} ({min(values):.0f} to {max(values):.0f})" if values else ""


def main() -> None:
    """Print a row for each action and measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--clips", "--takes", type=Path, help="folder written by `core prepare`, for recordings")
    given = parser.parse_args()
    model = load_model(given.model)
    library = Library.open(given.clips) if given.clips else None
    print("| prompt | | as sampled | cleaned up | recordings |\n|---|---|---|---|---|")
    for action, prompt, measures in ACTIONS:
        timelines = [
            Timeline((TextStrip(0.0, SECONDS, prompt, DEFAULT_GUIDANCE),), fps=CORE_FPS, seed=seed)
            for seed in range(given.seeds)
        ]
        sampled = [generate(timeline, model, Settings(cleanup=False)) for timeline in timelines]
        cleaned = [clean(motion, SKELETON) for motion in sampled]
        recorded: list[Motion] = []
        if library:
            recorded = [
                decode(library.motion_features(clip), SKELETON) for clip in library.clips if clip.action == action
            ]
        for name, measure in measures:
            columns = [spread([measure(motion) for motion in motions]) for motions in (sampled, cleaned, recorded)]
            print(f"| {prompt} | {name} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
