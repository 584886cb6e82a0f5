# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoiser, FreeTalker's and DiffMotion-v2's: one transformer over a token a frame, and one of the conditions."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError

LOCAL_WINDOW = 10  # frames; local attention sees its own window and the one before
LOCAL_HEADS = 8


@dataclass(frozen=True)
class DenoiserConfig:
    """Everything that decides the shape of a `Denoiser`; the defaults are the paper's, with MiniLM's text width.

    `absence` says what stands for a missing condition: "zero" feeds zeros through the condition's own layer (the
    released network), "learned" replaces the layer's answer by a trained vector. `prediction` is what the network's
    output means. `norm_first` is a pre-norm transformer with a final norm; the released one is post-norm.

    `conditioning` "token", the released network's, tells text and time step by the first token alone. With
    "every_layer" they also scale and shift each pre-norm layer (adaLN, Peebles & Xie 2023). With "frames" there is no
    such token: each frame's speech, with text and time step, scales and shifts that frame in each layer, and the tokens
    hold motion alone (DiffMotion-v2). `causal` lets a frame attend to itself and those before it. A `text_width` of 0
    is a network without text.

    `skip` adds the noisy input to the answer, each feature by as much as the time step makes worth while (as Karras et
    al. 2022 do by formula). `answer_filter` is the odd number of frames over which a trained kernel of each feature
    filters the answer in time, 0 for none: what differs from frame to frame by chance is taken out where it arises.
    """

    features: int = 659
    text_width: int = 384
    speech_width: int = 109
    width: int = 256
    layers: int = 8
    heads: int = 4
    feedforward: int = 1024
    dropout: float = 0.1
    norm_first: bool = False
    prediction: Literal["x0", "noise"] = "x0"
    absence: Literal["zero", "learned"] = "zero"
    local_attention: bool = False
    conditioning: Literal["token", "every_layer", "frames"] = "token"
    causal: bool = False
    skip: bool = False
    answer_filter: int = 0

    def __post_init__(self) -> None:
        if self.answer_filter and self.answer_filter % 2 == 0:
            raise InputError(f"A filter of the answer spans an odd number of frames, not {self.answer_filter}.")
        if self.conditioning != "token" and not self.norm_first:
            raise InputError("Conditions can be told to every layer of a pre-norm network only.")
        if not self.text_width and self.conditioning != "frames":
            raise InputError("A network without text needs the conditioning 'frames'.")


class Denoiser(nn.Module):
    """D(x_t, t, text, speech), FreeTalker section 2.2.

    Text and time step share the first token; every further token is one frame of speech beside one frame of motion.
    With the conditioning "frames" every token is a frame of motion.
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
        self.answer_filter = TimeFilter(config.features, config.answer_filter) if config.answer_filter else None
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
        """What the network makes of noisy features: x0 or the noise, by `config.prediction`.

        x (B, N, features) normalised and noisy; timesteps (B,) in 0..T-1; text (B, text_width) and text_present (B,)
        bool; speech (B, N, speech_width) and speech_present (B, N) bool; valid (B, N) bool is False on padding, None
        where there is none. Returns (B, N, features); rows of padding mean nothing.
        """
        tokens, told = self.tokens(
            x, timesteps, text, text_present, speech, speech_present
        )  # (B, L, W), (B, 1 or N, W)
        first = tokens.shape[1] - x.shape[1]  # of the frames among the tokens, 0 or 1
        mask = None
        if valid is not None:
            mask = functional.pad(valid, (first, 0), value=True)[:, None, None, :]  # (B, 1, 1, L)
        if self.config.causal:
            past = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool, device=x.device).tril()  # (L, L)
            mask = past if mask is None else mask & past
        for block in self.blocks:
            tokens = block(tokens, mask, told)
        answer = self.motion_out(self.norm_out(tokens[:, first:]))
        if self.input_share is not None:
            answer = answer + self.input_share(told) * x
        return answer if self.answer_filter is None else self.answer_filter(answer, valid)

    def tokens(
        self, x: Tensor, timesteps: Tensor, text: Tensor, text_present: Tensor, speech: Tensor, speech_present: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What enters the transformer, positions added, (B, L, width), and what its layers are told.

        That is text and time step as one (B, 1, width), or with speech for each frame (B, N, width). L is N frames and
        the token of the conditions, where there is one. Arguments as in `forward`.
        """
        width = self.config.width
        time_token = self.time_in(sinusoids(timesteps, width).to(x.dtype))  # (B, W)
        text_token = torch.zeros_like(time_token)
        if self.text_in is not None:
            text_token = self._present(self.text_in, text, text_present, "absent_text")  # (B, W)
        speech_tokens = self._present(self.speech_in, speech, speech_present, "absent_speech")  # (B, N, W)
        if self.config.local_attention:
            speech_tokens = local_attention(speech_tokens)
        told = (text_token + time_token)[:, None]  # (B, 1, W)
        if self.joint is None:
            tokens, told = self.motion_in(x), told + speech_tokens  # (B, N, W) both
        else:
            first = torch.cat([text_token, time_token], dim=-1)[:, None]  # (B, 1, 2W)
            frames = torch.cat([speech_tokens, self.motion_in(x)], dim=-1)  # (B, N, 2W)
            tokens = self.joint(torch.cat([first, frames], dim=1))  # (B, 1+N, W)
        positions = sinusoids(torch.arange(tokens.shape[1], device=x.device), width).to(x.dtype)  # (1+N, W)
        return self.dropout(tokens + positions), functional.silu(told)

    def _present(self, layer: nn.Linear, condition: Tensor, present: Tensor, absent: str) -> Tensor:
        """The condition's embedding, with what stands for it where it is absent."""
        present = present[..., None]
        # where, not a product: an absent condition may hold anything, NaN included.
        embedding = layer(torch.where(present, condition, 0.0))
        if self.config.absence == "zero":
            return embedding
        return torch.where(present, embedding, getattr(self, absent))


