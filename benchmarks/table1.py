# SPDX-License-Identifier: GPL-3.0-or-later
"""FreeTalker's Table 1 on the takes at hand: every variant trained alike on a small budget, beside recordings.

    python -m benchmarks.table1 --takes build/takes [--speech RECORDINGS] [--out build/table1] [--beside open]

Trains what is not trained yet into OUT/NAME (a killed run goes on where it was), generates, and writes OUT/table1.md
and OUT/table1.json. The definitions stand in docs/paper.md.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.exam import SKELETON, Exam, seams, set_exam
from core.console import Progress, exit_code
from core.errors import InputError
from core.evaluation.clips import Library
from core.evaluation.evaluate import DEMO_VOICE, NOISE_STEPS, untrained
from core.evaluation.evaluators import JudgeConfig, TextMotionJudge, load, load_or_train
from core.evaluation.rows import EvaluatedClip, Stretch, seam_figures, stretch, stretches_of, windows
from core.evaluation.statistics import frechet_distance
from core.files import write_whole
from core.generate import Settings, generate
from core.model.checkpoint import Model, load_model
from core.motion import metrics
from core.motion.clip import CORE_FPS
from core.motion.features import headings
from core.motion.rotation import Array, rotation_y
from core.sampling.doubletake import DoubleTake
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
"""What is trained, and with which options of `python -m core train`."""
NAMES = {
    "mocap": "recordings", "shuffled": "recordings of other actions", "noise": "untrained network",
    "freetalker": "FreeTalker", "mse": "- Huber (squared error)", "local-attention": "+ local attention",
    "diffmotion-v2": "DiffMotion-v2",
}  # fmt: skip
JOININGS = {"not joined": DoubleTake(handshake=0), "overlaps averaged": DoubleTake("averaged")}
"""What DoubleTake is compared with."""
STRETCHES = 64  # of 5 s, that a Frechet distance of speech or free motion compares: the same number in each row

Figure = tuple[float, float]  # mean and spread
Row = dict[str, Figure]


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
        values = vars(self).items()
        return [text for name, value in values for text in (f"--{name.replace('_', '-')}", str(value))]


def parameters(model: Model) -> int:
    return sum(parameter.numel() for parameter in model.denoiser.parameters())


def trained(name: str, takes: Path, out: Path, budget: Budget, speech_blocks: Sequence[str]) -> Model:
    """The variant of that name, trained if it is not yet, or further where it was interrupted."""
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
            options += ["--speech-block", heard_alone(speech_blocks)]
        train.main(["--takes", str(takes), "--out", str(out / name), *options])
    return load_model(folder)


def heard_alone(speech_blocks: Sequence[str]) -> str:
    """The one speech block that DiffMotion-v2 hears: its WavLM, or MFCC where the takes have none."""
    names = [block.partition("=")[0] for block in speech_blocks]
    return "wavlm" if "wavlm" in names else "mfcc"


@dataclass(frozen=True)
class Scale:
    """Smallest and largest value of each of 165 coordinates in recordings: what is black and white for SSIM."""

    low: Array
    high: Array

    @staticmethod
    def of(clips: Sequence[EvaluatedClip]) -> "Scale":
        rows = np.concatenate([laid_out(clip.positions) for clip in clips])
        return Scale(rows.min(0), np.maximum(rows.max(0), rows.min(0) + 0.01))

    def picture(self, positions: Array) -> Array:
        """(T, 55, 3) -> (T, 165) in 0..1."""
        return ((laid_out(positions) - self.low) / (self.high - self.low)).clip(0, 1)

    def likeness(self, a: EvaluatedClip, b: EvaluatedClip) -> float:
        """SSIM of two clips for as long as both last."""
        length = min(len(a.positions), len(b.positions))
        return metrics.ssim(self.picture(a.positions[:length]), self.picture(b.positions[:length]))


def laid_out(positions: Array) -> Array:
    """Positions (T, 55, 3) seen from where the body stands and faces in the first frame: (T, 165) metres."""
    turn = rotation_y(-headings(positions)[0])
    return ((positions - positions[0, 0] * [1, 0, 1]) @ turn.T).reshape(len(positions), -1)


def spread(values: Sequence[float]) -> Figure:
    return float(np.mean(values)), float(np.std(values))


def calmness(clips: Sequence[EvaluatedClip]) -> dict[str, Figure]:
    """Mean and spread over clips of jerk and acceleration, m/s^3 and m/s^2."""
    return {
        "jerk": spread([metrics.jerk(clip.positions, CORE_FPS) for clip in clips]),
        "acceleration": spread([metrics.acceleration(clip.positions, CORE_FPS) for clip in clips]),
    }


def text_figures(
    clips: Sequence[EvaluatedClip], shown: Sequence[EvaluatedClip], exam: Exam, judge: TextMotionJudge
) -> dict[str, float]:
    """shown: for each clip a recorded one of the same prompt."""
    scale = Scale.of([*exam.shown, *exam.texts])
    likeness = [scale.likeness(a, b) for a, b in zip(clips, shown, strict=True)]
    motions, reference = (judge.see([clip.rows for clip in some])[0] for some in (clips, exam.texts))
    return {"ssim": float(np.mean(likeness)), "text_frechet": frechet_distance(motions, reference)}


def free_figures(clips: Sequence[EvaluatedClip], exam: Exam, judge: TextMotionJudge) -> dict[str, float]:
    """The Frechet distance, and of the joins what `seam_figures` says, peaks in units of recordings' median peak."""
    usual, calm = recorded_stretches(exam)
    around = [stretch(clip.positions, frame) for clip in clips for frame in seams()]
    joins = seam_figures([replace(item, usual=usual) for item in around if item is not None], calm, 0)
    return {"free_frechet": _apart(clips, exam.free, judge)} | joins


