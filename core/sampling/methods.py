# SPDX-License-Identifier: GPL-3.0-or-later
"""Three ways to join windows: DoubleTake as we correct it, as the released code computes it, and plain averaging.

Each is a `DoubleTake`: lengths in frames, and the few steps in which the ways differ. Unlike `LegacyDoubleTake`,
`CorrectedDoubleTake` refines the transition itself under both windows' own conditions; unlike both, `AveragedWindows`
has no second take.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Protocol, cast

import numpy as np

from .joining import cut_windows, shake_hands
from .noise import Floats, Generator, noise_like


@dataclass(frozen=True)
class Transition:
    """What the second take refines between two windows.

    Attributes:
        frames: the frames of (M_i, tau, M_i+1) that it sees.
        keep: how much of the first take each of them keeps, (len(frames),) in 0..1.
    """

    frames: range
    keep: Floats


class DoubleTake(Protocol):
    """How windows are joined.

    Attributes:
        handshake: h, the frames that two windows share.
        blend: b, the frames on both sides that ramp into the transition.
        hard: how much of the first take is kept at the outer end of the blend.
        soft: how much of it is kept in the transition.
        refine: T', the noise steps (of the schedule's T) that the second take goes back; 0 leaves the second take out.
        text_in_second_take: whether the second take is conditioned on the prompts.
        speech_delay: frames by which the second take hears speech too late.
        masks_padding: whether the padding of short windows is hidden from the denoiser.
    """

    text_in_second_take: ClassVar[bool]
    masks_padding: ClassVar[bool]

    @property
    def handshake(self) -> int: ...
    @property
    def blend(self) -> int: ...
    @property
    def refine(self) -> int: ...
    @property
    def speech_delay(self) -> int: ...

    def with_handshake(self, frames: int) -> "DoubleTake":
        """The same with another handshake."""
        ...

    def shortest_part(self, least: int) -> int:
        """The fewest frames of a window's own part, of which `least` are wanted."""
        ...

    def half_handshake(self, left: int, right: int) -> int:
        """By how many frames two neighboring parts of these lengths reach into each other, each way."""
        ...

    def initial_noise(self, motion: Floats, windows: Sequence[range], generator: Generator) -> Floats:
        """The noise that the windows start from, (B, N, F), for a motion like `motion` (frames, F)."""
        ...

    def after_step(self, x: Floats, windows: Sequence[range]) -> Floats:
        """What becomes of the windows x (B, N, F) after each denoising step of the first take."""
        ...

    def transition(self, windows: Sequence[range], joint: int, longest: int) -> Transition:
        """What the second take refines between windows `joint` and `joint + 1`, in `longest` frames at most."""
        ...

    def padded_length(self, transitions: Sequence[Transition], windows: Sequence[range]) -> int:
        """The frames to which the transitions of the second take are padded."""
        ...


