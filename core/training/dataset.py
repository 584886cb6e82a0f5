# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips and speech pairs -> one packed set of training takes, and the balanced batches drawn from it.

`prepare` writes a folder of plain arrays: features.npy (frames, 659), speech.npy (speech frames, D), sentences.npy
(sentences, text width) and takes.json. `TakeSet` opens it; every batch is a function of (seed, step) alone, so that a
resumed training sees the same batches.
"""

# pyright: reportUnknownMemberType=false

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditions.text import encode_texts
from ..files import write_whole
from ..motion.clip import Motion, join
from ..motion.features import VELOCITIES, Normalizer, encode
from ..motion.rotation import (
    Array,
    axis_angle_to_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
)
from ..motion.skeleton import Skeleton
from ..postprocess.smoothing import remove_pops
from ..prompts.canonical import canonical_prompt
from .captions import CYCLIC, Caption, by_style, caption, style_of
from .components import fit_components
from .phrases import PHRASES
from .split import Split

Floats = npt.NDArray[np.float32]

WINDOW = 100  # frames of the longest take that we make: 5 s
SHORTEST_WINDOW = 40
_SHORTEST = 24
_SHORTEST_CYCLE = 10  # frames
_LEAD = 6  # frames before an action's first movement
_MIDWAY = 0.3  # of the windows begin within the action, as those do that join one window to the next
_SAME_POSE = np.radians(18)
_SEAM = 10  # frames in which a join's jump fades away
_RARE = 12  # actions with fewer takes than this are varied in speed
_SPEEDS = (0.85, 1.0, 1.15)  # few, or a network finds no beat in a wave of the hand

SPEECH_ACTION = "speech"
TOLD_ACTION = "told"  # of clips with captions of their own, which name no action of ours
TEXT_DROPOUT = 0.1
SPEECH_DROPOUT = 0.1
TALK_SHARE = 0.15  # of speech pairs that are also told in words

KEY_ACTIONS: dict[str, float] = {
    "walk": 3.0, "idle": 2.0, "bow": 4.0, "wave": 8.0, "raise_hand": 6.0, "turn_180": 4.0, "turn_90": 2.0,
    "jump_up": 4.0, "jump_forward": 2.0, "point": 6.0, "start_walk": 1.5, "stop_walk": 1.5, "run": 1.0,
    "raise_hands": 2.0, "talk": 1.0, "nod": 3.0, "shrug": 1.5, "no": 1.0, "you": 1.0, "stop": 1.0, "offer": 1.0,
    "wave_hands": 2.0, "bye": 3.0, "guide": 2.0, "call": 1.0, "respond": 1.0, "walk_turn": 2.0, "walk_back": 1.0,
    "me": 1.0, "think": 1.0, "indicate": 1.0, "run_jump": 1.0, "punch": 1.0, "kick": 1.0,
    "step_back": 2.0, "step_forward": 2.0,
}  # fmt: skip
"""How much more often than others an action is drawn; what a presenter does comes first."""


@dataclass(frozen=True)
class Clip:
    """A stretch of features with its words. start, stop: rows of features.npy; sentences: rows of sentences.npy.

    speech: the first row of speech.npy, or -1 for none. told: the words belong to the speech as to any other action.
    split: "train", "val" or "test" where the dataset was split when it was prepared; else `Split` decides.
    """

    start: int
    stop: int
    action: str
    sentences: tuple[int, ...]
    name: str
    source: str
    licence: str
    speech: int = -1
    told: bool = False
    split: str = ""

    @property
    def style(self) -> str:
        """A key of `captions.STYLES`, or "" where the recording's name tells none."""
        return style_of(self.name)

    def row(self) -> dict[str, Any]:
        """As it stands in takes.json, but for the sentences."""
        row = asdict(self)
        return row if self.split else {name: value for name, value in row.items() if name != "split"}


def chain(motions: Sequence[Motion]) -> Motion:
    """Clips one after the other: each is turned and moved to go on from the last pose, and its jump fades away.

    The pose difference at a join decays smoothly over half a second (inertialisation, Bollo 2018).
    """
    result = motions[0]
    for motion in motions[1:]:
        result = join([result, _continued(result, motion)])
    return result


