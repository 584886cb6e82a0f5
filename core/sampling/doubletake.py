# SPDX-License-Identifier: GPL-3.0-or-later
"""DoubleTake: windows that shake hands while they are sampled, then a second take of each transition.

FreeTalker section 2.4, after PriorMDM (Shafir et al. 2023, "Human Motion Diffusion as a Generative Prior").

| in code | in the paper |
|---|---|
| `windows[i]` without its overlaps | M_i, the i-th motion interval |
| the overlap of `windows[i]` and `windows[i + 1]` | tau_i, the transition |
| `method.handshake` | h, its length |
| `method.blend` | b, the length of the blend on either side |
| `method.hard`, `method.soft` | the soft mask's values |
| `method.refine` | T', the noise steps of the second take |
| `shake_hands` | the handshake: tau_i is the average of both windows, linear in time |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .joining import cut_windows, join_windows
from .methods import DoubleTake, Transition
from .noise import Floats, Generator, noise_like
from .preview import DenoiseFor, FirstTake, Observer
from .samplers import Denoise, Sampler, sample


@dataclass(frozen=True)
class Known:
    """What of a motion is known before it is sampled.

    Attributes:
        features: (frames, F).
        mask: which of them are known, (frames, F or 1) bool.
        any: whether any is.
    """

    features: Floats
    mask: NDArray[np.bool_]
    any: bool = True

    @staticmethod
    def nothing(frames: int, features: int) -> "Known":
        """A motion of which nothing is known."""
        return Known(np.zeros((frames, features), np.float32), np.zeros((frames, 1), bool), any=False)

    def whole(self, start: int, stop: int) -> bool:
        """Whether all of the frames start..stop is known."""
        return bool(self.mask[start:stop].all())

    def in_place_of(self, denoise: Denoise, windows: Sequence[range]) -> Denoise:
        """The denoiser's prediction for windows (B, N, F) with what is known in its place."""
        if not self.any:
            return denoise
        features, mask = cut_windows(self.features, windows), cut_windows(self.mask, windows)
        return lambda x, t: np.where(mask, features, denoise(x, t))

    def join(self, x: Floats, windows: Sequence[range]) -> Floats:
        """The motion (frames, F) with windows x (B, N, F) in it, except where it is known."""
        return join_windows(self.features, self.mask, x, windows)


def double_take(
    denoise_for: DenoiseFor,
    windows: Sequence[range],
    *,
    features: int,
    sampler: Sampler,
    steps: int,
    method: DoubleTake,
    generator: Generator,
    longest: int,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    observer: Observer | None = None,
    known: Known | None = None,
    seeds: Sequence[tuple[range, int]] = (),
) -> Floats:
    """Sample all windows and join them into a motion, (frames, F).

    Args:
        denoise_for: makes the denoiser of stretches of frames.
        windows: stretches of frames in order, each overlapping the next by its handshake (0 is a cut).
        features: F, the numbers in a frame.
        sampler, steps: of the first take; the second takes its share of the steps.
        method: how the windows are joined.
        generator: of all noise but that of seeds.
        longest: frames that a transition of the second take may see.
        on_step: called as (done, total) before the first and after every denoising step of both takes.
        observer: watches the first take.
        known: replaces the prediction in every step and comes out unchanged, as does every frame outside the windows.
        seeds: stretches that start from noise of a seed of their own, the same wherever they lie.
    """
    # Step 1: find the transitions that have to be sampled, and count the denoising steps.
    known = known or Known.nothing(windows[-1].stop, features)
    joints = [i for i, (left, right) in enumerate(pairwise(windows)) if not known.whole(right.start, left.stop)]
    refine = min(method.refine, len(sampler.schedule)) if joints else 0
    sampler.set_timesteps(steps)
    first_steps = len(sampler.timesteps)
    second_steps = max(1, round(first_steps * refine / len(sampler.schedule))) if refine else 0
    count = _StepCounter(first_steps + second_steps, on_step)

    # Step 2: the first take samples all windows side by side; they shake hands after every step.
    x = _initial_noise(known.features, windows, method, generator, seeds)
    denoise = known.in_place_of(denoise_for(windows, x.shape[1], False), windows)
    if observer is not None:
        take = FirstTake(denoise_for, windows, x, sampler, len(joints) * second_steps, known.join, known.any)
        observer.started(take)
        denoise = _observed(denoise, observer)
    x = sample(denoise, sampler, x, generator, lambda x: count(method.after_step(x, windows)))
    motion = known.join(x, windows)
    if not refine:
        return motion
    # Step 3: the second take noises each transition and its surroundings, and denoises them again.
    if observer is not None:
        observer.first_take_done(motion)
    transitions = [method.transition(windows, i, longest) for i in joints]
    sampler.set_timesteps(second_steps, start=refine)
    length = method.padded_length(transitions, windows)
    return _second_take(denoise_for, sampler, motion, transitions, length, known, generator, count)


