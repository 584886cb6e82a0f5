# SPDX-License-Identifier: GPL-3.0-or-later
"""From a timeline to a motion: plan segments and windows, gather conditions, sample, decode."""

# pyright: reportUnknownMemberType=false

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .errors import InputError
from .model.checkpoint import Model
from .motion.clip import Motion
from .motion.features import FEATURES, UPPER_BODY, decode, encode, placement
from .motion.fitting import fit, on_floor
from .motion.released_features import decode as read_released
from .motion.released_features import y_up
from .motion.skeleton import Skeleton, neutral_skeleton
from .planning.inputs import encode_prompts, listen, read_prompts
from .planning.kept import Kept, checked_kept, join_kept, network_frames, sampled_groups
from .planning.segments import Segment, plan_segments, plan_speech, plan_upper
from .planning.windows import SamplingInputs
from .postprocess.clean import clean
from .prompts.actions import split_legs_and_arms, split_strips
from .runs import true_runs
from .sampling.doubletake import DoubleTake, default_double_take
from .timeline.strips import Timeline

SHORTEST_TAKE_SECONDS = 2.0  # a shorter timeline is sampled at this length and cut
PREVIEW_SECONDS = 20.0  # of the timeline's beginning


class Cancelled(Exception):  # noqa: N818 - not an error
    """Raised by `generate` when `cancelled()` answers True."""


@dataclass(frozen=True)
class Settings:
    """How to sample. None leaves the choice to the model.

    steps, sampler: denoising steps of the first take and one of `core.sampling.samplers.SAMPLERS`.
    double_take: how windows are joined. device: "auto" (CUDA, MPS or CPU) or a torch device. text_encoder: another
    folder or hub name of the text encoder that the model was trained with. cleanup: hold standing feet and calm jitter
    (`core.cleanup`); without it the motion is as sampled.
    """

    steps: int | None = None
    sampler: str | None = None
    double_take: DoubleTake | None = None
    device: str = "auto"
    text_encoder: str | None = None
    cleanup: bool = True


