# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a rest pose is estimated from movement alone: recordings of Bandai Namco, whose rest pose is known.

    python -m benchmarks.rest_pose --source DATA/bandai_namco [--clips 21] [--sheet PICTURE]

Degrees between the world rotations of each joint, and meters between the joints relative to the pelvis; means over
recordings and frames.
"""

import argparse
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.evaluation.contact_sheet import contact_sheet
from core.formats.bvh import load_bvh
from core.motion.clip import Motion
from core.motion.rotation import Array, matrix_to_axis_angle
from core.motion.skeleton import INDEX, JOINT_NAMES, neutral_skeleton
from core.training.humanoid import humanoid_map
from core.training.rest_pose import bandai_rest, estimate_rest, with_rest
from core.training.retarget import retarget

SHOWN = 4


def both_ways(source: Path, number: int) -> list[tuple[str, Motion, Motion]]:
    """Return (name, motion by the estimated rest pose, motion by the known one) of every n-th recording."""
    files = sorted(source.rglob("dataset-*.bvh"))
    if not files:
        raise InputError(f"{source} contains no recordings of Bandai Namco; it must contain dataset-*.bvh.")
    clips = [load_bvh(path) for path in files[:: max(1, len(files) // number)][:number]]
    names, skeleton = humanoid_map(clips[0]), neutral_skeleton()
    found, known = estimate_rest(clips, names, skeleton), bandai_rest()
    return [
        (clip.name, *(retarget(with_rest(clip, rest), skeleton, names) for rest in (found, known))) for clip in clips
    ]


def apart(pairs: list[tuple[str, Motion, Motion]]) -> tuple[dict[str, float], float]:
    """Return mean degrees of each joint of the body, and mean meters over all of them."""
    skeleton = neutral_skeleton()
    angles: dict[str, list[Array]] = {name: [] for name in JOINT_NAMES[:22]}
    meters: list[Array] = []
    for _, a, b in pairs:
        (places_a, turns_a), (places_b, turns_b) = (motion.forward_kinematics(skeleton) for motion in (a, b))
        for name, rows in angles.items():
            between = np.swapaxes(turns_a[:, INDEX[name]], -1, -2) @ turns_b[:, INDEX[name]]
            rows.append(np.degrees(np.linalg.norm(matrix_to_axis_angle(between), axis=-1)))
        shift = (places_a - places_a[:, :1]) - (places_b - places_b[:, :1])
        meters.append(np.linalg.norm(shift[:, :22], axis=-1).mean(1))
    means = {name: float(np.concatenate(rows).mean()) for name, rows in angles.items()}
    return means, float(np.concatenate(meters).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=21)
    parser.add_argument("--sheet", type=Path, help="contact sheet of some recordings, both ways")
    given = parser.parse_args()
    pairs = both_ways(given.source, given.clips)
    degrees, meters = apart(pairs)
    print("| joint | degrees |\n|---|---|")
    for name, value in degrees.items():
        print(f"| {name} | {value:.1f} |")
    print(f"\n{100 * meters:.1f} cm between joints, {len(pairs)} recordings")
    if given.sheet:
        shown = pairs[:: max(1, len(pairs) // SHOWN)][:SHOWN]
        titles = [f"{name}, {how}" for name, *_ in shown for how in ("estimated rest pose", "known rest pose")]
        contact_sheet([motion for _, *two in shown for motion in two], given.sheet, titles)


if __name__ == "__main__":
    main()
