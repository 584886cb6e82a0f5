# SPDX-License-Identifier: GPL-3.0-or-later
"""Samplers from noise to features: ancestral DDPM, DDIM and DPM-Solver++(2M).

All work with the predicted x0; a network's predicted noise is turned into x0 before (`guidance.guided`).

| in code | in the papers |
|---|---|
| `x`, `x0` | x_t, and the prediction of x_0 |
| `schedule.signal_at(t)` | alpha-bar_t (Ho et al.), alpha_t (Song et al.), alpha_t^2 (Lu et al.) |
| `_half_log_snr(t)` | lambda_t (Lu et al.) |
| `size` | h_i = lambda_(t_i) - lambda_(t_(i-1)) |
| `eta` | eta of DDIM, equation (16) |
"""

import math
from collections.abc import Callable
from typing import Protocol

from ..errors import InputError
from .noise import Floats, Generator, noise_like
from .schedule import Schedule

Denoise = Callable[[Floats, int], Floats]
"""(x_t (B, N, F), timestep) -> predicted x0 (B, N, F)."""


class Sampler(Protocol):
    """Call `set_timesteps`, then `step` once for each of `timesteps` in turn.

    Attributes:
        schedule: the noise schedule.
        timesteps: those of the run, from the noisiest on.
    """

    schedule: Schedule
    timesteps: tuple[int, ...]

    @property
    def draws_noise(self) -> bool:
        """Whether `step` uses the generator, so that two runs from the same start end differently."""
        ...

    def set_timesteps(self, steps: int, start: int | None = None) -> None:
        """Plan `steps` steps down from timestep start - 1 (default: from pure noise), and forget any earlier run."""
        ...

    def step(self, x0: Floats, index: int, x: Floats, generator: Generator) -> Floats:
        """Go to the next timestep; the last step leaves no noise.

        Args:
            x0: predicted at timesteps[index], (B, N, F).
            index: of the timestep.
            x: x_t at that timestep, (B, N, F).
            generator: of the noise, if the sampler draws any.

        Returns:
            x at the next timestep, (B, N, F).
        """
        ...


class _Trailing:
    """What the samplers share: a schedule and trailing timesteps."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.timesteps: tuple[int, ...] = ()

    @property
    def draws_noise(self) -> bool:
        return False

    def set_timesteps(self, steps: int, start: int | None = None) -> None:
        self.timesteps = self.schedule.trailing(steps, start)

    def _next(self, index: int) -> int:
        """The timestep after timesteps[index]; -1, no noise, after the last."""
        return self.timesteps[index + 1] if index + 1 < len(self.timesteps) else -1


class Ancestral(_Trailing):
    """DDPM (Ho et al. 2020, algorithm 2) with the smaller variance: the paper's sampler with 1000 steps."""

    @property
    def draws_noise(self) -> bool:
        return True

    def step(self, x0: Floats, index: int, x: Floats, generator: Generator) -> Floats:
        x0_weight, x_weight, variance = self.schedule.posterior(self.timesteps[index], self._next(index))
        # Noise is drawn in the last step too, where its weight is 0: the released code does, and seeds depend on it.
        return x0_weight * x0 + x_weight * x + math.sqrt(variance) * noise_like(x, generator)


class DDIM(_Trailing):
    """DDIM (Song et al. 2021, equation 12). eta 0 is deterministic, 1 is as noisy as the ancestral sampler."""

    def __init__(self, schedule: Schedule, eta: float = 0.0) -> None:
        super().__init__(schedule)
        self.eta = eta

    @property
    def draws_noise(self) -> bool:
        return self.eta > 0

    def step(self, x0: Floats, index: int, x: Floats, generator: Generator) -> Floats:
        t, following = self.timesteps[index], self._next(index)
        variance = self.eta**2 * self.schedule.posterior(t, following)[2]
        signal = self.schedule.signal_at(following)
        direction = math.sqrt(max(1.0 - signal - variance, 0.0)) * self.schedule.noise_in(x, x0, t)
        x = math.sqrt(signal) * x0 + direction
        return x + math.sqrt(variance) * noise_like(x, generator) if self.eta else x


class DPMSolver(_Trailing):
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): second order from the x0 of this step and the one before.

    The first and the last step are of first order.
    """

    def set_timesteps(self, steps: int, start: int | None = None) -> None:
        super().set_timesteps(steps, start)
        self._earlier: tuple[Floats, float] | None = None  # x0 of the step before, and that step's size in log-SNR

    def step(self, x0: Floats, index: int, x: Floats, generator: Generator) -> Floats:
        following = self._next(index)
        if following < 0:
            return x0
        t = self.timesteps[index]
        size = self._half_log_snr(following) - self._half_log_snr(t)
        corrected = x0
        if self._earlier is not None:
            earlier, earlier_size = self._earlier
            corrected = x0 + (x0 - earlier) * (size / (2.0 * earlier_size))
        self._earlier = (x0, size)
        signal, before = self.schedule.signal_at(following), self.schedule.signal_at(t)
        ratio = math.sqrt((1.0 - signal) / (1.0 - before))
        return ratio * x - math.sqrt(signal) * math.expm1(-size) * corrected

    def _half_log_snr(self, t: int) -> float:
        signal = self.schedule.signal_at(t)
        return 0.5 * math.log(signal / (1.0 - signal))


SAMPLERS: dict[str, Callable[[Schedule], Sampler]] = {"ddpm": Ancestral, "ddim": DDIM, "dpm": DPMSolver}


def make_sampler(name: str, schedule: Schedule) -> Sampler:
    """Make a sampler by its name in `SAMPLERS`.

    Raises:
        InputError: there is no such name.
    """
    if name not in SAMPLERS:
        raise InputError(f"There is no sampler {name!r}; choose one of {', '.join(SAMPLERS)}.")
    return SAMPLERS[name](schedule)


def sample(
    denoise: Denoise,
    sampler: Sampler,
    x: Floats,
    generator: Generator,
    after_step: Callable[[Floats], Floats] = lambda x: x,
) -> Floats:
    """Run a sampler from noise to features.

    Args:
        denoise: predicts x0.
        sampler: with its timesteps set.
        x: noisy features at the first timestep, (B, N, F).
        generator: of the sampler's noise.
        after_step: may change x after every step (DoubleTake's handshake, progress, cancelling by an exception).

    Returns:
        Features, (B, N, F).
    """
    for index, t in enumerate(sampler.timesteps):
        x = after_step(sampler.step(denoise(x, t), index, x, generator))
    return x
