# SPDX-License-Identifier: GPL-3.0-or-later
"""The cosine noise schedule: adding noise, removing a little of it, and choosing timesteps."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

STEPS = 1000  # T of FreeTalker section 3.1
MAX_BETA = 0.999


@dataclass(frozen=True)
class Schedule:
    """How much of the signal is left after each of T noising steps, in float64.

    `signal` (T,) is alpha-bar: x_t = sqrt(signal[t]) x0 + sqrt(1 - signal[t]) noise. Timestep -1 means "no noise".
    """

    signal: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.signal)

    def signal_at(self, t: int) -> float:
        """alpha-bar after timestep t; 1 for t = -1."""
        return 1.0 if t < 0 else float(self.signal[t])

    def add_noise(self, x0: Floats, noise: Floats, t: int) -> Floats:
        """q(x_t | x0): the features after timestep t, any shape."""
        signal = self.signal_at(t)
        return math.sqrt(signal) * x0 + math.sqrt(1.0 - signal) * noise

    def noise_in(self, x: Floats, x0: Floats, t: int) -> Floats:
        """The noise that leads from x0 to x_t = x."""
        signal = self.signal_at(t)
        return (x - math.sqrt(signal) * x0) / math.sqrt(1.0 - signal)

    def x0_from_noise(self, x: Floats, noise: Floats, t: int) -> Floats:
        """The features under x_t = x, given the noise a network predicts."""
        signal = self.signal_at(t)
        return (x - math.sqrt(1.0 - signal) * noise) / math.sqrt(signal)

    def posterior(self, t: int, previous: int) -> tuple[float, float, float]:
        """q(x_previous | x_t, x0) as (weight of x0, weight of x_t, variance), for previous < t.

        With previous = t - 1 these are the coefficients of DDPM (Ho et al. 2020), equation (7); with a larger stride
        those of the respaced chain.
        """
        signal, before = self.signal_at(t), self.signal_at(previous)
        beta = 1.0 - signal / before
        x0_weight = math.sqrt(before) * beta / (1.0 - signal)
        x_weight = math.sqrt(signal / before) * (1.0 - before) / (1.0 - signal)
        return x0_weight, x_weight, beta * (1.0 - before) / (1.0 - signal)

    def trailing(self, steps: int, start: int | None = None) -> tuple[int, ...]:
        """`steps` descending timesteps, evenly spaced, that begin at the noisiest one, start - 1 (default T - 1).

        Leading spacing would begin sampling from pure noise at a timestep that expects less of it, which damps motion.
        More steps than there are timesteps give every timestep once.
        """
        start = len(self) if start is None else start
        steps = max(1, min(steps, start))
        return tuple(int(t) for t in np.round(start * (1.0 - np.arange(steps) / steps)).astype(int) - 1)


def cosine_schedule(steps: int = STEPS) -> Schedule:
    """The schedule of Nichol and Dhariwal 2021, equation (17), each beta at most 0.999."""

    def level(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1.0 - level((t + 1) / steps) / level(t / steps), MAX_BETA) for t in range(steps)]
    return Schedule(np.cumprod(1.0 - np.array(betas, dtype=np.float64)))