def _continued(before: Motion, after: Motion) -> Motion:
    turn = _pelvis_yaw(before, -1) - _pelvis_yaw(after, 0)
    placed = after.turned(turn)
    end = before.translation[-1] + (before.translation[-1] - before.translation[-2])
    placed = placed.moved([end[0] - placed.translation[0, 0], 0.0, end[2] - placed.translation[0, 2]])
    fade = 1 - np.minimum(np.arange(1, len(placed) + 1) / _SEAM, 1)  # (T,)
    fade = fade * fade * (3 - 2 * fade)
    jump = quaternion_to_axis_angle(
        quaternion_multiply(before.rotations[-1], quaternion_conjugate(placed.rotations[0]))
    )  # (55, 3)
    offset = axis_angle_to_quaternion(fade[:, None, None] * jump)
    height = placed.translation + fade[:, None] * [0.0, before.translation[-1, 1] - placed.translation[0, 1], 0.0]
    return Motion(height, quaternion_multiply(offset, placed.rotations), placed.fps)


def _pelvis_yaw(motion: Motion, frame: int) -> float:
    w, _, y, _ = motion.rotations[frame, 0]
    return float(2 * np.arctan2(y, w))  # the twist about the up axis


def stretched(motion: Motion, speed: float) -> Motion:
    """The clip played speed times as fast, still at its own frame rate."""
    slower = Motion(motion.translation, motion.rotations, motion.fps * speed)
    return slower.resampled(motion.fps)


