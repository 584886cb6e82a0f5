# SPDX-License-Identifier: GPL-3.0-or-later
"""How accurate retargeting is for each source of motion: directions of bones, feet, forearms; and a contact sheet.

    python -m benchmarks.motion_sources --source DATA [--clips 60] [--sheets FOLDER] [KIND ...]

Every n-th recording that `python -m core prepare` keeps is compared with its source at the source's frame rate. Angles
are between lines from joint to joint, mean and 95th percentile over recordings and frames. A foot stands if the
source's ball of the foot (or ankle, if there is no ball) moves slower than 0.1 m/s, scaled to the result's size, and
the result's is below 5 cm.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.evaluation.contact_sheet import contact_sheet
from core.formats import SourceClip
from core.motion.clip import CORE_FPS, Motion
from core.motion.rotation import Array
from core.motion.skeleton import INDEX, Skeleton, neutral_skeleton
from core.training.faults import fault_of
from core.training.joint_maps import SIDES, joint_map
from core.training.more_people import OPEN
from core.training.prepare import AT_MOST, FAMILIES
from core.training.retarget import retarget, sole_clearance
from core.training.source_readers import recordings

LINES = {
    "hip to ankle": ("hip", "ankle"), "shoulder to wrist": ("shoulder", "wrist"), "thigh": ("hip", "knee"),
    "shin": ("knee", "ankle"), "upper arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"),
    "ankle to ball of the foot": ("ankle", "foot"), "wrist to middle knuckle": ("wrist", "middle1"),
}  # fmt: skip
STANDS, LOW = 0.1, 0.05  # m/s, m
IN_FLOOR = 0.02  # m
SHEET_CLIPS, SHEET_EVERY = 8, 10


@dataclass(frozen=True)
class Both:
    """A recording and its retargeted motion.

    Attributes:
        motion: The motion.
        theirs: Positions (T, J, 3) of the source's joints.
        ours: Positions (T, 55, 3) of the result's.
        place: SMPL-X joint -> joint of the source.
    """

    motion: Motion
    theirs: Array
    ours: Array
    place: dict[str, int]

    def angles(self, start: str, end: str) -> Array:
        """Return degrees (T,) between the lines from joint to joint of both bodies; empty if the source lacks one."""
        if start not in self.place or end not in self.place:
            return np.empty(0)
        a = self.theirs[:, self.place[end]] - self.theirs[:, self.place[start]]
        b = self.ours[:, INDEX[end]] - self.ours[:, INDEX[start]]
        long = (np.linalg.norm(a, axis=-1) > 1e-9) & (np.linalg.norm(b, axis=-1) > 1e-9)
        a, b = a[long], b[long]
        return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1)))


def read(clip: SourceClip, skeleton: Skeleton) -> Both:
    """Retarget a recording.

    Raises:
        InputError: No joint map fits.
    """
    names = joint_map(clip)
    motion = retarget(clip, skeleton, names)
    place = {joint: clip.index(chain[0]) for joint, chain in names.items() if chain[0] in clip.names}
    return Both(motion, clip.world()[0], motion.positions(skeleton), place)


def feet(both: Both, skeleton: Skeleton) -> tuple[Array, Array, Array]:
    """Return the height of standing feet relative to rest in m, their speed, and that in the source in m/s."""
    legs = [(f"{side}_{a}", f"{side}_{b}") for side in SIDES for a, b in (("hip", "knee"), ("knee", "ankle"))]
    lengths = [
        [float(np.linalg.norm(places[0, index[b]] - places[0, index[a]])) for a, b in legs]
        for places, index in ((both.ours, INDEX), (both.theirs, both.place))
    ]
    scale = sum(lengths[0]) / sum(lengths[1])
    found: list[tuple[Array, Array, Array]] = []
    for side in SIDES:
        ball = f"{side}_foot"
        theirs = both.theirs[:, both.place.get(ball, both.place[f"{side}_ankle"])] * scale
        ours = both.ours[:, INDEX[ball]]
        moved, moves = (
            np.linalg.norm(np.diff(path, axis=0), axis=-1) * both.motion.fps for path in (theirs, ours)
        )  # (T-1,)
        height = ours[1:, 1] - skeleton.rest_positions[INDEX[ball], 1]
        stands = (moved < STANDS) & (height < LOW)
        found.append((np.abs(height[stands]), moves[stands], moved[stands]))
    height, ours, theirs = (np.concatenate(column) for column in zip(*found, strict=True))
    return height, ours, theirs


def forearm_turns(motion: Motion, skeleton: Skeleton) -> Array:
    """Return degrees (2T,) by which the forearms are turned about their axes, those of the right mirrored."""
    turns: list[Array] = []
    for side, sign in zip(SIDES, (1, -1), strict=True):
        bone = skeleton.offsets[INDEX[f"{side}_wrist"]]
        turn = motion.rotations[:, INDEX[f"{side}_elbow"]]
        half = np.arctan2(turn[:, 1:] @ bone / np.linalg.norm(bone), turn[:, 0])
        turns.append(sign * np.degrees((2 * half + np.pi) % (2 * np.pi) - np.pi))
    return np.concatenate(turns)


def summarize(values: Sequence[Array], form: Callable[[float], str]) -> str:
    """Return mean and 95th percentile as text."""
    every = np.concatenate(values) if values else np.empty(0)
    return f"{form(float(every.mean()))} ({form(float(np.percentile(every, 95)))})" if len(every) else "-"


def degrees(value: float) -> str:
    """Format degrees."""
    return f"{value:.1f}°"


def millimeters(value: float) -> str:
    """Format meters as millimeters."""
    return f"{1000 * value:.0f}"


def measure(kind: str, folder: Path, clips: int, sheet: Path | None) -> dict[str, str]:
    """Return a column of the table, and draw a sheet of recordings spread over the source."""
    skeleton = neutral_skeleton()
    sources = [clip for clip, _ in recordings(kind, folder, at_most=AT_MOST.get(kind))]
    chosen = sources[:: max(1, len(sources) // clips)]
    kept: list[tuple[str, Both]] = []
    for clip in chosen:
        try:
            both = read(clip, skeleton)
        except InputError:
            continue
        if fault_of(both.motion.resampled(CORE_FPS)) is None:
            kept.append((clip.name, both))
    pairs = [both for _, both in kept]
    column = {"clips compared": str(len(pairs))}
    for name, (start, end) in LINES.items():
        column[name] = summarize(
            [one.angles(f"{side}_{start}", f"{side}_{end}") for one in pairs for side in SIDES], degrees
        )
    column["pelvis to neck"] = summarize([one.angles("pelvis", "neck") for one in pairs], degrees)
    heights, speeds, theirs = zip(*(feet(one, skeleton) for one in pairs), strict=True)
    column["ball of a standing foot off its rest height, mm"] = summarize(heights, millimeters)
    column["speed of a standing foot, mm/s"] = summarize(speeds, millimeters)
    column["the same in the source"] = summarize(theirs, millimeters)
    soles = np.concatenate([sole_clearance(one.ours, skeleton) for one in pairs])
    column["frames with a sole more than 2 cm under the floor"] = f"{100 * (soles < -IN_FLOOR).mean():.1f} %"
    turns = np.concatenate([forearm_turns(one.motion, skeleton) for one in pairs])
    low, high = np.percentile(turns, [1, 99])
    column["forearm turned about itself, 1st to 99th percentile"] = f"{low:.0f}° to {high:.0f}°"
    if sheet is not None:
        shown = kept[:: max(1, len(kept) // SHEET_CLIPS)][:SHEET_CLIPS]
        contact_sheet(
            [both.motion.resampled(CORE_FPS) for _, both in shown], sheet, [name for name, _ in shown],
            every=SHEET_EVERY,
        )  # fmt: skip
    return column


def main() -> None:
    """Print the table, a column for each source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    below = FAMILIES["stage-nc"] | OPEN
    parser.add_argument("kinds", nargs="*", default=list(FAMILIES["stage-nc"]), metavar="KIND", help=", ".join(below))
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=60, help="number of recordings of each source")
    parser.add_argument("--sheets", type=Path, help="folder for sources_KIND.png")
    given = parser.parse_args()
    columns = {
        kind: measure(
            kind, given.source / below[kind], given.clips, given.sheets and given.sheets / f"sources_{kind}.png"
        )
        for kind in given.kinds
    }
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for row in next(iter(columns.values())):
        print(f"| {row} | {' | '.join(column[row] for column in columns.values())} |")


if __name__ == "__main__":
    main()
