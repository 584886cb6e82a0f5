# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core prepare DATASET`: the recordings of a published dataset -> packed takes, split and reported.

Each recording becomes a part below OUT/parts as soon as it is read, so that a run that was killed goes on behind the
last one and ends with the same takes; the parts go when all are joined. OUT/cache keeps the features of the sounds and
the sentence vectors, by what they were made of, for the next preparation.
"""

# pyright: reportUnknownMemberType=false

import hashlib
import json
import logging
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ...conditions.speech import SAMPLE_RATE, features_width, load_audio, speech_features
from ...conditions.text import encode_texts, load_text_encoder
from ...console import Progress
from ...errors import InputError
from ...files import NotWrittenError, replacing, write_whole
from ...motion.clip import CORE_FPS
from ...motion.features import FEATURES
from ...motion.skeleton import neutral_skeleton
from ..captions import Caption
from ..dataset import SPEECH_ACTION, TOLD_ACTION, Clip, Packer, describe
from . import beat, beat2, bvh, humanml3d, trinity, zeggs
from .recording import SHORTEST, DroppedError, Options, Recording, clips, read_spans, whole_stretches

Floats = npt.NDArray[np.float32]
log = logging.getLogger(__name__)

DATASETS: Mapping[str, ModuleType] = {
    "humanml3d": humanml3d, "beat": beat, "beat2": beat2, "trinity": trinity, "zeggs": zeggs, "bvh": bvh,
}  # fmt: skip
_VERSION = 1  # of the parts; another number makes all anew
_UNLIKE = 0.1  # by which motion and sound may differ in length, or 2 seconds
_SHOWN = 200  # sentences of the report about recordings passed over
_SPLITS = ("train", "val", "test")
_AT_ONCE = 8192  # sentences between two saves of their vectors


@dataclass(frozen=True)
class Conditions:
    """encoder: of the sentences. blocks: of the speech features, as in `core.conditions.speech`."""

    encoder: str
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """What came of one recording: its takes, rows counted from 0, with their sentences; or why there are none."""

    takes: list[tuple[Clip, list[str]]]
    group: str
    licence: str
    reason: str
    sentence: str


def prepare_dataset(
    kind: str, source: Path, out: Path, conditions: Conditions, options: Options | None = None, seed: int = 1
) -> None:
    """Read a dataset and write takes.json, features.npy, speech.npy, sentences.npy, splits.json and report.md.

    Recordings that cannot be used are named, counted and passed over. Raises InputError where the folder is not laid
    out as the dataset is, or nothing could be used; then nothing of an earlier preparation is touched.
    """
    recordings = _found(kind, source, options or Options())
    load_text_encoder(conditions.encoder)  # what is wrong with the networks is told before hours of reading
    if any(recording.sound for recording in recordings):
        speech_features(np.zeros(SAMPLE_RATE, np.float32), conditions.blocks)
    try:
        _prepare(kind, source, recordings, out, conditions, seed)
    except OSError as error:  # that of a recording is told by its reader
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error


def _prepare(
    kind: str, source: Path, recordings: Sequence[Recording], out: Path, conditions: Conditions, seed: int
) -> None:
    parts_folder, cache = out / "parts", out / "cache"
    parts_folder.mkdir(parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    progress = Progress(f"Reading {kind}")
    paths: list[Path] = []
    parts: list[Part] = []
    for i, recording in enumerate(recordings):
        path = parts_folder / f"{_digest(recording.name)}.npz"
        part = _read_part(path, _key(kind, recording, conditions))
        if part is None:
            part = _make_part(path, kind, recording, conditions, cache)
        if part.sentence:
            log.warning("%s", part.sentence)
        paths.append(path)
        parts.append(part)
        progress(i + 1, len(recordings))
    if not any(part.takes for part in parts):
        shutil.rmtree(parts_folder)
        counts = Counter(part.reason for part in parts)
        raise InputError(
            f"Of the {len(parts)} recordings in {source} none can be used ({describe(counts)}): {parts[0].sentence}"
        )
    splits = split_groups([part.group for part in parts if part.takes], seed)
    takes = [[(replace(take, split=splits[part.group]), words) for take, words in part.takes] for part in parts]

    def vectors(words: Sequence[str]) -> Floats:
        return _vectors(words, conditions.encoder, cache)

    width = features_width(conditions.blocks)
    write_takes(out, [Arrays(path) for path in paths], takes, conditions, width, vectors)
    names = {
        where: [one.name for one, part in zip(recordings, parts, strict=True) if splits.get(part.group) == where]
        for where in _SPLITS
    }
    write_whole(out / "splits.json", json.dumps({"seed": seed, **names}, indent=1) + "\n")
    write_whole(out / "report.md", report(kind, parts, splits, seed))
    shutil.rmtree(parts_folder)


def _found(kind: str, source: Path, options: Options) -> list[Recording]:
    module = DATASETS[kind]
    if not source.is_dir():
        raise InputError(f"{source} is no folder: give the one that {kind} was unpacked to.")
    recordings: list[Recording] = module.find(source, options)
    if not recordings:
        chosen = f" of the speakers {', '.join(sorted(options.speakers))}" if options.speakers else ""
        raise InputError(f"{source} holds no recordings{chosen} of {kind}: it should hold {module.EXPECTED}.")
    return sorted(recordings, key=lambda recording: recording.name)


def _key(kind: str, recording: Recording, conditions: Conditions) -> str:
    """What a part depends on."""
    files = [*recording.files, recording.sound, recording.words, recording.mirrored_words]
    state = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files if path and path.is_file()]
    return _digest(repr((_VERSION, kind, recording.name, recording.style, recording.licence, conditions.blocks, state)))


def _read_part(path: Path, key: str) -> Part | None:
    """A part that is there and was made of the same files; None otherwise."""
    try:
        with np.load(path) as file:
            data: dict[str, Any] = json.loads(str(file["meta"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if data.pop("key") != key:
        return None
    takes = [(Clip(**row | {"sentences": ()}), list[str](words)) for row, words in data.pop("takes")]
    return Part(takes, **data)


def _make_part(path: Path, kind: str, recording: Recording, conditions: Conditions, cache: Path) -> Part:
    """Read a recording, pack what it shows, and save it."""
    packer = Packer(neutral_skeleton())
    reason = sentence = ""
    try:
        _pack(packer, kind, recording, conditions, cache)
        if not packer.takes:
            raise DroppedError("glitch", f"{recording.name} holds no stretch of {SHORTEST} whole frames.")
    except NotWrittenError:
        raise
    except InputError as error:
        reason, sentence = getattr(error, "reason", "unreadable"), str(error)
    rows = [np.zeros((0, FEATURES), np.float32), *packer.rows]
    speech = packer.speech or [np.zeros((0, 0), np.float32)]
    part = Part(packer.takes, recording.group, recording.licence, reason, sentence)
    takes = [(asdict(take), words) for take, words in part.takes]
    meta = json.dumps(asdict(part) | {"takes": takes, "key": _key(kind, recording, conditions)})
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, features=np.concatenate(rows), speech=np.concatenate(speech), meta=meta)
    return part


def _pack(packer: Packer, kind: str, recording: Recording, conditions: Conditions, cache: Path) -> None:
    """Add a recording's takes: what its words tell, and what goes with its speech.

    Raises InputError where it has neither, or one of its files cannot be read.
    """
    name, licence = recording.name, recording.licence
    if not (recording.sound or recording.words or recording.mirrored_words):
        what = "sound" if kind != "humanml3d" else "text"
        raise DroppedError(f"no {what}", f"{name} has no {what} of the same name: the two make a recording.")
    motion = recording.read()
    if recording.sound:
        motion = motion.resampled(CORE_FPS)
        speech = _speech(recording.sound, conditions.blocks, cache)
        apart = abs(len(motion) - len(speech))
        if apart > max(2 * CORE_FPS, _UNLIKE * max(len(motion), len(speech))):
            raise DroppedError(
                "unlike lengths",
                f"{name} moves for {motion.seconds:.1f} s and {recording.sound.name} lasts "
                f"{len(speech) / CORE_FPS:.1f} s: they should be cut alike.",
            )
        told = recording.words is not None
        words = _sentences(recording.words) if recording.words else Caption("talk", {}, recording.style).sentences()
        motion = motion.slice(0, len(speech))
        for start, stop in whole_stretches(motion):
            packer.add(motion.slice(start, stop), SPEECH_ACTION, words, name, kind, licence, speech[start:stop], told)
        return
    sides = ((recording.words, motion), (recording.mirrored_words, motion.mirrored()))
    for path, side in sides:
        for clip, words in clips(side, read_spans(path), name) if path else ():
            packer.add(clip, TOLD_ACTION, list(words), name, kind, licence)


def _sentences(path: Path) -> list[str]:
    return sorted({sentence for span in read_spans(path) for sentence in span.sentences})


def _speech(sound: Path, blocks: Sequence[str], cache: Path) -> Floats:
    """(N, D) features of a sound, from the cache where the same sound was met before.

    WavLM takes hours: its columns are kept apart from those that cost little.
    """
    try:
        content = hashlib.sha1(sound.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"'{sound.name}' cannot be read: {error.strerror or error}.") from error
    light = tuple(block for block in blocks if not block.startswith("wavlm"))
    columns: dict[str, Floats] = {}
    for group in (light, *((block,) for block in blocks if block not in light)):
        if not group:
            continue
        path = cache / f"speech-{content[:20]}-{_digest(repr(group))}.npy"
        rows = _cached(path)
        if rows is None:
            rows = speech_features(load_audio(sound), group)
            with replacing(path) as temporary, open(temporary, "wb") as file:
                np.save(file, rows)
        first = 0
        for block in group:
            width = features_width([block])
            columns[block] = rows[:, first : first + width]
            first += width
    return np.concatenate([columns[block] for block in blocks], axis=1)


def _cached(path: Path) -> Floats | None:
    """An array that is there and whole; None otherwise."""
    try:
        return np.load(path)
    except (OSError, ValueError, EOFError):
        return None


def split_groups(groups: Sequence[str], seed: int) -> dict[str, str]:
    """The groups as "train", "val" and "test", 8:1:1; from three groups on none of these is empty."""
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    tenth = max(round(len(names) / 10), int(len(names) >= 3))
    return {names[k]: "val" if i < tenth else "test" if i < 2 * tenth else "train" for i, k in enumerate(order)}


class Arrays:
    """The arrays of a part or of a folder of takes, read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> Floats:
        if self._path.is_dir():
            return np.load(self._path / f"{name}.npy", mmap_mode="r")
        with np.load(self._path) as file:
            return file[name]


