# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare`: unpacked archives of motion and speech, or a published dataset -> packed takes."""

import argparse
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..assets import DEFAULT_ENCODER
from ..conditions.speech import features_width, load_audio
from ..errors import InputError
from ..files import write_whole
from ..motion.clip import CORE_FPS, Motion
from ..motion.skeleton import neutral_skeleton
from .captions import Caption, caption
from .dataset import SPEECH_ACTION, WINDOW, Clip, Packer, add_clips, describe, repeated
from .datasets.build import DATASETS, Conditions, prepare_dataset
from .datasets.join import join_takes
from .datasets.recording import Options
from .more_people import OPEN, STAGE
from .pairing import make_pairs, select
from .sources import LICENCES, SourceMotion, load_source

log = logging.getLogger(__name__)

_OPEN = {"smartbody": ".", "mesh2motion": "mesh2motion", "cmu": "cmu"}
FAMILIES: Mapping[str, Mapping[str, str]] = {
    "open": _OPEN | OPEN,
    "stage-nc": _OPEN | STAGE | {"bandai_namco": "bandai_namco", "hdm05": "hdm05"},
}
"""The sources of each family of weights, and where they lie below the data folder."""
AT_MOST = {"bandai_namco": 3, "hdm05": 16}
"""Recordings of one action and style: there are up to 94, and they would leave little room for the other sources."""
SPEECH_BLOCKS = ("mfcc", "prosody", "onset", "voice")
_SPEECH_LICENCE = "CC-BY-4.0 and LGPL"
_SOUNDS = {".ogg", ".wav", ".flac", ".mp3"}
_HELD_OUT_EVERY = 20  # recordings kept for evaluation
_DEMO = "jfk_inaugural"  # and the demo's, so that its voice is a new one


