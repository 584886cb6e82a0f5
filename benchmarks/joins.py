# SPDX-License-Identifier: GPL-3.0-or-later
"""Jerk where windows are joined: with the first take of DoubleTake alone, with the paper's lengths, and with ours.

    python -m benchmarks.joins --model open --clips build/clips --speech RECORDINGS

The seams of `python -m core evaluate`, cleaned up in the same way; PJ and worst as in docs/evaluation.md. Behind: the
median over all seams of the peak within 0.2 s around the end of the handshake, half a second after the cut, in
m/frame^3.
"""

import argparse
from pathlib import Path

import numpy as np

from core.evaluation.clips import Library
from core.evaluation.evaluate import SEAMS, VOICES
from core.evaluation.generating import evaluated, generate_all
from core.evaluation.plan import plan_text
from core.evaluation.seam_table import REACH, recorded_at, seam_tables, stretch
from core.evaluation.seams import plan_seams
from core.evaluation.speech_table import held_out_pairs
from core.evaluation.voices import plan_voices
from core.generate import Settings, generate
from core.model.checkpoint import load_model
from core.motion.skeleton import neutral_skeleton
from core.sampling.methods import LONG_BLEND, CorrectedDoubleTake
from core.timeline.strips import DEFAULT_GUIDANCE
from core.training.prepare import speech_files
from core.training.split import Split

SEED = 0
SKELETON = neutral_skeleton()
METHODS = {
    "first take alone": CorrectedDoubleTake(refine=0),
    "as in the paper": CorrectedDoubleTake(),
    "ours": LONG_BLEND,
}
BEHIND = slice(REACH + 9, REACH + 13)  # of the profile of a stretch


def main() -> None:
    """Print a row for each way to join windows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open")
    parser.add_argument("--clips", "--takes", type=Path, default=Path("build/clips"))
    parser.add_argument("--speech", type=Path, required=True, help="folder of speech recordings")
    parser.add_argument("--out", type=Path, default=Path("build/joins"))
    given = parser.parse_args()
    model, library = load_model(given.model), Library.open(given.clips)
    split = Split.of(library.clips)
    voices = plan_voices(speech_files(given.speech, held_out=True), given.out / "voices", VOICES)
    seams = plan_seams(plan_text(library, split, SEED), voices, SEAMS, SEED, DEFAULT_GUIDANCE)
    length = max(len(voice.features) for voice in voices)
    paired = held_out_pairs(library, split, length, 4 * VOICES, SKELETON)
    recorded = recorded_at(seams, library, paired, SKELETON)
    lines: list[str] = []
    kinds: list[str] = []
    for name, method in METHODS.items():
        settings = Settings(double_take=method)
        motions = generate_all(
            lambda timeline, s=settings: generate(timeline, model, s), [s.timeline for s in seams], name
        )
        clips = evaluated(motions, SKELETON)
        tables, _ = seam_tables(seams, {"ours": clips, "noise": clips}, recorded, SEED)
        around = [stretch(clip.positions, seam.frame) for clip, seam in zip(clips, seams, strict=True)]
        behind = np.median([item.profile[BEHIND].max() for item in around if item is not None])
        cells = [
            f"{rows['ours']['peak_jerk'] / rows['mocap']['peak_jerk']:.2f}, {rows['ours']['worst_to_median']:.2f}"
            for rows in tables.values()
        ]
        kinds = [f"{kind}: PJ, worst" for kind in tables]
        lines.append(f"| {name} | {' | '.join(cells)} | {behind:.3f} |")
    print(f"| joined | {' | '.join(kinds)} | behind |\n|---|{'---|' * len(kinds)}---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
