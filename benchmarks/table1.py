# SPDX-License-Identifier: GPL-3.0-or-later
"""FreeTalker's Table 1 on the packed clips: every variant trained alike on a small budget, next to recordings.

    python -m benchmarks.table1 --clips build/clips [--speech RECORDINGS] [--out build/table1] [--beside open]

Trains what is not trained yet into OUT/NAME (a run that was killed continues), generates, and writes OUT/table1.md and
OUT/table1.json. The definitions are in docs/paper.md.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.comparison import SKELETON, Comparison, plan_comparison
from benchmarks.table1_figures import Row, frechet, free_figures, recorded_row, smoothness, spread, text_figures
from core.assets import DEMO_VOICE
from core.console import Progress, exit_code
from core.errors import InputError
from core.evaluation.clips import Library
from core.evaluation.evaluated_clip import EvaluatedClip
from core.evaluation.evaluator_training import load_evaluators, load_or_train
from core.evaluation.evaluators import EvaluatorConfig, TextMotionEvaluator
from core.evaluation.generating import NOISE_STEPS, untrained
from core.files import write_whole
from core.generate import Settings, generate
from core.model.checkpoint import Model, load_model
from core.sampling.methods import AveragedWindows, CorrectedDoubleTake
from core.timeline.strips import Timeline
from core.training import train
from core.training.prepare import speech_files
from core.training.split import Split

VARIANTS: dict[str, tuple[str, ...]] = {
    "freetalker": ("--recipe", "freetalker"),
    "mse": ("--recipe", "freetalker", "--loss", "mse"),
    "local-attention": ("--recipe", "freetalker", "--local-attention"),
    "diffmotion-v2": ("--recipe", "diffmotion-v2", "--warmup", "100"),
}
"""Variant -> options of `python -m core train`."""
NAMES = {
    "mocap": "recordings", "shuffled": "recordings of other actions", "noise": "untrained network",
    "freetalker": "FreeTalker", "mse": "- Huber (squared error)", "local-attention": "+ local attention",
    "diffmotion-v2": "DiffMotion-v2",
}  # fmt: skip
JOININGS = {"not joined": CorrectedDoubleTake(handshake=0), "overlaps averaged": AveragedWindows()}
"""What DoubleTake is compared with: name -> method."""


@dataclass(frozen=True)
class Budget:
    """How every variant is trained."""

    steps: int = 800
    batch: int = 16
    window: int = 100
    width: int = 64
    layers: int = 3
    feedforward: int = 256
    learning_rate: float = 1e-3
    ema: float = 0.99

    def options(self) -> list[str]:
        """Return the options of `python -m core train`."""
        values = vars(self).items()
        return [text for name, value in values for text in (f"--{name.replace('_', '-')}", str(value))]


def parameters(model: Model) -> int:
    """Return the number of the denoiser's parameters."""
    return sum(parameter.numel() for parameter in model.denoiser.parameters())


def trained(name: str, clips: Path, out: Path, budget: Budget, speech_blocks: Sequence[str]) -> Model:
    """Return a variant, after training it or continuing an interrupted training if necessary."""
    folder = out / name / "model"
    shape = (budget.steps, budget.width, budget.layers, budget.feedforward)
    try:
        config = load_model(folder).config
        done = (config.trained_steps, config.denoiser.width, config.denoiser.layers, config.denoiser.feedforward)
    except InputError:
        done = None
    if done != shape:
        print(f"Training {name}", flush=True)
        options = [*VARIANTS[name], *budget.options(), "--name", "model", "--save-seconds", "60"]
        if name == "diffmotion-v2":
            options += ["--speech-block", speech_block(speech_blocks)]
        train.main(["--clips", str(clips), "--out", str(out / name), *options])
    return load_model(folder)


def speech_block(speech_blocks: Sequence[str]) -> str:
    """Return the one speech block that DiffMotion-v2 uses: WavLM, or MFCC if the clips have no WavLM."""
    names = [block.partition("=")[0] for block in speech_blocks]
    return "wavlm" if "wavlm" in names else "mfcc"


def kept(path: Path, of: dict[str, object], make: Callable[[], Row]) -> Row:
    """Return the row kept in a file if it is of the same things, and otherwise compute and keep it."""
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        known["of"] = {"clips" if key == "takes" else key: value for key, value in known["of"].items()}
        if known["of"] == of:
            return {name: (mean, deviation) for name, (mean, deviation) in known["row"].items()}
    row = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"of": of, "row": row}, indent=2) + "\n")
    return row


def _several(rounds: Sequence[dict[str, float]]) -> Row:
    return {name: spread([one[name] for one in rounds]) for name in rounds[0]}