def write_takes(
    folder: Path,
    arrays: Sequence[Arrays],
    takes: Sequence[Sequence[tuple[Clip, list[str]]]],
    conditions: Conditions,
    speech_width: int,
    vectors: Callable[[Sequence[str]], Floats],
) -> None:
    """Join parts, each with takes whose rows are counted from 0, to the folder that `TakeSet` opens.

    vectors: gives those of the sentences (n, D). Rows go to the disk as they come, and what is there is replaced when
    all is written.
    """
    words = sorted({sentence for part in takes for _, sentences in part for sentence in sentences})
    index = {sentence: i for i, sentence in enumerate(words)}
    sentence_vectors = vectors(words)
    lengths = [(max((t.stop for t, _ in part), default=0), _speech_length(part)) for part in takes]
    rows: list[dict[str, Any]] = []
    first, spoken = 0, 0
    for part, (length, speech_length) in zip(takes, lengths, strict=True):
        for take, sentences in part:
            place = {"start": take.start + first, "stop": take.stop + first}
            place["speech"] = take.speech + spoken if take.speech >= 0 else -1
            rows.append(take.row() | place | {"sentences": [index[sentence] for sentence in sentences]})
        first, spoken = first + length, spoken + speech_length
    data = {"encoder": conditions.encoder, "speech_blocks": list(conditions.blocks), "words": words, "takes": rows}

    def blocks(name: str, column: int) -> Iterator[Floats]:
        return (array[name][: length[column]] for array, length in zip(arrays, lengths, strict=True) if length[column])

    takes_file = folder / "takes.json"
    with ExitStack() as stack:  # the first one takes its place last
        header = stack.enter_context(replacing(takes_file))
        header.write_text(json.dumps(data), encoding="utf-8")
        for name, shape, rows_of in (
            ("features", (first, FEATURES), blocks("features", 0)),
            ("speech", (spoken, speech_width), blocks("speech", 1)),
            ("sentences", sentence_vectors.shape, [sentence_vectors]),
        ):
            _stream(stack.enter_context(replacing(folder / f"{name}.npy")), shape, rows_of)
        takes_file.unlink(missing_ok=True)  # it tells that the rest is whole


