# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core score humanml3d|beat`: a model by the metrics, networks and test sets that others published.

Evaluators and datasets are for the user to bring. Writes OUT/table.md and OUT/metrics.json after every round; a run
that was stopped goes on after the rounds that are there. Rows:

  recordings   the test set's own motions
  through ours BEAT's recordings on SMPL-X and back, which is what the change of skeletons costs
  ours         the model, told the captions of the test set, or its voices
  shuffled     the same motions beside other captions or other recordings
  noise        a network of the same shape that was never trained
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from ..console import Progress
from ..errors import InputError
from ..files import write_whole
from ..generate import Settings, generate
from ..model.checkpoint import Model, load_model
from ..motion.clip import CORE_FPS, Motion
from ..motion.rotation import Array
from ..motion.skeleton import neutral_skeleton
from ..timeline.strips import GUIDANCE, SpeechStrip, TextStrip, Timeline
from . import beat, humanml3d
from .evaluate import NOISE_STEPS, untrained
from .statistics import mean_and_interval, multimodality

Row = dict[str, float]
Rounds = dict[str, dict[str, list[float]]]
"""Row -> figure -> its value in each round, or one value where nothing is drawn."""
_COLUMNS = {
    "humanml3d": {
        "fid": ("FID ↓", ".3f"), "r_precision_1": ("R@1 ↑", ".3f"), "r_precision_2": ("R@2 ↑", ".3f"),
        "r_precision_3": ("R@3 ↑", ".3f"), "matching": ("MM-Dist ↓", ".3f"), "diversity": ("diversity →", ".3f"),
        "multimodality": ("multimodality", ".3f"),
    },
    "beat": {
        "fgd": ("FGD ↓", ".2f"), "srgr": ("SRGR ↑", ".3f"), "beat_alignment": ("BeatAlign →", ".3f"),
        "l1_diversity": ("L1 diversity →", ".1f"),
    },
}  # fmt: skip
_METRICS = "metrics.json"
_APART = 1_000_000  # from the seed of a round to that of the next, more than a round has clips
_AGAIN = 10  # motions of one caption, all pairs of which multimodality compares