def windows(motion: Motion) -> list[Motion]:
    """A clip longer than a window cut into half-overlapping ones."""
    if len(motion) <= WINDOW:
        return [motion]
    last = len(motion) - WINDOW
    starts = sorted({*range(0, last, WINDOW // 2), last})
    return [motion.slice(start, start + WINDOW) for start in starts]


def lengthened(motion: Motion, action: str, idles: Sequence[Motion], rng: np.random.Generator) -> Motion:
    """A short clip grown to at most a window: cyclic ones are repeated, others led in and out by standing."""
    length = int(rng.integers(max(60, min(len(motion) + 10, WINDOW)), WINDOW + 1))
    if len(motion) >= length - 8:
        return motion
    if action in CYCLIC:
        return repeated(motion, length)
    if not idles:
        return motion
    spare = length - len(motion)
    lead = int(rng.integers(0, min(spare, 24) + 1))
    parts = [_standing(idles, motion, 0, lead, rng), motion, _standing(idles, motion, -1, spare - lead, rng)]
    return chain([part for part in parts if len(part) >= 3])


def repeated(motion: Motion, length: int) -> Motion:
    """A cycle gone through again up to length frames, from the frame where its pose and movement come back.

    The clip as it is where no pose comes back within some degrees at every joint of the body.
    """
    body = quaternion_to_matrix(motion.rotations[:, 1:22])  # (T, 21, 3, 3)
    frames = len(motion)
    starts, ends = np.arange(1, max(2, frames // 2)), np.arange(frames // 2 + 1, frames)
    starts, ends = (grid.ravel() for grid in np.meshgrid(starts, ends))
    long_enough = ends - starts >= _SHORTEST_CYCLE
    starts, ends = starts[long_enough], ends[long_enough]
    if not len(starts):
        return motion
    apart = np.maximum(_largest_turn(body[starts], body[ends]), _largest_turn(body[starts - 1], body[ends - 1]))
    best = int(apart.argmin())
    if apart[best] > _SAME_POSE:
        return motion
    start, end = int(starts[best]), int(ends[best])
    rounds = int(np.ceil(max(0, length - end) / (end - start)))
    return chain([motion.slice(0, end)] + [motion.slice(start, end)] * rounds).slice(0, length)


def _largest_turn(a: Array, b: Array) -> Array:
    """Largest angle in radians over the joints of two sets of poses (N, J, 3, 3) -> (N,)."""
    cosine = ((a * b).sum((-1, -2)) - 1) / 2
    return np.arccos(cosine.clip(-1, 1)).max(-1)


def _standing(idles: Sequence[Motion], motion: Motion, frame: int, frames: int, rng: np.random.Generator) -> Motion:
    """Some frames of standing, of the few drawn the one most like the clip's pose at frame."""
    drawn = [idles[int(i)] for i in rng.integers(0, len(idles), 6)]

    def unlike(idle: Motion) -> float:
        return float(-np.abs((idle.rotations[0, 1:22] * motion.rotations[frame, 1:22]).sum(-1)).sum())

    idle = min(drawn, key=unlike)
    while len(idle) < frames:
        idle = chain([idle, idle])
    start = int(rng.integers(0, len(idle) - frames + 1)) if frame == 0 else 0
    return idle.slice(start, start + frames)


class Packer:
    """Collects takes and writes the folder that `TakeSet` opens."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.rows: list[Floats] = []
        self.speech: list[Floats] = []
        self.takes: list[tuple[Clip, list[str]]] = []
        self._frames = 0
        self._speech_frames = 0

    def add(
        self, motion: Motion, action: str, sentences: list[str], name: str, source: str, licence: str,
        speech: Floats | None = None, told: bool = False,
    ) -> None:  # fmt: skip
        rows = encode(motion, self.skeleton).astype(np.float32)
        if not np.isfinite(rows).all():
            return
        first = -1
        if speech is not None:
            first = self._speech_frames
            self.speech.append(speech[: len(rows)].astype(np.float32))
            self._speech_frames += len(rows)
        take = Clip(self._frames, self._frames + len(rows), action, (), name, source, licence, first, told)
        self.takes.append((take, sentences))
        self.rows.append(rows)
        self._frames += len(rows)

    def write(self, folder: Path, encoder: str, speech_blocks: Sequence[str], speech_width: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        said = {sentence for _, sentences in self.takes for sentence in sentences}
        words = sorted(said)
        index = {sentence: i for i, sentence in enumerate(words)}
        rows = np.concatenate(self.rows)
        speech = np.concatenate(self.speech) if self.speech else np.zeros((0, speech_width), np.float32)
        arrays = {"features": rows, "speech": speech, "sentences": encode_texts(words, encoder)}
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        takes = [take.row() | {"sentences": [index[s] for s in sentences]} for take, sentences in self.takes]
        header = {"encoder": encoder, "speech_blocks": list(speech_blocks), "words": words, "takes": takes}
        write_whole(folder / "takes.json", json.dumps(header))


def add_clips(packer: Packer, clips: Iterable[tuple[Motion, str, str, str]], seed: int) -> Counter[str]:
    """Pack text takes of (motion, name, source, licence), mirrored too; how many takes each action got."""
    skeleton = packer.skeleton
    labelled: list[tuple[Motion, Caption, str, str, str]] = []
    for recorded, name, source, licence in clips:
        motion = remove_pops(recorded)
        for mirrored in (False, True):
            side = motion.mirrored() if mirrored else motion
            for window in windows(side):
                words = caption(name, window, skeleton, mirrored)
                if words is not None and len(window) >= 8:
                    labelled.append((window, words, name, source, licence))
    idles = [motion for motion, words, *_ in labelled if words.action == "idle"]
    counts = Counter(words.action for _, words, *_ in labelled)
    added: Counter[str] = Counter()
    for motion, words, name, source, licence in labelled:
        # crc32, not hash: the same takes in every run
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), added.total()])
        variants = 1 if len(motion) >= WINDOW else 8 if counts[words.action] < _RARE else 2
        for variant in range(variants):
            clip = stretched(motion, float(rng.choice(_SPEEDS))) if variant > 0 and variants > 2 else motion
            clip = lengthened(clip, words.action, idles, rng).slice(0, WINDOW)
            if len(clip) >= _SHORTEST:
                packer.add(clip, words.action, words.sentences(), name, source, licence)
                added[words.action] += 1
    return added


class ClipSet:
    """The packed takes, in memory, with their statistics, and balanced batches of those that no evaluation keeps."""

    def __init__(self, folder: Path, normalizers: tuple[Normalizer, Normalizer] | None = None) -> None:
        """normalizers: of motion and speech, of a model that is to learn on; else those of these takes."""
        header = json.loads((folder / "takes.json").read_text(encoding="utf-8"))
        self.encoder: str = header["encoder"]
        self.speech_blocks: tuple[str, ...] = tuple(header["speech_blocks"])
        self.words: list[str] = header["words"]
        self.takes = [Clip(**row | {"sentences": tuple(row["sentences"])}) for row in header["takes"]]
        self.features: Floats = np.load(folder / "features.npy", mmap_mode="r")
        self.speech: Floats = np.load(folder / "speech.npy")
        self.sentences: Floats = np.load(folder / "sentences.npy")
        self.tell()
        if normalizers is None:
            speech = self.speech if len(self.speech) else np.zeros((2, self.speech.shape[1]))
            normalizers = fit_components(self.features), Normalizer.fit(speech)
        self.normalizer, self.speech_normalizer = normalizers
        self._rows: Floats = np.concatenate(
            [self.normalizer.normalize(part).astype(np.float32) for part in np.array_split(self.features, 64)]
        )
        self._speech = self.speech_normalizer.normalize(self.speech).astype(np.float32)
        self.window = WINDOW
        self._movements: dict[int, tuple[int, int]] = {}
        self._by_action: dict[str, list[Clip]] = defaultdict(list)
        self.split = Split.of(self.takes)
        for take in self.takes:
            if not self.split.held_out(take):
                self._by_action[take.action].append(take)
        self._actions = sorted(action for action in self._by_action if action != SPEECH_ACTION)
        self._pools = {action: by_style(self._by_action[action], lambda take: take.style) for action in self._actions}
        weights = np.array(
            [KEY_ACTIONS.get(action, 1.0) * len(self._by_action[action]) ** 0.2 for action in self._actions]
        )
        self._weights = weights / weights.sum()

    def reach(self, window: int, text: bool = True) -> None:
        """Let batches show `window` frames, or as many as takes of speech last and, where it is learned, those of text.

        Of each the longest, and `WINDOW` where that is shorter: a model is sampled in windows of this length.
        """
        learned = [take for takes in self._by_action.values() for take in takes]
        kinds = [[t for t in learned if t.speech >= 0], [t for t in learned if text and t.speech < 0]]
        longest = min((max(take.stop - take.start for take in kind) for kind in kinds if kind), default=WINDOW)
        self.window = min(window, max(longest, WINDOW))

    def captions(self) -> list[tuple[str, str, tuple[int, ...]]]:
        """Action, style and sentences of each caption that is learned; none where takes have captions of their own.

        What is said of walking and talking is walking's: the talk is heard.
        """
        learned = [take for takes in self._by_action.values() for take in takes if take.sentences]
        if any(take.action not in PHRASES and take.action != SPEECH_ACTION for take in learned):
            return []
        kind_of: dict[tuple[int, ...], tuple[str, str]] = {}
        known: set[int] = set()
        for take in sorted(learned, key=lambda take: take.speech >= 0):
            if take.speech < 0 or known.isdisjoint(take.sentences):
                kind_of.setdefault(take.sentences, (take.action, take.style))
                known.update(take.sentences)
        return [(*kind, sentences) for sentences, kind in sorted(kind_of.items())]

    def plain_forms(self) -> tuple[list[str], npt.NDArray[np.intp]]:
        """What the sentences say in plain forms (`core.wording`), each once, and which of these each sentence has."""
        forms = [canonical_prompt(sentence) for sentence in self.words]
        every = sorted(set(forms), key=lambda form: (len(form), form))
        row = {form: i for i, form in enumerate(every)}
        return every, np.array([row[form] for form in forms])

    def tell(self, texts: Floats | None = None, rows: npt.NDArray[np.intp] | None = None) -> None:
        """Let batches tell vectors (N, text width), rows (S,) of each sentence; without any, the sentences' own."""
        self.texts = self.sentences if texts is None else texts
        self._text_rows = np.arange(len(self.sentences)) if rows is None else rows

    def batch(self, seed: int, step: int, size: int, speech_share: float) -> dict[str, npt.NDArray[np.generic]]:
        """Arrays of one training batch: x (B, N, 163), valid, text, text_present, speech, speech_present."""
        rng = np.random.default_rng([seed, step])
        n, width = self.window, self._speech.shape[1]
        x = np.zeros((size, n, self._rows.shape[1]), np.float32)
        valid = np.zeros((size, n), bool)
        text = np.zeros((size, self.sentences.shape[1]), np.float32)
        text_present = np.zeros(size, bool)
        speech = np.zeros((size, n, width), np.float32)
        speech_present = np.zeros((size, n), bool)
        paired = self._by_action.get(SPEECH_ACTION, [])
        for row in range(size):
            is_speech = bool(paired) and (not self._actions or rng.random() < speech_share)
            pool = paired if is_speech else self._drawn_pool(rng)
            take = pool[int(rng.integers(len(pool)))]
            start, length = self._crop(take, is_speech, rng)
            x[row, :length] = self._rows[start : start + length]
            valid[row, :length] = True
            if is_speech:
                first = take.speech + start - take.start
                speech[row, :length] = self._speech[first : first + length]
                speech_present[row, :length] = rng.random() > SPEECH_DROPOUT
                # strips begin and end within a window: the handshake frames beside them have no speech
                if rng.random() < 0.3:
                    edge = int(rng.integers(1, 21))
                    speech_present[row, slice(None, edge) if rng.random() < 0.5 else slice(length - edge, None)] = False
            shown = TALK_SHARE if is_speech and not take.told else 1 - TEXT_DROPOUT
            if rng.random() < shown and take.sentences:
                text[row] = self.texts[self._text_rows[take.sentences[int(rng.integers(len(take.sentences)))]]]
                text_present[row] = True
        return {
            "x": x, "valid": valid, "text": text, "text_present": text_present, "speech": speech,
            "speech_present": speech_present,
        }  # fmt: skip

    def _drawn_pool(self, rng: np.random.Generator) -> list[Clip]:
        """The takes of an action that is drawn by its weight, and of those the plain or the styled ones."""
        pools = self._pools[self._actions[rng.choice(len(self._actions), p=self._weights)]]
        return pools[int(rng.integers(len(pools)))]

    def _crop(self, take: Clip, is_speech: bool, rng: np.random.Generator) -> tuple[int, int]:
        frames = take.stop - take.start
        shortest = min(frames, SHORTEST_WINDOW)
        if is_speech:
            length = self.window if rng.random() < 0.7 else int(rng.integers(SHORTEST_WINDOW, self.window + 1))
        elif take.action in CYCLIC:
            length = int(rng.integers(shortest, min(frames, self.window) + 1))
        else:
            first, last = self._movement(take)
            if rng.random() < _MIDWAY:
                first = int(rng.integers(first, max(first, last) + 1))
            return take.start + first, min(frames - first, self.window)
        length = min(length, frames, self.window)
        return take.start + int(rng.integers(frames - length + 1)), length

    def _movement(self, take: Clip) -> tuple[int, int]:
        """Frames of a take where its action is to begin, so that it comes with its prompt, and where it is over."""
        if take.start not in self._movements:
            speed = np.abs(self.features[take.start : take.stop, VELOCITIES]).mean(1)  # (T,)
            moving = np.flatnonzero(speed > 0.25 * speed.max())
            latest = max(0, len(speed) - SHORTEST_WINDOW)
            first, last = (min(max(0, int(moving[k]) - _LEAD), latest) for k in (0, -1))
            self._movements[take.start] = first, last
        return self._movements[take.start]


def describe(counts: Counter[str]) -> str:
    """The actions and how many takes each has, most first."""
    return ", ".join(f"{action} {count}" for action, count in counts.most_common())
