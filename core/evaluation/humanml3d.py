# SPDX-License-Identifier: GPL-3.0-or-later
"""HumanML3D's own metrics (Guo et al. 2022), by the published networks and the test set, which a user has to bring.

Layouts and rules are those of the published evaluator: 263 features a frame at 20 fps, of which 259 are seen; clips of
40 to 199 frames, at most 196 of them seen, in units of four; captions of at most 20 words tagged with parts of speech.
"""

# pyright: reportUnknownMemberType=false

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from ..errors import InputError
from ..model.foreign import check_layout, layout_of, load_table, numbers, tensors_of
from ..motion.clip import CORE_FPS, Motion
from ..motion.released_features import encode
from ..motion.rotation import Array
from ..motion.skeleton import PARENTS, Skeleton
from .statistics import diversity, frechet_distance, matching_score, precision_in_batches

Floats = npt.NDArray[np.float32]

JOINTS = 22
FEATURES = 4 + (JOINTS - 1) * 9 + JOINTS * 3 + 4  # 263
SHORTEST, LONGEST, MOST, UNIT = 40, 199, 196, 4  # frames
CANDIDATES = 32
_PAIRS = 300  # whose distances are the diversity
_SEEN = FEATURES - 4  # all but the contacts
_WORDS, _WORD = 20, 300  # of a caption, and numbers of a word
_SHARED = 512  # numbers in which texts and motions meet
_CONTACT = 0.002  # square metres a frame
_SHINS = (5, 8)  # the joints whose bones tell how tall a body is
_AT_ONCE = 64
_EXPECTED = "the text-motion evaluator of HumanML3D, text_mot_match/model/finest.tar"

_TAGS = (
    "VERB", "NOUN", "DET", "ADP", "NUM", "AUX", "PRON", "ADJ", "ADV", "Loc_VIP", "Body_VIP", "Obj_VIP", "Act_VIP",
    "Desc_VIP", "OTHER",
)  # fmt: skip
_TAGGED: Mapping[str, str] = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit lift lower raise "
    "wash stand kneel stroll rub bend balance flap jog shuffle lean rotate spin spread climb",
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
"""Words that have a tag of their own whatever the tagger says."""
_TAG_OF = {word: tag for tag, words in _TAGGED.items() for word in words.split()}


def bone_lengths(rows: Array) -> Array:
    """Metres from each joint's parent to it (22,), of the body that features (T, 263) show; 0 for the pelvis."""
    places = np.zeros((JOINTS, 3))
    places[0, 1] = rows[0, 3]
    places[1:] = rows[0, 4 : 4 + 3 * (JOINTS - 1)].reshape(-1, 3)
    lengths = np.linalg.norm(places - places[list(PARENTS[:JOINTS])], axis=-1)
    lengths[0] = 0.0
    return lengths


def with_lengths(positions: Array, lengths: Array) -> Array:
    """Positions (T, 22, 3) with bones of other lengths (22,), every bone as it points; the path scaled by the shins."""
    shins = [np.linalg.norm(positions[0, joint] - positions[0, PARENTS[joint]]) for joint in _SHINS]
    result = np.empty_like(positions)
    result[:, 0] = positions[:, 0] * lengths[list(_SHINS)].sum() / sum(shins)
    for joint in range(1, JOINTS):
        bone = positions[:, joint] - positions[:, PARENTS[joint]]
        direction = bone / np.linalg.norm(bone, axis=-1, keepdims=True)
        result[:, joint] = result[:, PARENTS[joint]] + direction * lengths[joint]
    return result


def features_of(motion: Motion, skeleton: Skeleton, lengths: Array) -> Array:
    """The features (T - 1, 263) of a motion at 20 fps, on a body with those bones as HumanML3D's all have."""
    return encode(with_lengths(motion.positions(skeleton)[:, :JOINTS], lengths), contact=_CONTACT)