def recorded_stretches(exam: Exam) -> tuple[float, list[Stretch]]:
    """The median peak of jerk about any frame of recordings, and all that lies about such frames."""
    calm = stretches_of(exam.calm)
    usual = float(np.median([item.peak for item in calm]))
    return usual, [replace(item, usual=usual) for item in calm]


def _apart(clips: Sequence[EvaluatedClip], reference: Sequence[EvaluatedClip], judge: TextMotionJudge) -> float:
    """Frechet distance of `STRETCHES` stretches of 5 s each, or as many as there are."""
    return frechet_distance(*(judge.see(windows(list(some), STRETCHES))[0] for some in (clips, reference)))


def kept(path: Path, of: dict[str, object], make: Callable[[], Row]) -> Row:
    """The row in a file where it is of the same things, else a new one, which is kept there."""
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["of"] == of:
            return {name: (mean, deviation) for name, (mean, deviation) in known["row"].items()}
    row = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"of": of, "row": row}, indent=2) + "\n")
    return row


def _several(rounds: Sequence[dict[str, float]]) -> Row:
    return {name: spread([one[name] for one in rounds]) for name in rounds[0]}


def performed(
    model: Model, timelines: Sequence[Timeline], settings: Settings, round_: int, label: str
) -> list[EvaluatedClip]:
    """Clips of the timelines, the noise of every round another."""
    progress = Progress(f"{label}, round {round_ + 1}")
    clips: list[EvaluatedClip] = []
    for timeline in timelines:
        motion = generate(replace(timeline, seed=timeline.seed + 1_000_003 * round_), model, settings)
        clips.append(EvaluatedClip.of_motion(motion, SKELETON))
        progress(len(clips), len(timelines))
    return clips


@dataclass(frozen=True)
class Measure:
    """Makes the rows of models, and keeps each in a file of `folder`, so that a killed run goes on.

    rounds: how often everything is generated, with other noise each time; steps: of the sampler.
    """

    exam: Exam
    judge: TextMotionJudge
    fingerprint: int
    folder: Path
    rounds: int
    steps: int

    def row(self, name: str, model: Model) -> Row:
        """Mean and spread over the rounds; of jerk and acceleration over clips."""
        return kept(self.folder / f"{name}.json", self._of(model), lambda: self._row(name, model))

    def joined(self, name: str, model: Model, joining: str) -> Row:
        """Free motion and its joins alone."""
        settings = replace(self._settings(name), double_take=JOININGS[joining])

        def make() -> Row:
            label = f"{name}, {joining}"
            every = [performed(model, self.exam.talks, settings, k, label) for k in range(self.rounds)]
            return _several([free_figures(clips, self.exam, self.judge) for clips in every])

        return kept(self.folder / f"{name}, {joining}.json", self._of(model), make)

    def _row(self, name: str, model: Model) -> Row:
        exam, judge, settings = self.exam, self.judge, self._settings(name)
        spoken = [voice.timeline(i) for i, voice in enumerate(exam.voices)]
        found: list[dict[str, float]] = []
        talked: list[EvaluatedClip] = []
        for k in range(1 if name == "noise" else self.rounds):
            clips = performed(model, spoken, settings, k, f"{name}, speech")
            talked += clips
            figures = {"speech_frechet": _apart(clips, exam.pairs, judge)}
            if model.config.denoiser.text_width:
                clips = performed(model, exam.prompts, settings, k, f"{name}, text")
                figures |= text_figures(clips, exam.shown, exam, judge)
                clips = performed(model, exam.talks, settings, k, f"{name}, free")
                figures |= free_figures(clips, exam, judge)
            found.append(figures)
        return _several(found) | calmness(talked)

    def _settings(self, name: str) -> Settings:
        steps = min(NOISE_STEPS, self.steps) if name == "noise" else self.steps
        return Settings(steps=steps, sampler="dpm", double_take=DoubleTake(), cleanup=False)  # the paper's lengths

    def _of(self, model: Model) -> dict[str, object]:
        return {
            "takes": self.fingerprint, "rounds": self.rounds, "steps": self.steps,
            "asked": [len(part) for part in (self.exam.prompts, self.exam.voices, self.exam.talks)],
            "weights": sum(float(parameter.double().abs().sum()) for parameter in model.denoiser.parameters()),
        }  # fmt: skip


