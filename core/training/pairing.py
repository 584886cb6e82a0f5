# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule-made pairs of speech and motion: recorded gestures on the accents of recorded speech, over idle motion.

No recording of both together is available under a license that allows shipping models trained on it. So gestures with
known phases are placed on the accents of speech: the emphasis of a stroke falls on a peak of energy and pitch, close
gestures follow one another without returning to rest, and the hands rest in the pauses.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..conditions.speech import BLOCK_WIDTHS, load_audio, speech_features
from ..conditions.voice import accent_strength, decibels, speech_spans
from ..motion.clip import CORE_FPS, Motion
from ..motion.filters import smoothstep
from ..motion.rotation import Array, continuous, slerp
from ..motion.skeleton import INDEX, neutral_skeleton
from .augmentation import loop_cycle
from .gestures import Gesture
from .overlay import add_life, overlay_gestures
from .speech_augmentation import add_room, extend_pauses
from .strokes import choose_strokes, place_gestures

Floats = npt.NDArray[np.float32]

DEFAULT_BLOCKS = ("mfcc", "mel", "prosody", "onset")
_WALKING = 1 / 8  # share of the pairs
_LEGS = [INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("hip", "knee", "ankle")]


@dataclass(frozen=True)
class Pair:
    """Motion and the speech of the same T frames, at 20 fps.

    Attributes:
        motion: The motion.
        speech: (T, D) speech features.
        name: The recording's name, and how often it was used before.
        strokes: Seconds at which gestures have their emphasis.
        walking: Whether the speaker walks straight ahead.
    """

    motion: Motion
    speech: Floats
    name: str
    strokes: Array
    walking: bool = False


def make_pairs(
    speech_files: Sequence[Path | str],
    gestures: Sequence[Gesture],
    idles: Sequence[Motion],
    seed: int,
    minutes: float,
    blocks: Sequence[str] = DEFAULT_BLOCKS,
    walks: Sequence[Motion] = (),
) -> Iterator[Pair]:
    """Make pairs from recordings of speech, each with some of its pauses lengthened.

    Recordings are used again, with other gestures, until there are enough minutes. One pair in eight is of a walking
    speaker, if there are walks. The same seed gives the same pairs.

    Args:
        speech_files: The recordings.
        gestures: Gestures to draw from.
        idles: Standing motion to lay them over.
        seed: Seed of everything drawn.
        minutes: How many minutes to make.
        blocks: Blocks of speech features; see `core.conditions.speech`.
        walks: Cyclic walks straight ahead.
    """
    rng = np.random.default_rng(seed)
    standing = [_stand_at_origin(idle.resampled(CORE_FPS)) for idle in idles]
    done, round_number = 0.0, 0
    while done < minutes * 60:
        for at in rng.permutation(len(speech_files)):
            path = Path(speech_files[at])
            walk = walks[int(rng.integers(len(walks)))] if walks and rng.random() < _WALKING else None
            name = f"{path.stem}_{round_number}"
            pair = make_pair(load_audio(path), gestures, standing, rng, blocks, name, walk)
            if pair is None:
                continue
            yield pair
            done += pair.motion.seconds
            if done >= minutes * 60:
                return
        if done == 0:
            return  # no recording contains speech
        round_number += 1


def make_pair(
    samples: Floats,
    gestures: Sequence[Gesture],
    idles: Sequence[Motion],
    rng: np.random.Generator,
    blocks: Sequence[str] = DEFAULT_BLOCKS,
    name: str = "",
    walk: Motion | None = None,
) -> Pair | None:
    """Make one pair.

    The gestures follow the recording as it is, but the features are of the voice in some room (`add_room`); otherwise a
    network would take for a pause only what is as quiet as a studio.

    Args:
        samples: (n,) at 16 kHz.
        gestures: Gestures to draw from.
        idles: Standing motion whose feet are at the origin.
        rng: Draws everything.
        blocks: Blocks of speech features.
        name: The pair's name.
        walk: A cyclic walk to use instead of the idles.

    Returns:
        The pair, or None if nobody speaks or the walk cannot be looped.
    """
    samples = extend_pauses(samples, rng)
    wanted = [*blocks, *(block for block in ("prosody", "onset") if block not in blocks)]
    features = speech_features(samples, wanted, CORE_FPS)
    columns = _split_blocks(features, wanted)
    energy_db = decibels(columns["prosody"][:, 0])
    spans = speech_spans(energy_db)
    if not spans:
        return None
    strength = accent_strength(energy_db, columns["prosody"][:, 2].astype(float), columns["onset"][:, 0].astype(float))
    strokes = choose_strokes(strength, spans, rng)
    base = loop_cycle(walk, len(features)) if walk is not None else _make_idle(len(features), idles, rng)
    if len(base) < len(features):
        return None  # a walk whose pose never recurs
    placed, made = place_gestures(strokes, spans, strength, gestures, rng)
    rotations = overlay_gestures(base.rotations, placed)
    rotations = add_life(rotations, made, strength, spans, rng)
    speech = speech_features(add_room(samples, rng), blocks, CORE_FPS)
    return Pair(replace(base, rotations=continuous(rotations)), speech, name, np.array(made), walk is not None)


def _split_blocks(features: Floats, blocks: Sequence[str]) -> dict[str, Floats]:
    known = sum(BLOCK_WIDTHS[block] for block in blocks if "=" not in block)
    widths = [BLOCK_WIDTHS.get(block, features.shape[1] - known) for block in blocks]  # one block may be wavlm=...
    return dict(zip(blocks, np.split(features, np.cumsum(widths)[:-1], axis=1), strict=True))


def _stand_at_origin(motion: Motion) -> Motion:
    """Move a motion so that the ankles of its first frame are centered on the origin."""
    ankles = motion.slice(0, 1).positions(neutral_skeleton())[0, [INDEX["left_ankle"], INDEX["right_ankle"]]].mean(0)
    return motion.moved((-ankles[0], 0.0, -ankles[2]))


def _degrees_apart(a: Array, b: Array) -> float:
    """Return the largest angle between the joints of two poses, quaternions (J, 4), in degrees."""
    return float(np.degrees(2 * np.arccos(np.abs((a * b).sum(-1)).clip(0, 1)).max()))


def _make_idle(frames: int, idles: Sequence[Motion], rng: np.random.Generator) -> Motion:
    """Join idle motions whose legs stand alike, cross-fading over a second, to the given number of frames."""
    first = idles[int(rng.integers(len(idles)))]
    legs = first.rotations[0, _LEGS]
    alike = [idle for idle in idles if _degrees_apart(idle.rotations[0, _LEGS], legs) < 6]
    fade = int(CORE_FPS)
    result = first.slice(int(rng.integers(0, max(1, len(first) // 2))), None)
    while len(result) < frames:
        following = alike[int(rng.integers(len(alike)))]
        n = min(fade, len(result), len(following))
        weight = smoothstep(np.arange(1, n + 1) / (n + 1))  # (n,)
        middle = slerp(result.rotations[-n:], following.rotations[:n], weight[:, None])
        path = result.translation[-n:] * (1 - weight[:, None]) + following.translation[:n] * weight[:, None]
        result = replace(
            result,
            translation=np.concatenate([result.translation[:-n], path, following.translation[n:]]),
            rotations=np.concatenate([result.rotations[:-n], middle, following.rotations[n:]]),
        )
    return result.slice(0, frames)