def _second_take(
    denoise_for: DenoiseFor,
    sampler: Sampler,
    motion: Floats,
    transitions: Sequence[Transition],
    length: int,
    known: Known,
    generator: Generator,
    count: "_StepCounter",
) -> Floats:
    """The motion (frames, F) with its transitions, padded to a length, sampled again from the sampler's timesteps."""
    stretches = [one.frames for one in transitions]
    denoise = denoise_for(stretches, length, True)
    first = cut_windows(motion, stretches)  # (J, S, F)
    keep = np.ones((*first.shape[:2], known.mask.shape[1]), np.float32)  # (J, S, F or 1)
    for row, one in zip(keep, transitions, strict=True):
        row[: len(one.frames)] = np.where(known.mask[one.frames.start : one.frames.stop], 1, one.keep[:, None])
    padding = ((0, 0), (0, length - first.shape[1]), (0, 0))
    first, keep = np.pad(first, padding), np.pad(keep, padding, constant_values=1)
    x = sampler.schedule.add_noise(first, noise_like(first, generator), sampler.timesteps[0])
    x = sample(lambda x, t: mixed_by(denoise(x, t), first, keep), sampler, x, generator, count)
    for stretch, rows, mask in zip(stretches, x, keep, strict=True):
        inside = motion[stretch.start : stretch.stop]
        inside[:] = np.where(mask[: len(stretch)] < 1.0, rows[: len(stretch)], inside)
    return motion


def mixed_by(x: Floats, y: Floats, share: Floats) -> Floats:
    """x where the share is 0, y where it is 1."""
    return np.where(share < 0.5, x + share * (y - x), y - (1 - share) * (y - x))


class _StepCounter:
    """Reports each denoising step, and passes on what it is given."""

    def __init__(self, total: int, on_step: Callable[[int, int], None]) -> None:
        self._done, self._total, self._on_step = 0, total, on_step
        on_step(0, total)

    def __call__(self, x: Floats) -> Floats:
        self._done += 1
        self._on_step(self._done, self._total)
        return x


def _observed(denoise: Denoise, observer: Observer) -> Denoise:
    """The denoiser, each of whose predictions the observer is shown."""
    step = 0

    def observed(x: Floats, t: int) -> Floats:
        nonlocal step
        x0 = denoise(x, t)
        observer.predicted(step, x0)
        step += 1
        return x0

    return observed


def _initial_noise(
    motion: Floats,
    windows: Sequence[range],
    method: DoubleTake,
    generator: Generator,
    seeds: Sequence[tuple[range, int]],
) -> Floats:
    """What the windows start from (B, N, F), of a motion like `motion` (frames, F); `seeds` as in `double_take`."""
    x = method.initial_noise(motion, windows, generator)
    for stretch, seed in seeds:
        noise = noise_like(motion[None, : len(stretch)], Generator(seed))[0]
        for window, rows in zip(windows, x, strict=True):
            first, stop = max(window.start, stretch.start), min(window.stop, stretch.stop)
            if first < stop:
                rows[first - window.start : stop - window.start] = noise[first - stretch.start : stop - stretch.start]
    return x
