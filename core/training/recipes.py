# SPDX-License-Identifier: GPL-3.0-or-later
"""Training recipes, `python -m core train --recipe NAME`: ours, FreeTalker's and DiffMotion-v2's."""

from dataclasses import dataclass
from typing import Literal

from ..model.denoiser import DenoiserConfig


@dataclass(frozen=True)
class Recipe:
    """How to train, and how to sample the model.

    Attributes:
        steps: Optimizer steps.
        batch: Windows per step.
        window: Frames of a window, as far as the clips are long enough (`ClipSet.set_window`).
        learning_rate: After the warm-up.
        warmup: Steps over which the learning rate rises.
        decay_share: Share of the steps, the last ones, over which the learning rate falls.
        weight_decay: Of AdamW.
        ema: Decay of the averaged weights per step.
        speech_share: Share of the windows that have speech.
        components: Whether the network learns 163 components or all 659 features.
        speech_block: The only block of speech features that is used, without text; "" to use all of them and text.
        loss: "ours" on components, with the weights below; "huber" and "mse" as in the papers.
        smooth_weight: Of the first time difference.
        jerk_weight: Of the third time difference.
        feet_weight: Of positions and velocities of the feet.
        seed: Seed of the training.
        save_seconds: Time between saved states.
        classifier_steps: Steps of the `PromptClassifier` whose captions condition the network, unless the clips have
            captions of their own; 0 to condition on sentence vectors.
        sampler: See `ModelConfig`, as for the following.
        sampler_steps: Denoising steps.
        guidance_above: First noise step from which guidance counts.
        speech_guidance: Guidance scale of speech.
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
    classifier_steps: int = 2600
    sampler: str = "dpm"
    sampler_steps: int = 20
    guidance_above: int = 400
    speech_guidance: float = 1.5


@dataclass(frozen=True)
class Preset:
    """A recipe and its network; the widths of features, text and speech come from the clips."""

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
    # section 3.1 of the paper; number of layers and no weight decay as in the released code
    "freetalker": Preset(
        Recipe(
            steps=1_000_000, batch=256, window=180, learning_rate=2e-4, warmup=1, decay_share=0.0, weight_decay=0.0,
            ema=0.0, speech_share=0.5, components=False, classifier_steps=0, loss="huber", sampler="ddpm",
            sampler_steps=1000, guidance_above=0, speech_guidance=1.0,
        ),
        DenoiserConfig(),
    ),
    # size and window are FreeTalker's, for comparison: the summary of the paper that we have gives none
    "diffmotion-v2": Preset(
        Recipe(
            steps=1_000_000, batch=256, window=180, learning_rate=2e-4, warmup=1000, decay_share=1.0, ema=0.0,
            speech_share=1.0, components=False, classifier_steps=0, speech_block="wavlm", loss="mse", sampler="ddpm",
            sampler_steps=1000, guidance_above=0, speech_guidance=1.0,
        ),
        DenoiserConfig(text_width=0, norm_first=True, prediction="noise", conditioning="frames", causal=True),
    ),
}  # fmt: skip
