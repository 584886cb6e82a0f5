# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a body jerks where windows are joined: with a first take alone, by the paper's lengths, and by ours.

    python -m benchmarks.joins --model open --takes build/takes --speech RECORDINGS

The seams of `python -m core evaluate`, cleaned up as there; PJ and worst as in docs/evaluation.md. Behind: the median
peak of all seams in the fifth of a second about the end of the handshake, half a second behind the cut, m/frame^3.
"""

import argparse
from pathlib import Path

import numpy as np

from core.evaluation.clips import Library
from core.evaluation.evaluate import SEAMS, VOICES, held_out_pairs, perform, recorded_at, seam_tables
from core.evaluation.plan import plan_seams, plan_text, plan_voices
from core.evaluation.rows import REACH, EvaluatedClip, stretch
from core.generate import Settings, generate
from core.model.checkpoint import load_model
from core.motion.skeleton import neutral_skeleton
from core.sampling.doubletake import LONG_BLEND, DoubleTake
from core.timeline.strips import GUIDANCE
from core.training.prepare import speech_files
from core.training.split import Split

SEED = 0
SKELETON = neutral_skeleton()
WAYS = {"first take alone": DoubleTake(refine=0), "as in the paper": DoubleTake(), "ours": LONG_BLEND}
BEHIND = slice(REACH + 9, REACH + 13)  # of a stretch's profile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open")
    parser.add_argument("--takes", type=Path, default=Path("build/takes"))
    parser.add_argument("--speech", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--out", type=Path, default=Path("build/joins"))
    given = parser.parse_args()
    model, library = load_model(given.model), Library.open(given.takes)
    split = Split.of(library.takes)
    voices = plan_voices(speech_files(given.speech, held_out=True), given.out / "voices", VOICES)
    seams = plan_seams(plan_text(library, split, SEED), voices, SEAMS, SEED, GUIDANCE)
    length = max(len(voice.heard) for voice in voices)
    paired = held_out_pairs(library, split, length, 4 * VOICES, SKELETON)
    recorded = recorded_at(seams, library, paired, SKELETON)
    lines: list[str] = []
    kinds: list[str] = []
    for name, take in WAYS.items():
        settings = Settings(double_take=take)
        motions = perform(lambda timeline, s=settings: generate(timeline, model, s), [s.timeline for s in seams], name)
        clips = [EvaluatedClip.of_motion(motion, SKELETON) for motion in motions]
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
