# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core score humanml3d|beat`: score a model with published metrics, networks and test sets.

The user has to provide evaluators and datasets. Writes OUT/table.md and OUT/metrics.json after every round; a run that
was stopped continues after the rounds that are there. Rows:

  recordings   the test set's own motions
  through ours BEAT's recordings mapped to SMPL-X and back, which shows what the change of skeletons costs
  ours         the model, given the captions or voices of the test set
  shuffled     the same motions, compared with other captions or recordings
  noise        a network of the same shape that was never trained
"""

import argparse
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..generate import Settings
from ..model.checkpoint import Model, load_model, torch_denoiser
from ..timeline.strips import DEFAULT_GUIDANCE
from . import beat, humanml3d
from .generating import NOISE_STEPS, untrained
from .humanml3d_set import read_test_set
from .published_rows import Models, score_beat, score_humanml3d
from .rounds import COLUMNS, Row, repeat_rounds

_Score = Callable[[int, str, bool], dict[str, Row]]
"""(seed, beginning of the line of progress, whether it is the first round) -> rows."""


def main(arguments: Sequence[str]) -> int:
    """Run `python -m core score`."""
    given = _parser().parse_args(arguments)
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
    score, more = (_humanml3d if given.dataset == "humanml3d" else _beat)(given, models)
    out = given.out or Path("build/score") / given.dataset
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error
    print(repeat_rounds(score, given.rounds, given.seed, out, about | more), end="")
    return 0


def _humanml3d(given: argparse.Namespace, models: Models) -> tuple[_Score, dict[str, Any]]:
    """Return what scores a round on HumanML3D, and what the table is about."""
    evaluator = humanml3d.Evaluator.open(given.evaluator)
    clips = len(read_test_set(given.source, given.limit, given.seed))

    def score(seed: int, label: str, first: bool) -> dict[str, Row]:
        samples = read_test_set(given.source, given.limit, seed)
        return score_humanml3d(models, evaluator, samples, given.guidance, given.multimodality, seed, label)

    return score, {"clips": clips, "guidance": given.guidance, "multimodality": given.multimodality}


def _beat(given: argparse.Namespace, models: Models) -> tuple[_Score, dict[str, Any]]:
    """Return what scores a round on BEAT, and what the table is about."""
    if given.statistics is None:
        raise InputError("--statistics is missing; give the folder with bvh_mean.npy and bvh_std.npy.")
    evaluator = beat.Evaluator.open(given.evaluator, given.statistics)
    speakers = [name for name in given.speakers.split(",") if name]
    recordings = beat.read_recordings(given.source, speakers, given.limit)

    def score(seed: int, label: str, first: bool) -> dict[str, Row]:
        return score_beat(models, evaluator, recordings, seed, label, first)

    return score, {"recordings": len(recordings), "speakers": speakers, "statistics": str(given.statistics)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", choices=COLUMNS)
    parser.add_argument("--model", default="open", help="name or folder of the model")
    parser.add_argument("--source", type=Path, required=True, help="folder of HumanML3D or BEAT")
    parser.add_argument(
        "--evaluator", type=Path, required=True,
        help="humanml3d: folder with finest.tar, mean.npy, std.npy and the three our_vab files; beat: ae_300.bin",
    )  # fmt: skip
    parser.add_argument("--statistics", type=Path, help="beat: folder with bvh_mean.npy and bvh_std.npy")
    parser.add_argument("--speakers", default="", help="beat: speaker numbers, such as 2,4,6,8")
    parser.add_argument("--out", type=Path, help="output folder (default: build/score/DATASET)")
    parser.add_argument("--limit", type=int, help="number of clips or recordings to use")
    parser.add_argument(
        "--guidance", type=float, default=DEFAULT_GUIDANCE, help="humanml3d: guidance scale of the captions"
    )
    parser.add_argument(
        "--multimodality", type=int, default=0, help="humanml3d: number of captions to generate ten times each"
    )
    parser.add_argument(
        "--rounds", type=int, default=1,
        help="number of rounds with different noise and, for humanml3d, different draws; HumanML3D's protocol has 20",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, help="number of denoising steps (default: that of the model)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="device to generate on: auto, cpu, cuda ...")
    return parser


def _digest(model: Model) -> str:
    """Return a digest of the weights."""
    digest = hashlib.blake2b(digest_size=8)
    for value in torch_denoiser(model).state_dict().values():
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()
