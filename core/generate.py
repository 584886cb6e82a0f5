# SPDX-License-Identifier: GPL-3.0-or-later
"""From a timeline to a motion: plan segments and windows, gather conditions, sample, decode."""

# pyright: reportUnknownMemberType=false

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .cleanup import clean
from .conditions.speech import SAMPLE_RATE, features_width, load_audio, speech_features
from .conditions.text import encode_texts, encode_tokens
from .deeds import Reading, strip_for_each, told_apart
from .errors import InputError
from .features import FEATURES, UPPER_BODY, UPPER_JOINTS, decode, encode, placement
from .fitting import fit, on_floor
from .model.checkpoint import Model
from .motion import Motion
from .released_features import decode as read_released
from .released_features import y_up
from .runs import Bools, true_runs
from .sampling.doubletake import DoubleTake, default_take
from .segments import Segment, plan_segments, plan_speech, plan_upper
from .skeleton import Skeleton, neutral_skeleton
from .splice import led, posed, replaced, standing
from .timeline import SpeechStrip, Timeline
from .windows import Told
from .wording import plain

SHORTEST_TAKE_SECONDS = 2.0  # a shorter timeline is sampled at this length and cut
PREVIEW_SECONDS = 20.0  # of the timeline's beginning
CONTEXT_SECONDS = 1.5  # of the motion that stands, which the network sees beside what is made anew
SPEECH_TOLERANCE_SECONDS = 0.1  # that a strip may outlast its sound, for ends that were rounded to frames


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


