# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare`: unpacked archives of motion and speech, or a published dataset, to packed clips."""

import argparse
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..assets import DEFAULT_ENCODER
from ..conditions.speech import features_width, load_audio
from ..errors import InputError
from ..files import write_whole
from ..motion.clip import Motion
from ..motion.skeleton import neutral_skeleton
from .augmentation import loop_cycle
from .captioning import caption_clip
from .captions import Caption
from .clip import SPEECH_ACTION, WINDOW
from .datasets.build import DATASETS, Conditions, prepare_dataset
from .datasets.join import join_clips
from .datasets.recording import Options
from .gestures import select_gestures
from .more_people import FOLDER, OPEN, STAGE
from .packing import Packer, add_clips
from .pairing import make_pairs
from .report import Intake, sources_report, summarize
from .sources import LICENSES, SourceMotion, load_source

log = logging.getLogger(__name__)

_OPEN = {"smartbody": ".", "mesh2motion": "mesh2motion", "cmu": "cmu"}
FAMILIES: Mapping[str, Mapping[str, str]] = {
    "open": _OPEN,
    "stage-nc": _OPEN | {"bandai_namco": "bandai_namco", "hdm05": "hdm05"},
}
"""Family of weights -> its sources, and the folder of each below the data folder."""
OPTIONAL: Mapping[str, Mapping[str, str]] = {"open": OPEN, "stage-nc": STAGE}
"""Family of weights -> further sources, which are read if the data folder contains `more`."""
AT_MOST = {"bandai_namco": 3, "hdm05": 16}
"""Source -> recordings of one action and style; there are up to 94, which would crowd out the other sources."""
SPEECH_BLOCKS = ("mfcc", "prosody", "onset", "voice")
"""The default blocks of speech features."""
_SPEECH_LICENSE = "CC-BY-4.0 and LGPL"
_SOUNDS = {".ogg", ".wav", ".flac", ".mp3"}
_HELD_OUT_EVERY = 20  # recordings of speech
_DEMO = "jfk_inaugural"  # held out as well, so that the demo has a new voice