def _stream(path: Path, shape: tuple[int, ...], blocks: Iterable[Floats]) -> None:
    """Write the rows of an array (N, D) to an .npy as they come."""
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, "<f4").data)


def _speech_length(part: Sequence[tuple[Clip, list[str]]]) -> int:
    return max((take.speech + take.stop - take.start for take, _ in part if take.speech >= 0), default=0)


def _vectors(words: Sequence[str], encoder: str, cache: Path) -> Floats:
    """Sentence vectors (n, D) of the words, from the cache as far as they were met before."""
    path = cache / f"text-{_digest(encoder)}.npz"
    known: dict[str, Floats] = {}
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), np.load(path) as file:
        known = dict(zip(json.loads(str(file["words"])), file["vectors"], strict=True))
    new = [sentence for sentence in words if sentence not in known]
    progress = Progress("Encoding sentences")
    for first in range(0, len(new), _AT_ONCE):
        some = new[first : first + _AT_ONCE]
        known |= dict(zip(some, encode_texts(some, encoder), strict=True))
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, words=json.dumps(list(known)), vectors=np.stack(list(known.values())))
        progress(min(first + _AT_ONCE, len(new)), len(new))
    return np.stack([known[sentence] for sentence in words]).astype(np.float32)


def report(kind: str, parts: Sequence[Part], splits: Mapping[str, str], seed: int) -> str:
    """Markdown: what was kept of a dataset and what was passed over and why, and its split."""
    licences = sorted({part.licence for part in parts})
    dropped = Counter(part.reason for part in parts if not part.takes)
    takes = [take for part in parts for take, _ in part.takes]
    lines = [
        f"# Takes of {kind}",
        "",
        "For non-commercial use only." if any("-NC-" in licence for licence in licences) else "The licence is yours.",
        "",
        "| source | licence | recordings kept | dropped | takes | minutes of takes |",
        "|---|---|---|---|---|---|",
        f"| {kind} | {', '.join(licences)} | {sum(bool(part.takes) for part in parts)} | "
        f"{describe(dropped) or 'none'} | {len(takes)} | {_minutes(takes):.1f} |",
        "",
        f"Split 8:1:1 by recording, seed {seed}; training reads train alone.",
        "",
        "| split | recordings | takes | minutes of takes |",
        "|---|---|---|---|",
    ]
    for name in _SPLITS:
        chosen = [part for part in parts if part.takes and splits[part.group] == name]
        inside = [take for part in chosen for take, _ in part.takes]
        lines.append(f"| {name} | {len(chosen)} | {len(inside)} | {_minutes(inside):.1f} |")
    sentences = [part.sentence for part in parts if part.sentence]
    if sentences:
        lines += ["", "## Passed over", "", *(f"- {sentence}" for sentence in sentences[:_SHOWN])]
    if len(sentences) > _SHOWN:
        lines.append(f"- and {len(sentences) - _SHOWN} more.")
    return "\n".join(lines) + "\n"


def _minutes(takes: Sequence[Clip]) -> float:
    return sum(take.stop - take.start for take in takes) / CORE_FPS / 60


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()[:20]
