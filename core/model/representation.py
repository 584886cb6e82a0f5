# SPDX-License-Identifier: GPL-3.0-or-later
"""How the numbers of a denoiser describe motion, and what can be done with them."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import Motion
from ..motion.features import FEATURES, UPPER_BODY, Normalizer, decode, encode, placement
from ..motion.fitting import fit, on_floor
from ..motion.released_features import decode as decode_released
from ..motion.released_features import y_up
from ..motion.skeleton import neutral_skeleton

Layout = Literal["smplx-659", "released-659"]
"""The values of `features` in a model's config.json."""


class Representation(Protocol):
    """Motion as normalized rows (frames, K), one for each frame at the model's frame rate.

    Attributes:
        continues_motion: whether decoding is exact, so that motion that stands can be continued.
        levels_speech: whether the model hears recordings at the same loudness; otherwise as they were recorded.
    """

    continues_motion: ClassVar[bool]
    levels_speech: ClassVar[bool]

    @property
    def upper_body(self) -> NDArray[np.bool_] | None:
        """Which columns (K,) are those of the upper body; None where that cannot be told."""
        ...

    def encode(self, motion: Motion, frames: int) -> NDArray[np.float32]:
        """Motion as rows (frames, K) float32, its last frame held."""
        ...

    def decode(self, rows: NDArray[np.float32]) -> Motion:
        """Rows (frames, K) as motion that starts above the origin and faces +Z."""
        ...


@dataclass(frozen=True)
class _Normalized:
    """What the representations share: a normalizer and the model's frame rate."""

    normalizer: Normalizer
    fps: float

    @property
    def upper_body(self) -> NDArray[np.bool_] | None:
        return self.normalizer.columns(UPPER_BODY) if len(self.normalizer.mean) == FEATURES else None

    def encode(self, motion: Motion, frames: int) -> NDArray[np.float32]:
        features = encode(motion.resampled(self.fps, frames), neutral_skeleton())
        return self.normalizer.normalize(features).astype(np.float32)


@dataclass(frozen=True)
class SmplxFeatures(_Normalized):
    """Ours: `core.motion.features`, whole or as components of them (`Normalizer.basis`). Decoding is exact."""

    continues_motion: ClassVar[bool] = True
    levels_speech: ClassVar[bool] = True

    def decode(self, rows: NDArray[np.float32]) -> Motion:
        return decode(self.normalizer.denormalize(rows), neutral_skeleton())


@dataclass(frozen=True)
class ReleasedFeatures(_Normalized):
    """Those of the released checkpoint: `core.motion.released_features`, whose joints are fitted to the skeleton."""

    continues_motion: ClassVar[bool] = False
    levels_speech: ClassVar[bool] = False

    def decode(self, rows: NDArray[np.float32]) -> Motion:
        skeleton = neutral_skeleton()
        joints = y_up(decode_released(self.normalizer.denormalize(rows)))
        motion = on_floor(fit(joints, self.fps, skeleton), skeleton)
        (x, z), heading = placement(motion, skeleton)
        return motion.moved([-x, 0.0, -z]).turned(-heading)


def make_representation(layout: Layout, normalizer: Normalizer, fps: float) -> Representation:
    """The representation that a model's config.json names."""
    return {"smplx-659": SmplxFeatures, "released-659": ReleasedFeatures}[layout](normalizer, fps)
