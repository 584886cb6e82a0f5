# SPDX-License-Identifier: GPL-3.0-or-later
"""DoubleTake: windows that hold hands while they are sampled, then a second take of each transition.

FreeTalker section 2.4, after PriorMDM (Shafir et al. 2023).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from .samplers import Ancestral, Denoise, Sampler, noise_like, sample

AHEAD_WINDOWS, AHEAD_STEPS = 2, 5  # of the look ahead
AHEAD_SHARE = 0.03  # of all denoising, which the look ahead may cost

DenoiseFor = Callable[[Sequence[range], int, bool], Denoise]
"""(stretches of frames, the length they are padded to, whether this is the second take) -> their denoiser."""


@dataclass(frozen=True)
class DoubleTake:
    """How windows are joined; lengths in frames, the defaults are the paper's (section 3.1).

    mode: "corrected" refines the transition itself and a blend on both sides of it, in sight of both windows' real
        conditions. "legacy" is what the released code does: the transition is frozen and only the blends are refined.
        "averaged" is not DoubleTake but what it is measured against: each window is sampled by itself, where they
        overlap the results are averaged, and there is no second take.
    handshake: h, the frames that two windows share. blend: b, the frames on both sides that ramp into the transition.
    hard, soft: how much of the first take is kept at the outer end of the blend, and in the transition.
    refine: T', the noise steps (of the schedule's T) that the second take goes back; 0 leaves the second take out.
    """

    mode: Literal["corrected", "legacy", "averaged"] = "corrected"
    handshake: int = 20
    blend: int = 10
    hard: float = 0.85
    soft: float = 0.15
    refine: int = 900


LONG_BLEND = DoubleTake(blend=30, hard=1.0)
"""How windows are joined where nothing else is asked for.