def generate_clips(
    model: Model, timelines: Sequence[Timeline], settings: Settings, round_: int, label: str
) -> list[EvaluatedClip]:
    """Generate the clips of timelines, with other noise in every round."""
    progress = Progress(f"{label}, round {round_ + 1}")
    clips: list[EvaluatedClip] = []
    for timeline in timelines:
        motion = generate(replace(timeline, seed=timeline.seed + 1_000_003 * round_), model, settings)
        clips.append(EvaluatedClip.of_motion(motion, SKELETON))
        progress(len(clips), len(timelines))
    return clips


@dataclass(frozen=True)
class Measure:
    """Computes the rows of models, and keeps each in a file, so that a run that was killed continues.

    Attributes:
        comparison: What is compared.
        evaluator: The text evaluator.
        fingerprint: Of the packed clips.
        folder: Keeps the rows.
        rounds: How often everything is generated, with other noise each time.
        steps: Of the sampler.
    """

    comparison: Comparison
    evaluator: TextMotionEvaluator
    fingerprint: int
    folder: Path
    rounds: int
    steps: int

    def row(self, name: str, model: Model) -> Row:
        """Return mean and deviation over rounds; of jerk and acceleration over clips."""
        return kept(self.folder / f"{name}.json", self._of(model), lambda: self._row(name, model))

    def joined(self, name: str, model: Model, joining: str) -> Row:
        """Return the row of free motion with another way of joining windows."""
        settings = replace(self._settings(name), double_take=JOININGS[joining])

        def make() -> Row:
            label = f"{name}, {joining}"
            every = [generate_clips(model, self.comparison.talks, settings, k, label) for k in range(self.rounds)]
            return _several([free_figures(clips, self.comparison, self.evaluator) for clips in every])

        return kept(self.folder / f"{name}, {joining}.json", self._of(model), make)

    def _row(self, name: str, model: Model) -> Row:
        comparison, evaluator, settings = self.comparison, self.evaluator, self._settings(name)
        spoken = [voice.timeline(i) for i, voice in enumerate(comparison.voices)]
        found: list[dict[str, float]] = []
        spoken_clips: list[EvaluatedClip] = []
        for k in range(1 if name == "noise" else self.rounds):
            clips = generate_clips(model, spoken, settings, k, f"{name}, speech")
            spoken_clips += clips
            figures = {"speech_frechet": frechet(clips, comparison.pairs, evaluator)}
            if model.config.denoiser.text_width:
                clips = generate_clips(model, comparison.prompts, settings, k, f"{name}, text")
                figures |= text_figures(clips, comparison.shown, comparison, evaluator)
                clips = generate_clips(model, comparison.talks, settings, k, f"{name}, free")
                figures |= free_figures(clips, comparison, evaluator)
            found.append(figures)
        return _several(found) | smoothness(spoken_clips)

    def _settings(self, name: str) -> Settings:
        steps = min(NOISE_STEPS, self.steps) if name == "noise" else self.steps
        return Settings(
            steps=steps, sampler="dpm", double_take=CorrectedDoubleTake(), cleanup=False
        )  # the paper's lengths

    def _of(self, model: Model) -> dict[str, object]:
        return {
            "clips": self.fingerprint, "rounds": self.rounds, "steps": self.steps,
            "asked": [len(part) for part in (self.comparison.prompts, self.comparison.voices, self.comparison.talks)],
            "weights": sum(float(parameter.double().abs().sum()) for parameter in model.denoiser.parameters()),
        }  # fmt: skip


COLUMNS = {
    "jerk": ("jerk →", ".1f"), "acceleration": ("acceleration →", ".2f"),
    "speech_frechet": ("speech: Frechet ↓", ".3f"), "ssim": ("text: SSIM ↑", ".3f"),
    "text_frechet": ("text: Frechet ↓", ".3f"), "free_frechet": ("free: Frechet ↓", ".3f"),
}  # fmt: skip
JOIN_COLUMNS = {
    "free_frechet": ("free: Frechet ↓", ".3f"), "peak_jerk": ("PJ →", ".4f"), "area_under_jerk": ("AUJ ↓", ".3f"),
    "worst_to_median": ("worst : median →", ".1f"), "transition_distance": ("distance cm →", ".2f"),
}  # fmt: skip


def table(rows: dict[str, Row], columns: dict[str, tuple[str, str]]) -> list[str]:
    """Return lines of Markdown; "-" for a missing figure, no deviation where there is none."""
    lines = ["| | " + " | ".join(heading for heading, _ in columns.values()) + " |", "|---|" + "---|" * len(columns)]
    for name, row in rows.items():
        cells: list[str] = []
        for key, (_, form) in columns.items():
            mean, deviation = row.get(key, (None, 0.0))
            cell = "-" if mean is None else format(mean, form)
            cells.append(f"{cell} ± {deviation:{form}}" if deviation else cell)
        lines.append(f"| {NAMES.get(name, name)} | " + " | ".join(cells) + " |")
    return lines


