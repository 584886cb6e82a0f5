# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of cleanup beside recorded motion: how often recordings go beyond each, and what cleanup does to them.

    python -m benchmarks.cleanup_settings --source DATA [--family open] [--clips 400]

DATA is the folder of unpacked recordings that `python -m core prepare --source` takes.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.motion.clip import Motion
from core.motion.features import CONTACT_JOINTS
from core.motion.metrics import sole_heights
from core.motion.rotation import quaternion_conjugate, quaternion_multiply, quaternion_to_axis_angle
from core.motion.skeleton import INDEX, neutral_skeleton
from core.postprocess.clean import clean
from core.postprocess.contacts import planted_feet
from core.postprocess.settings import CLEANUP
from core.runs import true_runs
from core.training.prepare import FAMILIES, read_sources

SKELETON = neutral_skeleton()
Floats = NDArray[np.float64]


def excess(steps: Floats) -> tuple[Floats, Floats]:
    """By how much each step (T - 1, J, 3) stands out from its neighbors, and the largest step around it."""
    sizes = np.pad(np.linalg.norm(steps, axis=-1), ((2, 2), (0, 0)), mode="edge")
    usual = np.max([sizes[k : k + len(steps)] for k in (0, 1, 3, 4)], axis=0)[1:-1]
    return np.linalg.norm(steps[1:-1] - (steps[:-2] + steps[2:]) / 2, axis=-1), usual


def measure(motion: Motion, found: dict[str, list[Floats]]) -> None:
    """Add what a recording shows to what was found."""
    positions, fps = motion.positions(SKELETON), motion.fps
    turns = quaternion_to_axis_angle(
        quaternion_multiply(quaternion_conjugate(motion.rotations[:-1]), motion.rotations[1:])
    )
    size, usual = excess(turns)
    found["pop_turn"].append(((size > CLEANUP.pop_turn) & (size > CLEANUP.pop_ratio * usual)).ravel())
    found["leap_turn"].append((size > CLEANUP.leap_turn).ravel())
    size, usual = excess(np.diff(motion.translation, axis=0)[:, None])
    found["pop_distance"].append(((size > CLEANUP.pop_distance) & (size > CLEANUP.pop_ratio * usual)).ravel())
    planted, heights = planted_feet(positions, SKELETON, fps), sole_heights(positions, SKELETON)
    feet = positions[:, CONTACT_JOINTS]
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
    both = planted[1:] & planted[:-1]
    found["release_speeds"].append(speed[both])
    found["ground_tolerance"].append(heights[planted])
    for column in planted.T:
        runs = [stop - start for start, stop in true_runs(column) if start > 0 and stop < len(column)]
        found["shortest_contact_seconds"].append(np.array(runs, float) / fps)
    for side, ball in enumerate((1, 3)):
        stands = planted.reshape(-1, 2, 2).any(-1)
        for start, stop in true_runs(~stands[:, side]):
            if start == 0 or stop == len(stands) or stands[start:stop, 1 - side].mean() < CLEANUP.step_support:
                continue
            way = np.linalg.norm((feet[stop, ball] - feet[start - 1, ball])[[0, 2]])
            if way >= CLEANUP.shortest_step:
                found["step_lift"].append(np.array([heights[start:stop, [ball - 1, ball]].min(-1).max() / way]))
                found["largest_lift"].append(np.array([heights[start:stop, [ball - 1, ball]].min(-1).max()]))
    knees = [motion.rotations[:, INDEX[f"{side}_knee"]] for side in ("left", "right")]
    found["overstretched_knee"].append(np.concatenate([-quaternion_to_axis_angle(knee)[:, 0] for knee in knees]))
    cleaned = clean(motion, SKELETON)
    found["moved"].append(np.linalg.norm(cleaned.positions(SKELETON) - positions, axis=-1).ravel())


def table(found: dict[str, list[Floats]]) -> str:
    """A row for each setting: its value, and how recordings lie to it."""
    all_of = {key: np.concatenate(values) for key, values in found.items()}

    def percentiles(key: str, scale: float, unit: str) -> str:
        values = np.percentile(all_of[key], [50, 90, 99]) * scale
        return f"{values[0]:.1f}, {values[1]:.1f} and {values[2]:.1f} {unit} at 50, 90 and 99 % of them"

    def beyond(key: str) -> str:
        return f"{100 * all_of[key].mean():.3f} % of steps"

    degrees = 180 / np.pi
    rows = [
        ("pop_turn, pop_ratio", f"{CLEANUP.pop_turn:g} rad, x{CLEANUP.pop_ratio:g}", beyond("pop_turn")),
        ("leap_turn", f"{CLEANUP.leap_turn:g} rad", beyond("leap_turn")),
        ("pop_distance, pop_ratio", f"{CLEANUP.pop_distance:g} m, x{CLEANUP.pop_ratio:g}", beyond("pop_distance")),
        ("release_speeds", f"{CLEANUP.release_speeds} m/s", percentiles("release_speeds", 100, "cm/s, planted")),
        ("ground_tolerance", f"{CLEANUP.ground_tolerance:g} m", percentiles("ground_tolerance", 100, "cm, planted")),
        (
            "shortest_contact_seconds",
            f"{CLEANUP.shortest_contact_seconds:g} s",
            percentiles("shortest_contact_seconds", 1, "s"),
        ),
        ("step_lift", f"{CLEANUP.step_lift:g} of the way", percentiles("step_lift", 1, "of the way")),
        ("largest_lift", f"{CLEANUP.largest_lift:g} m", percentiles("largest_lift", 100, "cm")),
        (
            "overstretched_knee",
            f"{CLEANUP.overstretched_knee * degrees:.0f} degrees",
            f"{100 * (all_of['overstretched_knee'] > CLEANUP.overstretched_knee).mean():.1f} % of frames",
        ),
        ("clean, as a whole", "", percentiles("moved", 100, "cm that a joint moves")),
    ]
    return "\n".join(["| setting | value | recordings |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])


def main(argv: Sequence[str] | None = None) -> None:
    """Measure recordings, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cleanup_settings", description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of the unpacked recordings")
    parser.add_argument("--family", choices=FAMILIES, default="open", help="which sources are read")
    parser.add_argument("--clips", type=int, default=400, help="measure this many, evenly chosen")
    options = parser.parse_args(argv)
    clips = [clip for clip in read_sources(options.source, options.family)[0] if len(clip.motion) > 10]
    chosen = [clips[k] for k in np.unique(np.linspace(0, len(clips) - 1, options.clips).astype(int))]
    found: dict[str, list[Floats]] = defaultdict(list)
    for clip in chosen:
        measure(clip.motion, found)
    print(f"{len(chosen)} of {len(clips)} recordings, {sum(clip.motion.seconds for clip in chosen) / 60:.0f} minutes")
    print(table(found))


if __name__ == "__main__":
    main()
