# SPDX-License-Identifier: GPL-3.0-or-later
"""The packed clips in memory, and balanced training batches drawn from them.

`prepare` writes a folder of plain arrays: features.npy (frames, 659), speech.npy (speech frames, D), sentences.npy
(sentences, text width), and clips.json. Every batch is a function of (seed, step) alone, so that a resumed training
sees the same batches.
"""

# pyright: reportUnknownMemberType=false

from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..motion.features import VELOCITIES, Normalizer
from ..prompts.canonical import canonical_prompt
from .captions import CYCLIC
from .clip import SHORTEST_WINDOW, SPEECH_ACTION, WINDOW, Clip
from .clips_file import read_header
from .components import fit_components
from .phrases import PHRASES
from .split import Split
from .styles import split_by_style

Floats = npt.NDArray[np.float32]

TEXT_DROPOUT = 0.1
"""Share of the clips with text that are shown without it, for classifier-free guidance."""
SPEECH_DROPOUT = 0.1
"""Share of the clips with speech that are shown without it."""
TALK_SHARE = 0.15
"""Share of the speech clips that are also shown a sentence, unless the clip is `captioned`."""
_LEAD = 6  # frames before an action's first movement
_MIDWAY = 0.3  # share of the windows that begin within the action, like those that continue a window during sampling
_LONG = 0.7  # share of the speech windows that are as long as possible
_CUT = 0.3  # share of the speech windows whose first or last frames are shown without speech
_LONGEST_CUT = 20  # frames, as long as the handshake of two windows

KEY_ACTIONS: dict[str, float] = {
    "walk": 3.0, "idle": 2.0, "bow": 4.0, "wave": 8.0, "raise_hand": 6.0, "turn_180": 4.0, "turn_90": 2.0,
    "jump_up": 4.0, "jump_forward": 2.0, "point": 6.0, "start_walk": 1.5, "stop_walk": 1.5, "run": 1.0,
    "raise_hands": 2.0, "talk": 1.0, "nod": 3.0, "shrug": 1.5, "no": 1.0, "you": 1.0, "stop": 1.0, "offer": 1.0,
    "wave_hands": 2.0, "bye": 3.0, "guide": 2.0, "call": 1.0, "respond": 1.0, "walk_turn": 2.0, "walk_back": 1.0,
    "me": 1.0, "think": 1.0, "indicate": 1.0, "run_jump": 1.0, "punch": 1.0, "kick": 1.0,
    "step_back": 2.0, "step_forward": 2.0,
}  # fmt: skip
"""Action of a presenter -> how much more often than other actions it is drawn."""


