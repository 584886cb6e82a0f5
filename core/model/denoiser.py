# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoiser of FreeTalker and of DiffMotion-v2: a transformer over one token per frame (method section 3).

In FreeTalker's network (paper section 2.2 and figure 1) text and time step share an additional first token. In
DiffMotion-v2's there is no such token: conditions modulate every layer instead.

| notation in code                | in the paper                                                                       |
|---------------------------------|------------------------------------------------------------------------------------|
| `x` (B, N, features)            | x_t, the noised motion, 659 features per frame                                     |
| `timesteps` (B,)                | t, the noising step; 0..T - 1 in code, 1..T in the paper                           |
| N                               | T_M, the number of frames                                                          |
| `text` (B, text_width)          | d, the text embedding (512 for CLIP)                                               |
| `speech` (B, N, speech_width)   | a, the audio features, 1133 per frame                                              |
| `text` and `speech`             | c_1 = [d, a], the condition                                                        |
| `text_present` is False         | c_2 = [∅, a] of equation (2), and the random mask of figure 1                      |
| `Denoiser.forward`              | Denoising(x_t, t, c) = x̂_0, for `prediction` "x0"                                  |
| first token in `tokens`         | "the textual description is spliced together as the first frame" with the step     |
| `sinusoids`                     | PE, the positional encoding of figure 1                                            |
| `Block`                         | self-attention layer [25]                                                          |
| `local_attention`               | "+ local attention" of table 1, [32] with the relative positions of [33]           |

`core.model.released` maps parameter names to those of the released code.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import DenoiserConfig

LOCAL_WINDOW = 10  # frames; local attention spans a frame's own window and the one before
LOCAL_HEADS = 8


