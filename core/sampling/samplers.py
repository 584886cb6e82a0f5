# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways from noise to features: ancestral DDPM, DDIM and DPM-Solver++(2M).

All take x0, so what a network predicts does not concern them: a predicted noise is turned into x0 before.
"""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ..errors import InputError
from .schedule import Schedule

Denoise = Callable[[Tensor, int], Tensor]
"""(x_t (B, N, F), time step) -> predicted x0 (B, N, F)."""


class Sampler(Protocol):
    """`set_timesteps`, then one `step` for each of `timesteps` in turn."""

    schedule: Schedule
    timesteps: tuple[int, ...]

    @property
    def draws_noise(self) -> bool:
        """Whether `step` uses the generator, so that two runs from the same start end differently."""
        ...

    def set_timesteps(self, steps: int, start: int | None = None) -> None:
        """Plan `steps` steps down from time step start - 1 (default: from pure noise) and forget any earlier run."""
        ...

    def step(self, x0: Tensor, index: int, x: Tensor, generator: torch.Generator) -> Tensor:
        """From x at timesteps[index] to x at the next time step, given the predicted x0; the last leaves no noise."""
        ...


class _Trailing:
    """What the samplers share: a schedule and trailing time steps."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.timesteps: tuple[int, ...] = ()

    @property
    def draws_noise(self) -> bool:
        return False

    def set_timesteps(self, steps: int, start: int | None = None) -> None:
        self.timesteps = self.schedule.trailing(steps, start)

    def _next(self, index: int) -> int:
        """The time step after timesteps[index]; -1, no noise, after the last."""
        return self.timesteps[index + 1] if index + 1 < len(self.timesteps) else -1


class Ancestral(_Trailing):
    """DDPM (Ho et al. 2020, algorithm 2) with the smaller variance: the paper's sampler with 1000 steps."""

    @property
    def draws_noise(self) -> bool:
        return True

    def step(self, x0: Tensor, index: int, x: Tensor, generator: torch.Generator) -> Tensor:
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

    def step(self, x0: Tensor, index: int, x: Tensor, generator: torch.Generator) -> Tensor:
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
        self._earlier: tuple[Tensor, float] | None = None  # x0 of the step before, and that step's size in log-SNR

    def step(self, x0: Tensor, index: int, x: Tensor, generator: torch.Generator) -> Tensor:
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
    """The sampler of that name, one of `SAMPLERS`.

    Raises InputError for another name.
    """
    if name not in SAMPLERS:
        raise InputError(f"There is no sampler {name!r}; choose one of {', '.join(SAMPLERS)}.")
    return SAMPLERS[name](schedule)


def sample(
    denoise: Denoise,
    sampler: Sampler,
    x: Tensor,
    generator: torch.Generator,
    after_step: Callable[[Tensor], Tensor] = lambda x: x,
) -> Tensor:
    """Run a sampler whose time steps are set, from noisy x (B, N, F) to features (B, N, F).

    `after_step` may change x after every step (DoubleTake's handshake, progress, cancelling by an exception).
    """
    for index, t in enumerate(sampler.timesteps):
        x = after_step(sampler.step(denoise(x, t), index, x, generator))
    return x


def noise_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise in the shape of x (B, N, F).

    It is drawn on the CPU, so that a seed means the same on every device, and features before frames, so that it means
    the same as in the released code.
    """
    batch, frames, features = x.shape
    return torch.randn(batch, features, frames, generator=generator).transpose(1, 2).to(x)