def write(rows: dict[str, Row], joins: dict[str, Row], about: dict[str, object], out: Path) -> str:
    """Write table1.md and table1.json, and return the text of the former."""
    text = "\n".join([*table(rows, COLUMNS), "", *table(joins, JOIN_COLUMNS), ""])
    write_whole(out / "table1.json", json.dumps({"about": about, "rows": rows, "joins": joins}, indent=2) + "\n")
    write_whole(out / "table1.md", text)
    return text


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.table1", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clips", "--takes", type=Path, default=Path("build/clips"), help="folder written by `core prepare`"
    )
    parser.add_argument("--speech", type=Path, help="folder of speech recordings (default: only that of the demo)")
    parser.add_argument("--out", type=Path, default=Path("build/table1"), help="folder of models, voices and the table")
    parser.add_argument(
        "--evaluators", "--judges", type=Path, default=Path("build/evaluation/evaluator"),
        help="folder of the evaluator networks",
    )  # fmt: skip
    parser.add_argument("--beside", nargs="*", default=["open"], help="trained models that get a row of their own")
    for name, value in vars(Budget()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help="of the training")
    parser.add_argument("--rounds", type=int, default=3, help="number of times everything is generated")
    parser.add_argument("--sampling-steps", type=int, default=20, help="steps of DPM-Solver++")
    parser.add_argument("--limit", type=int, help="quick run with this many actions, voices and timelines")
    return parser


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    given = _options().parse_args(arguments)
    for name, least in (("limit", 2), ("rounds", 1), ("sampling_steps", 1), ("steps", 1)):
        value = getattr(given, name)
        if value is not None and value < least:
            raise InputError(f"--{name.replace('_', '-')} must be {least} or more, not {value}.")
    beside = {Path(name).name: load_model(name) for name in given.beside}
    library = Library.open(given.clips)
    sounds = [DEMO_VOICE] if given.speech is None else speech_files(given.speech, held_out=True)
    if not sounds:
        raise InputError(f"{given.speech} contains no held-out speech recordings.")
    budget = Budget(**{name: getattr(given, name) for name in vars(Budget())})
    given.out.mkdir(parents=True, exist_ok=True)
    comparison = plan_comparison(library, sounds, given.out, given.limit)
    evaluator = evaluator_in(given.evaluators, library, quick=given.limit is not None)
    measure = Measure(
        comparison, evaluator, library.fingerprint, given.out / "rows", given.rounds, given.sampling_steps
    )
    rows: dict[str, Row] = {
        "mocap": recorded_row(comparison, evaluator),
        "shuffled": {
            "ssim": (text_figures(comparison.shown, comparison.other_texts, comparison, evaluator)["ssim"], 0.0)
        },
    }
    models = {name: trained(name, given.clips, given.out, budget, library.speech_blocks) for name in VARIANTS} | beside
    for name, model in models.items():
        rows[name] = measure.row(name, model)
    rows["noise"] = measure.row("noise", untrained(models["freetalker"], 0))
    joins: dict[str, Row] = {"recordings, any frame": rows["mocap"]}
    for name in ("freetalker", *beside):
        joins[f"{NAMES.get(name, name)}, DoubleTake"] = rows[name]
        for joining in JOININGS:
            joins[f"{NAMES.get(name, name)}, {joining}"] = measure.joined(name, models[name], joining)
    about: dict[str, object] = {
        "budget": vars(budget), "parameters": {name: parameters(model) for name, model in models.items()},
        "rounds": given.rounds, "sampling_steps": given.sampling_steps, "limit": given.limit,
        "prompts": len(comparison.prompts), "voices": len(comparison.voices), "talks": len(comparison.talks),
        "diffmotion_hears": speech_block(library.speech_blocks),
    }  # fmt: skip
    print("\n" + write(rows, joins, about, given.out))
    return 0


def evaluator_in(folder: Path, library: Library, quick: bool) -> TextMotionEvaluator:
    """Return the text evaluator kept in a folder, after training it if necessary; for a quick run a rough one."""
    split = Split.of(library.clips)
    known = load_evaluators(folder, library, split, EvaluatorConfig())
    if known is None:
        config = EvaluatorConfig(steps=300, speech_steps=10) if quick else EvaluatorConfig()
        known = load_or_train(folder / "quick" if quick else folder, library, split, config, Progress)
    return known[0]


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
