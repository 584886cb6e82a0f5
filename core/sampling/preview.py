# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching a motion while it is sampled. An observer changes no bit of the result."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .joining import shake_hands
from .noise import Floats, Generator
from .samplers import Denoise, Sampler, sample

LOOK_AHEAD_WINDOWS, LOOK_AHEAD_STEPS = 2, 5
LOOK_AHEAD_SHARE = 0.03  # of all denoising, which the look ahead may cost

DenoiseFor = Callable[[Sequence[range], int, bool], Denoise]
"""(stretches of frames, the length they are padded to, whether this is the second take) -> their denoiser."""


@dataclass(frozen=True)
class FirstTake:
    """The first take as it starts.

    Attributes:
        denoise_for: makes the denoiser of some windows.
        windows: their frames.
        noise: what they start from, (B, N, F).
        sampler: with its timesteps set.
        second_take_calls: windows times steps that the second take will denoise.
        join: (x (B, N, F), windows) -> motion (frames, F).
        has_known: whether some of the motion is known.
    """

    denoise_for: DenoiseFor
    windows: Sequence[range]
    noise: Floats
    sampler: Sampler
    second_take_calls: int
    join: Callable[[Floats, Sequence[range]], Floats]
    has_known: bool


class Observer(Protocol):
    """Is told how sampling proceeds."""

    def started(self, take: FirstTake) -> None:
        """The first take is about to begin."""
        ...

    def predicted(self, step: int, x0: Floats) -> None:
        """In a denoising step of the first take the windows were predicted as x0 (B, N, F)."""
        ...

    def first_take_done(self, motion: Floats) -> None:
        """The first take ended with a motion (frames, F), and a second take follows."""
        ...


class Preview:
    """Shows a motion once early, and once after the first take if a second one follows.

    The early look is what the denoiser predicts after a quarter of the first take. Where that would take long, nothing
    is known, and the sampler draws no noise, it is a look ahead instead: the first two windows alone, from the noise
    they start with, in few steps. After the second look only what the second take refines still changes.
    """

    def __init__(self, show: Callable[[Floats], None]) -> None:
        """Args: show: called with the first n frames as they look so far, (n, F)."""
        self._show = show
        self._take: FirstTake | None = None
        self._early_step = 0

    def started(self, take: FirstTake) -> None:
        steps = len(take.sampler.timesteps)
        cost = LOOK_AHEAD_WINDOWS * LOOK_AHEAD_STEPS / (len(take.windows) * steps + take.second_take_calls)
        if cost <= LOOK_AHEAD_SHARE and not take.has_known and not take.sampler.draws_noise:
            self._take = None
            self._look_ahead(take)
        else:
            self._take, self._early_step = take, steps // 4

    def predicted(self, step: int, x0: Floats) -> None:
        if self._take is not None and step == self._early_step:
            self._show(self._take.join(x0, self._take.windows))

    def first_take_done(self, motion: Floats) -> None:
        self._show(motion.copy())

    def _look_ahead(self, take: FirstTake) -> None:
        windows = take.windows[:LOOK_AHEAD_WINDOWS]
        x = take.noise[: len(windows)]
        sampler = copy.copy(take.sampler)
        sampler.set_timesteps(min(LOOK_AHEAD_STEPS, len(take.sampler.timesteps)))
        denoise = take.denoise_for(windows, x.shape[1], False)
        x = sample(denoise, sampler, x, Generator(), lambda x: shake_hands(x, windows))
        self._show(take.join(x, windows)[: windows[-1].stop])
