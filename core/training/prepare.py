# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare`: unpacked archives of motion and speech -> packed takes."""

import argparse
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..conditions.speech import features_width
from ..conditions.text import DEFAULT_ENCODER
from ..errors import InputError
from ..motion import Motion
from ..skeleton import neutral_skeleton
from .captions import Caption
from .dataset import SPEECH_ACTION, Packer, add_clips, describe
from .pairing import make_pairs, select
from .retarget import Clip, load_source

SOURCES = {"smartbody": ".", "mesh2motion": "mesh2motion", "cmu": "cmu"}
SPEECH_BLOCKS = ("mfcc", "prosody", "onset")
_SOUNDS = {".ogg", ".wav", ".flac", ".mp3"}
_HELD_OUT_EVERY = 20  # recordings kept for evaluation
_DEMO = "jfk_inaugural"  # and the demo's, so that its voice is a new one


def speech_files(folder: Path, held_out: bool = False) -> list[Path]:
    """Recordings below a folder in a fixed order; every twentieth is held out of training, and so is the demo's."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SOUNDS)

    def kept_back(i: int, path: Path) -> bool:
        return i % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1 or path.stem == _DEMO

    return [path for i, path in enumerate(files) if kept_back(i, path) == held_out]


def _labelled(clips: Sequence[Clip]) -> Iterator[tuple[Motion, str, str, str]]:
    for clip in clips:
        # a CMU file is named by its number: what it shows stands in its title
        yield clip.motion, clip.meta.get("title", clip.name), clip.source, clip.licence


def prepare(source: Path, out: Path, minutes: float, seed: int = 1) -> None:
    """Read every source, caption it, pair the gestures with the speech, and write the takes.

    Raises InputError where a source is missing; single bad files are passed over and counted.
    """
    packer = Packer(neutral_skeleton())
    clips: list[Clip] = []
    for kind, folder in SOURCES.items():
        counts: Counter[str] = Counter()
        found = list(load_source(kind, source / folder, counts))
        clips += found
        print(f"{kind}: {sum(c.motion.seconds for c in found) / 60:.1f} minutes; {describe(counts)}", flush=True)
    print("text takes:", describe(add_clips(packer, list(_labelled(clips)), seed)), flush=True)
    gestures, idles = select(clips)
    talk = Caption("talk", {}).sentences()
    spoken = 0.0
    sounds = speech_files(source / "speech")
    if not sounds:
        raise InputError(f"No recordings of speech lie in {source / 'speech'}.")
    for i, pair in enumerate(make_pairs(sounds, gestures, idles, seed, minutes, SPEECH_BLOCKS)):
        motion = pair.motion.mirrored() if i % 2 else pair.motion
        packer.add(motion, SPEECH_ACTION, talk, pair.name, "speech", "CC-BY-4.0 and LGPL", pair.speech)
        spoken += motion.seconds
    print(f"speech pairs: {spoken / 60:.1f} minutes from {len(gestures)} gestures over {len(idles)} idles", flush=True)
    packer.write(out, DEFAULT_ENCODER, SPEECH_BLOCKS, features_width(SPEECH_BLOCKS))


def main(arguments: Sequence[str]) -> int:
    """`python -m core prepare`."""
    parser = argparse.ArgumentParser(prog="python -m core prepare", description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of the unpacked archives")
    parser.add_argument("--out", type=Path, required=True, help="folder for the takes")
    parser.add_argument("--speech-minutes", type=float, default=120.0, help="how much speech with gestures to make")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    prepare(given.source, given.out, given.speech_minutes, given.seed)
    return 0