def speech_files(folder: Path, held_out: bool = False) -> list[Path]:
    """Return recordings of speech below a folder, in a fixed order.

    Args:
        folder: The folder.
        held_out: Return the held-out recordings, every twentieth and the demo's, instead of all others.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SOUNDS)

    def is_held_out(i: int, path: Path) -> bool:
        return i % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1 or path.stem == _DEMO

    return [path for i, path in enumerate(files) if is_held_out(i, path) == held_out]


def read_sources(folder: Path, family: str) -> tuple[list[SourceMotion], list[Intake]]:
    """Read the recordings of every source of a family.

    Args:
        folder: The data folder.
        family: A key of `FAMILIES`.

    Returns:
        The recordings, and what was read from each source.

    Raises:
        InputError: A source is missing, unless all of `OPTIONAL` are. Single bad files are skipped and counted.
    """
    clips: list[SourceMotion] = []
    intakes: list[Intake] = []
    kinds = dict(FAMILIES[family])
    if (folder / FOLDER).is_dir():
        kinds |= OPTIONAL[family]
    else:
        print(f"{', '.join(OPTIONAL[family])}: skipped; there is no folder {folder / FOLDER}", flush=True)
    for kind, below in kinds.items():
        counts: Counter[str] = Counter()
        found = list(load_source(kind, folder / below, counts, AT_MOST.get(kind)))
        clips += found
        minutes = sum(clip.motion.seconds for clip in found) / 60
        intakes.append(Intake(kind, LICENSES[kind], minutes, counts))
        print(f"{kind}: {minutes:.1f} minutes; {summarize(counts)}", flush=True)
    return clips, intakes


def readable_sounds(files: Sequence[Path], counts: Counter[str]) -> list[Path]:
    """Return the files that can be read as sound; the others are logged and counted."""
    good: list[Path] = []
    for file in files:
        try:
            load_audio(file)
            good.append(file)
        except InputError as error:
            log.warning("%s", error)
    counts["kept"] += len(good)
    counts["unreadable"] += len(files) - len(good)
    return good


def straight_walks(clips: Sequence[SourceMotion]) -> list[Motion]:
    """Return the walks straight ahead that can be looped, mirrored ones too."""
    skeleton = neutral_skeleton()
    walks: list[Motion] = []
    for clip in clips:
        motion, words = clip.motion, caption_clip(clip.name, clip.motion, skeleton)
        if words is None or words.action != "walk" or words.words["direction"].startswith("in a "):
            continue
        travelled = float(np.linalg.norm((motion.translation[-1] - motion.translation[0])[[0, 2]]))
        if travelled > 0.6 * motion.seconds and len(loop_cycle(motion, 2 * WINDOW)) == 2 * WINDOW:
            walks += [motion, motion.mirrored()]
    return walks


def prepare(source: Path, out: Path, minutes: float, seed: int = 1, family: str = "open") -> None:
    """Read the sources of a family, caption them, pair gestures with speech, and write packed clips and report.md.

    Args:
        source: The data folder.
        out: Where to write.
        minutes: Minutes of speech with motion to make.
        seed: Seed of augmentation and pairing.
        family: A key of `FAMILIES`.

    Raises:
        InputError: A source is missing. Single bad files are skipped and counted.
    """
    packer = Packer(neutral_skeleton())
    clips, intakes = read_sources(source, family)
    print("text clips:", summarize(add_clips(packer, list(_labelled(clips)), seed)), flush=True)
    unrestricted = [clip for clip in clips if clip.source in _OPEN]  # the pairs have the same license in every family
    intakes.append(_add_speech(packer, unrestricted, source / "speech", seed, minutes))
    packer.write(out, DEFAULT_ENCODER, SPEECH_BLOCKS, features_width(SPEECH_BLOCKS))
    write_whole(out / "report.md", sources_report(family, intakes, [clip for clip, _ in packer.clips]))


def _labelled(clips: Sequence[SourceMotion]) -> Iterator[tuple[Motion, str, str, str]]:
    for clip in clips:
        # a CMU file is named by a number; its title says what it shows
        yield clip.motion, clip.meta.get("title", clip.name), clip.source, clip.license


def _add_speech(packer: Packer, clips: Sequence[SourceMotion], folder: Path, seed: int, minutes: float) -> Intake:
    """Pack pairs of recorded speech and gestures, every other one mirrored."""
    gestures, idles = select_gestures(clips)
    walks = straight_walks(clips)
    talk, walk = Caption("talk", {}).sentences(), Caption("walk", {"direction": "forward"}).sentences()
    walk += [f"{sentence} {talking}" for sentence in walk for talking in ("while talking", "and talks", "and gestures")]
    seconds, counts = 0.0, Counter[str]()
    sounds = readable_sounds(speech_files(folder), counts)
    if not sounds:
        raise InputError(f"{folder} contains no speech recordings.")
    for i, pair in enumerate(make_pairs(sounds, gestures, idles, seed, minutes, SPEECH_BLOCKS, walks)):
        motion = pair.motion.mirrored() if i % 2 else pair.motion
        words = walk if pair.walking else talk
        packer.add(motion, SPEECH_ACTION, words, pair.name, "speech", _SPEECH_LICENSE, pair.speech, pair.walking)
        seconds += motion.seconds
    print(
        f"speech pairs: {seconds / 60:.1f} minutes from {len(gestures)} gestures over {len(idles)} idles "
        f"and {len(walks)} walks",
        flush=True,
    )
    return Intake("speech", _SPEECH_LICENSE, seconds / 60, counts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core prepare", description=__doc__)
    parser.add_argument(
        "dataset", nargs="?", choices=[*DATASETS, "join"],
        help="dataset to prepare, 'bvh' for your own files, or 'join' to join prepared clips",
    )  # fmt: skip
    parser.add_argument(
        "--source", type=Path, nargs="+", required=True,
        help="folder of the unpacked archives or of the dataset; for join, folders of prepared clips",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="output folder for the prepared clips")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random numbers (default: %(default)s)")
    ours = parser.add_argument_group("options without a dataset")
    ours.add_argument(
        "--family",
        choices=FAMILIES,
        default="open",
        help=("which sources to include; stage-nc is for non-commercial use"),
    )
    ours.add_argument("--speech-minutes", type=float, default=300.0, help="minutes of speech with gestures to create")
    theirs = parser.add_argument_group("options with a dataset")
    theirs.add_argument("--amass", type=Path, help="folder of the AMASS subsets (humanml3d; default: amass_data)")
    theirs.add_argument(
        "--speakers", default="", help="speaker numbers, such as 2,4,6,8 (beat and beat2; default: all)"
    )
    theirs.add_argument("--license", "--licence", default=Options.license, help="license of your own recordings (bvh)")
    theirs.add_argument(
        "--text-encoder", default=DEFAULT_ENCODER, help="folder or hub name of the text encoder, such as that of CLIP"
    )
    theirs.add_argument(
        "--speech-blocks",
        default=",".join(SPEECH_BLOCKS),
        help=("blocks of speech features, such as mfcc,mel,prosody,wavlm=FOLDER,onset"),
    )
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run `python -m core prepare`."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if given.dataset == "join":
        join_clips(given.source, given.out)
        return 0
    if len(given.source) > 1:
        raise InputError("Only one --source can be prepared at a time; prepare each, then join their clips.")
    source: Path = given.source[0]
    if given.dataset is None:
        prepare(source, given.out, given.speech_minutes, given.seed, given.family)
        return 0
    if given.amass and not given.amass.is_dir():
        raise InputError(f"{given.amass} is not a folder; give the folder that contains the AMASS subsets.")
    conditions = Conditions(given.text_encoder, tuple(filter(None, given.speech_blocks.split(","))))
    options = Options(given.amass, frozenset(filter(None, given.speakers.split(","))), given.license)
    prepare_dataset(given.dataset, source, given.out, conditions, options, given.seed)
    print((given.out / "report.md").read_text(encoding="utf-8"), end="", flush=True)
    return 0
