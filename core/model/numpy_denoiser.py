# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoiser in numpy: the network of `denoiser.Denoiser`, from the same weights and without torch.

It is in evaluation mode: dropout is left out. `local_attention`, which only the released checkpoint v3_5 has, is not
supported.
"""

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..networks.layers import Floats, LayerNorm, Linear, Tensors, attention, gelu, silu, sinusoids
from .config import DenoiserConfig
from .network import Bools


class NumpyDenoiser:
    """Denoising network D(x_t, t, text, speech); a `Network`."""

    def __init__(self, config: DenoiserConfig, tensors: Tensors) -> None:
        """Take the layers from a state dict.

        Raises:
            InputError: the network needs torch.
        """
        if config.local_attention:
            raise InputError("This model uses local attention, which needs PyTorch; install the runtime.")
        self.config = config
        self._text_in = Linear.of(tensors, "text_in") if config.text_width else None
        self._time_in = Linear.of(tensors, "time_in.0"), Linear.of(tensors, "time_in.2")
        self._speech_in = Linear.of(tensors, "speech_in")
        self._motion_in = Linear.of(tensors, "motion_in")
        self._joint = Linear.of(tensors, "joint") if config.conditioning != "frames" else None
        self._blocks = [NumpyBlock(config, tensors, f"blocks.{k}.") for k in range(config.layers)]
        self._norm_out = LayerNorm.of(tensors, "norm_out") if config.norm_first else None
        self._motion_out = Linear.of(tensors, "motion_out")
        self._input_share = Linear.of(tensors, "input_share") if config.skip else None
        self._filter = tensors["answer_filter.kernel"][:, 0].T.copy() if config.answer_filter else None  # (taps, F)
        self._absent = {name: tensors[name] for name in ("absent_text", "absent_speech") if name in tensors}

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
        """Predict the clean motion or the noise; see `Network.denoise`."""
        tokens, conditioning = self._tokens(x, t, text, text_present, speech, speech_present)
        first = tokens.shape[1] - x.shape[1]  # index of the first frame's token, 0 or 1
        mask = None
        if valid is not None and not valid.all():
            mask = np.pad(valid, ((0, 0), (first, 0)), constant_values=True)[:, None, None, :]  # (B, 1, 1, L)
        if self.config.causal:
            past = np.tri(tokens.shape[1], dtype=bool)  # (L, L)
            mask = past if mask is None else mask & past
        for block in self._blocks:
            tokens = block(tokens, mask, conditioning)
        frames = tokens[:, first:]
        output = self._motion_out(frames if self._norm_out is None else self._norm_out(frames))
        if self._input_share is not None:
            output += self._input_share(conditioning) * x
        return output if self._filter is None else self._filtered(self._filter, output, valid)

    def _tokens(
        self, x: Floats, t: int, text: Floats, text_present: Bools, speech: Floats, speech_present: Bools
    ) -> tuple[Floats, Floats]:
        """The input of the transformer (B, L, W), and the conditioning of the layers (B, 1 or N, W)."""
        width, (time_in, time_out) = self.config.width, self._time_in
        time_token = np.repeat(time_out(silu(time_in(sinusoids(np.array([t]), width)))), len(x), axis=0)  # (B, W)
        text_token = np.zeros_like(time_token)
        if self._text_in is not None:
            text_token = self._present(self._text_in, text, text_present, "absent_text")  # (B, W)
        speech_tokens = self._present(self._speech_in, speech, speech_present, "absent_speech")  # (B, N, W)
        conditioning = (text_token + time_token)[:, None]  # (B, 1, W)
        if self._joint is None:
            tokens, conditioning = self._motion_in(x), conditioning + speech_tokens  # (B, N, W) each
        else:
            first = np.concatenate([text_token, time_token], axis=-1)[:, None]  # (B, 1, 2W)
            frames = np.concatenate([speech_tokens, self._motion_in(x)], axis=-1)  # (B, N, 2W)
            tokens = self._joint(np.concatenate([first, frames], axis=1))  # (B, 1+N, W)
        tokens += sinusoids(np.arange(tokens.shape[1]), width)
        return tokens, silu(conditioning)

    def _present(self, layer: Linear, condition: Floats, present: Bools, absent: str) -> Floats:
        """Embed a condition, replacing it where it is absent."""
        present = present[..., None]
        embedding = layer(np.where(present, condition, np.float32(0)))
        return embedding if self.config.absence == "zero" else np.where(present, embedding, self._absent[absent])

    @staticmethod
    def _filtered(kernel: Floats, x: Floats, valid: Bools | None) -> Floats:
        """Convolve x (B, N, F) over time by a kernel (taps, F); the first and last valid frame are repeated."""
        if valid is not None:
            last: NDArray[np.int_] = valid.sum(1, keepdims=True) - 1  # (B, 1)
            x = np.take_along_axis(x, np.minimum(np.arange(x.shape[1])[None], last)[..., None], axis=1)
        reach, frames = len(kernel) // 2, x.shape[1]
        padded = np.pad(x, ((0, 0), (reach, reach), (0, 0)), mode="edge")
        filtered = padded[:, :frames] * kernel[0]
        for k in range(1, len(kernel)):
            filtered += padded[:, k : k + frames] * kernel[k]
        return filtered


class NumpyBlock:
    """Transformer layer, post-norm or pre-norm, the latter optionally with adaLN; its activation is GELU."""

    def __init__(self, config: DenoiserConfig, tensors: Tensors, prefix: str) -> None:
        """Take the layers whose names begin with the prefix from a state dict."""
        self._heads, self._norm_first = config.heads, config.norm_first
        self._attention_in = Linear.of(tensors, f"{prefix}attention_in")
        self._attention_out = Linear.of(tensors, f"{prefix}attention_out")
        self._feedforward_in = Linear.of(tensors, f"{prefix}feedforward_in")
        self._feedforward_out = Linear.of(tensors, f"{prefix}feedforward_out")
        self._attention_norm = LayerNorm.of(tensors, f"{prefix}attention_norm")
        self._feedforward_norm = LayerNorm.of(tensors, f"{prefix}feedforward_norm")
        self._modulation = Linear.of(tensors, f"{prefix}modulation") if config.conditioning != "token" else None

    def __call__(self, x: Floats, mask: Bools | None, conditioning: Floats) -> Floats:
        """Apply the layer to tokens (B, L, W); arguments as of `denoiser.Block`."""
        if self._modulation is not None:
            modulation = self._modulation(conditioning)  # (B, 1 or L, 6 W)
            shift, scale, gate, shift_2, scale_2, gate_2 = np.split(modulation, 6, axis=-1)
            x = x + (1 + gate) * self._attend(self._attention_norm(x) * (1 + scale) + shift, mask)
            return x + (1 + gate_2) * self._feed(self._feedforward_norm(x) * (1 + scale_2) + shift_2)
        if self._norm_first:
            x = x + self._attend(self._attention_norm(x), mask)
            return x + self._feed(self._feedforward_norm(x))
        x = self._attention_norm(x + self._attend(x, mask))
        return self._feedforward_norm(x + self._feed(x))

    def _attend(self, x: Floats, mask: Bools | None) -> Floats:
        return attention(x, self._attention_in, self._attention_out, self._heads, mask)

    def _feed(self, x: Floats) -> Floats:
        return self._feedforward_out(gelu(self._feedforward_in(x)))
