# SPDX-License-Identifier: GPL-3.0-or-later
"""From a training state to a model folder."""

# pyright: reportUnknownMemberType=false

from dataclasses import replace
from pathlib import Path

from ..model.checkpoint import Model, ModelConfig, save_model, torch_denoiser
from ..model.denoiser import Denoiser, DenoiserConfig
from ..motion.features import FEATURES
from .card import license_of, model_card
from .clip_set import ClipSet
from .recipes import Recipe
from .training_state import blend_weights, classifier_of, read_state


def export(
    state_file: Path, clips: ClipSet, folder: Path, name: str, recipe: Recipe, start: Model | None = None,
    blend: float = 1.0,
) -> Model:  # fmt: skip
    """Write the averaged weights of a training state as a model folder.

    Args:
        state_file: The training state.
        clips: The clips it was trained on.
        folder: The model folder.
        name: The model's name on its card.
        recipe: The recipe it was trained with.
        start: The model that the training began with, if any.
        blend: Share of the state's weights; the rest is that of `start`'s. Blending keeps what `start` does well
            next to what was learned since (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """
    state = read_state(state_file)
    config = DenoiserConfig(**state["config"])
    denoiser = Denoiser(config)
    denoiser.load_state_dict(state["average"])
    if start is not None:
        blend_weights(denoiser, torch_denoiser(start), blend)
    classifier = classifier_of(state, clips)
    trained = int(state["step"]) + (start.config.trained_steps if start else 0)
    saw_all = start is not None and not start.config.held_out_clips  # `start` was trained on the held-out clips too
    model_config = ModelConfig(
        config, clips.speech_blocks, clips.encoder, window=clips.window,
        projected_from=FEATURES if recipe.components else 0, trained_steps=trained, sampler=recipe.sampler,
        steps=recipe.sampler_steps, guidance_above=recipe.guidance_above, speech_guidance=recipe.speech_guidance,
        held_out_clips=0 if saw_all else len(clips.split.recordings), license=license_of(clips),
    )  # fmt: skip
    if classifier is not None:
        captions, styles = zip(*classifier.kinds, strict=True)
        model_config = replace(model_config, captions=captions, styles=styles)
    card = model_card(name, clips, model_config, classifier)
    denoiser = denoiser.eval().requires_grad_(False)
    model = Model(denoiser, model_config, clips.normalizer, clips.speech_normalizer, card, classifier)
    save_model(folder, model)
    return model