class _Movements(nn.Module):
    """Features (B, 4 N, 259) -> (B, N, 512), one for every four frames."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(_SEEN, _SHARED, 4, 2, 1), nn.Dropout(0.2), nn.LeakyReLU(0.2),
            nn.Conv1d(_SHARED, _SHARED, 4, 2, 1), nn.Dropout(0.2), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.out_net = nn.Linear(_SHARED, _SHARED)

    def forward(self, rows: Tensor) -> Tensor:
        return self.out_net(self.main(rows.transpose(1, 2)).transpose(1, 2))


class _Sequences(nn.Module):
    """Rows (B, N, width), the first `lengths` of each -> (B, 512). tags: how many kinds of words, for texts."""

    def __init__(self, width: int, hidden: int, tags: int = 0) -> None:
        super().__init__()
        if tags:
            self.pos_emb = nn.Linear(tags, width)
        self.input_emb = nn.Linear(width, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.LayerNorm(hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, _SHARED)
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, hidden))

    def forward(self, rows: Tensor, lengths: Sequence[int], tags: Tensor | None = None) -> Tensor:
        if tags is not None:
            rows = rows + self.pos_emb(tags)
        packed = pack_padded_sequence(
            self.input_emb(rows), torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        _, last = self.gru(packed, self.hidden.repeat(1, len(rows), 1))
        return self.output_net(torch.cat([last[0], last[1]], -1))


def networks() -> dict[str, nn.Module]:
    """The three networks of the evaluator, by their names in the file, with random weights."""
    return {
        "movement_encoder": _Movements(),
        "motion_encoder": _Sequences(_SHARED, 1024),
        "text_encoder": _Sequences(_WORD, 512, len(_TAGS)),
    }


class _PlainUnpickler(pickle.Unpickler):
    """Reads lists, tables, texts and numbers; whatever would call or import anything is refused."""

    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is more than plain data")


def _plain(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            return _PlainUnpickler(file).load()
    except Exception as error:  # a damaged pickle raises what it likes
        raise InputError(f"{path} holds more than lists, texts and numbers, or is cut short; get it again.") from error


def read_words(folder: Path) -> dict[str, Floats]:
    """The vectors (300,) of words, from our_vab_data.npy, our_vab_words.pkl and our_vab_idx.pkl below a folder.

    The two pickles are read without running anything that they may hold.
    """
    words, index = _plain(_file(folder, "our_vab_words.pkl")), _plain(_file(folder, "our_vab_idx.pkl"))
    data = _file(folder, "our_vab_data.npy")
    try:
        vectors = np.load(data, allow_pickle=False).astype(np.float32)
        found = {str(word): vectors[int(index[word])] for word in words}
    except (OSError, ValueError, EOFError, TypeError, KeyError, IndexError):
        raise InputError(f"{data} does not fit the lists of words beside it; get the three files again.") from None
    if not {"sos", "eos", "unk"} <= found.keys() or found["unk"].shape != (_WORD,):
        raise InputError(f"{data} should have {_WORD} numbers for each word, 'sos', 'eos' and 'unk' among them.")
    return found


def _file(folder: Path, name: str, within: str = "") -> Path:
    """The one file of that name below a folder; of several the one in a folder `within`."""
    found = sorted(folder.rglob(name))
    chosen = [path for path in found if not within or within in path.parts] if len(found) > 1 else found
    if len(chosen) != 1:
        where = f", in a folder {within}" if within else ""
        raise InputError(f"The folder {folder} should hold one {name}{where}, and not {len(chosen)}.")
    return chosen[0]


@dataclass(frozen=True)
class Evaluator:
    """The networks, what their motions were normalised with, (263,) each, and the vectors of words."""

    movements: nn.Module
    motions: nn.Module
    texts: nn.Module
    mean: Array
    std: Array
    words: Mapping[str, Floats]

    @staticmethod
    def open(folder: Path) -> "Evaluator":
        """From a folder with finest.tar, mean.npy and std.npy (Comp_v6_KLD01/meta) and the three our_vab files.

        Raises InputError, in one sentence that names the file, for what is missing or of another layout.
        """
        path = _file(folder, "finest.tar", "text_mot_match")
        table = load_table(path, _EXPECTED)
        found = networks()
        for name, network in found.items():
            tensors = tensors_of(path, table.get(name), _EXPECTED, f"its {name!r}")
            check_layout(path, tensors, layout_of(network), _EXPECTED, f"its {name!r}")
            network.load_state_dict(tensors)
            network.eval().requires_grad_(False)
        mean, std = (
            numbers(_file(folder, f"{kind}.npy", "Comp_v6_KLD01"), FEATURES, "get the evaluator's statistics again")
            for kind in ("mean", "std")
        )
        if not (std > 0).all():
            raise InputError(f"The std in {folder} holds numbers that are not above 0; get the statistics again.")
        return Evaluator(
            found["movement_encoder"], found["motion_encoder"], found["text_encoder"], mean, std, read_words(folder)
        )

    @torch.inference_mode()
    def see(self, clips: Sequence[Array]) -> Array:
        """Embeddings (N, 512) of features (T, 263), of each the first 196 at most, in units of four."""
        answers: list[Array] = []
        for at in range(0, len(clips), _AT_ONCE):
            some = clips[at : at + _AT_ONCE]
            rows = np.zeros((len(some), MOST, _SEEN), np.float32)
            units: list[int] = []
            for row, clip in zip(rows, some, strict=True):
                units.append(min(len(clip), MOST) // UNIT)
                length = units[-1] * UNIT
                row[:length] = ((clip[:length] - self.mean) / self.std)[:, :_SEEN]
            seen = self.motions(self.movements(torch.from_numpy(rows)), units)
            answers.append(seen.double().numpy())
        return np.concatenate(answers)

    @torch.inference_mode()
    def read(self, captions: Sequence[Sequence[str]]) -> Array:
        """Embeddings (N, 512) of captions as words with tags, such as "walk/VERB"."""
        answers: list[Array] = []
        for at in range(0, len(captions), _AT_ONCE):
            some = [["sos/OTHER", *words[:_WORDS], "eos/OTHER"] for words in captions[at : at + _AT_ONCE]]
            vectors = torch.from_numpy(np.tile(self.words["unk"], (len(some), _WORDS + 2, 1)))
            tags = torch.zeros(len(some), _WORDS + 2, len(_TAGS))
            tags[:, :, -1] = 1
            for i, words in enumerate(some):
                for k, word in enumerate(words):
                    vectors[i, k], tags[i, k] = self._word(word)
            answers.append(self.texts(vectors, [len(words) for words in some], tags).double().numpy())
        return np.concatenate(answers)

    def _word(self, tagged: str) -> tuple[Tensor, Tensor]:
        """The vector and the tag of a word; of one without a vector those of the unknown."""
        word, _, tag = tagged.rpartition("/")
        if word not in self.words:
            word, tag = "unk", "OTHER"
        tag = _TAG_OF.get(word, tag)
        known = _TAGS.index(tag if tag in _TAGS else "OTHER")
        return torch.from_numpy(self.words[word]), torch.eye(len(_TAGS))[known]


@dataclass(frozen=True)
class Sample:
    """A recorded clip, its features (T, 263), with one of its captions, plain and in words with tags."""

    name: str
    rows: Array
    caption: str
    words: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many of its frames are seen."""
        return min(len(self.rows), MOST) // UNIT * UNIT


