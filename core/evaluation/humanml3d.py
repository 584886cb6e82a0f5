# SPDX-License-Identifier: GPL-3.0-or-later
"""HumanML3D's own metrics (Guo et al. 2022), with the published networks and test set, which the user has to provide.

Layouts and rules are those of the published evaluator: 263 features per frame at 20 fps, of which it sees 259; clips of
40 to 199 frames, of which it sees at most 196, in units of four; captions of at most 20 words with part-of-speech tags.
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

from ..errors import InputError
from ..model.foreign import as_tensors, check_layout, load_table, load_vector, tensor_layout
from ..motion.clip import Motion
from ..motion.released_features import encode
from ..motion.rotation import Array
from ..motion.skeleton import PARENTS, Skeleton
from .humanml3d_networks import MOTION_WIDTH, TAGS, WORD_WIDTH, networks
from .humanml3d_set import CANDIDATES, FEATURES, JOINTS, MOST, UNIT, Sample
from .statistics import diversity, frechet_distance, matching_score, precision_in_batches

Floats = npt.NDArray[np.float32]

_PAIRS = 300  # whose mean distance is the diversity
_WORDS = 20  # of a caption
_CONTACT = 0.002  # square meters per frame
_SHINS = (5, 8)  # joints whose bones give the size of a body
_AT_ONCE = 64
_EXPECTED = "the text-motion evaluator of HumanML3D, text_mot_match/model/finest.tar"
_TAGGED: Mapping[str, str] = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit lift lower raise "
    "wash stand kneel stroll rub bend balance flap jog shuffle lean rotate spin spread climb",
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
"""Tag -> words that have it whatever the tagger says."""
_TAG_OF = {word: tag for tag, words in _TAGGED.items() for word in words.split()}


def bone_lengths(rows: Array) -> Array:
    """Return the distance (22,) in meters of each joint from its parent in features (T, 263); 0 for the pelvis."""
    places = np.zeros((JOINTS, 3))
    places[0, 1] = rows[0, 3]
    places[1:] = rows[0, 4 : 4 + 3 * (JOINTS - 1)].reshape(-1, 3)
    lengths = np.linalg.norm(places - places[list(PARENTS[:JOINTS])], axis=-1)
    lengths[0] = 0.0
    return lengths


def with_lengths(positions: Array, lengths: Array) -> Array:
    """Change the lengths (22,) of the bones in positions (T, 22, 3), and scale the path by the shins."""
    shins = [np.linalg.norm(positions[0, joint] - positions[0, PARENTS[joint]]) for joint in _SHINS]
    result = np.empty_like(positions)
    result[:, 0] = positions[:, 0] * lengths[list(_SHINS)].sum() / sum(shins)
    for joint in range(1, JOINTS):
        bone = positions[:, joint] - positions[:, PARENTS[joint]]
        direction = bone / np.linalg.norm(bone, axis=-1, keepdims=True)
        result[:, joint] = result[:, PARENTS[joint]] + direction * lengths[joint]
    return result


def features_of(motion: Motion, skeleton: Skeleton, lengths: Array) -> Array:
    """Return the features (T - 1, 263) of a motion at 20 fps on a body with the given bones, as in HumanML3D."""
    return encode(with_lengths(motion.positions(skeleton)[:, :JOINTS], lengths), contact=_CONTACT)


class _PlainUnpickler(pickle.Unpickler):
    """Reads lists, tables, texts and numbers; refuses anything that would call or import something."""

    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is more than plain data")


def _plain(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            return _PlainUnpickler(file).load()
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(
            f"{path} contains more than lists, texts and numbers, or is incomplete; download it again."
        ) from error


def read_words(folder: Path) -> dict[str, Floats]:
    """Return word -> vector (300,), from our_vab_data.npy, our_vab_words.pkl and our_vab_idx.pkl below a folder.

    The two pickles are read without executing anything in them.
    """
    words, index = _plain(_file(folder, "our_vab_words.pkl")), _plain(_file(folder, "our_vab_idx.pkl"))
    data = _file(folder, "our_vab_data.npy")
    try:
        vectors = np.load(data, allow_pickle=False).astype(np.float32)
        found = {str(word): vectors[int(index[word])] for word in words}
    except (OSError, ValueError, EOFError, TypeError, KeyError, IndexError):
        raise InputError(f"{data} does not fit the word lists next to it; download the three files again.") from None
    if not {"sos", "eos", "unk"} <= found.keys() or found["unk"].shape != (WORD_WIDTH,):
        raise InputError(f"{data} must have {WORD_WIDTH} numbers for each word, including 'sos', 'eos' and 'unk'.")
    return found


def _file(folder: Path, name: str, within: str = "") -> Path:
    """Return the only file of a name below a folder; if there are several, the one in a folder `within`."""
    found = sorted(folder.rglob(name))
    chosen = [path for path in found if not within or within in path.parts] if len(found) > 1 else found
    if len(chosen) != 1:
        where = f", in a folder {within}" if within else ""
        raise InputError(f"The folder {folder} must contain exactly one {name}{where}, not {len(chosen)}.")
    return chosen[0]


@dataclass(frozen=True)
class Evaluator:
    """The networks, the statistics that motions are normalized with, and the word vectors.

    Attributes:
        movements: Encodes units of four frames.
        motions: Encodes sequences of units.
        texts: Encodes captions.
        mean: (263,).
        std: (263,).
        words: Word -> vector (300,).
    """

    movements: nn.Module
    motions: nn.Module
    texts: nn.Module
    mean: Array
    std: Array
    words: Mapping[str, Floats]

    @staticmethod
    def open(folder: Path) -> "Evaluator":
        """Open the published files.

        Args:
            folder: Folder with finest.tar, mean.npy and std.npy (Comp_v6_KLD01/meta), and the three our_vab files.

        Raises:
            InputError: A file is missing or has another layout; the message names it.
        """
        path = _file(folder, "finest.tar", "text_mot_match")
        table = load_table(path, _EXPECTED)
        found = networks()
        for name, network in found.items():
            tensors = as_tensors(path, table.get(name), _EXPECTED, f"its {name!r}")
            check_layout(path, tensors, tensor_layout(network), _EXPECTED, f"its {name!r}")
            network.load_state_dict(tensors)
            network.eval().requires_grad_(False)
        mean, std = (
            load_vector(
                _file(folder, f"{kind}.npy", "Comp_v6_KLD01"),
                FEATURES,
                "download the statistics of the evaluator again",
            )
            for kind in ("mean", "std")
        )
        if not (std > 0).all():
            raise InputError(
                f"The std in {folder} contains numbers that are not above 0; download the statistics again."
            )
        return Evaluator(
            found["movement_encoder"], found["motion_encoder"], found["text_encoder"], mean, std, read_words(folder)
        )

    @torch.inference_mode()
    def embed_motions(self, clips: Sequence[Array]) -> Array:
        """Return embeddings (N, 512) of features (T, 263), of at most 196 frames in units of four."""
        answers: list[Array] = []
        for at in range(0, len(clips), _AT_ONCE):
            some = clips[at : at + _AT_ONCE]
            rows = np.zeros((len(some), MOST, MOTION_WIDTH), np.float32)
            units: list[int] = []
            for row, clip in zip(rows, some, strict=True):
                units.append(min(len(clip), MOST) // UNIT)
                length = units[-1] * UNIT
                row[:length] = ((clip[:length] - self.mean) / self.std)[:, :MOTION_WIDTH]
            seen = self.motions(self.movements(torch.from_numpy(rows)), units)
            answers.append(seen.double().numpy())
        return np.concatenate(answers)

    @torch.inference_mode()
    def embed_captions(self, captions: Sequence[Sequence[str]]) -> Array:
        """Return embeddings (N, 512) of captions as words with tags, such as "walk/VERB"."""
        answers: list[Array] = []
        for at in range(0, len(captions), _AT_ONCE):
            some = [["sos/OTHER", *words[:_WORDS], "eos/OTHER"] for words in captions[at : at + _AT_ONCE]]
            vectors = torch.from_numpy(np.tile(self.words["unk"], (len(some), _WORDS + 2, 1)))
            tags = torch.zeros(len(some), _WORDS + 2, len(TAGS))
            tags[:, :, -1] = 1
            for i, words in enumerate(some):
                for k, word in enumerate(words):
                    vectors[i, k], tags[i, k] = self._word(word)
            answers.append(self.texts(vectors, [len(words) for words in some], tags).double().numpy())
        return np.concatenate(answers)

    def _word(self, tagged: str) -> tuple[Tensor, Tensor]:
        """Return the vector and the one-hot tag of a word; those of "unk" for a word without a vector."""
        word, _, tag = tagged.rpartition("/")
        if word not in self.words:
            word, tag = "unk", "OTHER"
        tag = _TAG_OF.get(word, tag)
        known = TAGS.index(tag if tag in TAGS else "OTHER")
        return torch.from_numpy(self.words[word]), torch.eye(len(TAGS))[known]


def figures(texts: Array, motions: Array, recorded: Array, seed: int) -> dict[str, float]:
    """Compute the metrics.

    Args:
        texts: (N, 512).
        motions: (N, 512), each of the text in the same row.
        recorded: (M, 512) recorded motions.
        seed: Seed of batches and pairs.
    """
    precision = precision_in_batches(texts, motions, seed, CANDIDATES)
    return {
        "fid": frechet_distance(motions, recorded, biased=False),
        **{f"r_precision_{k}": share for k, share in zip(count(1), precision, strict=False)},
        "matching": matching_score(texts, motions),
        "diversity": diversity(motions, seed, _PAIRS),
    }


Make = Callable[[str, int, int], Motion]
"""(caption, frames at 20 fps, seed) -> a motion of one frame more."""


def clips_of(make: Make, samples: Sequence[Sample], skeleton: Skeleton, lengths: Array, seed: int) -> list[Array]:
    """Return the features (T, 263) that a model generates for the captions, as long as the recorded clips."""
    return [
        features_of(make(sample.caption, sample.frames, seed + i), skeleton, lengths)
        for i, sample in enumerate(samples)
    ]