def generate(
    timeline: Timeline,
    model: Model,
    settings: Settings | None = None,
    on_step: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    kept: Kept | None = None,
    on_preview: Callable[[Motion], None] | None = None,
) -> Motion:
    """The motion of a timeline, from time 0 to the end of its last strip, both included.

    The result is at timeline.fps and has round(end * fps) + 1 frames: frame k is the pose at k / fps seconds. It starts
    above the origin and faces +Z. Where text strips overlap, the one that starts later leads, and of two that start
    together the later in the list; so do speech strips. Strips for the upper body lead that alone, in the same order
    among themselves: root and legs follow what there is without them. A stretch of a second or more without any strip
    stands idle; in speech without text the text is absent. The same timeline, model, settings and device give the same
    bits.

    on_step(done, total) and cancelled() are called before the first and after every denoising step.

    kept: motion of the same timeline that stands but for the frames that it names, and those beyond its end. All other
    frames come out with the bits that they have (`Kept.follow` moves those after a change). Only windows around the
    changed frames are sampled, in which the frames that stay are put in place of the network's answers (inpainting).
    The path and the heading, which the network knows as steps alone, are then led smoothly from the kept frame before
    each changed stretch to the kept frame after it (`splice.led`).

    on_preview(motion) is called with the beginning of the motion as it looks so far, at most `PREVIEW_SECONDS` of it,
    or with all of it where some is kept: early, when much may still change, and when the first take is done, after
    which only transitions do (`double_take` tells). It takes a little time and changes no bit of the result.

    Raises InputError for what a user can mend (sound, steps, device, a model that does not fit), and Cancelled.
    """
    settings = settings or Settings()

    def step(done: int, total: int) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled
        if on_step is not None:
            on_step(done, total)

    if timeline.text and not model.config.denoiser.text_width:
        raise InputError("This model hears speech alone: remove the text strips, or choose another model.")
    if len(model.normalizer.mean) != FEATURES and any(strip.scope != "whole" for strip in timeline.text):
        raise InputError("This model cannot lead the upper body alone: choose the scope 'whole', or another model.")
    steps = model.config.steps if settings.steps is None else settings.steps
    if steps < 1:
        raise InputError(f"Sampling takes 1 step or more, not {steps}.")
    device = _device(settings.device)
    fps = model.config.fps
    spans, seconds, rows_of = listen(timeline, model)
    frames = math.ceil(seconds * fps - 1e-6) + 1
    if len(model.normalizer.mean) == FEATURES and model.aligner is not None:
        apart = split_legs_and_arms(
            split_strips(timeline.text), lambda said: read_prompts(said, model, settings.text_encoder)
        )
        timeline = replace(timeline, text=tuple(apart))
    segments = plan_segments(timeline, spans, frames, fps)
    if not model.config.denoiser.text_width:
        segments = [replace(segment, prompt=None) for segment in segments]  # it cannot be told to stand idle
    sampled = max(frames, round(SHORTEST_TAKE_SECONDS * fps))
    upper = plan_upper(timeline, segments, fps)
    for row in (segments, upper):
        row[-1] = replace(row[-1], stop=sampled)
    total = round(seconds * timeline.fps) + 1
    kept = None if kept is None else checked_kept(kept, total, timeline.fps, model)
    if kept is not None and not kept.changed.any():
        return kept.motion.slice(0, total)
    take = settings.double_take or default_double_take(model.config.double_take)
    take = replace(take, handshake=min(take.handshake, model.config.window // 3))
    prompts = sorted({segment.prompt for segment in (*segments, *upper) if segment.prompt is not None})
    texts = encode_prompts(prompts, model, settings.text_encoder).to(device)  # (P, Dt)
    speech, present = (value.to(device) for value in rows_of(sampled))  # (frames, Ds), (frames,)
    model.denoiser.to(device).eval()
    heard = plan_speech(timeline, spans, sampled, fps)
    told = SamplingInputs(model, prompts, texts, speech, present, heard, take, timeline.seed, steps, settings.sampler)
    skeleton = neutral_skeleton()

    def motion_of(features: Tensor) -> Motion:
        rows = features[:frames].to("cpu").numpy()

        def made(stretch: range) -> Motion:
            motion = _decoded(model, rows[stretch.start : stretch.stop], skeleton)
            return _cleaned(motion, skeleton, segments, stretch) if settings.cleanup else motion

        if kept is None:
            return made(range(len(rows))).resampled(timeline.fps, total if len(rows) == frames else None)
        groups = sampled_groups(kept.changed, timeline.fps, sampled, fps)
        return join_kept(kept, [(group.start / fps, made(group)) for group in groups], settings.cleanup, skeleton)

    def look(features: Tensor) -> None:
        if on_preview is not None:
            on_preview(motion_of(features if kept is not None else features[: round(PREVIEW_SECONDS * fps) + 1]))

    with torch.inference_mode():
        features = _sampled(told, segments, upper, kept, step, None if on_preview is None else look)
    return motion_of(features)


def _sampled(
    told: SamplingInputs,
    segments: Sequence[Segment],
    upper: Sequence[Segment],
    kept: Kept | None,
    step: Callable[[int, int], None],
    look: Callable[[Tensor], None] | None,
) -> Tensor:
    """The network's own numbers (sampled, K) of what the segments say, the upper body as its own segments do.

    First the whole body follows the segments; then, where the upper body is led apart, it is sampled over the root and
    the legs that came out, which stand in place of the network's answers. Both at once, as STMC does (Petrovich et al.
    2024), would let each look at the other, and beside hands that wave a network that saw people wave only while they
    stood stops walking.
    """
    fps, device, sampled = told.model.config.fps, told.texts.device, segments[-1].stop
    above = torch.as_tensor(told.model.normalizer.columns(UPPER_BODY), device=device)  # (K,)
    reach = told.take.handshake // 2
    share = _upper_share(segments, upper, reach).to(device)[:, None]  # (sampled, 1)
    rate, changed, moved = fps, np.ones(sampled, bool), np.ones(sampled, bool)
    features, known = torch.zeros(sampled, told.model.config.denoiser.features, device=device), None
    if kept is not None:
        rate, changed, moved = kept.motion.fps, kept.changed, kept.moves
        features = _features(kept.motion, sampled, told.model).to(device)
    new, moves = (network_frames(flags, rate, sampled, fps).to(device) for flags in (changed, moved))  # (sampled, 1)
    apart = new & ((share > 0) | ~moves)  # where the upper body is sampled by itself
    passes, begun = int(moved.any()) + int(apart.any()), 0

    def sample(row: Sequence[Segment], groups: Sequence[range], known: tuple[Tensor, Tensor] | None) -> Tensor:
        nonlocal begun
        before, begun = begun, begun + 1
        return told.sampled(row, groups, known, lambda done, total: step(before * total + done, passes * total), look)

    if moved.any():
        if kept is not None:
            known = features, ~moves & ~(above & (share > 0))
        features = torch.where(moves, sample(segments, sampled_groups(moved, rate, sampled, fps), known), features)
    if apart.any():
        groups = sampled_groups(apart[:, 0].cpu().numpy(), fps, sampled, fps)
        mixed = torch.where(moves, share, 1.0) * (above & apart)
        features = torch.lerp(features, sample(upper, groups, (features, ~(above & apart))), mixed)
    return features


def _upper_share(segments: Sequence[Segment], upper: Sequence[Segment], reach: int) -> Tensor:
    """How much of each frame's upper body (N,) follows the upper segments: 1 where they differ, less up to `reach`."""
    told = [[replace(one, start=0, stop=0) for one in row for _ in range(len(one))] for row in (segments, upper)]
    k = np.arange(len(told[0]))
    share = np.zeros(len(k))
    for start, stop in true_runs(np.array([one != other for one, other in zip(*told, strict=True)])):
        off = np.maximum(np.maximum(start - k, k - stop + 1), 0)  # frames from the stretch
        share = np.maximum(share, 1 - off / (reach + 1))
    return torch.as_tensor(share).float()


def _features(motion: Motion, sampled: int, model: Model) -> Tensor:
    """The network's own numbers of a motion (sampled, K), its last frame held."""
    features = encode(motion.resampled(model.config.fps, sampled), neutral_skeleton())
    return torch.as_tensor(model.normalizer.normalize(features)).float()


def _decoded(model: Model, rows: NDArray[np.float32], skeleton: Skeleton) -> Motion:
    """The motion of a network's own numbers (frames, K), from above the origin and facing +Z."""
    features = model.normalizer.denormalize(rows)
    if model.config.features == "smplx-659":
        return decode(features, skeleton)
    motion = on_floor(fit(y_up(read_released(features)), model.config.fps, skeleton), skeleton)
    (x, z), heading = placement(motion, skeleton)
    return motion.moved([-x, 0.0, -z]).turned(-heading)


def _cleaned(motion: Motion, skeleton: Skeleton, segments: Sequence[Segment], stretch: range) -> Motion:
    """The motion of a stretch of the network's frames, cleaned up; where segments meet in it are its seams.

    Those of the upper body are none: what begins there must leave root and legs as they are.
    """
    seams = sorted({segment.start - stretch.start for segment in segments})
    return clean(motion, skeleton, seams=[seam for seam in seams if 0 < seam < len(motion)])


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise InputError(f"The device {name!r} is not there; choose 'auto' or 'cpu'.") from None
    return device