def table(kind: str, rows: Rounds) -> str:
    """Markdown: means, of several rounds with their confidence interval; "-" where a row lacks a figure."""
    columns = {key: form for key, form in _COLUMNS[kind].items() if any(key in row for row in rows.values())}
    lines = ["| | " + " | ".join(heading for heading, _ in columns.values()) + " |", "|---|" + "---|" * len(columns)]
    for name, row in rows.items():
        cells = [_cell(row[key], form) if key in row else "-" for key, (_, form) in columns.items()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    counts = {len(values) for row in rows.values() for values in row.values()}
    if max(counts) > 1:
        fixed = "; without ± nothing is drawn at random" if 1 in counts else ""
        lines += ["", f"Means of {max(counts)} rounds ± their 95 % confidence interval{fixed}."]
    return "\n".join(lines) + "\n"


def _cell(values: Sequence[float], form: str) -> str:
    mean, interval = mean_and_interval(values)
    return format(mean, form) + ("" if interval is None else f" ± {interval:{form}}")


def score_humanml3d(
    models: Mapping[str, tuple[Model, Settings]], evaluator: humanml3d.Evaluator, samples: Sequence[humanml3d.Sample],
    guidance: float, several: int, seed: int, label: str,
) -> dict[str, Row]:  # fmt: skip
    """The rows of a test set in one round. several: captions that are told ten times, for multimodality.

    label: what the line of progress begins with.
    """
    skeleton, lengths = neutral_skeleton(), humanml3d.bone_lengths(samples[0].rows)
    texts = evaluator.read([sample.words for sample in samples])
    recorded = evaluator.see([sample.rows for sample in samples])
    rows = {"recordings": humanml3d.figures(texts, recorded, recorded, seed)}
    for name, (model, settings) in models.items():
        total = len(samples) + (several * _AGAIN if name == "ours" else 0)
        make = _teller(f"{label}, {name}", model, settings, guidance, total)
        motions = evaluator.see(humanml3d.clips_of(make, samples, skeleton, lengths, seed))
        rows[name] = humanml3d.figures(texts, motions, recorded, seed)
        if name == "ours":
            again = [sample for sample in samples[:several] for _ in range(_AGAIN)]
            if again:
                drawn = evaluator.see(humanml3d.clips_of(make, again, skeleton, lengths, seed + len(samples)))
                rows[name]["multimodality"] = multimodality(drawn, [str(i // _AGAIN) for i in range(len(again))])
            rows["shuffled"] = humanml3d.figures(np.roll(texts, 1, 0), motions, recorded, seed)
    return rows


def _teller(label: str, model: Model, settings: Settings, guidance: float, total: int) -> humanml3d.Make:
    """Makes what captions tell, and says how many of so many it has made."""
    progress, done = Progress(label), count(1)

    def make(caption: str, frames: int, seed: int) -> Motion:
        strip = TextStrip(0.0, frames / CORE_FPS, caption, guidance)
        motion = generate(Timeline(text=(strip,), fps=CORE_FPS, seed=seed), model, settings)
        progress(next(done), total)
        return motion

    return make


def score_beat(
    models: Mapping[str, tuple[Model, Settings]], evaluator: beat.Evaluator, recordings: Sequence[beat.Recording],
    seed: int, label: str, first: bool,
) -> dict[str, Row]:  # fmt: skip
    """The rows of some recordings in one round.

    These metrics draw nothing, only models do: the rows without a model are there in the first round alone.
    label: what the line of progress begins with.
    """
    skeleton = neutral_skeleton()
    own = [recording.rows for recording in recordings]
    recorded = evaluator.see(own)
    clips: dict[str, list[Array]] = {}
    if first:
        clips["recordings"] = own
        clips["through ours"] = [beat.through_ours(one, skeleton, evaluator.mean) for one in recordings]
    for name, (model, settings) in models.items():
        progress = Progress(f"{label}, {name}")
        clips[name] = []
        for i, recording in enumerate(recordings):
            strip = SpeechStrip(0.0, recording.sound)
            motion = generate(Timeline(speech=(strip,), fps=beat.FPS, seed=seed + i), model, settings)
            clips[name].append(beat.on_skeleton(motion, recording, skeleton, evaluator.mean)[: len(own[i])])
            progress(i + 1, len(recordings))
    rows = {name: beat.figures(evaluator, some, recordings, recorded) for name, some in clips.items()}
    if len(recordings) > 1:
        others = [*recordings[1:], recordings[0]]
        rows["shuffled"] = beat.figures(evaluator, clips["ours"], others, recorded)
    return rows


def repeated(
    score: Callable[[int, str, bool], dict[str, Row]], rounds: int, seed: int, out: Path, about: Mapping[str, Any]
) -> str:
    """Score so many rounds and write what was found into `out` after each; the table.

    score: a seed, what the line of progress begins with, and whether it is the first round -> the rows. about: what
    the figures are of; rounds of the same that lie in `out` already are not made again. Raises InputError where
    several rounds of something else lie there.
    """
    seeds, rows = _found(out, about)
    if seeds:
        print(f"Rounds that lie in {out} already: {len(seeds)}.")
    for number in range(len(seeds), rounds):
        seeds.append(seed + number * _APART)
        label = f"Round {number + 1} of {rounds}" if rounds > 1 else "Generating"
        for name, row in score(seeds[-1], label, number == 0).items():
            for key, value in row.items():
                rows.setdefault(name, {}).setdefault(key, []).append(value)
        write_whole(out / "table.md", table(about["dataset"], rows))
        told = {name: {key: _told(values) for key, values in row.items()} for name, row in rows.items()}
        write_whole(out / _METRICS, json.dumps({"about": about, "seeds": seeds, "rows": told}, indent=2) + "\n")
    return table(about["dataset"], rows)


def _told(values: Sequence[float]) -> dict[str, Any]:
    mean, interval = mean_and_interval(values)
    return {"mean": mean, "interval": interval, "rounds": values}


def _found(out: Path, about: Mapping[str, Any]) -> tuple[list[int], Rounds]:
    """The seeds and the values of the rounds in a folder."""
    try:
        content = json.loads((out / _METRICS).read_text(encoding="utf-8"))
        seeds, other = list(content["seeds"]), dict(content["about"])
        rows = {name: {key: list(cell["rounds"]) for key, cell in row.items()} for name, row in content["rows"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [], {}
    if other == about:
        return seeds, rows
    if len(seeds) > 1:
        raise InputError(f"{out} holds {len(seeds)} rounds of another model or other settings; give another --out.")
    return [], {}


def main(arguments: Sequence[str]) -> int:
    """`python -m core score`."""
    parser = argparse.ArgumentParser(
        prog="python -m core score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", choices=_COLUMNS)
    parser.add_argument("--model", default="open", help="a model's name or folder")
    parser.add_argument("--source", type=Path, required=True, help="folder of HumanML3D or of BEAT")
    parser.add_argument(
        "--evaluator", type=Path, required=True,
        help="humanml3d: folder with finest.tar, mean.npy, std.npy and the three our_vab files; beat: ae_300.bin",
    )  # fmt: skip
    parser.add_argument("--statistics", type=Path, help="beat: folder with bvh_mean.npy and bvh_std.npy")
    parser.add_argument("--speakers", default="", help="beat: such as 2,4,6,8")
    parser.add_argument("--out", type=Path, help="folder for the table (default: build/score/DATASET)")
    parser.add_argument("--limit", type=int, help="so many clips or recordings")
    parser.add_argument("--guidance", type=float, default=GUIDANCE, help="humanml3d: of the captions")
    parser.add_argument("--multimodality", type=int, default=0, help="humanml3d: captions that are told ten times")
    parser.add_argument(
        "--rounds", type=int, default=1, help="other noise, and for humanml3d other draws; HumanML3D's protocol has 20"
    )
    parser.add_argument("--steps", type=int, help="denoising steps (default: the model's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="where to generate: auto, cpu, cuda ...")
    given = parser.parse_args(arguments)
    for name, least in (("limit", 1), ("multimodality", 0), ("rounds", 1), ("seed", 0)):
        if getattr(given, name) is not None and getattr(given, name) < least:
            raise InputError(f"--{name} must be {least} or more, not {getattr(given, name)}.")
    model = load_model(given.model)
    settings = Settings(steps=given.steps, device=given.device)
    models = {
        "ours": (model, settings), "noise": (untrained(model, given.seed), replace(settings, steps=NOISE_STEPS)),
    }  # fmt: skip
    about: dict[str, Any] = {
        "model": Path(given.model).name, "weights": _digest(model), "dataset": given.dataset,
        "source": str(given.source), "evaluator": str(given.evaluator), "limit": given.limit,
        "steps": given.steps or model.config.steps, "seed": given.seed,
    }  # fmt: skip
    if given.dataset == "humanml3d":
        judge = humanml3d.Evaluator.open(given.evaluator)
        clips = len(humanml3d.read_test_set(given.source, given.limit, given.seed))
        about |= {"clips": clips, "guidance": given.guidance, "multimodality": given.multimodality}

        def score(seed: int, label: str, first: bool) -> dict[str, Row]:
            samples = humanml3d.read_test_set(given.source, given.limit, seed)
            return score_humanml3d(models, judge, samples, given.guidance, given.multimodality, seed, label)
    else:
        if given.statistics is None:
            raise InputError("--statistics is missing: give the folder with bvh_mean.npy and bvh_std.npy.")
        encoder = beat.Evaluator.open(given.evaluator, given.statistics)
        speakers = [name for name in given.speakers.split(",") if name]
        recordings = beat.read_recordings(given.source, speakers, given.limit)
        about |= {"recordings": len(recordings), "speakers": speakers, "statistics": str(given.statistics)}

        def score(seed: int, label: str, first: bool) -> dict[str, Row]:
            return score_beat(models, encoder, recordings, seed, label, first)

    out = given.out or Path("build/score") / given.dataset
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error
    print(repeated(score, given.rounds, given.seed, out, about), end="")
    return 0


def _digest(model: Model) -> str:
    """What tells these weights from others."""
    digest = hashlib.blake2b(digest_size=8)
    for value in model.denoiser.state_dict().values():
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()
