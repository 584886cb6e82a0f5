# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core`: the command line, which works without Blender."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .console import Progress, exit_code
from .errors import InputError

# Sub-commands with their own options: name -> (module, description).
DELEGATED = {
    "prepare": (".training.prepare", "convert recordings to a training dataset"),
    "train": (".training.train", "train a model on a prepared dataset"),
    "import-checkpoint": (".model.released", "convert the released FreeTalker checkpoint to a model folder"),
    "evaluate": (".evaluation.evaluate", "evaluate a model against recordings"),
    "score": (".evaluation.published", "score a model with the published evaluators of HumanML3D or BEAT"),
}


def add_generation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options shared by all commands that generate motion from a timeline."""
    parser.add_argument("timeline", type=Path, help="timeline (.json or .srt)")
    parser.add_argument("--model", help="name or folder of the model (default: that of the timeline)")
    parser.add_argument("--steps", type=int, help="number of denoising steps (default: that of the model)")
    parser.add_argument("--seed", type=int, help="seed of the random noise (default: that of the timeline)")


def generate(argv: Sequence[str]) -> None:
    """Write the motion of a timeline as motion.npz and motion.bvh."""
    parser = argparse.ArgumentParser(prog="python -m core generate", description=generate.__doc__)
    add_generation_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="output folder for motion.npz and motion.bvh")
    options = parser.parse_args(argv)

    from .timeline.files import load_timeline

    timeline = load_timeline(options.timeline)  # before slow imports, so that errors appear at once

    from .formats.bvh import save_bvh
    from .generate import Settings
    from .generate import generate as generate_motion
    from .model.folder import open_model

    if options.seed is not None:
        timeline = replace(timeline, seed=options.seed)
    model = open_model(options.model or timeline.model)
    settings = Settings() if options.steps is None else Settings(steps=options.steps)
    motion = generate_motion(timeline, model, settings, on_step=Progress("Generating"))
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        motion.save(options.out / "motion.npz")
        save_bvh(motion, options.out / "motion.bvh")
    except OSError as error:
        raise InputError(f"{options.out} cannot be written: {error.strerror or error}.") from error
    print(f"{len(motion)} frames, {motion.seconds:.1f} s: {options.out / 'motion.npz'}, {options.out / 'motion.bvh'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Args:
        argv: its name and options; by default those of the process.

    Returns:
        The exit code; see `core.console.exit_code`.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    commands = {
        "generate": "generate the motion of a timeline",
        **{name: text for name, (_, text) in DELEGATED.items()},
    }
    parser = argparse.ArgumentParser(
        prog="python -m core",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:17} {text}" for name, text in commands.items()),
    )
    parser.add_argument("command", choices=commands)
    command = parser.parse_args(argv[:1]).command
    return exit_code(lambda: _run(command, argv[1:]))


def _run(command: str, argv: Sequence[str]) -> int:
    if command == "generate":
        generate(argv)
        return 0
    module, _ = DELEGATED[command]
    try:
        run = importlib.import_module(module, __package__).main
    except ModuleNotFoundError as error:
        left_out = tuple(f"{__package__}.{part}" for part in ("training", "evaluation"))
        if error.name is None or not error.name.startswith(left_out):
            raise
        raise InputError(
            f"{command!r} is not part of this copy of the project; run it from the source tree."
        ) from error
    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
