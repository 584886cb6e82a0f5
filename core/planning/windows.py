# SPDX-License-Identifier: GPL-3.0-or-later
"""From segments to the network's numbers: windows, what each of them is told, and their DoubleTake."""

# pyright: reportUnknownMemberType=false

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from ..model.checkpoint import Model
from ..runs import runs
from ..sampling.doubletake import DoubleTake, double_take
from ..sampling.guidance import Conditions, GuidanceInterval, guided
from ..sampling.samplers import Denoise, make_sampler
from ..sampling.schedule import cosine_schedule
from ..timeline.strips import SpeechStrip, guidance_at
from .segments import Segment, own_seeds

SHORTEST_SECONDS = 1.0  # of a window's own part; shorter strips share a neighbour's window


def plan_parts(segments: Sequence[Segment], longest: int, take: DoubleTake, fps: float = 20.0) -> list[range]:
    """What each window is there for, one after the other: one segment, or part of one, or several short ones.

    With its handshakes no window exceeds `longest` frames, unless the shortest part that DoubleTake can join needs it.
    """
    shortest = round(SHORTEST_SECONDS * fps)
    if take.mode == "legacy":
        shortest = max(shortest, take.handshake + 2 * take.blend + 10)
    parts = [range(segment.start, segment.stop) for segment in segments]
    while len(parts) > 1 and min(map(len, parts)) < shortest:
        i = min(range(len(parts)), key=lambda i: len(parts[i]))
        neighbours = [j for j in (i - 1, i + 1) if 0 <= j < len(parts)]
        low, high = sorted((i, min(neighbours, key=lambda j: len(parts[j]))))
        parts[low : high + 1] = [range(parts[low].start, parts[high].stop)]
    room = max(longest - take.handshake, 2 * shortest)
    split: list[range] = []
    for part in parts:
        joints = (part.start > parts[0].start) + (part.stop < parts[-1].stop)
        fits = len(part) + joints * take.handshake // 2 <= longest
        pieces = 1 if fits else math.ceil(len(part) / room)
        cuts = [part.start + len(part) * k // pieces for k in range(pieces + 1)]
        split += [range(start, stop) for start, stop in pairwise(cuts)]
    return split


def with_handshakes(parts: Sequence[range], take: DoubleTake) -> list[range]:
    """Widen neighbouring parts until each two share a handshake, which is shorter where a part is short."""
    starts, stops = [parts[0].start], [parts[-1].stop]
    for left, right in pairwise(parts):
        half = (
            take.handshake // 2 if take.mode == "legacy" else min(take.handshake, len(left) // 2, len(right) // 2) // 2
        )
        starts.append(right.start - half)
        stops.insert(-1, left.stop + half)
    return [range(start, stop) for start, stop in zip(starts, stops, strict=True)]


def text_weights(
    segments: Sequence[Segment], prompts: Sequence[str], frames: range, fade: int, fps: float = 20.0
) -> Tensor:
    """How much each frame follows each prompt: (P, len(frames)), gamma times the share of the frame's segment.

    Segments cross-fade over `fade` frames around their cuts, less where one is shorter. The first and the last of them
    reach beyond their ends, wherever `frames` does.
    """
    k = torch.arange(frames.start, frames.stop, dtype=torch.float64)
    risen = [torch.ones_like(k)]  # per segment, how far time has come into it
    for left, right in pairwise(segments):
        width = max(1, min(fade, len(left), len(right)))
        risen.append(((k + 0.5 - right.start) / width + 0.5).clamp(0.0, 1.0))
    risen.append(torch.zeros_like(k))
    weights = torch.zeros(len(prompts), len(frames), dtype=torch.float64)
    for segment, (share, following) in zip(segments, pairwise(risen), strict=True):
        if segment.prompt is not None:
            gamma = torch.tensor([guidance_at(segment.guidance, frame / fps) for frame in frames])
            weights[prompts.index(segment.prompt)] += gamma * (share - following)
    return weights.float()


@dataclass(frozen=True)
class SamplingInputs:
    """All that a timeline says but whom it leads where: texts (P, Dt), speech (frames, Ds), present (frames,) bool.

    heard (frames,): the speech strips. sampler: its name, None for the model's own.
    """

    model: Model
    prompts: Sequence[str]
    texts: Tensor
    speech: Tensor
    present: Tensor
    heard: Sequence[SpeechStrip | None]
    take: DoubleTake
    seed: int
    steps: int
    sampler: str | None

    def sampled(
        self,
        segments: Sequence[Segment],
        groups: Sequence[range],
        known: tuple[Tensor, Tensor] | None,
        on_step: Callable[[int, int], None],
        on_look: Callable[[Tensor], None] | None,
    ) -> Tensor:
        """What the segments say as the network's numbers (frames, K), in groups of frames; known as `double_take`'s."""
        config, take = self.model.config, self.take
        planned = [plan_parts(_within(segments, group), config.window, take, config.fps) for group in groups]
        parts = [part for some in planned for part in some]
        schedule = cosine_schedule(config.noise_steps)
        strength = GuidanceInterval(config.guidance_above, config.speech_guidance)

        def denoise_for(stretches: Sequence[range], length: int, second: bool) -> Denoise:
            conditions = self.conditions(segments, None if second else parts, stretches, length)
            return guided(self.model.denoiser, schedule, conditions, strength)

        return double_take(
            denoise_for,
            [window for some in planned for window in with_handshakes(some, take)],
            features=config.denoiser.features,
            sampler=make_sampler(self.sampler or config.sampler, schedule),
            steps=self.steps,
            settings=take,
            generator=torch.Generator().manual_seed(self.seed),
            longest=config.window,
            device=self.texts.device,
            on_step=on_step,
            on_look=on_look,
            known=known,
            seeds=_own_stretches(segments, self.heard),
        )

    def conditions(
        self, segments: Sequence[Segment], parts: Sequence[range] | None, stretches: Sequence[range], length: int
    ) -> Conditions:
        """The conditions of stretches of frames, padded to `length`: of windows with these parts, or a second take."""
        fade, legacy = self.take.handshake, self.take.mode == "legacy"
        weights, second = torch.zeros(len(stretches), len(self.prompts), length), parts is None
        if not (legacy and second):  # where the released code drops the text
            for row, stretch in enumerate(stretches):
                # A window knows its own prompts only; the second take all that come near.
                near = range(stretch.start - fade, stretch.stop + fade) if parts is None else parts[row]
                told = [segment for segment in segments if segment.start < near.stop and near.start < segment.stop]
                weights[row, :, : len(stretch)] = text_weights(told, self.prompts, stretch, fade, self.model.config.fps)
        shift = fade if legacy and second else 0  # in the released code, speech is late in the second take
        heard = [slice(stretch.start - shift, stretch.stop - shift) for stretch in stretches]
        valid = torch.arange(length) < torch.tensor([[len(stretch)] for stretch in stretches])  # (B, length)
        return Conditions(
            texts=self.texts,
            weights=weights.to(self.texts),
            speech=torch.stack([_padded(self.speech[part], length) for part in heard]),
            speech_present=torch.stack([_padded(self.present[part], length) for part in heard]),
            valid=None if legacy or bool(valid.all()) else valid.to(self.present.device),
        )


def _within(segments: Sequence[Segment], frames: range) -> list[Segment]:
    """What of the segments lies within frames."""
    cut = [
        replace(segment, start=max(segment.start, frames.start), stop=min(segment.stop, frames.stop))
        for segment in segments
    ]
    return [segment for segment in cut if segment.start < segment.stop]


def _own_stretches(segments: Sequence[Segment], heard: Sequence[SpeechStrip | None]) -> list[tuple[range, int]]:
    """The stretches of frames that have a seed of their own, and which."""
    seeds = own_seeds(segments, heard)
    return [(range(start, stop), seed) for start, stop in runs(seeds) if (seed := seeds[start]) is not None]


def _padded(rows: Tensor, length: int) -> Tensor:
    """The first `length` rows, zeros (False) where there are no more."""
    padded = rows.new_zeros(length, *rows.shape[1:])
    padded[: len(rows)] = rows[:length]
    return padded