class TimeFilter(nn.Module):
    """A kernel over time for each feature, binomial to begin with; at the ends the first and last frame go on."""

    def __init__(self, features: int, taps: int) -> None:
        super().__init__()
        binomial = torch.tensor([math.comb(taps - 1, k) for k in range(taps)]) / 2 ** (taps - 1)
        self.kernel = nn.Parameter(binomial.repeat(features, 1)[:, None])  # (F, 1, taps)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """x (B, N, F) -> (B, N, F); valid (B, N), if given, is True up to the last frame of each."""
        if valid is not None:
            last = valid.sum(1, keepdim=True) - 1  # (B, 1)
            frames = torch.minimum(torch.arange(x.shape[1], device=x.device)[None], last)  # (B, N)
            x = x.gather(1, frames[..., None].expand_as(x))
        reach = self.kernel.shape[-1] // 2
        padded = functional.pad(x.transpose(1, 2), (reach, reach), mode="replicate")  # (B, F, N + taps - 1)
        return functional.conv1d(padded, self.kernel, groups=x.shape[-1]).transpose(1, 2)


class Block(nn.Module):
    """One transformer layer: self-attention and a GELU feed-forward, post-norm or pre-norm."""

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

    def forward(self, x: Tensor, mask: Tensor | None, told: Tensor) -> Tensor:
        """x (B, L, W), mask over (B, heads, L, L), told (B, 1 or L, W) -> (B, L, W)."""
        if self.modulation is not None:
            shift, scale, gate, shift_2, scale_2, gate_2 = self.modulation(told).chunk(6, dim=-1)  # (B, 1 or L, W)
            x = x + (1 + gate) * self.attention(self.attention_norm(x) * (1 + scale) + shift, mask)
            return x + (1 + gate_2) * self.feedforward(self.feedforward_norm(x) * (1 + scale_2) + shift_2)
        if self.norm_first:
            x = x + self.attention(self.attention_norm(x), mask)
            return x + self.feedforward(self.feedforward_norm(x))
        x = self.attention_norm(x + self.attention(x, mask))
        return self.feedforward_norm(x + self.feedforward(x))

    def attention(self, x: Tensor, mask: Tensor | None) -> Tensor:
        batch, length, width = x.shape
        split = self.attention_in(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)  # each (B, H, N, W/H)
        dropout = self.dropout.p if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        return self.dropout(self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width)))

    def feedforward(self, x: Tensor) -> Tensor:
        return self.dropout(self.feedforward_out(self.dropout(functional.gelu(self.feedforward_in(x)))))


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Sinusoidal embedding of whole positions: (...,) -> (..., width), sine at even and cosine at odd columns."""
    rates = torch.exp(torch.arange(0, width, 2, device=positions.device) * (-math.log(10000.0) / width))
    angles = positions[..., None].float() * rates  # (..., W/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def local_attention(x: Tensor) -> Tensor:
    """Causal self-attention within windows of 10 frames and the window before; rotary positions, no weights.

    (B, N, W) -> (B, N, W). Query, key and value are the same rotated tensor, as in the released v3_5.
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