def speech_files(folder: Path, held_out: bool = False) -> list[Path]:
    """Recordings below a folder in a fixed order; every twentieth is held out of training, and so is the demo's."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SOUNDS)

    def kept_back(i: int, path: Path) -> bool:
        return i % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1 or path.stem == _DEMO

    return [path for i, path in enumerate(files) if kept_back(i, path) == held_out]


def _labelled(clips: Sequence[SourceMotion]) -> Iterator[tuple[Motion, str, str, str]]:
    for clip in clips:
        # a CMU file is named by its number: what it shows stands in its title
        yield clip.motion, clip.meta.get("title", clip.name), clip.source, clip.licence


@dataclass(frozen=True)
class Intake:
    """What came of a source: minutes of motion kept, and how many clips were kept or dropped, by reason."""

    source: str
    licence: str
    minutes: float
    counts: Counter[str]


def read_sources(folder: Path, family: str) -> tuple[list[SourceMotion], list[Intake]]:
    """The clips of every source of a family below a folder, and what came of each source.

    Raises InputError where a source is missing; single bad files are passed over and counted.
    """
    clips: list[SourceMotion] = []
    intakes: list[Intake] = []
    for kind, below in FAMILIES[family].items():
        counts: Counter[str] = Counter()
        found = list(load_source(kind, folder / below, counts, AT_MOST.get(kind)))
        clips += found
        minutes = sum(clip.motion.seconds for clip in found) / 60
        intakes.append(Intake(kind, LICENCES[kind], minutes, counts))
        print(f"{kind}: {minutes:.1f} minutes; {describe(counts)}", flush=True)
    return clips, intakes


def readable_sounds(files: Sequence[Path], counts: Counter[str]) -> list[Path]:
    """The files that are sound; the others are logged, passed over and counted."""
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
    """The walks straight ahead that can be gone through again and again, mirrored ones too."""
    skeleton = neutral_skeleton()
    walks: list[Motion] = []
    for clip in clips:
        motion, words = clip.motion, caption(clip.name, clip.motion, skeleton)
        if words is None or words.action != "walk" or words.words["direction"].startswith("in a "):
            continue
        travelled = float(np.linalg.norm((motion.translation[-1] - motion.translation[0])[[0, 2]]))
        if travelled > 0.6 * motion.seconds and len(repeated(motion, 2 * WINDOW)) == 2 * WINDOW:
            walks += [motion, motion.mirrored()]
    return walks


def prepare(source: Path, out: Path, minutes: float, seed: int = 1, family: str = "open") -> None:
    """Read every source of a family, caption it, pair the gestures with the speech, and write the takes and report.md.

    Raises InputError where a source is missing; single bad files are passed over and counted.
    """
    packer = Packer(neutral_skeleton())
    clips, intakes = read_sources(source, family)
    print("text takes:", describe(add_clips(packer, list(_labelled(clips)), seed)), flush=True)
    unrestricted = [clip for clip in clips if clip.source in _OPEN]  # the pairs carry one licence in every family
    gestures, idles = select(unrestricted)
    walks = straight_walks(unrestricted)
    talk, walk = Caption("talk", {}).sentences(), Caption("walk", {"direction": "forward"}).sentences()
    walk += [f"{sentence} {talking}" for sentence in walk for talking in ("while talking", "and talks", "and gestures")]
    spoken, heard = 0.0, Counter[str]()
    sounds = readable_sounds(speech_files(source / "speech"), heard)
    if not sounds:
        raise InputError(f"No recordings of speech lie in {source / 'speech'}.")
    for i, pair in enumerate(make_pairs(sounds, gestures, idles, seed, minutes, SPEECH_BLOCKS, walks)):
        motion = pair.motion.mirrored() if i % 2 else pair.motion
        words = walk if pair.walking else talk
        packer.add(motion, SPEECH_ACTION, words, pair.name, "speech", _SPEECH_LICENCE, pair.speech, pair.walking)
        spoken += motion.seconds
    print(
        f"speech pairs: {spoken / 60:.1f} minutes from {len(gestures)} gestures over {len(idles)} idles "
        f"and {len(walks)} walks",
        flush=True,
    )
    packer.write(out, DEFAULT_ENCODER, SPEECH_BLOCKS, features_width(SPEECH_BLOCKS))
    intakes.append(Intake("speech", _SPEECH_LICENCE, spoken / 60, heard))
    write_whole(out / "report.md", report(family, intakes, [take for take, _ in packer.takes]))


def report(family: str, intakes: Sequence[Intake], takes: Sequence[Clip]) -> str:
    """Markdown: what was kept of each source and what was dropped and why, and the takes of each action."""
    restricted = [f"{item.source} is {item.licence}" for item in intakes if "-NC-" in item.licence]
    lines = [
        f"# Takes of the family {family}",
        "",
        f"For non-commercial use only: {', '.join(restricted)}." if restricted else "Commercial use is allowed.",
        "",
        "| source | licence | minutes read | clips kept | dropped | takes | minutes of takes |",
        "|---|---|---|---|---|---|---|",
    ]
    of_source, frames = Counter(take.source for take in takes), Counter[str]()
    for take in takes:
        frames[take.source] += take.stop - take.start
    for item in intakes:
        dropped = Counter({reason: n for reason, n in item.counts.items() if reason != "kept" and n})
        lines.append(
            f"| {item.source} | {item.licence} | {item.minutes:.1f} | {item.counts['kept']} | "
            f"{describe(dropped) or 'none'} | {of_source[item.source]} | {frames[item.source] / CORE_FPS / 60:.1f} |"
        )
    lines += [
        "",
        "Minutes of takes hold mirrored, repeated and varied ones, and windows that overlap.",
        "",
        "| action | takes | of these |",
        "|---|---|---|",
    ]
    for action, n in Counter(take.action for take in takes).most_common():
        sources = describe(Counter(take.source for take in takes if take.action == action))
        lines.append(f"| {action} | {n} | {sources} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """`python -m core prepare`."""
    parser = argparse.ArgumentParser(prog="python -m core prepare", description=__doc__)
    parser.add_argument(
        "dataset", nargs="?", choices=[*DATASETS, "join"], help="a dataset, bvh for your own files, join for takes"
    )
    parser.add_argument(
        "--source", type=Path, nargs="+", required=True,
        help="folder of the unpacked archives or of the dataset; for join, folders of takes",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder for the takes")
    parser.add_argument("--seed", type=int, default=1)
    ours = parser.add_argument_group("without a dataset")
    ours.add_argument(
        "--family", choices=FAMILIES, default="open", help="which sources go in; stage-nc is for non-commercial use"
    )
    ours.add_argument("--speech-minutes", type=float, default=300.0, help="how much speech with gestures to make")
    theirs = parser.add_argument_group("with a dataset")
    theirs.add_argument("--amass", type=Path, help="folder of the AMASS subsets (humanml3d; default: amass_data)")
    theirs.add_argument("--speakers", default="", help="numbers such as 2,4,6,8 (beat and beat2; default: all)")
    theirs.add_argument("--licence", default=Options.licence, help="of your own recordings (bvh)")
    theirs.add_argument("--text-encoder", default=DEFAULT_ENCODER, help="a folder or hub name, such as CLIP's")
    theirs.add_argument(
        "--speech-blocks", default=",".join(SPEECH_BLOCKS), help="such as mfcc,mel,prosody,wavlm=FOLDER,onset"
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if given.dataset == "join":
        join_takes(given.source, given.out)
        return 0
    if len(given.source) > 1:
        raise InputError("One --source is prepared at a time: prepare each, then join their takes.")
    source: Path = given.source[0]
    if given.dataset is None:
        prepare(source, given.out, given.speech_minutes, given.seed, given.family)
        return 0
    if given.amass and not given.amass.is_dir():
        raise InputError(f"{given.amass} is no folder: give the one that holds the AMASS subsets.")
    conditions = Conditions(given.text_encoder, tuple(filter(None, given.speech_blocks.split(","))))
    options = Options(given.amass, frozenset(filter(None, given.speakers.split(","))), given.licence)
    prepare_dataset(given.dataset, source, given.out, conditions, options, given.seed)
    print((given.out / "report.md").read_text(encoding="utf-8"), end="", flush=True)
    return 0
