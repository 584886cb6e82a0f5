# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of a batch run."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ...core.__main__ import add_generation_options
from ...core.errors import InputError
from .reports import REPORT

OUTPUTS = {  # option -> (ending, help)
    "blend": (".blend", "Blender file with character, strips and stage"),
    "video": (".mp4", "video (.mp4) with the speech"),
    "npz": (".npz", "motion in the SMPL-X layout (.npz)"),
    "bvh": (".bvh", "motion as BVH"),
    "fbx": (".fbx", "character and motion as FBX"),
    "glb": (".glb", "character and motion as glTF"),
    "sound": (".wav", "speech only (.wav), as long as the motion"),
}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line of a batch run.

    Args:
        argv: Without the name of the program.

    Returns:
        The options, with `size` as (width, height) in pixels and `outputs` as option -> path.

    Raises:
        InputError: An option is invalid, or there are no outputs.
        SystemExit: argparse has printed the help or an error.
    """
    parser = argparse.ArgumentParser(
        prog="addon.batch",
        description="Turn a timeline into a scene, a video and motion files. Given a folder, process every timeline "
        "in it; each output must then be a folder, too.",
    )
    add_generation_options(parser)
    for kind, (_, words) in OUTPUTS.items():
        parser.add_argument(f"--{kind}", type=Path, metavar="FILE", help=words)
    parser.add_argument(
        "--size", default="640x360", metavar="WxH", help="resolution of the video in pixels (default: %(default)s)"
    )
    parser.add_argument(
        "--skip-existing",
        action="store_true",
        help="skip timelines whose outputs are all newer than the timeline and its recordings and, according to the "
        "report, were made with the same options",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help=f"report file for a folder or --skip-existing (default: {REPORT} in the folder of the first output)",
    )
    options = parser.parse_args(argv)
    width, _, height = options.size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 16 <= int(width) <= 8192 and 16 <= int(height) <= 8192):
        raise InputError(
            f"--size {options.size!r} is not a valid size; give width x height in pixels, such as 640x360."
        )
    options.size = (int(width) // 2 * 2, int(height) // 2 * 2)  # H.264 needs even numbers
    options.outputs = {kind: getattr(options, kind) for kind in OUTPUTS if getattr(options, kind)}
    if not options.outputs:
        *others, last = (f"--{kind}" for kind in OUTPUTS)
        raise InputError(f"There is nothing to write; give one or more of {', '.join(others)} and {last}.")
    if options.timeline.is_dir():
        for path in options.outputs.values():
            if path.exists() and not path.is_dir():
                raise InputError(f"{path} is a file; for a folder of timelines, each output must be a folder, too.")
        return options
    for path in options.outputs.values():
        if path.is_dir():
            raise InputError(f"{path} is a folder; give the name of a file.")
    if len({path.resolve() for path in options.outputs.values()}) < len(options.outputs):
        raise InputError("Two outputs have the same name; give each its own name.")
    return options
