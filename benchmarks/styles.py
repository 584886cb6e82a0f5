# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a walk has the style that its prompt names, and no style if the prompt names none.

    python -m benchmarks.styles [--model stage-nc] [--clips build/clips-nc] [--seeds 4]

A linear discriminant of pose and pace, fitted to the recorded walks of training, distinguishes the styles; held-out
recordings for comparison. Prompts are wordings that training never saw, of walking straight ahead.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.console import exit_code
from core.errors import InputError
from core.evaluation.clips import Floats, Library, body_features
from core.evaluation.generating import evaluated, generate_all
from core.generate import generate
from core.model.checkpoint import load_model
from core.motion.clip import CORE_FPS
from core.motion.rotation import Array
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import DEFAULT_GUIDANCE, TextStrip, Timeline
from core.training.captions import Caption
from core.training.split import Split
from core.training.styles import STYLES

SECONDS = 4.0
RIDGE = 0.3  # share of the variance within a style that is added to each direction
PLAIN = ""


def describe(features: Floats) -> Array:
    """Return means and standard deviations over time of what the evaluators see of features (T, 659): (134,)."""
    body = body_features(features).astype(np.float64)
    return np.concatenate([body.mean(0), body.std(0)])


class Discriminant:
    """Linear discriminant analysis with a shared covariance."""

    def __init__(self, descriptions: Array, styles: Sequence[str]) -> None:
        """Fit to recordings.

        Args:
            descriptions: (N, D).
            styles: (N,).
        """
        self.styles = sorted(set(styles))
        own = np.array([self.styles.index(style) for style in styles])
        self.scale = descriptions.std(0) + 1e-6
        descriptions = descriptions / self.scale
        self.means = np.stack([descriptions[own == k].mean(0) for k in range(len(self.styles))])  # (S, D)
        within = np.cov((descriptions - self.means[own]).T)
        within += RIDGE * np.trace(within) / len(within) * np.eye(len(within))
        self.weights = np.linalg.solve(within, self.means.T)  # (D, S)

    def __call__(self, descriptions: Array) -> list[str]:
        """Return the style of each description (N, D)."""
        scores = descriptions / self.scale @ self.weights - 0.5 * (self.means.T * self.weights).sum(0)  # (N, S)
        return [self.styles[int(k)] for k in scores.argmax(1)]


def main() -> int:
    """Print a row for recordings, the model, and the model with shuffled prompts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="stage-nc")
    parser.add_argument("--clips", "--clips", type=Path, default=Path("build/clips-nc"))
    parser.add_argument("--seeds", type=int, default=4)
    given = parser.parse_args()
    model, library, skeleton = load_model(given.model), Library.open(given.clips), neutral_skeleton()
    split = Split.of(library.clips)
    walks = [clip for clip in library.clips if clip.action == "walk" and clip.speech < 0]
    descriptions = np.stack([describe(library.motion_features(clip)) for clip in walks])
    styles = [clip.style for clip in walks]
    kept = np.array([split.held_out(clip) for clip in walks])
    if not any(styles):
        raise InputError(f"The clips in {given.clips} show no style: prepare them with --family stage-nc.")
    discriminant = Discriminant(
        descriptions[~kept], [style for style, held in zip(styles, kept, strict=True) if not held]
    )

    rng = np.random.default_rng(0)
    asked: list[str] = []
    timelines: list[Timeline] = []
    for style in STYLES:
        # a plain prompt for each one that names a style
        for named in (style, PLAIN):
            wordings = Caption("walk", {"direction": "forward"}, named).sentences(held_out=True)
            for sentence in rng.choice(wordings, given.seeds, replace=False):
                asked.append(named)
                strip = TextStrip(0.0, SECONDS, str(sentence), DEFAULT_GUIDANCE)
                timelines.append(Timeline((strip,), fps=CORE_FPS, seed=len(asked)))
    motions = generate_all(lambda timeline: generate(timeline, model), timelines, "Walking")
    made = np.stack([describe(clip.features) for clip in evaluated(motions, skeleton)])
    print("| walks | style as asked | no style, as asked | styles |\n|---|---|---|---|")
    for row, shown, wanted in (
        (
            f"held-out recordings ({kept.sum()})",
            descriptions[kept],
            [s for s, held in zip(styles, kept, strict=True) if held],
        ),
        (f"{given.model} ({len(asked)})", made, asked),
        ("the same, prompts shuffled", made, [asked[int(k)] for k in rng.permutation(len(asked))]),
    ):
        right = [(own, own == found) for own, found in zip(wanted, discriminant(shown), strict=True)]
        shares = [np.mean([hit for own, hit in right if bool(own) == named]) for named in (True, False)]
        print(f"| {row} | {shares[0]:.0%} | {shares[1]:.0%} | {len({own for own, _ in right if own})} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
