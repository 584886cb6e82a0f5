# SPDX-License-Identifier: GPL-3.0-or-later
"""Short timelines whose motion is stored: the same seeds must keep giving the same motion.

    OMP_NUM_THREADS=1 python -m tests.core.golden_motion            compares, bit for bit
    OMP_NUM_THREADS=1 python -m tests.core.golden_motion --write    stores the motion of this version

On another processor, or with more threads, sums are rounded differently: numbers then differ by some 1e-6.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from core.generate import Settings, generate
from core.model.folder import Model, open_model
from core.motion.clip import Motion
from core.planning.kept import Kept
from core.planning.segments import stale_frames, with_seams
from core.sampling.methods import AveragedWindows, CorrectedDoubleTake, LegacyDoubleTake
from core.timeline.strips import SpeechStrip, TextStrip, Timeline

TOLERANCE = 1e-4
"""Meters, or of a quaternion: two orders above what another order of summation changes."""
STORED = Path(__file__).resolve().parents[1] / "golden" / "motion.npz"
SOUND = Path(__file__).resolve().parents[2] / "assets" / "demo" / "jfk_inaugural.flac"
EVERY = 15  # frames between those stored

WALK = TextStrip(0.0, 2.5, "a person walks forward", guidance=3.5)
BOW = TextStrip(2.5, 5.0, "the presenter bows", seed=5)
WAVES = TextStrip(0.5, 2.0, "a person waves", scope="upper body")
TEXT = Timeline(fps=24.0, seed=7, text=(WALK, BOW), guidance=2.0)
BOTH = Timeline(
    fps=30.0,
    seed=11,
    text=(TextStrip(0.0, 4.0, "he strolls ahead, then turns around"), TextStrip(5.5, 7.0, "a person walks and waves")),
    speech=(SpeechStrip(3.0, SOUND, end=5.5, offset=1.25),),
    guidance=((0.0, 1.0), (3.0, 4.0)),
)


@cache
def _model(name: str) -> Model:
    return open_model(name)


def _text(settings: Settings, name: str = "open", timeline: Timeline = TEXT) -> Motion:
    return generate(timeline, _model(name), settings)


def stored(name: str) -> np.ndarray:
    """The stored numbers of a case."""
    with np.load(STORED) as file:
        return file[name]


def _rerolled(follow: bool) -> Motion:
    """The bow re-rolled between motion that stands."""
    first = replace(TEXT, text=(WALK, BOW, TextStrip(5.0, 7.0, "a person walks forward")))
    then = replace(first, text=(WALK, replace(BOW, seed=6), *first.text[2:]))
    changed = with_seams(stale_frames(first, then), first.fps)
    base = generate(first, _model("open"), Settings(steps=4))
    return generate(then, _model("open"), Settings(steps=4), kept=Kept(base, changed, follow))


def _waved() -> Motion:
    """Another upper body over legs that stand."""
    then = replace(TEXT, text=(WALK, BOW, WAVES))
    changed = with_seams(stale_frames(TEXT, then), TEXT.fps)
    base = generate(TEXT, _model("open"), Settings(steps=4))
    kept = Kept(base, changed, moved=with_seams(stale_frames(TEXT, then, legs=True), TEXT.fps))
    return generate(then, _model("open"), Settings(steps=4), kept=kept)


def _previewed() -> Motion:
    """The first preview."""
    seen: list[Motion] = []
    generate(TEXT, _model("open"), Settings(steps=5), on_preview=seen.append)
    return seen[0]


CASES: dict[str, Callable[[], Motion]] = {
    "text": lambda: _text(Settings()),
    "text and speech": lambda: _text(Settings(steps=6), timeline=BOTH),
    "stage-nc, ancestral": lambda: _text(Settings(steps=8, sampler="ddpm"), "stage-nc"),
    "DDIM, averaged": lambda: _text(Settings(steps=5, sampler="ddim", double_take=AveragedWindows())),
    "DDIM, legacy": lambda: _text(Settings(steps=5, sampler="ddim", double_take=LegacyDoubleTake())),
    "the paper's lengths, as sampled": lambda: _text(
        Settings(steps=5, double_take=CorrectedDoubleTake(), cleanup=False)
    ),
    "upper body": lambda: _text(Settings(steps=5), timeline=replace(TEXT, text=(WALK, BOW, WAVES))),
    "re-rolled": lambda: _rerolled(follow=False),
    "re-rolled, what follows moved": lambda: _rerolled(follow=True),
    "waves over legs that stand": _waved,
    "first preview": _previewed,
}


def numbers(name: str) -> np.ndarray:
    """What is stored of a case: root and quaternions of every fifteenth frame and the last, (n, 3 + 55 * 4)."""
    motion = CASES[name]()
    rows = np.concatenate([motion.translation, motion.rotations.reshape(len(motion), -1)], axis=1)
    return np.concatenate([rows[::EVERY], rows[-1:]])


if __name__ == "__main__":
    now = {name: numbers(name) for name in CASES}
    if "--write" in sys.argv:
        STORED.parent.mkdir(exist_ok=True)
        np.savez_compressed(STORED, **now)
    for name, rows in now.items():
        off = np.abs(rows - stored(name)).max()
        print(f"{name:36}{len(rows):4} rows  {f'off by {off:g}' if off else 'the same bits'}")
