# SPDX-License-Identifier: GPL-3.0-or-later
"""From a timeline, a model and settings to a plan: who leads each frame, under which conditions, what is kept."""

import math
from dataclasses import dataclass, replace

from ..errors import InputError
from ..model.model import Model
from ..prompts.actions import split_legs_and_arms, split_strips
from ..sampling.methods import DoubleTake, default_double_take
from ..timeline.strips import Timeline
from .inputs import SpeechInput, encode_prompts, read_prompts
from .kept import Kept, checked_kept
from .sampling_inputs import SamplingInputs
from .segments import Segment, plan_segments, plan_speech, plan_upper

SHORTEST_SECONDS = 2.0  # a shorter timeline is sampled at this length and cut


@dataclass(frozen=True)
class Settings:
    """How to sample. None leaves the choice to the model.

    Attributes:
        steps: denoising steps of the first take.
        sampler: one of `core.sampling.samplers.SAMPLERS`.
        double_take: how windows are joined, one of `core.sampling.methods`.
        device: "auto" (CUDA, MPS or CPU) or a torch device.
        text_encoder: another folder or hub name of the text encoder that the model was trained with.
        cleanup: lock planted feet and smooth jitter (`core.postprocess`); without it the motion is as sampled.
    """

    steps: int | None = None
    sampler: str | None = None
    double_take: DoubleTake | None = None
    device: str = "auto"
    text_encoder: str | None = None
    cleanup: bool = True


@dataclass(frozen=True)
class Plan:
    """What is to be sampled, and what becomes of it.

    Attributes:
        model: what generates.
        segments: who leads the whole body, over all sampled frames.
        upper: who leads the upper body.
        inputs: the conditions.
        frames: the model's frames that the timeline spans, of those that are sampled.
        fps: the timeline's frame rate.
        total: frames of the result, T.
        kept: motion that stands; None where all is generated.
    """

    model: Model
    segments: list[Segment]
    upper: list[Segment]
    inputs: SamplingInputs
    frames: int
    fps: float
    total: int
    kept: Kept | None

    @property
    def sampled(self) -> int:
        """The model's frames that are sampled; a short timeline is padded to `SHORTEST_SECONDS`."""
        return self.segments[-1].stop


def make_plan(timeline: Timeline, model: Model, settings: Settings, kept: Kept | None) -> Plan:
    """Plan the generation of a timeline; see `core.generate.generate` for the rules.

    Raises:
        InputError: what a user can fix about sound, steps, device, or a model that does not fit.
    """
    _check_model(timeline, model)
    steps = model.config.steps if settings.steps is None else settings.steps
    if steps < 1:
        raise InputError(f"Sampling needs 1 step or more, not {steps}.")
    fps = model.config.fps
    speech = SpeechInput(timeline, model)
    frames = math.ceil(speech.seconds * fps - 1e-6) + 1
    if model.representation.upper_body is not None and model.classifier is not None:
        strips = split_strips(timeline.text)
        apart = split_legs_and_arms(strips, lambda prompts: read_prompts(prompts, model, settings.text_encoder))
        timeline = replace(timeline, text=tuple(apart))
    segments = plan_segments(timeline, speech.spans, frames, fps)
    if not model.config.denoiser.text_width:
        segments = [replace(segment, prompt=None) for segment in segments]  # it cannot be prompted to stand idle
    sampled = max(frames, round(SHORTEST_SECONDS * fps))
    upper = plan_upper(timeline, segments, fps)
    for row in (segments, upper):
        row[-1] = replace(row[-1], stop=sampled)
    total = round(speech.seconds * timeline.fps) + 1
    kept = None if kept is None else checked_kept(kept, total, timeline.fps, model)
    method = settings.double_take or default_double_take(model.config.double_take)
    prompts = sorted({segment.prompt for segment in (*segments, *upper) if segment.prompt is not None})
    rows, present = speech.features(sampled)
    inputs = SamplingInputs(
        model.network(settings.device),
        model.config,
        prompts,
        encode_prompts(prompts, model, settings.text_encoder),  # (P, Dt)
        rows,  # (frames, Ds)
        present,  # (frames,)
        plan_speech(timeline, speech.spans, sampled, fps),
        method.with_handshake(min(method.handshake, model.config.window // 3)),
        timeline.seed,
        steps,
        settings.sampler,
    )
    return Plan(model, segments, upper, inputs, frames, timeline.fps, total, kept)


def _check_model(timeline: Timeline, model: Model) -> None:
    if timeline.text and not model.config.denoiser.text_width:
        raise InputError("This model follows only speech; remove the text strips, or choose another model.")
    if model.representation.upper_body is None and any(strip.scope != "whole" for strip in timeline.text):
        raise InputError(
            "This model cannot generate the upper body separately; choose the scope 'whole', or another model."
        )