@dataclass(frozen=True)
class Kept:
    """Motion that stands when part of a timeline is generated.

    motion: at the timeline's fps, from its time 0. changed: which frames of the result (T,) are made anew
    (`segments.stale_frames` and `with_seams` tell). follow: what lies after a changed stretch is turned and moved as a
    whole to where the new motion ends, its poses as they were; otherwise it stays where it is, and the new motion is
    led there. moved: where root and legs are made anew too (T,), None for all that changes; a changed stretch without
    any keeps theirs, and its upper body alone is new.
    """

    motion: Motion
    changed: Bools
    follow: bool = False
    moved: Bools | None = None

    @property
    def moves(self) -> Bools:
        return self.changed if self.moved is None else self.moved


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
    spans, seconds, rows_of = _listen(timeline, model)
    frames = math.ceil(seconds * fps - 1e-6) + 1
    if len(model.normalizer.mean) == FEATURES and model.aligner is not None:
        apart = told_apart(strip_for_each(timeline.text), lambda said: read_prompts(said, model, settings.text_encoder))
        timeline = replace(timeline, text=tuple(apart))
    segments = plan_segments(timeline, spans, frames, fps)
    if not model.config.denoiser.text_width:
        segments = [replace(segment, prompt=None) for segment in segments]  # it cannot be told to stand idle
    sampled = max(frames, round(SHORTEST_TAKE_SECONDS * fps))
    upper = plan_upper(timeline, segments, fps)
    for row in (segments, upper):
        row[-1] = replace(row[-1], stop=sampled)
    total = round(seconds * timeline.fps) + 1
    kept = None if kept is None else _checked(kept, total, timeline.fps, model)
    if kept is not None and not kept.changed.any():
        return kept.motion.slice(0, total)
    take = settings.double_take or default_take(model.config.double_take)
    take = replace(take, handshake=min(take.handshake, model.config.window // 3))
    prompts = sorted({segment.prompt for segment in (*segments, *upper) if segment.prompt is not None})
    texts = _encode(prompts, model, settings.text_encoder).to(device)  # (P, Dt)
    speech, present = (value.to(device) for value in rows_of(sampled))  # (frames, Ds), (frames,)
    model.denoiser.to(device).eval()
    heard = plan_speech(timeline, spans, sampled, fps)
    told = Told(model, prompts, texts, speech, present, heard, take, timeline.seed, steps, settings.sampler)
    skeleton = neutral_skeleton()

    def motion_of(features: Tensor) -> Motion:
        rows = features[:frames].to("cpu").numpy()

        def made(stretch: range) -> Motion:
            motion = _decoded(model, rows[stretch.start : stretch.stop], skeleton)
            return _cleaned(motion, skeleton, segments, stretch) if settings.cleanup else motion

        if kept is None:
            return made(range(len(rows))).resampled(timeline.fps, total if len(rows) == frames else None)
        groups = _groups(kept.changed, timeline.fps, sampled, fps)
        return _joined(kept, [(group.start / fps, made(group)) for group in groups], settings.cleanup, skeleton)

    def look(features: Tensor) -> None:
        if on_preview is not None:
            on_preview(motion_of(features if kept is not None else features[: round(PREVIEW_SECONDS * fps) + 1]))

    with torch.inference_mode():
        features = _sampled(told, segments, upper, kept, step, None if on_preview is None else look)
    return motion_of(features)


def _sampled(
    told: Told,
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
    new, moves = (_beside(flags, rate, sampled, fps).to(device) for flags in (changed, moved))  # (sampled, 1)
    apart = new & ((share > 0) | ~moves)  # where the upper body is sampled by itself
    passes, begun = int(moved.any()) + int(apart.any()), 0

    def sample(row: Sequence[Segment], groups: Sequence[range], known: tuple[Tensor, Tensor] | None) -> Tensor:
        nonlocal begun
        before, begun = begun, begun + 1
        return told.sampled(row, groups, known, lambda done, total: step(before * total + done, passes * total), look)

    if moved.any():
        if kept is not None:
            known = features, ~moves & ~(above & (share > 0))
        features = torch.where(moves, sample(segments, _groups(moved, rate, sampled, fps), known), features)
    if apart.any():
        groups = _groups(apart[:, 0].cpu().numpy(), fps, sampled, fps)
        mixed = torch.where(moves, share, 1.0) * (above & apart)
        features = torch.lerp(features, sample(upper, groups, (features, ~(above & apart))), mixed)
    return features


def _checked(kept: Kept, total: int, fps: float, model: Model) -> Kept:
    """The same, with what lies beyond its end as changed. Raises InputError for motion that cannot be kept."""
    if model.config.features != "smplx-659":
        raise InputError("This model cannot go on from motion that stands: generate the whole timeline with it.")
    if kept.motion.fps != fps or kept.changed.shape != (total,):
        raise InputError(f"The motion to keep needs the timeline's {fps:g} fps, and a flag for each of {total} frames.")
    changed = kept.changed | (np.arange(total) >= len(kept.motion))
    moved = kept.moves | (changed & ~kept.changed)
    spans = [(start, stop) for start, stop in true_runs(changed) if moved[start:stop].any()]
    return replace(kept, changed=changed, moved=np.array([any(a <= k < b for a, b in spans) for k in range(total)]))


def _upper_share(segments: Sequence[Segment], upper: Sequence[Segment], reach: int) -> Tensor:
    """How much of each frame's upper body (N,) follows the upper segments: 1 where they differ, less up to `reach`."""
    told = [[replace(one, start=0, stop=0) for one in row for _ in range(len(one))] for row in (segments, upper)]
    k = np.arange(len(told[0]))
    share = np.zeros(len(k))
    for start, stop in true_runs(np.array([one != other for one, other in zip(*told, strict=True)])):
        off = np.maximum(np.maximum(start - k, k - stop + 1), 0)  # frames from the stretch
        share = np.maximum(share, 1 - off / (reach + 1))
    return torch.as_tensor(share).float()


def _groups(changed: Bools, rate: float, sampled: int, fps: float) -> list[range]:
    """The network's frames that it sees, apart from one another: what changes (T,) at a rate, and what is around it."""
    times = np.arange(sampled) / fps
    seen = np.zeros(sampled, bool)
    for start, stop in true_runs(changed):
        begin, end = (k / rate for k in (start - 1, stop))
        to_the_end = stop == len(changed)
        seen |= (times > begin - CONTEXT_SECONDS) & ((times < end + CONTEXT_SECONDS) | to_the_end)
    return [range(start, stop) for start, stop in true_runs(seen)]


def _features(motion: Motion, sampled: int, model: Model) -> Tensor:
    """The network's own numbers of a motion (sampled, K), its last frame held."""
    features = encode(motion.resampled(model.config.fps, sampled), neutral_skeleton())
    return torch.as_tensor(model.normalizer.normalize(features)).float()


def _beside(flags: Bools, rate: float, sampled: int, fps: float) -> Tensor:
    """Which of the network's frames (sampled, 1) lie at or beside a flagged one of (T,) at a rate."""
    times = np.arange(sampled) * (rate / fps)
    beside = np.stack([np.floor(times + 1e-6), np.ceil(times - 1e-6)]).astype(int)  # (2, sampled)
    return torch.as_tensor(flags[np.minimum(beside, len(flags) - 1)].any(axis=0))[:, None]


def _joined(kept: Kept, made: Sequence[tuple[float, Motion]], feet: bool, skeleton: Skeleton) -> Motion:
    """The result, each changed stretch cut out of the new motion (its first second, motion) that it lies in."""
    result, fps, total = kept.motion.slice(0, len(kept.changed)), kept.motion.fps, len(kept.changed)
    for start, stop in true_runs(kept.changed):
        begin, motion = next(pair for pair in made if pair[0] + pair[1].seconds > start / fps)
        first, last = start - (start > 0), stop - (stop == total)  # with a frame that stays at either end
        part = motion.resampled(fps, last + 1 - first, first / fps - begin)
        before = result.slice(first, start) if first < start else None
        if not kept.moves[start:stop].any():
            after = result.slice(stop, stop + 1) if stop < total else None
            above, old = posed(part, before, after).slice(start - first, stop - first), result.slice(start, stop)
            above = replace(old, rotations=np.where(UPPER_JOINTS[:, None], above.rotations, old.rotations))
            result = replaced(result, above, start, stop)
            continue
        part = standing(part, result if before is None else before, skeleton)
        if kept.follow and stop < total:
            rest = standing(result.slice(stop), part.slice(len(part) - 1), skeleton)
            result = replaced(result, rest, stop, total)
        after = result.slice(stop, stop + 1) if stop < total else None
        part = led(part, before, after, skeleton, feet)
        result = replaced(result, part.slice(start - first, stop - first), start, stop)
    return result


def _listen(
    timeline: Timeline, model: Model
) -> tuple[list[tuple[float, float]], float, Callable[[int], tuple[Tensor, Tensor]]]:
    """The speech strips' (start, end), the timeline's end in seconds, and the features of its first n frames.

    Those are normalised rows (n, Ds) and whether there is speech (n,).
    """
    config = model.config
    samples = {strip.audio: load_audio(strip.audio) for strip in timeline.speech}
    spans = [(strip.start, _speech_end(strip, len(samples[strip.audio]) / SAMPLE_RATE)) for strip in timeline.speech]
    seconds = max([strip.end for strip in timeline.text] + [end for _, end in spans])
    width = config.denoiser.speech_width
    if timeline.speech and features_width(config.speech_blocks) != width:
        raise InputError(f"The model's speech blocks do not make the {width} numbers its network needs; get it again.")

    def rows_of(frames: int) -> tuple[Tensor, Tensor]:
        rows, present = torch.zeros(frames, width), torch.zeros(frames, dtype=torch.bool)
        known: dict[tuple[Path, int], Tensor] = {}
        for strip, (start, end) in sorted(zip(timeline.speech, spans, strict=True), key=lambda pair: pair[1][0]):
            # Frames seldom fall on rows of the recording: what is cut off its beginning makes them.
            first = math.ceil(start * config.fps - 1e-6)
            heard = first / config.fps - start + strip.offset  # seconds into the recording
            row = int(heard * config.fps + 1e-6)
            cut = max(0, round((heard - row / config.fps) * SAMPLE_RATE))
            if (strip.audio, cut) not in known:
                features = speech_features(
                    samples[strip.audio][cut:], config.speech_blocks, config.fps, level=config.features == "smplx-659"
                )
                known[strip.audio, cut] = torch.as_tensor(model.speech_normalizer.normalize(features)).float()
            last = min(int(end * config.fps + 1e-6), frames - 1)
            part = known[strip.audio, cut][row : row + last + 1 - first]
            rows[first : first + len(part)] = part
            present[first : first + len(part)] = True
        return rows, present

    return spans, seconds, rows_of


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


def _speech_end(strip: SpeechStrip, seconds: float) -> float:
    """Where a strip of a recording of that length ends."""
    whole = strip.start + seconds - strip.offset
    if strip.offset >= seconds:
        raise InputError(
            f"The speech strip {strip.audio.name!r} begins {strip.offset:g} s into a recording of {seconds:.2f} s; "
            "lower its offset."
        )
    if strip.end is not None and strip.end > whole + SPEECH_TOLERANCE_SECONDS:
        raise InputError(
            f"The speech strip {strip.audio.name!r} ends at {strip.end:g} s, its sound at {whole:.2f} s; shorten it."
        )
    return whole if strip.end is None else strip.end


def read_prompts(prompts: Sequence[str], model: Model, encoder: str | None = None) -> list[Reading]:
    """What each prompt means, as the model's aligner sees it; encoder: another than the model's own.

    Raises InputError for a model that has no aligner, and as `encode_texts` does.
    """
    if model.aligner is None:
        raise InputError("This model has no text aligner: it is told prompts as they are.")
    by_action = model.aligner.shares(_tokens(prompts, model, encoder)) @ model.aligner.of_action  # (P, actions)
    return [dict(zip(model.aligner.actions, shares, strict=True)) for shares in by_action.tolist()]


def _encode(prompts: Sequence[str], model: Model, encoder: str | None) -> Tensor:
    """What the network is told of each prompt, (P, Dt)."""
    if not prompts:
        return torch.zeros(0, model.config.denoiser.text_width)
    if model.aligner is not None:
        return model.aligner(_tokens(prompts, model, encoder))
    return _fitting(encode_texts, prompts, model, encoder)


def _tokens(prompts: Sequence[str], model: Model, encoder: str | None) -> Tensor:
    """Tokens (P, L, Dt) of the prompts' plain forms."""
    return _fitting(encode_tokens, [plain(prompt) for prompt in prompts], model, encoder)


def _fitting(
    encode: Callable[[Sequence[str], str], NDArray[np.float32]],
    said: Sequence[str],
    model: Model,
    encoder: str | None,
) -> Tensor:
    """Vectors (..., Dt) of a text encoder. Raises InputError where the model wants another number of columns."""
    name, width = encoder or model.config.text_encoder, model.config.denoiser.text_width
    texts = torch.as_tensor(encode(said, name))
    if texts.shape[-1] != width:
        raise InputError(
            f"The text encoder {name!r} gives {texts.shape[-1]} numbers, but the model wants {width}; "
            f"use {model.config.text_encoder!r}."
        )
    return texts


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise InputError(f"The device {name!r} is not there; choose 'auto' or 'cpu'.") from None
    return device
