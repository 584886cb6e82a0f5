# SPDX-License-Identifier: GPL-3.0-or-later
"""HumanML3D's test set, read like its authors do."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..motion.clip import CORE_FPS
from ..motion.rotation import Array

JOINTS = 22
FEATURES = 4 + (JOINTS - 1) * 9 + JOINTS * 3 + 4  # 263
SHORTEST, LONGEST = 40, 199
"""Frames of a clip at 20 fps."""
MOST, UNIT = 196, 4
"""Frames of a clip that the evaluator sees at most, and frames of a unit."""
CANDIDATES = 32
"""Clips that R-precision retrieves from."""


@dataclass(frozen=True)
class Sample:
    """A recorded clip with one of its captions.

    Attributes:
        name: Its name.
        features: (T, 263).
        caption: The caption.
        words: The caption as words with tags, such as "walk/VERB".
    """

    name: str
    features: Array
    caption: str
    words: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many of its frames the evaluator sees."""
        return min(len(self.features), MOST) // UNIT * UNIT


def read_test_set(folder: Path, limit: int | None, seed: int) -> list[Sample]:
    """Read the test set in a random order, each clip with a random caption.

    Captions with times make clips of their own. Clips outside of 40 to 199 frames are left out.

    Args:
        folder: HumanML3D's folder.
        limit: How many clips; None for all.
        seed: Seed of order and captions.

    Raises:
        InputError: test.txt, new_joint_vecs or texts is missing or damaged; the message names it.
    """
    folder = next((place for place in (folder, folder / "HumanML3D") if (place / "test.txt").is_file()), folder)
    for name in ("test.txt", "new_joint_vecs", "texts"):
        if not (folder / name).exists():
            raise InputError(
                f"{folder} has no {name}; give HumanML3D's folder with test.txt, new_joint_vecs and texts."
            )
    rng = np.random.default_rng(seed)
    names = (folder / "test.txt").read_text(encoding="utf-8").split()
    samples: list[Sample] = []
    for i in rng.permutation(len(names)):
        if limit is not None and len(samples) >= limit:
            break
        samples += _samples(folder, names[i], rng)
    if len(samples) < CANDIDATES:
        raise InputError(f"{folder} has {len(samples)} usable clips, but at least {CANDIDATES} are needed.")
    return samples if limit is None else samples[:limit]


def _samples(folder: Path, name: str, rng: np.random.Generator) -> list[Sample]:
    features_file, text_file = folder / "new_joint_vecs" / f"{name}.npy", folder / "texts" / f"{name}.txt"
    if not (features_file.is_file() and text_file.is_file()):
        return []  # the published list names some clips that the index lacks
    try:
        features = np.load(features_file, allow_pickle=False).astype(np.float64)
    except (OSError, ValueError, EOFError):
        raise InputError(f"{features_file} is not an array of numbers; download HumanML3D again.") from None
    if features.ndim != 2 or features.shape[1] != FEATURES:
        raise InputError(f"{features_file} must have {FEATURES} numbers per frame, not the shape {features.shape}.")
    if (
        not SHORTEST <= len(features) <= LONGEST or not np.isfinite(features).all()
    ):  # a few published clips are not finite
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
            raise InputError(f"{text_file} must have lines caption#words#start#end, not {line!r}.") from None
        if first == last == 0:
            whole.append((fields[0], words))
        elif SHORTEST <= len(features[first:last]) <= LONGEST:
            parts.append(Sample(name, features[first:last], fields[0], words))
    if whole:
        caption, words = whole[int(rng.integers(len(whole)))]
        parts.append(Sample(name, features, caption, words))
    return parts
