# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of a timeline: speech features and encoded prompts."""

# pyright: reportUnknownMemberType=false

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..conditions.speech import SAMPLE_RATE, features_width, load_audio, speech_features
from ..conditions.text import encode_texts, encode_tokens
from ..errors import InputError
from ..model.checkpoint import Model
from ..prompts.actions import Reading
from ..prompts.canonical import canonical_prompt
from ..timeline.strips import SpeechStrip, Timeline

SPEECH_TOLERANCE_SECONDS = 0.1  # that a strip may outlast its sound, for ends that were rounded to frames


def listen(
    timeline: Timeline, model: Model
) -> tuple[list[tuple[float, float]], float, Callable[[int], tuple[Tensor, Tensor]]]:
    """The speech strips' (start, end), the timeline's end in seconds, and the features of its first n frames.

    Those are normalised rows (n, Ds) and whether there is speech (n,).
    """
    config = model.config
    samples = {strip.audio: load_audio(strip.audio) for strip in timeline.speech}
    spans = [(strip.start, _speech_end(strip, len(samples[strip.audio]) / SAMPLE_RATE)) for strip in timeline.speech]
    seconds = max([strip.end for strip in timeline.text] + [end for _, end in spans])
    width = config.denoiser.speech_width
    if timeline.speech and features_width(config.speech_blocks) != width:
        raise InputError(f"The model's speech blocks do not make the {width} numbers its network needs; get it again.")

    def rows_of(frames: int) -> tuple[Tensor, Tensor]:
        rows, present = torch.zeros(frames, width), torch.zeros(frames, dtype=torch.bool)
        known: dict[tuple[Path, int], Tensor] = {}
        for strip, (start, end) in sorted(zip(timeline.speech, spans, strict=True), key=lambda pair: pair[1][0]):
            # Frames seldom fall on rows of the recording: what is cut off its beginning makes them.
            first = math.ceil(start * config.fps - 1e-6)
            heard = first / config.fps - start + strip.offset  # seconds into the recording
            row = int(heard * config.fps + 1e-6)
            cut = max(0, round((heard - row / config.fps) * SAMPLE_RATE))
            if (strip.audio, cut) not in known:
                features = speech_features(
                    samples[strip.audio][cut:], config.speech_blocks, config.fps, level=config.features == "smplx-659"
                )
                known[strip.audio, cut] = torch.as_tensor(model.speech_normalizer.normalize(features)).float()
            last = min(int(end * config.fps + 1e-6), frames - 1)
            part = known[strip.audio, cut][row : row + last + 1 - first]
            rows[first : first + len(part)] = part
            present[first : first + len(part)] = True
        return rows, present

    return spans, seconds, rows_of


def _speech_end(strip: SpeechStrip, seconds: float) -> float:
    """Where a strip of a recording of that length ends."""
    whole = strip.start + seconds - strip.offset
    if strip.offset >= seconds:
        raise InputError(
            f"The speech strip {strip.audio.name!r} begins {strip.offset:g} s into a recording of {seconds:.2f} s; "
            "lower its offset."
        )
    if strip.end is not None and strip.end > whole + SPEECH_TOLERANCE_SECONDS:
        raise InputError(
            f"The speech strip {strip.audio.name!r} ends at {strip.end:g} s, its sound at {whole:.2f} s; shorten it."
        )
    return whole if strip.end is None else strip.end


def read_prompts(prompts: Sequence[str], model: Model, encoder: str | None = None) -> list[Reading]:
    """What each prompt means, as the model's aligner sees it; encoder: another than the model's own.

    Raises InputError for a model that has no aligner, and as `encode_texts` does.
    """
    if model.aligner is None:
        raise InputError("This model has no text aligner: it is told prompts as they are.")
    by_action = model.aligner.shares(_tokens(prompts, model, encoder)) @ model.aligner.of_action  # (P, actions)
    return [dict(zip(model.aligner.actions, shares, strict=True)) for shares in by_action.tolist()]


def encode_prompts(prompts: Sequence[str], model: Model, encoder: str | None) -> Tensor:
    """What the network is told of each prompt, (P, Dt)."""
    if not prompts:
        return torch.zeros(0, model.config.denoiser.text_width)
    if model.aligner is not None:
        return model.aligner(_tokens(prompts, model, encoder))
    return _fitting(encode_texts, prompts, model, encoder)


def _tokens(prompts: Sequence[str], model: Model, encoder: str | None) -> Tensor:
    """Tokens (P, L, Dt) of the prompts' plain forms."""
    return _fitting(encode_tokens, [canonical_prompt(prompt) for prompt in prompts], model, encoder)


def _fitting(
    encode: Callable[[Sequence[str], str], NDArray[np.float32]],
    said: Sequence[str],
    model: Model,
    encoder: str | None,
) -> Tensor:
    """Vectors (..., Dt) of a text encoder. Raises InputError where the model wants another number of columns."""
    name, width = encoder or model.config.text_encoder, model.config.denoiser.text_width
    texts = torch.as_tensor(encode(said, name))
    if texts.shape[-1] != width:
        raise InputError(
            f"The text encoder {name!r} gives {texts.shape[-1]} numbers, but the model wants {width}; "
            f"use {model.config.text_encoder!r}."
        )
    return texts
