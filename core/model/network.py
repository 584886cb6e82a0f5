# SPDX-License-Identifier: GPL-3.0-or-later
"""What sampling asks of a denoiser: arrays in, arrays out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .config import DenoiserConfig

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Network(Protocol):
    """A denoising network D(x_t, t, text, speech) (FreeTalker section 2.2).

    Attributes:
        config: its shape.
    """

    @property
    def config(self) -> DenoiserConfig: ...

    def denoise(
        self,
        x: Floats,
        t: int,
        text: Floats,
        text_present: Bools,
        speech: Floats,
        speech_present: Bools,
        valid: Bools | None = None,
    ) -> Floats:
        """Predict the clean motion or the noise, depending on `config.prediction`.

        Args:
            x: normalized noisy motion, (B, N, features).
            t: timestep, 0..T - 1.
            text: sentence vectors, (B, text_width).
            text_present: False where there is no text, (B,).
            speech: normalized speech features, (B, N, speech_width).
            speech_present: False in frames without speech, (B, N).
            valid: False for padding frames, (B, N); None if there are none.

        Returns:
            (B, N, features); padding frames are undefined.
        """
        ...
