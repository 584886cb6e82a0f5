# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare DATASET`: the recordings of a published dataset to packed clips, with a split and a report.

Each recording becomes a part below OUT/parts as soon as it is read, so that a run that was killed continues after the
last one and ends with the same clips; the parts are removed when they are joined. OUT/cache keeps speech features and
sentence vectors for the next preparation.
"""

# pyright: reportUnknownMemberType=false

import json
import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from ...conditions.speech import SAMPLE_RATE, features_width, speech_features
from ...conditions.text import load_text_encoder
from ...console import Progress
from ...errors import InputError
from ...files import write_whole
from ..report import summarize
from . import beat, beat2, bvh, humanml3d, trinity, zeggs
from .cache import Conditions, digest, sentence_vectors
from .clips_writer import Arrays, write_clips
from .parts import Part, make_part, part_key, read_part
from .recording import Options, Recording
from .report import SPLITS, dataset_report

Floats = npt.NDArray[np.float32]
log = logging.getLogger(__name__)

DATASETS: Mapping[str, ModuleType] = {
    "humanml3d": humanml3d, "beat": beat, "beat2": beat2, "trinity": trinity, "zeggs": zeggs, "bvh": bvh,
}  # fmt: skip


def prepare_dataset(
    kind: str, source: Path, out: Path, conditions: Conditions, options: Options | None = None, seed: int = 1
) -> None:
    """Read a dataset and write packed clips, splits.json and report.md.

    Recordings that cannot be used are reported, counted and skipped.

    Args:
        kind: A key of `DATASETS`.
        source: The dataset's folder.
        out: Where to write.
        conditions: Sentence encoder and speech features.
        options: Options of the dataset.
        seed: Seed of the split.

    Raises:
        InputError: The folder is not laid out like the dataset, or nothing in it can be used; an earlier preparation in
            `out` is then left as it is.
    """
    recordings = _find_recordings(kind, source, options or Options())
    load_text_encoder(conditions.encoder)  # reports what is wrong with the networks before hours of reading
    if any(recording.sound for recording in recordings):
        speech_features(np.zeros(SAMPLE_RATE, np.float32), conditions.blocks)
    try:
        _prepare(kind, source, recordings, out, conditions, seed)
    except OSError as error:  # those of a recording are handled by its reader
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error


def _prepare(
    kind: str, source: Path, recordings: Sequence[Recording], out: Path, conditions: Conditions, seed: int
) -> None:
    parts_folder, cache = out / "parts", out / "cache"
    parts_folder.mkdir(parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    paths, parts = _read_parts(kind, recordings, parts_folder, conditions, cache)
    if not any(part.clips for part in parts):
        shutil.rmtree(parts_folder)
        counts = Counter(part.reason for part in parts)
        raise InputError(
            f"None of the {len(parts)} recordings in {source} can be used ({summarize(counts)}): {parts[0].sentence}"
        )
    splits = split_groups([part.group for part in parts if part.clips], seed)
    clips = [[(replace(clip, split=splits[part.group]), words) for clip, words in part.clips] for part in parts]

    def vectors(words: Sequence[str]) -> Floats:
        return sentence_vectors(words, conditions.encoder, cache)

    width = features_width(conditions.blocks)
    write_clips(out, [Arrays(path) for path in paths], clips, conditions, width, vectors)
    names = {
        split: [one.name for one, part in zip(recordings, parts, strict=True) if splits.get(part.group) == split]
        for split in SPLITS
    }
    write_whole(out / "splits.json", json.dumps({"seed": seed, **names}, indent=1) + "\n")
    write_whole(out / "report.md", dataset_report(kind, parts, splits, seed))
    shutil.rmtree(parts_folder)


def _read_parts(
    kind: str, recordings: Sequence[Recording], folder: Path, conditions: Conditions, cache: Path
) -> tuple[list[Path], list[Part]]:
    """Read all recordings, or what an earlier run saved of them."""
    progress = Progress(f"Reading {kind}")
    paths: list[Path] = []
    parts: list[Part] = []
    for i, recording in enumerate(recordings):
        path = folder / f"{digest(recording.name)}.npz"
        part = read_part(path, part_key(kind, recording, conditions))
        if part is None:
            part = make_part(path, kind, recording, conditions, cache)
        if part.sentence:
            log.warning("%s", part.sentence)
        paths.append(path)
        parts.append(part)
        progress(i + 1, len(recordings))
    return paths, parts


def _find_recordings(kind: str, source: Path, options: Options) -> list[Recording]:
    module = DATASETS[kind]
    if not source.is_dir():
        raise InputError(f"{source} is not a folder; give the folder that {kind} was unpacked to.")
    recordings: list[Recording] = module.find(source, options)
    if not recordings:
        chosen = f" of the speakers {', '.join(sorted(options.speakers))}" if options.speakers else ""
        raise InputError(f"{source} contains no recordings{chosen} of {kind}; it must contain {module.EXPECTED}.")
    return sorted(recordings, key=lambda recording: recording.name)


def split_groups(groups: Sequence[str], seed: int) -> dict[str, str]:
    """Split groups into "train", "val" and "test" at 8:1:1; with three groups or more, none is empty."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    tenth = max(round(len(names) / 10), int(len(names) >= 3))
    return {names[k]: "val" if i < tenth else "test" if i < 2 * tenth else "train" for i, k in enumerate(order)}
