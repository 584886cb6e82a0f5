# SPDX-License-Identifier: GPL-3.0-or-later
"""Packing: clips with their sentences and speech features into one folder of arrays."""

# pyright: reportUnknownMemberType=false

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..conditions.text import encode_texts
from ..motion.clip import Motion
from ..motion.features import encode
from ..motion.skeleton import Skeleton
from ..postprocess.pops import remove_pops
from .augmentation import change_speed, extend_to_window, split_into_windows
from .captioning import caption_clip
from .captions import Caption
from .clip import WINDOW, Clip
from .clips_file import ClipsHeader, write_header

Floats = npt.NDArray[np.float32]

_SHORTEST = 24  # frames of a packed clip
_RARE = 12  # actions with fewer clips than this get eight variants of each, at several speeds
_SPEEDS = (0.85, 1.0, 1.15)  # only a few: with a continuous range the network loses the rhythm of a waving hand


class Packer:
    """Collects clips and writes the folder that `ClipSet` opens.

    Attributes:
        skeleton: The skeleton of all motions.
        rows: Features (T, 659) of each clip.
        speech: Speech features (T, D) of each clip that has any.
        clips: Each clip with its sentences; its rows count from the beginning of the packed arrays.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.rows: list[Floats] = []
        self.speech: list[Floats] = []
        self.clips: list[tuple[Clip, list[str]]] = []
        self._frames = 0
        self._speech_frames = 0

    def add(
        self, motion: Motion, action: str, sentences: list[str], name: str, source: str, license: str,
        speech: Floats | None = None, captioned: bool = False,
    ) -> None:  # fmt: skip
        """Add a clip, unless its features are not finite.

        Args:
            motion: The clip, at 20 fps.
            action: Its action, `SPEECH_ACTION` or `CAPTIONED_ACTION`.
            sentences: Sentences that describe it.
            name: The recording's name, which the split and the style depend on.
            source: The source or dataset.
            license: The recording's license.
            speech: Speech features (>= T, D) of the same frames, or None.
            captioned: Whether the sentences of a speech clip are drawn as often as those of any other clip.
        """
        rows = encode(motion, self.skeleton).astype(np.float32)
        if not np.isfinite(rows).all():
            return
        first = -1
        if speech is not None:
            first = self._speech_frames
            self.speech.append(speech[: len(rows)].astype(np.float32))
            self._speech_frames += len(rows)
        clip = Clip(self._frames, self._frames + len(rows), action, (), name, source, license, first, captioned)
        self.clips.append((clip, sentences))
        self.rows.append(rows)
        self._frames += len(rows)

    def write(self, folder: Path, encoder: str, speech_blocks: Sequence[str], speech_width: int) -> None:
        """Write features.npy, speech.npy, sentences.npy and clips.json.

        Args:
            folder: Created if it is missing.
            encoder: Name or folder of the sentence encoder.
            speech_blocks: Names of the blocks of speech features, in order.
            speech_width: Number of speech features, for when there is no speech.
        """
        folder.mkdir(parents=True, exist_ok=True)
        words = sorted({sentence for _, sentences in self.clips for sentence in sentences})
        index = {sentence: i for i, sentence in enumerate(words)}
        rows = np.concatenate(self.rows)
        speech = np.concatenate(self.speech) if self.speech else np.zeros((0, speech_width), np.float32)
        arrays = {"features": rows, "speech": speech, "sentences": encode_texts(words, encoder)}
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        clips = [replace(clip, sentences=tuple(index[s] for s in sentences)) for clip, sentences in self.clips]
        write_header(folder, ClipsHeader(encoder, tuple(speech_blocks), words, clips))


def add_clips(packer: Packer, clips: Iterable[tuple[Motion, str, str, str]], seed: int) -> Counter[str]:
    """Caption, augment and pack recordings and their mirror images.

    Args:
        packer: Receives the clips.
        clips: (motion, name, source, license) of each recording, at 20 fps.
        seed: Seed of the augmentation.

    Returns:
        The number of packed clips of each action.
    """
    skeleton = packer.skeleton
    labelled: list[tuple[Motion, Caption, str, str, str]] = []
    for recorded, name, source, license in clips:
        motion = remove_pops(recorded)
        for mirrored in (False, True):
            side = motion.mirrored() if mirrored else motion
            for window in split_into_windows(side):
                words = caption_clip(name, window, skeleton, mirrored)
                if words is not None and len(window) >= 8:
                    labelled.append((window, words, name, source, license))
    idles = [motion for motion, words, *_ in labelled if words.action == "idle"]
    counts = Counter(words.action for _, words, *_ in labelled)
    added: Counter[str] = Counter()
    for motion, words, name, source, license in labelled:
        # crc32 rather than hash(), which differs from run to run
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), added.total()])
        variants = 1 if len(motion) >= WINDOW else 8 if counts[words.action] < _RARE else 2
        for variant in range(variants):
            varied = change_speed(motion, float(rng.choice(_SPEEDS))) if variant > 0 and variants > 2 else motion
            varied = extend_to_window(varied, words.action, idles, rng).slice(0, WINDOW)
            if len(varied) >= _SHORTEST:
                packer.add(varied, words.action, words.sentences(), name, source, license)
                added[words.action] += 1
    return added
