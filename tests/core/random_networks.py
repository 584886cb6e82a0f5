# SPDX-License-Identifier: GPL-3.0-or-later
"""Small random denoisers in numpy."""

import numpy as np

from core.model.config import DenoiserConfig
from core.model.layout import denoiser_shapes
from core.model.numpy_denoiser import NumpyDenoiser
from core.networks.layers import Floats


def random_tensors(config: DenoiserConfig, seed: int = 0) -> dict[str, Floats]:
    """Weights of about the size that torch begins with."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Floats] = {}
    for name, shape in denoiser_shapes(config).items():
        if "norm" in name:
            values = np.full(shape, float(name.endswith("weight")))
        else:
            values = rng.uniform(-1, 1, shape) / np.sqrt(shape[-1])
        tensors[name] = values.astype(np.float32)
    return tensors


class CountingDenoiser(NumpyDenoiser):
    """A random network that notes the rows of each call.

    Attributes:
        rows: of each call.
    """

    def __init__(self, config: DenoiserConfig, seed: int = 0) -> None:
        super().__init__(config, random_tensors(config, seed))
        self.rows: list[int] = []

    def denoise(self, x: Floats, *conditions: object) -> Floats:
        self.rows.append(len(x))
        return super().denoise(x, *conditions)