A second and a half goes over into the transition on either side, and where it begins the first take is kept whole. With
the paper's half a second, of which the first frame is kept by 0.85, hands jerk where a handshake or a blend ends
(`benchmarks.joins`).
"""


def default_double_take(mode: Literal["corrected", "legacy"]) -> DoubleTake:
    """How windows are joined: `LONG_BLEND`, or for "legacy" models the lengths that these were made with."""
    return LONG_BLEND if mode == LONG_BLEND.mode else DoubleTake(mode)


def double_take(
    denoise_for: DenoiseFor,
    windows: Sequence[range],
    *,
    features: int,
    sampler: Sampler,
    steps: int,
    settings: DoubleTake,
    generator: torch.Generator,
    longest: int,
    device: torch.device | str = "cpu",
    on_step: Callable[[int, int], None] = lambda done, total: None,
    on_look: Callable[[Tensor], None] | None = None,
    known: tuple[Tensor, Tensor] | None = None,
    seeds: Sequence[tuple[range, int]] = (),
) -> Tensor:
    """Sample all windows and join them: (frames, features), frames being the last window's stop.

    windows: stretches of the timeline's frames in order, each overlapping the next by its handshake (0 is a cut).
    sampler, steps: the first take's; the second uses the same sampler over its part of the noise steps.
    longest: frames of the longest sandwich in corrected mode, which the network was trained on. Legacy sandwiches are
    as long as the released code makes them, and there the handshake is `settings.handshake` everywhere.
    on_step(done, total) is called before the first and after every denoising step of both takes.
    on_look(features (n, features)) is called once or twice with the first n frames as they look so far; the result has
    the same bits with and without. The first look is the network's answer after a quarter of the first take. Where that
    is long in coming, nothing is known, and the sampler draws no noise, it is a look ahead instead: two windows by
    themselves, from the noise that they begin with, in few steps. The second look follows the first take, if there is
    another: only what that refines is still to change.
    known: features (frames, features) and which of them stay (frames, features or 1) bool. Those are put in place of
    the network's answer in every step of both takes, so that what is sampled beside them goes on from them, and come
    out as they are; so does every frame that no window covers. The windows may then lie in groups apart.
    seeds: stretches of frames that begin with noise of a seed of their own, the same wherever the stretch lies.
    """
    schedule = sampler.schedule
    legacy = settings.mode == "legacy"
    stays = torch.zeros(windows[-1].stop, 1, dtype=torch.bool, device=device) if known is None else known[1]
    joints = [i for i in range(len(windows) - 1) if not bool(stays[windows[i + 1].start : windows[i].stop].all())]
    averaged = settings.mode == "averaged"
    refine = min(settings.refine, len(schedule)) if joints and not averaged else 0
    sampler.set_timesteps(steps)
    first_steps = len(sampler.timesteps)
    second_steps = max(1, round(first_steps * refine / len(schedule))) if refine else 0
    done = 0

    def counted(x: Tensor) -> Tensor:
        nonlocal done
        done += 1
        on_step(done, first_steps + second_steps)
        return x

    on_step(0, first_steps + second_steps)
    whole = torch.empty(1, windows[-1].stop, features, device=device) if known is None else known[0][None].clone()
    x = _noise(whole, windows, seeds, generator, legacy)
    motion = whole[0]  # (frames, F)
    denoise = denoise_for(windows, x.shape[1], False)
    if known is not None:
        denoise = _in_place(denoise, *_windowed(motion, stays, windows))
    if on_look is not None:
        cost = AHEAD_WINDOWS * AHEAD_STEPS / (len(windows) * first_steps + len(joints) * second_steps)
        if cost <= AHEAD_SHARE and known is None and not isinstance(sampler, Ancestral):
            ahead = windows[:AHEAD_WINDOWS]
            few = _sampled_alone(denoise_for, ahead, x[: len(ahead)], sampler, min(AHEAD_STEPS, first_steps))
            on_look(_join(motion, stays, few, ahead)[: ahead[-1].stop])
            sampler.set_timesteps(steps)
        else:
            denoise = _seen(denoise, first_steps // 4, lambda x0: _join(motion, stays, x0, windows), on_look)
    x = sample(denoise, sampler, x, generator, lambda x: counted(x if averaged else _handshake(x, windows)))
    motion = _join(motion, stays, x, windows)
    if not refine:
        return motion
    if on_look is not None:
        on_look(motion.clone())

    sandwiches = [_sandwich(windows, i, settings, longest) for i in joints]
    first = pad_sequence([motion[sandwich.start : sandwich.stop] for sandwich in sandwiches], batch_first=True)
    masks = [
        torch.where(stays[sandwich.start : sandwich.stop].cpu(), 1.0, _kept(windows, i, sandwich, settings)[:, None])
        for i, sandwich in zip(joints, sandwiches, strict=True)
    ]
    kept = pad_sequence(masks, batch_first=True, padding_value=1.0).to(first)  # (J, S, F or 1)
    if legacy:
        # The released code pads to this length; padding counts there, as it draws noise and is attended to.
        more = 2 * max(map(len, windows)) - 3 * settings.handshake - first.shape[1]
        first, kept = functional.pad(first, (0, 0, 0, more)), functional.pad(kept, (0, 0, 0, more), value=1.0)
    sampler.set_timesteps(second_steps, start=refine)
    x = schedule.add_noise(first, noise_like(first, generator), sampler.timesteps[0])
    refined = denoise_for(sandwiches, x.shape[1], True)
    x = sample(lambda x, t: torch.lerp(refined(x, t), first, kept), sampler, x, generator, counted)
    for sandwich, rows, mask in zip(sandwiches, x, kept, strict=True):
        inside = motion[sandwich.start : sandwich.stop]
        changes = mask[: len(sandwich)] < 1.0  # (S, F or 1)
        inside[:] = torch.where(changes, rows[: len(sandwich)], inside)
    return motion


def _windowed(motion: Tensor, stays: Tensor, windows: Sequence[range]) -> tuple[Tensor, Tensor]:
    """The known features of each window (B, N, F), and where they are (B, N, F or 1)."""
    rows = pad_sequence([motion[window.start : window.stop] for window in windows], batch_first=True)
    here = pad_sequence([stays[window.start : window.stop] for window in windows], batch_first=True)
    return rows, here


def _in_place(denoise: Denoise, rows: Tensor, here: Tensor) -> Denoise:
    """The denoiser's answer, with known rows (B, N, F) in place of it where they are (B, N, F or 1)."""
    return lambda x, t: torch.where(here, rows, denoise(x, t))


def _sampled_alone(
    denoise_for: DenoiseFor, windows: Sequence[range], x: Tensor, sampler: Sampler, steps: int
) -> Tensor:
    """Windows x (B, N, F) of the first take by themselves, by a sampler that draws no noise."""
    sampler.set_timesteps(steps)
    denoise = denoise_for(windows, x.shape[1], False)
    return sample(denoise, sampler, x, torch.Generator(), lambda x: _handshake(x, windows))


