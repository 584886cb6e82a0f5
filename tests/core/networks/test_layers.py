# SPDX-License-Identifier: GPL-3.0-or-later
"""Each layer in numpy gives what torch's does."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from core.model import denoiser
from core.networks.layers import LayerNorm, Linear, attention, gelu, normalized, silu, sinusoids, softmax

RNG = np.random.default_rng(0)


def random(*shape: int, scale: float = 1.0) -> np.ndarray:
    return (scale * RNG.normal(size=shape)).astype(np.float32)


def tensors_of(module: nn.Module, name: str) -> dict[str, np.ndarray]:
    return {f"{name}.{key}": value.detach().numpy() for key, value in module.state_dict().items()}


def test_gelu_is_exact_to_rounding_everywhere():
    x = np.concatenate([np.linspace(-12, 12, 200_001), [-1e6, -100, -20, 0, 20, 100, 1e6]]).astype(np.float32)
    exact = functional.gelu(torch.from_numpy(x).double()).numpy()
    np.testing.assert_allclose(gelu(x.copy()), exact, atol=1.5e-6, rtol=1e-6)


def test_gelu_works_in_place():
    x = random(3, 4)
    assert gelu(x) is x


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7), (0, 7)])
def test_linear(shape: tuple[int, ...]):
    layer, x = nn.Linear(7, 5), random(*shape)
    ours = Linear.of(tensors_of(layer, "some"), "some")(x)
    assert ours.shape == (*shape[:-1], 5)
    np.testing.assert_allclose(ours, layer(torch.from_numpy(x)).detach(), atol=1e-6, rtol=1.3e-6)


@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("epsilon", [1e-5, 1e-12])
def test_layer_norm(offset: float, epsilon: float):
    layer, x = nn.LayerNorm(64, eps=epsilon), random(2, 9, 64) + np.float32(offset)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    ours = LayerNorm.of(tensors_of(layer, "some"), "some")(x, epsilon)
    np.testing.assert_allclose(ours, layer(torch.from_numpy(x)).detach(), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(normalized(x, epsilon).mean(-1), 0, atol=1e-5)


def test_a_constant_row_is_normalized_to_zeros():
    np.testing.assert_array_equal(normalized(np.full((2, 8), 3, np.float32)), 0)


def test_silu_and_softmax():
    x = random(5, 40, scale=10)
    np.testing.assert_allclose(silu(x), functional.silu(torch.from_numpy(x)), atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(softmax(x.copy()), torch.from_numpy(x).softmax(-1), atol=1e-6)
    np.testing.assert_allclose(softmax(np.array([[1e4, -1e4, -np.inf]], np.float32)), [[1, 0, 0]])


MASKS = {
    "none": None,
    "padding": np.arange(11)[None] < np.array([[11], [6], [1]]),
    "causal": np.tri(11, dtype=bool),
    "both": np.tri(11, dtype=bool)[None, None] & (np.arange(11)[None] < np.array([[11], [6], [1]]))[:, None, None],
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention(name: str, heads: int):
    mask = MASKS[name]
    mask = mask[:, None, None] if name == "padding" and mask is not None else mask
    qkv, out, x = nn.Linear(16, 48), nn.Linear(16, 16), random(3, 11, 16)
    ours = attention(x, Linear.of(tensors_of(qkv, "a"), "a"), Linear.of(tensors_of(out, "a"), "a"), heads, mask)
    query, key, value = qkv(torch.from_numpy(x)).view(3, 11, 3, heads, 16 // heads).permute(2, 0, 3, 1, 4)
    given = None if mask is None else torch.from_numpy(mask)
    mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=given)
    expected = out(mixed.transpose(1, 2).reshape(3, 11, 16)).detach()
    np.testing.assert_allclose(ours, expected, atol=1e-6, rtol=1.3e-6)


@pytest.mark.parametrize("width", [2, 16, 512])
def test_sinusoids(width: int):
    positions = np.array([0, 1, 2, 57, 180, 999])
    expected = denoiser.sinusoids(torch.from_numpy(positions), width)
    # an angle of up to 999 is rounded to 6e-5, whichever of the two computes it
    np.testing.assert_allclose(sinusoids(positions, width), expected, atol=1.3e-4)
    assert sinusoids(positions.reshape(2, 3), width).shape == (2, 3, width)
