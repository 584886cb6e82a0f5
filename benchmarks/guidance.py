# SPDX-License-Identifier: GPL-3.0-or-later
"""The effect of guidance on a model.

    python -m benchmarks.guidance --clips build/clips [--model open] [--scales 1 2.5 3.5 5] [--above 0 400]
                                  [--speech RECORDINGS [--speech-scales 1 1.5 2]]

Text: clips for held-out wordings, for each scale and each noise step from which a scale above 1 counts; recordings for
comparison. Speech: held-out voices for each guidance scale of speech. Metrics and evaluators are those of
`python -m core evaluate`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.console import Progress
from core.evaluation.body_table import body_figures
from core.evaluation.clips import Library
from core.evaluation.evaluate import VOICES
from core.evaluation.evaluated_clip import EvaluatedClip, Figures
from core.evaluation.evaluator_training import Evaluators, load_or_train
from core.evaluation.evaluators import EvaluatorConfig
from core.evaluation.generating import evaluated, generate_all
from core.evaluation.plan import plan_text
from core.evaluation.speech_table import held_out_pairs, speech_table
from core.evaluation.text_table import text_tables
from core.evaluation.voices import plan_voices
from core.generate import generate
from core.model.checkpoint import Model, load_model
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import Timeline
from core.training.prepare import speech_files
from core.training.split import Split

SEED = 0
SKELETON = neutral_skeleton()


def clips_of(model: Model, timelines: Sequence[Timeline], label: str) -> list[EvaluatedClip]:
    """Generate the clips of timelines, cleaned up as in Blender."""
    return evaluated(generate_all(lambda timeline: generate(timeline, model), timelines, label), SKELETON)


def ratios(own: Figures, recorded: Figures, names: Sequence[str]) -> str:
    """Return the ratios of figures to those of recordings as cells of a table."""
    return " | ".join(f"{own[name] / recorded[name]:.2f}" for name in names)


def text_rows(
    model: Model,
    library: Library,
    split: Split,
    evaluators: Evaluators,
    settings: Sequence[tuple[float, int]],
    limit: int | None,
) -> None:
    """Print a row of recordings, and one for each (guidance scale, noise step from which it counts)."""
    plan = plan_text(library, split, SEED, limit)
    recorded = [EvaluatedClip.of_features(library.motion_features(item.clip), SKELETON) for item in plan.recorded]
    body = body_figures(recorded, SKELETON)
    print(
        "| guidance | R@3 of mocap's | recognized | joint Frechet, shuffled:ours | jerk | acceleration | toe skate |\n"
        "|---|---|---|---|---|---|---|"
    )

    def show(label: str, clips: list[EvaluatedClip]) -> None:
        table, _ = text_tables(library, plan, evaluators[0], {"ours": clips}, recorded, SEED)
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
    model: Model,
    library: Library,
    split: Split,
    evaluators: Evaluators,
    recordings: Path,
    out: Path,
    scales: Sequence[float],
) -> None:
    """Print a row for each guidance scale of speech."""
    voices = plan_voices(speech_files(recordings, held_out=True), out / "voices", VOICES)
    length = max(len(voice.features) for voice in voices)
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
        table = speech_table(library, split, voices, evaluators, {"ours": clips}, pairs, SEED)
        if not k:
            show("recordings and rules", table["mocap"], "1")
        show(f"{scale:g}", table["ours"], ratios(body_figures(clips, SKELETON), body, ["jerk"]))


def main() -> None:
    """Print both tables; the second one if there are recordings of speech."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open", help="name or folder of the model")
    parser.add_argument(
        "--clips", "--takes", type=Path, default=Path("build/clips"), help="folder written by `core prepare`"
    )
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 2.5, 3.5, 5.0], help="guidance scales")
    parser.add_argument("--above", type=int, nargs="+", default=[0, 400], help="noise steps from which they count")
    parser.add_argument("--speech", type=Path, help="folder of speech recordings")
    parser.add_argument("--speech-scales", type=float, nargs="+", default=[1.0, 1.5, 2.0])
    parser.add_argument("--limit", type=int, help="quick run with this many actions")
    parser.add_argument("--out", type=Path, default=Path("build/guidance"), help="folder of the voices")
    parser.add_argument("--evaluators", "--judges", type=Path, default=Path("build/evaluation/evaluator"))
    given = parser.parse_args()
    model, library = load_model(given.model), Library.open(given.clips)
    split = Split.of(library.clips)
    evaluators = load_or_train(given.evaluators, library, split, EvaluatorConfig(), Progress)
    settings = [
        (scale, above) for above in given.above for scale in given.scales if above == given.above[0] or scale > 1
    ]
    text_rows(model, library, split, evaluators, settings, given.limit)
    if given.speech is not None:
        print()
        speech_rows(model, library, split, evaluators, given.speech, given.out, given.speech_scales)


if __name__ == "__main__":
    main()
