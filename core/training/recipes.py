# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of model is trained, `python -m core train --recipe NAME`: ours, FreeTalker's and DiffMotion-v2's."""

from dataclasses import dataclass
from typing import Literal

from ..model.denoiser import DenoiserConfig


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn, and what.

    steps: optimizer steps. batch: windows a step. save_seconds: from one saved state to the next. decay_share: of the
    steps over which the learning rate falls. components: whether the network learns 163 components or all 659 features.
    window: frames of the longest stretch that is learned from, as far as the takes last (`TakeSet.reach`).
    speech_block: the only block of the takes' speech that is heard, or "" for all; then text is not learned either.
    loss: "ours" is on components and weighed by the `_weight`s; "huber" and "mse" are the papers'. aligner_steps: of
    the `TextAligner` by way of which the network is told captions, where all words are captions of ours; 0 for none.
    sampler, sampler_steps, guidance_above, speech_guidance: how the model is to be sampled (`ModelConfig`).
    """

    steps: int = 5000
    batch: int = 32
    window: int = 100
    learning_rate: float = 1e-3
    warmup: int = 150
    decay_share: float = 0.5
    weight_decay: float = 0.01
    ema: float = 0.998
    speech_share: float = 0.3
    components: bool = True
    speech_block: str = ""
    loss: Literal["ours", "huber", "mse"] = "ours"
    smooth_weight: float = 1.0
    jerk_weight: float = 1.0
    feet_weight: float = 0.05
    seed: int = 1
    save_seconds: float = 300.0
    aligner_steps: int = 2600
    sampler: str = "dpm"
    sampler_steps: int = 20
    guidance_above: int = 400
    speech_guidance: float = 1.5


@dataclass(frozen=True)
class Preset:
    """A recipe and its network, whose widths of features, text and speech the takes decide."""

    recipe: Recipe
    network: DenoiserConfig


PRESETS: dict[str, Preset] = {
    "open": Preset(
        Recipe(),
        DenoiserConfig(
            width=192, layers=6, feedforward=768, dropout=0.0, norm_first=True, absence="learned",
            conditioning="every_layer", skip=True, answer_filter=5,
        ),
    ),
    # section 3.1 of the paper; the released code says how many layers, and no weight decay
    "freetalker": Preset(
        Recipe(
            steps=1_000_000, batch=256, window=180, learning_rate=2e-4, warmup=1, decay_share=0.0, weight_decay=0.0,
            ema=0.0, speech_share=0.5, components=False, aligner_steps=0, loss="huber", sampler="ddpm",
            sampler_steps=1000, guidance_above=0, speech_guidance=1.0,
        ),
        DenoiserConfig(),
    ),
    # size and window are FreeTalker's, for comparison; the summary at hand of the paper tells none
    "diffmotion-v2": Preset(
        Recipe(
            steps=1_000_000, batch=256, window=180, learning_rate=2e-4, warmup=1000, decay_share=1.0, ema=0.0,
            speech_share=1.0, components=False, aligner_steps=0, speech_block="wavlm", loss="mse", sampler="ddpm",
            sampler_steps=1000, guidance_above=0, speech_guidance=1.0,
        ),
        DenoiserConfig(text_width=0, norm_first=True, prediction="noise", conditioning="frames", causal=True),
    ),
}  # fmt: skip