def read_test_set(folder: Path, limit: int | None, seed: int) -> list[Sample]:
    """The clips of HumanML3D's test.txt, in an order of the seed's, with a caption each that the seed draws.

    Captions with times make clips of their own. Clips outside of 40 to 199 frames are left out.
    Raises InputError naming what of test.txt, new_joint_vecs and texts is missing or damaged.
    """
    folder = next((place for place in (folder, folder / "HumanML3D") if (place / "test.txt").is_file()), folder)
    for name in ("test.txt", "new_joint_vecs", "texts"):
        if not (folder / name).exists():
            raise InputError(
                f"{folder} has no {name}: give HumanML3D's folder with test.txt, new_joint_vecs and texts."
            )
    rng = np.random.default_rng(seed)
    names = (folder / "test.txt").read_text(encoding="utf-8").split()
    samples: list[Sample] = []
    for i in rng.permutation(len(names)):
        if limit is not None and len(samples) >= limit:
            break
        samples += _samples(folder, names[i], rng)
    if len(samples) < CANDIDATES:
        raise InputError(f"{folder} has {len(samples)} clips that can be used, and {CANDIDATES} at least are needed.")
    return samples if limit is None else samples[:limit]


def _samples(folder: Path, name: str, rng: np.random.Generator) -> list[Sample]:
    rows_file, text_file = folder / "new_joint_vecs" / f"{name}.npy", folder / "texts" / f"{name}.txt"
    if not (rows_file.is_file() and text_file.is_file()):
        return []  # the published list names some that its index has not
    try:
        rows = np.load(rows_file, allow_pickle=False).astype(np.float64)
    except (OSError, ValueError, EOFError):
        raise InputError(f"{rows_file} is no array of numbers; get HumanML3D again.") from None
    if rows.ndim != 2 or rows.shape[1] != FEATURES:
        raise InputError(f"{rows_file} should hold {FEATURES} numbers a frame, not the shape {rows.shape}.")
    if not SHORTEST <= len(rows) <= LONGEST or not np.isfinite(rows).all():  # a few of the published ones are not
        return []
    whole: list[tuple[str, tuple[str, ...]]] = []
    parts: list[Sample] = []
    for line in text_file.read_text(encoding="utf-8").splitlines():
        fields = line.strip().split("#")
        if len(fields) < 4 or not fields[1]:
            continue
        words = tuple(fields[1].split(" "))
        try:
            first, last = (int(np.nan_to_num(float(field)) * CORE_FPS) for field in fields[2:4])
        except ValueError:
            raise InputError(f"{text_file} should have lines caption#words#start#end, not {line!r}.") from None
        if first == last == 0:
            whole.append((fields[0], words))
        elif SHORTEST <= len(rows[first:last]) <= LONGEST:
            parts.append(Sample(name, rows[first:last], fields[0], words))
    if whole:
        caption, words = whole[int(rng.integers(len(whole)))]
        parts.append(Sample(name, rows, caption, words))
    return parts


def figures(texts: Array, motions: Array, recorded: Array, seed: int) -> dict[str, float]:
    """The metrics of motions (N, 512) that belong to texts (N, 512), against recorded ones (M, 512)."""
    precision = precision_in_batches(texts, motions, seed, CANDIDATES)
    return {
        "fid": frechet_distance(motions, recorded, biased=False),
        **{f"r_precision_{k}": share for k, share in zip(count(1), precision, strict=False)},
        "matching": matching_score(texts, motions),
        "diversity": diversity(motions, seed, _PAIRS),
    }


Make = Callable[[str, int, int], Motion]
"""A caption, a number of frames at 20 fps and a seed -> a motion of that many frames and one more."""


def clips_of(make: Make, samples: Sequence[Sample], skeleton: Skeleton, lengths: Array, seed: int) -> list[Array]:
    """The features (T, 263) that a model makes for the captions, each as long as what is seen of the recorded clip."""
    return [
        features_of(make(sample.caption, sample.frames, seed + i), skeleton, lengths)
        for i, sample in enumerate(samples)
    ]