@dataclass(frozen=True)
class _Lengths:
    """The lengths of the paper (section 3.1), and what the ways have in common."""

    handshake: int = 20
    blend: int = 10
    hard: float = 0.85
    soft: float = 0.15
    refine: int = 900

    text_in_second_take: ClassVar[bool] = True
    masks_padding: ClassVar[bool] = True

    @property
    def speech_delay(self) -> int:
        return 0

    def with_handshake(self, frames: int) -> "DoubleTake":
        return cast(DoubleTake, replace(self, handshake=frames))

    def shortest_part(self, least: int) -> int:
        return least

    def half_handshake(self, left: int, right: int) -> int:
        return min(self.handshake, left // 2, right // 2) // 2

    def initial_noise(self, motion: Floats, windows: Sequence[range], generator: Generator) -> Floats:
        # Windows start from the same noise where they overlap, so that averaging them there does not weaken it.
        noise = noise_like(motion[None], generator)[0]
        return cut_windows(noise, windows)

    def padded_length(self, transitions: Sequence[Transition], windows: Sequence[range]) -> int:
        return max(len(one.frames) for one in transitions)


@dataclass(frozen=True)
class CorrectedDoubleTake(_Lengths):
    """Refines the transition and a blend on both sides of it, under both windows' own conditions."""

    def after_step(self, x: Floats, windows: Sequence[range]) -> Floats:
        return shake_hands(x, windows)

    def transition(self, windows: Sequence[range], joint: int, longest: int) -> Transition:
        left, right = windows[joint], windows[joint + 1]
        middle = (left.stop + right.start) // 2
        # What is far from the transition stays as it is and only gives context: as much as the denoiser was trained on.
        frames = range(max(left.start, middle - longest // 2), min(right.stop, middle + longest // 2))
        start, stop = right.start - frames.start, left.stop - frames.start  # the transition
        before = max(left.start, windows[joint - 1].stop if joint else 0)  # where the windows' own frames begin and end
        after = min(right.stop, windows[joint + 2].start) if joint + 2 < len(windows) else right.stop
        blend = max(0, min(self.blend, (right.start - before) // 2, (after - left.stop) // 2))
        ramp = np.linspace(self.hard, self.soft, blend, dtype=np.float32)
        keep = np.ones(len(frames), np.float32)
        keep[start:stop] = self.soft
        keep[start - blend : start] = ramp
        keep[stop : stop + blend] = ramp[::-1]
        return Transition(frames, keep)


@dataclass(frozen=True)
class LegacyDoubleTake(_Lengths):
    """What the released code computes: the transition is frozen, and only the blends beside it are refined.

    The handshake is `handshake` between all windows, the second take drops the text, hears speech late, and attends to
    padding (docs/method.md, section R6).
    """

    text_in_second_take: ClassVar[bool] = False
    masks_padding: ClassVar[bool] = False

    @property
    def speech_delay(self) -> int:
        return self.handshake

    def shortest_part(self, least: int) -> int:
        return max(least, self.handshake + 2 * self.blend + 10)

    def half_handshake(self, left: int, right: int) -> int:
        return self.handshake // 2

    def initial_noise(self, motion: Floats, windows: Sequence[range], generator: Generator) -> Floats:
        return noise_like(np.empty((len(windows), max(map(len, windows)), motion.shape[-1]), np.float32), generator)

    def after_step(self, x: Floats, windows: Sequence[range]) -> Floats:
        return shake_hands(x, windows)

    def transition(self, windows: Sequence[range], joint: int, longest: int) -> Transition:
        left, right = windows[joint], windows[joint + 1]
        frames = range(left.start + self.handshake, right.stop - self.handshake)
        start, stop = right.start - frames.start, left.stop - frames.start  # the transition
        ramp = np.float32(self.hard) * np.arange(self.blend, dtype=np.float32) / np.float32(self.blend)
        keep = np.ones(len(frames), np.float32)
        keep[start - self.blend : start] = self.hard - ramp
        keep[stop : stop + self.blend] = ramp
        return Transition(frames, keep)

    def padded_length(self, transitions: Sequence[Transition], windows: Sequence[range]) -> int:
        # The released code pads to this length; padding counts there, as it draws noise and is attended to.
        return 2 * max(map(len, windows)) - 3 * self.handshake


@dataclass(frozen=True)
class AveragedWindows(CorrectedDoubleTake):
    """Not DoubleTake but its baseline: windows are sampled independently and cross-faded where they overlap."""

    refine: int = field(default=0, init=False)

    def after_step(self, x: Floats, windows: Sequence[range]) -> Floats:
        return x


LONG_BLEND = CorrectedDoubleTake(blend=30, hard=1.0)
"""The default. A second and a half ramps into the transition on either side, and where the ramp begins the first take
is kept whole. With the paper's half a second, of whose first frame 0.85 is kept, hands jerk where a handshake or a
blend ends (`python -m benchmarks.joins`)."""


METHODS: Mapping[str, Callable[..., DoubleTake]] = {
    "corrected": CorrectedDoubleTake,
    "legacy": LegacyDoubleTake,
    "averaged": AveragedWindows,
}


def default_double_take(mode: Literal["corrected", "legacy"]) -> DoubleTake:
    """How a model's windows are joined if nothing else is asked for: `double_take` in its config.json."""
    return LONG_BLEND if mode == "corrected" else LegacyDoubleTake()
