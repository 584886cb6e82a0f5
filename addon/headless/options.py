# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of a batch run."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ...core.__main__ import add_generation_options
from ...core.errors import InputError

OUTPUTS = {  # option -> (ending, help)
    "blend": (".blend", "the Blender file: character, strips, stage"),
    "video": (".mp4", "the film, an .mp4 with the speech"),
    "npz": (".npz", "the motion in the SMPL-X layout"),
    "bvh": (".bvh", "the motion as BVH"),
    "fbx": (".fbx", "the character and its motion as FBX"),
    "glb": (".glb", "the character and its motion as glTF"),
    "sound": (".wav", "the speech alone, as long as the motion"),
}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="addon.batch",
        description="Turn a timeline into a scene, a film and motion files; or every timeline of a folder, where each "
        "output names a folder, too.",
    )
    add_generation_options(parser)
    for kind, (_, words) in OUTPUTS.items():
        parser.add_argument(f"--{kind}", type=Path, metavar="FILE", help=words)
    parser.add_argument("--size", default="640x360", metavar="WxH", help="pixels of the film (default: %(default)s)")
    parser.add_argument(
        "--skip-existing",
        action="store_true",
        help="pass over timelines whose outputs are all newer than they and their recordings and, as the report tells, "
        "were made with the same options",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="of a folder or --skip-existing (default: {REPORT} in an output's)",
    )
    options = parser.parse_args(argv)
    width, _, height = options.size.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 16 <= int(width) <= 8192 and 16 <= int(height) <= 8192):
        raise InputError(f"--size {options.size!r} is no size: give width x height in pixels, such as 640x360.")
    options.size = (int(width) // 2 * 2, int(height) // 2 * 2)  # H.264 wants even numbers
    options.outputs = {kind: getattr(options, kind) for kind in OUTPUTS if getattr(options, kind)}
    if not options.outputs:
        *others, last = (f"--{kind}" for kind in OUTPUTS)
        raise InputError(f"Nothing to write: give one or more of {', '.join(others)} and {last}.")
    if options.timeline.is_dir():
        for path in options.outputs.values():
            if path.exists() and not path.is_dir():
                raise InputError(f"{path} is a file: of a folder of timelines each output is a folder, too.")
        return options
    for path in options.outputs.values():
        if path.is_dir():
            raise InputError(f"{path} is a folder: give the name of a file.")
    if len({path.resolve() for path in options.outputs.values()}) < len(options.outputs):
        raise InputError("Two outputs have the same name: give each its own.")
    return options