class Denoiser(nn.Module):
    """Denoising network D(x_t, t, text, speech) (FreeTalker section 2.2).

    Text and time step share the first token, and every further token joins one frame of speech and motion. With the
    conditioning "frames", every token is a frame of motion.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.text_in = nn.Linear(config.text_width, width) if config.text_width else None
        self.time_in = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.speech_in = nn.Linear(config.speech_width, width)
        self.motion_in = nn.Linear(config.features, width)
        self.joint = nn.Linear(2 * width, width) if config.conditioning != "frames" else None
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm_out = nn.LayerNorm(width) if config.norm_first else nn.Identity()
        self.motion_out = nn.Linear(width, config.features)
        self.input_share = None
        if config.skip:
            self.input_share = nn.Linear(width, config.features)
            nn.init.zeros_(self.input_share.weight)
            nn.init.zeros_(self.input_share.bias)
        self.answer_filter = TemporalFilter(config.features, config.answer_filter) if config.answer_filter else None
        if config.absence == "learned":
            if config.text_width:
                self.absent_text = nn.Parameter(torch.randn(width) * 0.02)
            self.absent_speech = nn.Parameter(torch.randn(width) * 0.02)

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        text: Tensor,
        text_present: Tensor,
        speech: Tensor,
        speech_present: Tensor,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Predict the clean motion or the noise, depending on `config.prediction`.

        Args:
            x: (B, N, features) normalized noisy motion.
            timesteps: (B,) integers in 0..T - 1.
            text: (B, text_width) sentence vectors.
            text_present: (B,) bool; False where there is no text.
            speech: (B, N, speech_width) normalized speech features.
            speech_present: (B, N) bool; False in frames without speech.
            valid: (B, N) bool, False for padding frames; None if there are none.

        Returns:
            (B, N, features); padding frames are undefined.
        """
        # Step 1: embed motion and conditions, as (B, L, W) and (B, 1 or N, W)
        tokens, conditioning = self.tokens(x, timesteps, text, text_present, speech, speech_present)
        first = tokens.shape[1] - x.shape[1]  # index of the first frame's token, 0 or 1
        # Step 2: mask padding and, in a causal network, later frames
        mask = None
        if valid is not None:
            mask = functional.pad(valid, (first, 0), value=True)[:, None, None, :]  # (B, 1, 1, L)
        if self.config.causal:
            past = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool, device=x.device).tril()  # (L, L)
            mask = past if mask is None else mask & past
        # Step 3: transformer and output layer
        for block in self.blocks:
            tokens = block(tokens, mask, conditioning)
        output = self.motion_out(self.norm_out(tokens[:, first:]))
        # Step 4: skip connection and temporal filter
        if self.input_share is not None:
            output = output + self.input_share(conditioning) * x
        return output if self.answer_filter is None else self.answer_filter(output, valid)

    def tokens(
        self, x: Tensor, timesteps: Tensor, text: Tensor, text_present: Tensor, speech: Tensor, speech_present: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute the input of the transformer; arguments as in `forward`.

        Returns:
            Tokens (B, L, width) with positions added, where L is N, plus 1 if there is a first token; and the
            conditioning of the layers, (B, 1, width) of text and time step or, with speech, (B, N, width).
        """
        width = self.config.width
        time_token = self.time_in(sinusoids(timesteps, width).to(x.dtype))  # (B, W)
        text_token = torch.zeros_like(time_token)
        if self.text_in is not None:
            text_token = self._present(self.text_in, text, text_present, "absent_text")  # (B, W)
        speech_tokens = self._present(self.speech_in, speech, speech_present, "absent_speech")  # (B, N, W)
        if self.config.local_attention:
            speech_tokens = local_attention(speech_tokens)
        conditioning = (text_token + time_token)[:, None]  # (B, 1, W)
        if self.joint is None:
            tokens, conditioning = self.motion_in(x), conditioning + speech_tokens  # (B, N, W) each
        else:
            first = torch.cat([text_token, time_token], dim=-1)[:, None]  # (B, 1, 2W)
            frames = torch.cat([speech_tokens, self.motion_in(x)], dim=-1)  # (B, N, 2W)
            tokens = self.joint(torch.cat([first, frames], dim=1))  # (B, 1+N, W)
        positions = sinusoids(torch.arange(tokens.shape[1], device=x.device), width).to(x.dtype)  # (1+N, W)
        return self.dropout(tokens + positions), functional.silu(conditioning)

    def _present(self, layer: nn.Linear, condition: Tensor, present: Tensor, absent: str) -> Tensor:
        """Embed a condition, replacing it where it is absent."""
        present = present[..., None]
        # torch.where rather than a product: an absent condition may contain anything, even NaN
        embedding = layer(torch.where(present, condition, 0.0))
        if self.config.absence == "zero":
            return embedding
        return torch.where(present, embedding, getattr(self, absent))


class TemporalFilter(nn.Module):
    """Trained convolution over time for each feature, initially binomial; the first and last frame are repeated."""

    def __init__(self, features: int, taps: int) -> None:
        super().__init__()
        binomial = torch.tensor([math.comb(taps - 1, k) for k in range(taps)]) / 2 ** (taps - 1)
        self.kernel = nn.Parameter(binomial.repeat(features, 1)[:, None])  # (F, 1, taps)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """Filter x (B, N, F).

        Args:
            x: (B, N, F).
            valid: (B, N) bool, True up to the last frame of each sequence; None if there is no padding.

        Returns:
            (B, N, F).
        """
        if valid is not None:
            last = valid.sum(1, keepdim=True) - 1  # (B, 1)
            frames = torch.minimum(torch.arange(x.shape[1], device=x.device)[None], last)  # (B, N)
            x = x.gather(1, frames[..., None].expand_as(x))
        reach = self.kernel.shape[-1] // 2
        padded = functional.pad(x.transpose(1, 2), (reach, reach), mode="replicate")  # (B, F, N + taps - 1)
        return functional.conv1d(padded, self.kernel, groups=x.shape[-1]).transpose(1, 2)


class Block(nn.Module):
    """Transformer layer, post-norm or pre-norm, the latter optionally with adaLN; its activation is GELU."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm_first = config.norm_first
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.feedforward_in = nn.Linear(width, config.feedforward)
        self.feedforward_out = nn.Linear(config.feedforward, width)
        self.attention_norm = nn.LayerNorm(width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.modulation = None
        if config.conditioning != "token":
            self.modulation = nn.Linear(width, 6 * width)
            nn.init.zeros_(self.modulation.weight)
            nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, mask: Tensor | None, conditioning: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            x: (B, L, W) tokens.
            mask: bool, broadcasts to (B, heads, L, L); True where a query may attend to a key.
            conditioning: (B, 1 or L, W), used only with adaLN.

        Returns:
            (B, L, W) tokens.
        """
        if self.modulation is not None:
            shift, scale, gate, shift_2, scale_2, gate_2 = self.modulation(conditioning).chunk(
                6, dim=-1
            )  # (B, 1 or L, W)
            x = x + (1 + gate) * self.attention(self.attention_norm(x) * (1 + scale) + shift, mask)
            return x + (1 + gate_2) * self.feedforward(self.feedforward_norm(x) * (1 + scale_2) + shift_2)
        if self.norm_first:
            x = x + self.attention(self.attention_norm(x), mask)
            return x + self.feedforward(self.feedforward_norm(x))
        x = self.attention_norm(x + self.attention(x, mask))
        return self.feedforward_norm(x + self.feedforward(x))

    def attention(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Multi-head self-attention of tokens (B, L, W); mask as in `forward`."""
        batch, length, width = x.shape
        split = self.attention_in(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (B, H, N, W/H)
        dropout = self.dropout.p if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        return self.dropout(self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width)))

    def feedforward(self, x: Tensor) -> Tensor:
        """Feed-forward network with GELU, for each token of (B, L, W)."""
        return self.dropout(self.feedforward_out(self.dropout(functional.gelu(self.feedforward_in(x)))))


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Embed positions (...) as (..., width): sine in even columns, cosine in odd ones (Vaswani et al. 2017)."""
    rates = torch.exp(torch.arange(0, width, 2, device=positions.device) * (-math.log(10000.0) / width))
    angles = positions[..., None].float() * rates  # (..., W/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def local_attention(x: Tensor) -> Tensor:
    """Causal self-attention of frames (B, N, W) within their window of 10 frames and the one before.

    It has rotary positions (Su et al. 2021) and no parameters: query, key and value are the same rotated tensor, as in
    the released version v3_5.
    """
    batch, length, width = x.shape
    size = width // LOCAL_HEADS
    heads = x.view(batch, length, LOCAL_HEADS, size).transpose(1, 2)  # (B, 8, N, W/8)
    frames = torch.arange(length, device=x.device)
    rates = 10000.0 ** (-torch.arange(0, size, 2, device=x.device) / size)  # (W/16,)
    angles = (frames[:, None] * rates).repeat(1, 2)  # (N, W/8)
    low, high = heads.chunk(2, dim=-1)
    rotated = heads * angles.cos() + torch.cat([-high, low], dim=-1) * angles.sin()
    query, key = frames[:, None], frames[None, :]
    window = query // LOCAL_WINDOW - key // LOCAL_WINDOW
    mask = (key <= query) & (window <= 1)  # (N, N)
    mixed = functional.scaled_dot_product_attention(rotated, rotated, rotated, attn_mask=mask)
    return mixed.transpose(1, 2).reshape(batch, length, width)