def recorded_row(exam: Exam, judge: TextMotionJudge) -> Row:
    """The mocap row; SSIM is of other clips of the same action, the joins are any frames of recordings."""
    _, calm = recorded_stretches(exam)
    figures = text_figures(exam.shown, exam.texts, exam, judge)
    figures |= seam_figures(calm, calm, 0, size=len(seams()) * len(exam.talks))
    figures["speech_frechet"] = _apart(exam.recorded_pairs, exam.pairs, judge)
    figures["free_frechet"] = _apart(exam.recorded_free, exam.free, judge)
    return {name: (value, 0.0) for name, value in figures.items()} | calmness(exam.recorded_pairs)


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
    """Lines of Markdown; "-" where a row lacks a figure, no spread where there is none."""
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
    """table1.md and table1.json; the former's text."""
    text = "\n".join([*table(rows, COLUMNS), "", *table(joins, JOIN_COLUMNS), ""])
    write_whole(out / "table1.json", json.dumps({"about": about, "rows": rows, "joins": joins}, indent=2) + "\n")
    write_whole(out / "table1.md", text)
    return text


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.table1", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--takes", type=Path, default=Path("build/takes"), help="folder that `core prepare` wrote")
    parser.add_argument("--speech", type=Path, help="folder of recordings (default: the demo's alone)")
    parser.add_argument("--out", type=Path, default=Path("build/table1"), help="models, voices and the table")
    parser.add_argument("--judges", type=Path, default=Path("build/evaluation/evaluator"), help="the judging networks")
    parser.add_argument("--beside", nargs="*", default=["open"], help="trained models that get a row of their own")
    for name, value in vars(Budget()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help="of the training")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is generated")
    parser.add_argument("--sampling-steps", type=int, default=20, help="of DPM-Solver++")
    parser.add_argument("--limit", type=int, help="a quick run: so many actions, voices and timelines")
    return parser


def run(arguments: Sequence[str] | None = None) -> int:
    given = _options().parse_args(arguments)
    for name, least in (("limit", 2), ("rounds", 1), ("sampling_steps", 1), ("steps", 1)):
        value = getattr(given, name)
        if value is not None and value < least:
            raise InputError(f"--{name.replace('_', '-')} must be {least} or more, not {value}.")
    beside = {Path(name).name: load_model(name) for name in given.beside}
    library = Library.open(given.takes)
    sounds = [DEMO_VOICE] if given.speech is None else speech_files(given.speech, held_out=True)
    if not sounds:
        raise InputError(f"No held-out recordings of speech lie in {given.speech}.")
    budget = Budget(**{name: getattr(given, name) for name in vars(Budget())})
    given.out.mkdir(parents=True, exist_ok=True)
    exam = set_exam(library, sounds, given.out, given.limit)
    judge = judge_in(given.judges, library, quick=given.limit is not None)
    measure = Measure(exam, judge, library.fingerprint, given.out / "rows", given.rounds, given.sampling_steps)
    rows: dict[str, Row] = {
        "mocap": recorded_row(exam, judge),
        "shuffled": {"ssim": (text_figures(exam.shown, exam.other_texts, exam, judge)["ssim"], 0.0)},
    }
    models = {name: trained(name, given.takes, given.out, budget, library.speech_blocks) for name in VARIANTS} | beside
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
        "prompts": len(exam.prompts), "voices": len(exam.voices), "talks": len(exam.talks),
        "diffmotion_hears": heard_alone(library.speech_blocks),
    }  # fmt: skip
    print("\n" + write(rows, joins, about, given.out))
    return 0


def judge_in(folder: Path, library: Library, quick: bool) -> TextMotionJudge:
    """The judge kept there, or else a new one: in a quick run a rough one."""
    split = Split.of(library.takes)
    known = load(folder, library, split, JudgeConfig())
    if known is None:
        config = JudgeConfig(steps=300, speech_steps=10) if quick else JudgeConfig()
        known = load_or_train(folder / "quick" if quick else folder, library, split, config, Progress)
    return known[0]


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
