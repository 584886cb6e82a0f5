# SPDX-License-Identifier: GPL-3.0-or-later
"""What the denoiser is conditioned on over a whole timeline, and one run of DoubleTake under it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.config import ModelConfig
from ..model.network import Network
from ..runs import runs
from ..sampling.doubletake import Known, double_take
from ..sampling.guidance import Conditions, GuidanceInterval, guided
from ..sampling.methods import DoubleTake
from ..sampling.noise import Floats, Generator
from ..sampling.preview import Observer
from ..sampling.samplers import Denoise, make_sampler
from ..sampling.schedule import cosine_schedule
from ..timeline.strips import SpeechStrip
from .segments import Segment, own_seeds
from .windows import plan_parts, text_weights, with_handshakes

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class SamplingInputs:
    """All that sampling needs but which segment leads which frames.

    Attributes:
        network: the denoiser.
        config: the model's config.json.
        prompts: the P prompts of all segments.
        texts: their vectors, (P, Dt).
        speech: normalized speech features, (frames, Ds).
        speech_present: whether there is speech, (frames,) bool.
        speech_strips: the strip that each frame hears, (frames,).
        method: how windows are joined.
        seed: the timeline's.
        steps: denoising steps of the first take.
        sampler: its name, None for the model's own.
    """

    network: Network
    config: ModelConfig
    prompts: Sequence[str]
    texts: Floats
    speech: Floats
    speech_present: NDArray[np.bool_]
    speech_strips: Sequence[SpeechStrip | None]
    method: DoubleTake
    seed: int
    steps: int
    sampler: str | None

    def sample(
        self,
        segments: Sequence[Segment],
        groups: Sequence[range],
        known: Known | None,
        on_step: Callable[[int, int], None],
        observer: Observer | None,
    ) -> Floats:
        """Sample what the segments say.

        Args:
            segments: of the timeline, in order.
            groups: stretches of frames to sample, apart from one another.
            known, on_step, observer: as in `double_take`.

        Returns:
            The model's normalized rows, (frames, K).
        """
        config, method = self.config, self.method
        planned = [plan_parts(_within(segments, group), config.window, method, config.fps) for group in groups]
        parts = [part for some in planned for part in some]
        schedule = cosine_schedule(config.noise_steps)
        interval = GuidanceInterval(config.guidance_above, config.speech_guidance)

        def denoise_for(stretches: Sequence[range], length: int, second: bool) -> Denoise:
            conditions = self.conditions(segments, None if second else parts, stretches, length)
            return guided(self.network, schedule, conditions, interval)

        return double_take(
            denoise_for,
            [window for some in planned for window in with_handshakes(some, method)],
            features=config.denoiser.features,
            sampler=make_sampler(self.sampler or config.sampler, schedule),
            steps=self.steps,
            method=method,
            generator=Generator(self.seed),
            longest=config.window,
            on_step=on_step,
            observer=observer,
            known=known,
            seeds=_seeded_stretches(segments, self.speech_strips),
        )

    def conditions(
        self, segments: Sequence[Segment], parts: Sequence[range] | None, stretches: Sequence[range], length: int
    ) -> Conditions:
        """The conditions of stretches of frames.

        Args:
            segments: of the timeline, in order.
            parts: the windows' own parts, if the stretches are the windows of the first take; None for the second take.
            stretches: B stretches of frames.
            length: N, the frames that they are padded to.
        """
        method, fade = self.method, self.method.handshake
        weights, second = np.zeros((len(stretches), len(self.prompts), length), np.float32), parts is None
        if method.text_in_second_take or not second:
            for row, stretch in enumerate(stretches):
                # A window follows its own prompts only; the second take all that come near.
                near = range(stretch.start - fade, stretch.stop + fade) if parts is None else parts[row]
                leading = [segment for segment in segments if segment.start < near.stop and near.start < segment.stop]
                shares = text_weights(leading, self.prompts, stretch, fade, self.config.fps)
                weights[row, :, : len(stretch)] = shares
        delay = method.speech_delay if second else 0
        heard = [slice(stretch.start - delay, stretch.stop - delay) for stretch in stretches]
        valid = np.arange(length) < np.array([[len(stretch)] for stretch in stretches])  # (B, length)
        masked = method.masks_padding and not bool(valid.all())
        return Conditions(
            texts=self.texts,
            weights=weights,
            speech=np.stack([_padded(self.speech[part], length) for part in heard]),
            speech_present=np.stack([_padded(self.speech_present[part], length) for part in heard]),
            valid=valid if masked else None,
        )


def _within(segments: Sequence[Segment], frames: range) -> list[Segment]:
    """What of the segments lies within frames."""
    cut = [
        replace(segment, start=max(segment.start, frames.start), stop=min(segment.stop, frames.stop))
        for segment in segments
    ]
    return [segment for segment in cut if segment.start < segment.stop]


def _seeded_stretches(
    segments: Sequence[Segment], speech_strips: Sequence[SpeechStrip | None]
) -> list[tuple[range, int]]:
    """The stretches of frames that have a seed of their own, and which."""
    seeds = own_seeds(segments, speech_strips)
    return [(range(start, stop), seed) for start, stop in runs(seeds) if (seed := seeds[start]) is not None]


def _padded(rows: NDArray[_Scalar], length: int) -> NDArray[_Scalar]:
    """The first `length` rows, zeros (False) where there are no more."""
    padded = np.zeros((length, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows[:length]
    return padded
