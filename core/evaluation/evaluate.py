# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core evaluate`: evaluate a model against recordings, shuffled conditions and noise.

Writes table.md, metrics.json, plots and contact sheets. Every table has four rows:

  mocap     recorded clips, held out by `Split` if the action has any; for speech the pairs made by rule
  ours      the model, given held-out wordings and voices
  shuffled  the same motions of the model, evaluated with another clip's text or speech
  noise     a network of the same shape that was never trained
"""

# pyright: reportUnknownMemberType=false

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..assets import DEMO_VOICE
from ..console import Progress
from ..errors import InputError
from ..model.checkpoint import Model, load_model
from ..motion.clip import Motion
from ..motion.skeleton import neutral_skeleton
from ..timeline.strips import DEFAULT_GUIDANCE, Timeline
from ..training.prepare import speech_files
from ..training.split import Split
from .aims import aims
from .body_table import body_figures, with_ratios
from .clips import Floats, Library
from .contact_sheet import contact_sheet
from .evaluated_clip import EvaluatedClip, Figures
from .evaluator_training import Evaluators, load_evaluators, load_or_train
from .evaluators import EvaluatorConfig
from .generating import NOISE_STEPS, evaluated, generate_all, maker, untrained
from .notes import Setup, notes
from .plan import TextPlan, plan_text
from .report import markdown, write
from .result import Evaluation
from .seam_table import recorded_at, seam_tables
from .seams import Seam, plan_seams
from .speech_table import held_out_pairs, speech_table
from .text_table import text_tables
from .voices import Voice, plan_voices

VOICES, SEAMS = 12, 12
"""Voices, and seams of each kind."""
_SHEET = 12  # clips on a contact sheet
_SPEECH_SHEET = 4


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        guidance: Guidance scale of the prompts.
        steps: Denoising steps; None for the model's.
        seed: Seed of everything drawn.
        limit: How many actions, voices and seams of each kind; None for all.
        device: As in `core.generate.Settings`.
    """

    guidance: float = DEFAULT_GUIDANCE
    steps: int | None = None
    seed: int = 0
    limit: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class _Tasks:
    """What the model is asked for."""

    plan: TextPlan
    voices: Sequence[Voice]
    seams: Sequence[Seam]

    @staticmethod
    def of(library: Library, split: Split, sounds: Sequence[Path], folder: Path, options: Options) -> "_Tasks":
        """Plan everything; the voices are written to `folder`."""
        seed, limit = options.seed, options.limit
        plan = plan_text(library, split, seed, limit)
        voices = plan_voices(sounds, folder, min(VOICES, limit or VOICES))
        seams = plan_seams(plan, voices, min(SEAMS, limit or SEAMS), seed, options.guidance)
        return _Tasks(plan, voices, seams)

    def timelines(self, options: Options) -> dict[str, list[Timeline]]:
        """Return the timelines of each section."""
        prompts = (*self.plan.requests, *self.plan.again)
        return {
            "text": [request.timeline(options.guidance) for request in prompts],
            "speech": [voice.timeline(options.seed + i) for i, voice in enumerate(self.voices)],
            "seams": [seam.timeline for seam in self.seams],
        }


@dataclass(frozen=True)
class _Clips:
    """What is compared: section -> row -> generated clips, the clips of the mocap row, and pairs with speech."""

    made: Mapping[str, Mapping[str, list[EvaluatedClip]]]
    recorded: Sequence[EvaluatedClip]
    paired: Sequence[tuple[EvaluatedClip, Floats]]


def evaluate(
    model: Model, name: str, library: Library, sounds: Sequence[Path], out: Path, evaluator_folder: Path,
    options: Options,
) -> Evaluation:  # fmt: skip
    """Measure a model and write everything into a folder.

    Args:
        model: The model.
        name: Its name.
        library: The packed clips.
        sounds: Recordings of speech that training never heard.
        out: Where to write.
        evaluator_folder: Keeps the evaluator networks.
        options: How to measure.
    """
    started, busy = time.monotonic(), time.process_time()
    skeleton, split, seed = neutral_skeleton(), Split.of(library.clips), options.seed
    evaluators, rough = _evaluators(evaluator_folder, library, split, quick=options.limit is not None)
    tasks = _Tasks.of(library, split, sounds, out / "voices", options)
    motions = _generate(model, tasks.timelines(options), options)
    made = {
        section: {row: evaluated(some, skeleton) for row, some in rows.items()} for section, rows in motions.items()
    }
    recorded = [EvaluatedClip.of_features(library.motion_features(item.clip), skeleton) for item in tasks.plan.recorded]
    length = max((len(voice.features) for voice in tasks.voices), default=0)
    pairs = 4 * VOICES if options.limit is None else 2 * options.limit
    clips = _Clips(made, recorded, held_out_pairs(library, split, length, pairs, skeleton))
    result = _measure(name, library, split, tasks, clips, evaluators, seed)
    setup = Setup(
        tasks.plan, tasks.voices, len(clips.paired), split, options.guidance, options.limit, len(result.actions), rough,
        model.config.held_out_clips > 0,
    )  # fmt: skip
    about = {
        "guidance": options.guidance, "steps": options.steps or model.config.steps, "seed": seed,
        "limit": options.limit, "prompts": len(tasks.plan.requests), "actions": len(result.actions),
        "voices": len(tasks.voices), "seams": len(tasks.seams), "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(time.process_time() - busy, 1),
    }  # fmt: skip
    result = replace(result, about=about, notes=notes(setup))
    write(result, out)
    _draw_sheets(tasks, motions, out)
    return result


