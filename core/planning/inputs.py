# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of a timeline: speech features and encoded prompts."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..conditions.speech import SAMPLE_RATE, features_width, load_audio, speech_features
from ..conditions.text import encode_texts, encode_tokens
from ..errors import InputError
from ..model.model import Model
from ..prompts.actions import ActionProbabilities
from ..prompts.canonical import canonical_prompt
from ..runs import Bools
from ..timeline.strips import SpeechStrip, Timeline

Floats = NDArray[np.float32]

SPEECH_TOLERANCE_SECONDS = 0.1  # that a strip may outlast its sound, for ends that are rounded to frames


class SpeechInput:
    """The recordings of a timeline as the model hears them.

    Attributes:
        spans: (start, end) of each speech strip, in seconds.
        seconds: the end of the timeline's last strip.
    """

    def __init__(self, timeline: Timeline, model: Model) -> None:
        """Read the recordings.

        Raises:
            InputError: a recording cannot be read or is shorter than its strip, or the model does not fit its features.
        """
        self._strips, self._model = timeline.speech, model
        self._samples = {strip.audio: load_audio(strip.audio) for strip in timeline.speech}
        self.spans = [
            (strip.start, _speech_end(strip, len(self._samples[strip.audio]) / SAMPLE_RATE)) for strip in self._strips
        ]
        self.seconds = max([strip.end for strip in timeline.text] + [end for _, end in self.spans])
        self._width = model.config.denoiser.speech_width
        if timeline.speech and features_width(model.config.speech_blocks) != self._width:
            raise InputError(
                f"The speech blocks of the model do not add up to the {self._width} numbers that its network needs; "
                "download the model again."
            )

    def features(self, frames: int) -> tuple[Floats, Bools]:
        """Normalized speech features (frames, Ds) of the first frames, and whether there is speech (frames,) bool."""
        rows, present = np.zeros((frames, self._width), np.float32), np.zeros(frames, bool)
        known: dict[tuple[Path, int], Floats] = {}
        fps = self._model.config.fps
        for strip, (start, end) in sorted(zip(self._strips, self.spans, strict=True), key=lambda pair: pair[1][0]):
            # Frames seldom fall on rows of the recording: samples are cut off its beginning until they do.
            first = math.ceil(start * fps - 1e-6)
            heard = first / fps - start + strip.offset  # seconds into the recording
            row = int(heard * fps + 1e-6)
            cut = max(0, round((heard - row / fps) * SAMPLE_RATE))
            if (strip.audio, cut) not in known:
                known[strip.audio, cut] = self._encoded(strip, cut)
            last = min(int(end * fps + 1e-6), frames - 1)
            part = known[strip.audio, cut][row : row + last + 1 - first]
            rows[first : first + len(part)] = part
            present[first : first + len(part)] = True
        return rows, present

    def _encoded(self, strip: SpeechStrip, cut: int) -> Floats:
        """The normalized features of a strip's whole recording (n, Ds) without its first samples."""
        config, samples = self._model.config, self._samples[strip.audio][cut:]
        level = self._model.representation.levels_speech
        features = speech_features(samples, config.speech_blocks, config.fps, level=level)
        return self._model.speech_normalizer.normalize(features).astype(np.float32)


def _speech_end(strip: SpeechStrip, seconds: float) -> float:
    """Where a strip ends whose recording has that many seconds."""
    whole = strip.start + seconds - strip.offset
    if strip.offset >= seconds:
        raise InputError(
            f"The speech strip {strip.audio.name!r} begins {strip.offset:g} s into a recording of {seconds:.2f} s; "
            "reduce its offset."
        )
    if strip.end is not None and strip.end > whole + SPEECH_TOLERANCE_SECONDS:
        raise InputError(
            f"The speech strip {strip.audio.name!r} ends at {strip.end:g} s, but its recording ends at {whole:.2f} s; "
            "shorten it."
        )
    return whole if strip.end is None else strip.end


def read_prompts(prompts: Sequence[str], model: Model, encoder: str | None = None) -> list[ActionProbabilities]:
    """What each prompt means: the probability of each action.

    Args:
        prompts: P sentences.
        model: has a prompt classifier.
        encoder: another text encoder than the model's own.

    Raises:
        InputError: the model has no prompt classifier, and as `encode_texts`.
    """
    reader = model.reader
    if reader is None:
        raise InputError("This model has no prompt classifier; it uses prompts as they are.")
    by_action = reader.caption_probabilities(_tokens(prompts, model, encoder)) @ reader.of_action  # (P, actions)
    return [dict(zip(reader.actions, shares, strict=True)) for shares in by_action.tolist()]


def encode_prompts(prompts: Sequence[str], model: Model, encoder: str | None) -> Floats:
    """What the denoiser is conditioned on for each prompt, (P, Dt)."""
    if not prompts:
        return np.zeros((0, model.config.denoiser.text_width), np.float32)
    reader = model.reader
    if reader is not None:
        return reader(_tokens(prompts, model, encoder))
    return _fitting(encode_texts, prompts, model, encoder)


def _tokens(prompts: Sequence[str], model: Model, encoder: str | None) -> Floats:
    """Tokens (P, L, Dt) of the prompts' canonical forms."""
    return _fitting(encode_tokens, [canonical_prompt(prompt) for prompt in prompts], model, encoder)


def _fitting(
    encode: Callable[[Sequence[str], str], NDArray[np.float32]],
    said: Sequence[str],
    model: Model,
    encoder: str | None,
) -> Floats:
    """Vectors (..., Dt) of a text encoder. Raises InputError if the model needs another number of columns."""
    name, width = encoder or model.config.text_encoder, model.config.denoiser.text_width
    texts = encode(said, name)
    if texts.shape[-1] != width:
        raise InputError(
            f"The text encoder {name!r} gives {texts.shape[-1]} numbers, but the model needs {width}; use "
            f"{model.config.text_encoder!r}."
        )
    return texts