class ClipSet:
    """The packed clips with their statistics, and batches of those that are not held out.

    Attributes:
        encoder: Name or folder of the sentence encoder.
        speech_blocks: Names of the blocks of speech features, in order.
        words: The sentence of each row of `sentences`.
        clips: All clips, held out or not.
        features: (frames, 659) on disk.
        speech: (speech frames, D).
        sentences: (sentences, text width) sentence vectors.
        texts: (N, text width) text conditioning that batches contain; see `set_conditioning`.
        normalizer: Of the motion features.
        speech_normalizer: Of the speech features.
        window: Frames of a batch.
        split: Which clips are held out.
    """

    def __init__(self, folder: Path, normalizers: tuple[Normalizer, Normalizer] | None = None) -> None:
        """Open a folder that `prepare` wrote.

        Args:
            folder: The folder.
            normalizers: Of motion and speech, those of the model whose training continues; None to fit them to these
                clips.
        """
        header = read_header(folder)
        self.encoder, self.speech_blocks = header.encoder, header.speech_blocks
        self.words, self.clips = header.words, header.clips
        self.features: Floats = np.load(folder / "features.npy", mmap_mode="r")
        self.speech: Floats = np.load(folder / "speech.npy")
        self.sentences: Floats = np.load(folder / "sentences.npy")
        self.set_conditioning()
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
        self.split = Split.of(self.clips)
        for clip in self.clips:
            if not self.split.held_out(clip):
                self._by_action[clip.action].append(clip)
        self._actions = sorted(action for action in self._by_action if action != SPEECH_ACTION)
        self._pools = {
            action: split_by_style(self._by_action[action], lambda clip: clip.style) for action in self._actions
        }
        weights = np.array(
            [KEY_ACTIONS.get(action, 1.0) * len(self._by_action[action]) ** 0.2 for action in self._actions]
        )
        self._weights = weights / weights.sum()

    def set_window(self, window: int, text: bool = True) -> None:
        """Set the length of training windows, as far as the clips are long enough.

        A model is sampled in windows of the length it was trained on, so the limit is the longest clip with speech and,
        if text is learned, the longest one without, whichever is shorter; but never less than `WINDOW`.

        Args:
            window: Frames wanted.
            text: Whether clips without speech are learned.
        """
        learned = [clip for clips in self._by_action.values() for clip in clips]
        kinds = [[c for c in learned if c.speech >= 0], [c for c in learned if text and c.speech < 0]]
        longest = min((max(clip.frames for clip in kind) for kind in kinds if kind), default=WINDOW)
        self.window = min(window, max(longest, WINDOW))

    def captions(self) -> list[tuple[str, str, tuple[int, ...]]]:
        """Return action, style and sentences of each caption that is learned.

        Sentences about walking and talking belong to the caption of walking: the talking comes from the speech.

        Returns:
            Nothing if clips have captions of their own.
        """
        learned = [clip for clips in self._by_action.values() for clip in clips if clip.sentences]
        if any(clip.action not in PHRASES and clip.action != SPEECH_ACTION for clip in learned):
            return []
        kind_of: dict[tuple[int, ...], tuple[str, str]] = {}
        known: set[int] = set()
        for clip in sorted(learned, key=lambda clip: clip.speech >= 0):
            if clip.speech < 0 or known.isdisjoint(clip.sentences):
                kind_of.setdefault(clip.sentences, (clip.action, clip.style))
                known.update(clip.sentences)
        return [(*kind, sentences) for sentences, kind in sorted(kind_of.items())]

    def canonical_sentences(self) -> tuple[list[str], npt.NDArray[np.intp]]:
        """Return the distinct canonical forms (`core.prompts.canonical`) of all sentences, and which one each has.

        Returns:
            The forms, shortest first, and the index (sentences,) of each sentence's form.
        """
        forms = [canonical_prompt(sentence) for sentence in self.words]
        every = sorted(set(forms), key=lambda form: (len(form), form))
        row = {form: i for i, form in enumerate(every)}
        return every, np.array([row[form] for form in forms])

    def set_conditioning(self, texts: Floats | None = None, rows: npt.NDArray[np.intp] | None = None) -> None:
        """Set the text conditioning of batches.

        Args:
            texts: Vectors (N, text width); None for the sentence vectors.
            rows: (sentences,) the vector of each sentence; None if each has its own.
        """
        self.texts = self.sentences if texts is None else texts
        self._text_rows = np.arange(len(self.sentences)) if rows is None else rows

    def batch(self, seed: int, step: int, size: int, speech_share: float) -> dict[str, npt.NDArray[np.generic]]:
        """Draw a training batch.

        Args:
            seed: Seed of the training.
            step: Optimizer step.
            size: Number of windows B.
            speech_share: Share of the windows that are of clips with speech.

        Returns:
            "x" (B, N, 163) normalized motion, "valid" (B, N) bool, "text" (B, text width), "text_present" (B,) bool,
            "speech" (B, N, D) and "speech_present" (B, N) bool, N being `window`; zeros behind the end of a clip.
        """
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
            pool = paired if is_speech else self._draw_pool(rng)
            clip = pool[int(rng.integers(len(pool)))]
            start, length = self._crop(clip, is_speech, rng)
            x[row, :length] = self._rows[start : start + length]
            valid[row, :length] = True
            if is_speech:
                first = clip.speech + start - clip.start
                speech[row, :length] = self._speech[first : first + length]
                speech_present[row, :length] = rng.random() > SPEECH_DROPOUT
                # strips begin and end within a window, and the handshake frames next to them have no speech
                if rng.random() < _CUT:
                    edge = int(rng.integers(1, _LONGEST_CUT + 1))
                    speech_present[row, slice(None, edge) if rng.random() < 0.5 else slice(length - edge, None)] = False
            shown = TALK_SHARE if is_speech and not clip.captioned else 1 - TEXT_DROPOUT
            if rng.random() < shown and clip.sentences:
                text[row] = self.texts[self._text_rows[clip.sentences[int(rng.integers(len(clip.sentences)))]]]
                text_present[row] = True
        return {
            "x": x, "valid": valid, "text": text, "text_present": text_present, "speech": speech,
            "speech_present": speech_present,
        }  # fmt: skip

    def _draw_pool(self, rng: np.random.Generator) -> list[Clip]:
        """Return the plain or the styled clips of an action, the action drawn by its weight."""
        pools = self._pools[self._actions[rng.choice(len(self._actions), p=self._weights)]]
        return pools[int(rng.integers(len(pools)))]

    def _crop(self, clip: Clip, is_speech: bool, rng: np.random.Generator) -> tuple[int, int]:
        """Return the first row and the number of frames of a window within the clip."""
        frames = clip.frames
        shortest = min(frames, SHORTEST_WINDOW)
        if is_speech:
            length = self.window if rng.random() < _LONG else int(rng.integers(SHORTEST_WINDOW, self.window + 1))
        elif clip.action in CYCLIC:
            length = int(rng.integers(shortest, min(frames, self.window) + 1))
        else:
            first, last = self._movement(clip)
            if rng.random() < _MIDWAY:
                first = int(rng.integers(first, max(first, last) + 1))
            return clip.start + first, min(frames - first, self.window)
        length = min(length, frames, self.window)
        return clip.start + int(rng.integers(frames - length + 1)), length

    def _movement(self, clip: Clip) -> tuple[int, int]:
        """Return the frames where the action begins, so that it coincides with its prompt, and where it is over."""
        if clip.start not in self._movements:
            speed = np.abs(self.features[clip.start : clip.stop, VELOCITIES]).mean(1)  # (T,)
            moving = np.flatnonzero(speed > 0.25 * speed.max())
            latest = max(0, len(speed) - SHORTEST_WINDOW)
            first, last = (min(max(0, int(moving[k]) - _LEAD), latest) for k in (0, -1))
            self._movements[clip.start] = first, last
        return self._movements[clip.start]
