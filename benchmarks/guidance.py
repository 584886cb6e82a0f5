# SPDX-License-Identifier: GPL-3.0-or-later
"""What guidance does to a model: the tables of docs/training.md.

    python -m benchmarks.guidance --takes build/takes [--model open] [--scales 1 2.5 3.5 5] [--above 0 400]
                                  [--speech RECORDINGS [--speech-scales 1 1.5 2]]

Text: clips in held-out wordings for each scale and each time step from which a scale beyond 1 counts, beside
recordings. Speech: held-out voices for each guidance scale of speech. Metrics and judges are those of
`python -m core evaluate`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.console import Progress
from core.evaluation.clips import Library
from core.evaluation.evaluate import VOICES, held_out_pairs, perform, speech_table, text_tables
from core.evaluation.evaluators import JudgeConfig, SpeechMotionJudge, TextMotionJudge, load_or_train
from core.evaluation.plan import plan_text, plan_voices
from core.evaluation.rows import EvaluatedClip, Figures, body_figures
from core.generate import generate
from core.model.checkpoint import Model, load_model
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import Timeline
from core.training.prepare import speech_files
from core.training.split import Split

SEED = 0
SKELETON = neutral_skeleton()

Judges = tuple[TextMotionJudge, SpeechMotionJudge]


def clips_of(model: Model, timelines: Sequence[Timeline], label: str) -> list[EvaluatedClip]:
    """What a model makes of timelines, cleaned up as in Blender."""
    return [
        EvaluatedClip.of_motion(motion, SKELETON)
        for motion in perform(lambda it: generate(it, model), timelines, label)
    ]


def ratios(own: Figures, recorded: Figures, names: Sequence[str]) -> str:
    return " | ".join(f"{own[name] / recorded[name]:.2f}" for name in names)


def text_rows(
    model: Model,
    library: Library,
    split: Split,
    judges: Judges,
    settings: Sequence[tuple[float, int]],
    limit: int | None,
) -> None:
    """Print a row of recordings, and one for each (guidance scale, time step from which it counts)."""
    plan = plan_text(library, split, SEED, limit)
    recorded = [EvaluatedClip.of_rows(library.rows(item.take), SKELETON) for item in plan.recorded]
    body = body_figures(recorded, SKELETON)
    print(
        "| guidance | R@3 of mocap's | recognised | joint Frechet, shuffled:ours | jerk | acceleration | toe skate |\n"
        "|---|---|---|---|---|---|---|"
    )

    def show(label: str, clips: list[EvaluatedClip]) -> None:
        table, _ = text_tables(library, plan, judges[0], {"ours": clips}, recorded, SEED)
        print(
            f"| {label} | {ratios(table['ours'], table['mocap'], ['r_precision_3'])} | "
            f"{table['ours']['actions_recognised']:.0%} | "
            f"{table['shuffled']['joint_frechet'] / table['ours']['joint_frechet']:.2f} | "
            f"{ratios(body_figures(clips, SKELETON), body, ['jerk', 'acceleration', 'toe_skate'])} |",
            flush=True,
        )

    show("recordings", recorded)
    for scale, above in settings:
        network = replace(model, config=replace(model.config, guidance_above=above))
        label = f"{scale:g} from {above}"
        show(label, clips_of(network, [request.timeline(scale) for request in plan.requests], label))


def speech_rows(
    model: Model, library: Library, split: Split, judges: Judges, recordings: Path, out: Path, scales: Sequence[float]
) -> None:
    """Print a row for each guidance scale of speech."""
    voices = plan_voices(speech_files(recordings, held_out=True), out / "voices", VOICES)
    length = max(len(voice.heard) for voice in voices)
    pairs = held_out_pairs(library, split, length, 4 * VOICES, SKELETON)
    body = body_figures([clip for clip, _ in pairs], SKELETON)
    print(
        "| speech | hands m/s, in speech | in pauses | pauses : speech | strokes/min, in speech | in pauses | "
        "matched preferred | jerk |\n|---|---|---|---|---|---|---|---|"
    )

    def show(label: str, row: Figures, jerk: str) -> None:
        hands = f"{row['hands_in_speech']:.2f} | {row['hands_in_pauses']:.2f} | {row['pause_to_speech']:.2f}"
        strokes = f"{row['strokes_in_speech']:.0f} | {row['strokes_in_pauses']:.0f}"
        print(f"| {label} | {hands} | {strokes} | {row['matched_preferred']:.0%} | {jerk} |", flush=True)

    for k, scale in enumerate(scales):
        network = replace(model, config=replace(model.config, speech_guidance=scale))
        clips = clips_of(network, [voice.timeline(SEED + i) for i, voice in enumerate(voices)], f"speech {scale:g}")
        table = speech_table(library, split, voices, judges, {"ours": clips}, pairs, SKELETON, SEED)
        if not k:
            show("recordings and rules", table["mocap"], "1")
        show(f"{scale:g}", table["ours"], ratios(body_figures(clips, SKELETON), body, ["jerk"]))


def main() -> None:
    """Print both tables; the second where recordings of speech are given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open", help="a model's name or folder")
    parser.add_argument("--takes", type=Path, default=Path("build/takes"), help="folder that `core prepare` wrote")
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 2.5, 3.5, 5.0], help="guidance scales")
    parser.add_argument("--above", type=int, nargs="+", default=[0, 400], help="time steps from which they count")
    parser.add_argument("--speech", type=Path, help="folder of recordings")
    parser.add_argument("--speech-scales", type=float, nargs="+", default=[1.0, 1.5, 2.0])
    parser.add_argument("--limit", type=int, help="a quick run: so many actions")
    parser.add_argument("--out", type=Path, default=Path("build/guidance"), help="folder of the voices")
    parser.add_argument("--judges", type=Path, default=Path("build/evaluation/evaluator"))
    given = parser.parse_args()
    model, library = load_model(given.model), Library.open(given.takes)
    split = Split.of(library.takes)
    judges = load_or_train(given.judges, library, split, JudgeConfig(), Progress)
    settings = [
        (scale, above) for above in given.above for scale in given.scales if above == given.above[0] or scale > 1
    ]
    text_rows(model, library, split, judges, settings, given.limit)
    if given.speech is not None:
        print()
        speech_rows(model, library, split, judges, given.speech, given.out, given.speech_scales)


if __name__ == "__main__":
    main()
