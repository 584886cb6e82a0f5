# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a walk has the style that its prompt names, and none where the prompt names none.

    python -m benchmarks.styles [--model stage-nc] [--takes build/takes-nc] [--seeds 4]

A linear discriminant of pose and pace, fitted to the recorded walks of training, tells the styles apart; held-out
recordings stand beside the generated walks. Prompts are wordings that training never read, of walking straight ahead.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.console import exit_code
from core.errors import InputError
from core.evaluation.clips import Floats, Library, seen
from core.evaluation.evaluate import perform
from core.evaluation.rows import EvaluatedClip
from core.generate import generate
from core.model.checkpoint import load_model
from core.motion.clip import CORE_FPS
from core.motion.rotation import Array
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import GUIDANCE, TextStrip, Timeline
from core.training.captions import STYLES, Caption
from core.training.split import Split

SECONDS = 4.0
RIDGE = 0.3  # of the variance within a style that is added to each direction
PLAIN = ""


def look(rows: Floats) -> Array:
    """Means and deviations over time of what the judges see of features (T, 659): (134,)."""
    body = seen(rows).astype(np.float64)
    return np.concatenate([body.mean(0), body.std(0)])


class Discriminant:
    """Linear discriminant analysis with one covariance, of looks (N, D) and their styles."""

    def __init__(self, looks: Array, styles: Sequence[str]) -> None:
        self.styles = sorted(set(styles))
        own = np.array([self.styles.index(style) for style in styles])
        self.scale = looks.std(0) + 1e-6
        looks = looks / self.scale
        self.means = np.stack([looks[own == k].mean(0) for k in range(len(self.styles))])  # (S, D)
        within = np.cov((looks - self.means[own]).T)
        within += RIDGE * np.trace(within) / len(within) * np.eye(len(within))
        self.weights = np.linalg.solve(within, self.means.T)  # (D, S)

    def __call__(self, looks: Array) -> list[str]:
        scores = looks / self.scale @ self.weights - 0.5 * (self.means.T * self.weights).sum(0)  # (N, S)
        return [self.styles[int(k)] for k in scores.argmax(1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="stage-nc")
    parser.add_argument("--takes", type=Path, default=Path("build/takes-nc"))
    parser.add_argument("--seeds", type=int, default=4)
    given = parser.parse_args()
    model, library, skeleton = load_model(given.model), Library.open(given.takes), neutral_skeleton()
    split = Split.of(library.takes)
    walks = [take for take in library.takes if take.action == "walk" and take.speech < 0]
    looks = np.stack([look(library.rows(take)) for take in walks])
    styles = [take.style for take in walks]
    kept = np.array([split.held_out(take) for take in walks])
    if not any(styles):
        raise InputError(f"The takes in {given.takes} show no style: prepare them with --family stage-nc.")
    judge = Discriminant(looks[~kept], [style for style, held in zip(styles, kept, strict=True) if not held])

    rng = np.random.default_rng(0)
    asked: list[str] = []
    timelines: list[Timeline] = []
    for style in STYLES:
        # a plain prompt for each that names a style
        for named in (style, PLAIN):
            said = Caption("walk", {"direction": "forward"}, named).sentences(held_out=True)
            for sentence in rng.choice(said, given.seeds, replace=False):
                asked.append(named)
                strip = TextStrip(0.0, SECONDS, str(sentence), GUIDANCE)
                timelines.append(Timeline((strip,), fps=CORE_FPS, seed=len(asked)))
    motions = perform(lambda timeline: generate(timeline, model), timelines, "Walking")
    made = np.stack([look(EvaluatedClip.of_motion(motion, skeleton).rows) for motion in motions])
    print("| walks | style as told | without a style, as told | styles |\n|---|---|---|---|")
    for row, shown, told in (
        (f"held-out recordings ({kept.sum()})", looks[kept], [s for s, held in zip(styles, kept, strict=True) if held]),
        (f"{given.model} ({len(asked)})", made, asked),
        ("the same, prompts shuffled", made, [asked[int(k)] for k in rng.permutation(len(asked))]),
    ):
        right = [(own, own == found) for own, found in zip(told, judge(shown), strict=True)]
        shares = [np.mean([hit for own, hit in right if bool(own) == named]) for named in (True, False)]
        print(f"| {row} | {shares[0]:.0%} | {shares[1]:.0%} | {len({own for own, _ in right if own})} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