def _evaluators(folder: Path, library: Library, split: Split, quick: bool) -> tuple[Evaluators, bool]:
    """Return the evaluators, and whether they are rough: good ones take minutes, too long for a quick run."""
    known = load_evaluators(folder, library, split, EvaluatorConfig()) if quick else None
    if known is not None:
        return known, False
    config = EvaluatorConfig(steps=300, speech_steps=150) if quick else EvaluatorConfig()
    return load_or_train(folder / "quick" if quick else folder, library, split, config, Progress), quick


def _generate(
    model: Model, timelines: Mapping[str, Sequence[Timeline]], options: Options
) -> dict[str, dict[str, list[Motion]]]:
    """Generate the motions of each section for the rows "ours" and "noise"."""
    makers = {
        "ours": maker(model, options.steps, options.device),
        "noise": maker(untrained(model, options.seed), NOISE_STEPS, options.device),
    }
    motions: dict[str, dict[str, list[Motion]]] = {section: {} for section in timelines}
    for row, make in makers.items():
        for section, some in timelines.items():
            motions[section][row] = generate_all(make, some, f"Generating {section}, {row}")
    return motions


def _measure(
    name: str, library: Library, split: Split, tasks: _Tasks, clips: _Clips, evaluators: Evaluators, seed: int
) -> Evaluation:
    """Compute all tables."""
    skeleton, made, paired = neutral_skeleton(), clips.made, clips.paired
    text, actions = text_tables(library, tasks.plan, evaluators[0], made["text"], clips.recorded, seed)
    body_text = {"mocap": body_figures(clips.recorded, skeleton)}
    body_text |= {row: body_figures(some, skeleton) for row, some in made["text"].items()}
    body_text["shuffled"] = body_text["ours"]
    speech: dict[str, Figures] = {}
    body_speech: dict[str, Figures] = {}
    if tasks.voices and paired:
        speech = speech_table(library, split, tasks.voices, evaluators, made["speech"], paired, seed)
        body_speech = {"mocap": body_figures([clip for clip, _ in paired], skeleton)}
        body_speech |= {row: body_figures(some, skeleton) for row, some in made["speech"].items()}
        body_speech["shuffled"] = body_speech["ours"]
    recorded = recorded_at(tasks.seams, library, paired, skeleton)
    joins, profiles = seam_tables(tasks.seams, made["seams"], recorded, seed)
    return Evaluation(
        name=name,
        about={},
        text=text,
        speech=speech,
        body_text=with_ratios(body_text),
        body_speech=with_ratios(body_speech) if body_speech else {},
        joins=joins,
        actions=actions,
        profiles=profiles,
        notes=[],
    )


def _draw_sheets(tasks: _Tasks, motions: Mapping[str, Mapping[str, Sequence[Motion]]], out: Path) -> None:
    """Draw contact sheets of some prompts and voices."""
    requests, voices = tasks.plan.requests, tasks.voices
    shown = [i for i in range(0, len(requests), max(1, len(requests) // _SHEET))][:_SHEET]
    prompted = [motions["text"]["ours"][i] for i in shown]
    contact_sheet(prompted, out / "text.png", [requests[i].sentence for i in shown], every=8)
    if voices:
        few = range(min(_SPEECH_SHEET, len(voices)))
        spoken = [motions["speech"]["ours"][i] for i in few]
        contact_sheet(spoken, out / "speech.png", [voices[i].path.stem for i in few], every=20)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="name or folder of the model")
    parser.add_argument(
        "--clips", "--takes", type=Path, default=Path("build/clips"), help="folder written by `prepare`"
    )
    parser.add_argument("--speech", type=Path, help="folder of speech recordings (default: only that of the demo)")
    parser.add_argument("--out", type=Path, help="output folder (default: build/evaluation/NAME)")
    parser.add_argument(
        "--evaluators", "--judges", type=Path, help="folder of the evaluator networks (default: next to --out)"
    )
    parser.add_argument("--guidance", type=float, default=Options.guidance, help="guidance scale of the prompts")
    parser.add_argument("--steps", type=int, help="number of denoising steps (default: that of the model)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default: %(default)s)")
    parser.add_argument("--device", default=Options.device, help="device to generate on: auto, cpu, cuda ...")
    parser.add_argument("--limit", type=int, help="quick run with this many actions, voices and seams of each kind")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run `python -m core evaluate`."""
    given = _parser().parse_args(arguments)
    if given.limit is not None and given.limit < 2:
        raise InputError(f"--limit must be 2 or more, not {given.limit}.")
    if given.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {given.seed}.")
    model = load_model(given.model)
    library = Library.open(given.clips)
    sounds = [DEMO_VOICE]
    if given.speech is not None:
        sounds = speech_files(given.speech, held_out=True)
        if not sounds:
            raise InputError(f"{given.speech} contains no held-out speech recordings.")
    name = Path(given.model).name
    out = given.out or Path("build/evaluation") / name
    options = Options(given.guidance, given.steps, given.seed, given.limit, given.device)
    try:
        result = evaluate(model, name, library, sounds, out, given.evaluators or out.parent / "evaluator", options)
    except OSError as error:
        raise InputError(f"{error.filename or out} cannot be written: {error.strerror or error}.") from error
    print(markdown(result))
    goals = aims(result)
    print(f"{sum(goal.reached for goal in goals)} of {len(goals)} aims reached: {out / 'table.md'}")
    return 0