def _seen(denoise: Denoise, step: int, how: Callable[[Tensor], Tensor], see: Callable[[Tensor], None]) -> Denoise:
    """The denoiser, whose answer after so many steps is shown to `see`, as `how` makes it."""
    steps = count()

    def seen(x: Tensor, t: int) -> Tensor:
        answer = denoise(x, t)
        if next(steps) == step:
            see(how(answer))
        return answer

    return seen


def _noise(
    whole: Tensor,
    windows: Sequence[range],
    seeds: Sequence[tuple[range, int]],
    generator: torch.Generator,
    legacy: bool,
) -> Tensor:
    """What the windows begin with (B, N, F), of a motion like `whole` (1, frames, F)."""
    if legacy:
        x = noise_like(whole.new_empty(len(windows), max(map(len, windows)), whole.shape[-1]), generator)
    else:
        # Windows begin with the same noise where they overlap, so that averaging them there does not weaken it.
        noise = noise_like(whole, generator)[0]
        x = pad_sequence([noise[window.start : window.stop] for window in windows], batch_first=True)
    for stretch, seed in seeds:
        noise = noise_like(whole[:, : len(stretch)], torch.Generator().manual_seed(seed))[0]
        for window, rows in zip(windows, x, strict=True):
            first, stop = max(window.start, stretch.start), min(window.stop, stretch.stop)
            if first < stop:
                rows[first - window.start : stop - window.start] = noise[first - stretch.start : stop - stretch.start]
    return x


def _join(motion: Tensor, stays: Tensor, x: Tensor, windows: Sequence[range]) -> Tensor:
    """The motion (frames, F) with windows x (B, N, F) in it, but for the frames that stay."""
    motion = motion.clone()
    for window, rows in zip(windows, _handshake(x, windows), strict=True):
        inside = slice(window.start, window.stop)
        motion[inside] = torch.where(stays[inside], motion[inside], rows[: len(window)])
    return motion


def _handshake(x: Tensor, windows: Sequence[range]) -> Tensor:
    """Make the end of each window and the start of the next the same: tau, linear in time. x (B, N, F)."""
    x = x.clone()
    for i in range(len(windows) - 1):
        shared = max(0, windows[i].stop - windows[i + 1].start)
        end = slice(len(windows[i]) - shared, len(windows[i]))
        alpha = torch.arange(shared, device=x.device, dtype=x.dtype)[:, None] / max(shared, 1)  # (h, 1)
        x[i, end] = (1.0 - alpha) * x[i, end] + alpha * x[i + 1, :shared]
        x[i + 1, :shared] = x[i, end]
    return x


def _sandwich(windows: Sequence[range], joint: int, settings: DoubleTake, longest: int) -> range:
    """The frames of (M_i, tau, M_i+1) that the second take sees."""
    left, right = windows[joint], windows[joint + 1]
    if settings.mode == "legacy":
        return range(left.start + settings.handshake, right.stop - settings.handshake)
    middle = (left.stop + right.start) // 2
    # What is far from the transition stays as it is and only gives context: as much as the network knows.
    return range(max(left.start, middle - longest // 2), min(right.stop, middle + longest // 2))


def _kept(windows: Sequence[range], joint: int, sandwich: range, settings: DoubleTake) -> Tensor:
    """How much of the first take each frame of a sandwich keeps: (len(sandwich),) in 0..1."""
    left, right = windows[joint], windows[joint + 1]
    start, stop = right.start - sandwich.start, left.stop - sandwich.start  # the transition
    kept = torch.ones(len(sandwich))
    if settings.mode == "legacy":
        ramp = settings.hard * torch.arange(settings.blend) / settings.blend
        kept[start - settings.blend : start] = settings.hard - ramp
        kept[stop : stop + settings.blend] = ramp
        return kept
    before = max(left.start, windows[joint - 1].stop if joint else 0)  # where the windows' own frames begin and end
    after = min(right.stop, windows[joint + 2].start) if joint + 2 < len(windows) else right.stop
    blend = max(0, min(settings.blend, (right.start - before) // 2, (after - left.stop) // 2))
    ramp = torch.linspace(settings.hard, settings.soft, blend)
    kept[start:stop] = settings.soft
    kept[start - blend : start] = ramp
    kept[stop : stop + blend] = ramp.flip(0)
    return kept
