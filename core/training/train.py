# SPDX-License-Identifier: GPL-3.0-or-later
"""The trainer: `python -m core train`. A run that is killed continues where it was.

python -m core prepare --source DIR --out build/clips      # motion and speech to packed clips
python -m core train --clips build/clips --out build/open  # clips to a model folder
python -m core train --clips build/clips --out build/paper --recipe freetalker
torchrun --nproc-per-node 2 -m core train --clips build/clips --out build/open  # on two GPUs
"""

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..conditions.speech import features_width
from ..errors import InputError
from ..model.checkpoint import Model, load_model
from ..model.denoiser import DenoiserConfig
from .clip import SHORTEST_WINDOW
from .clip_set import ClipSet
from .clips_file import find_clips_file
from .export import export
from .recipe_clips import open_clips
from .recipes import PRESETS, Preset, Recipe
from .trainer import train

_NETWORK = (("width", int), ("layers", int), ("feedforward", int), ("dropout", float))
_TRAINING = (
    ("steps", int), ("batch", int), ("window", int), ("learning-rate", float), ("warmup", int), ("ema", float),
    ("speech-block", str), ("seed", int), ("save-seconds", float),
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run `python -m core train`."""
    given = _parser().parse_args(arguments)
    if find_clips_file(given.clips) is None:
        raise InputError(
            f"{given.clips} contains no prepared clips; run `python -m core prepare --out {given.clips}` first."
        )
    preset = PRESETS[given.recipe]
    recipe = replace(preset.recipe, **_given(given, Recipe))
    if recipe.loss == "ours" and not recipe.components:
        raise InputError(
            f"The loss 'ours' needs components, but the recipe {given.recipe} has none; choose huber or mse."
        )
    if recipe.window < SHORTEST_WINDOW:
        raise InputError(f"--window must be {SHORTEST_WINDOW} frames or more, not {recipe.window}.")
    start = load_model(given.start) if given.start else None
    clips = open_clips(given.clips, recipe, start)
    if not 0 < given.blend <= 1 or (given.blend < 1 and not (given.export_only and start)):
        raise InputError("--blend must be above 0 and at most 1, and less than 1 requires --export-only and --start.")
    if given.export_only:
        export(given.out / "state.pt", clips, given.out / given.name, given.name, recipe, start, given.blend)
        return 0
    config = _network(given, preset, recipe, clips, start)
    train(clips, given.out, config, recipe, given.name, start)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", "--takes", type=Path, required=True, help="folder written by `prepare`")
    parser.add_argument("--out", type=Path, required=True, help="output folder of the training state and the model")
    parser.add_argument("--name", default="open", help="name of the model folder")
    parser.add_argument("--recipe", choices=PRESETS, default="open", help="training recipe: ours or that of a paper")
    parser.add_argument("--loss", choices=["ours", "huber", "mse"], help="loss to use instead of the recipe's")
    parser.add_argument(
        "--local-attention",
        action="store_true",
        help="use local attention on speech before it is combined with the motion",
    )
    for field, kind in _NETWORK:
        parser.add_argument(f"--{field}", type=kind, help="network setting, instead of the recipe's")
    parser.add_argument("--start", help="name or folder of a model to start from, instead of random weights")
    parser.add_argument(
        "--export-only", action="store_true", help="only write the model folder of the last saved state"
    )
    parser.add_argument(
        "--blend",
        type=float,
        default=1.0,
        help=("share of the saved weights in the written model; the rest comes from --start"),
    )
    for field, kind in _TRAINING:
        parser.add_argument(f"--{field}", type=kind, help="training setting, instead of the recipe's")
    parser.add_argument(
        "--classifier-steps", "--aligner-steps", type=int, help="training setting, instead of the recipe's"
    )
    return parser


def _network(
    given: argparse.Namespace, preset: Preset, recipe: Recipe, clips: ClipSet, start: Model | None
) -> DenoiserConfig:
    """Return the network of a preset, with the options given and as wide as the clips."""
    config = replace(
        preset.network, features=len(clips.normalizer.normalize(clips.features[:1])[0]),
        text_width=0 if recipe.speech_block else clips.sentences.shape[1],
        speech_width=features_width(clips.speech_blocks),
        **_given(given, DenoiserConfig),
    )  # fmt: skip
    if start is not None and start.denoiser.config != config:
        raise InputError(f"The model {given.start} has a different network than requested; give its sizes.")
    return config


def _given(given: argparse.Namespace, kind: type[Recipe] | type[DenoiserConfig]) -> dict[str, Any]:
    """Return the options that were given and are fields of a config."""
    names = {entry.name for entry in fields(kind)}
    return {name: value for name, value in vars(given).items() if name in names and value is not None}
