# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the published protocols in one round: a model on HumanML3D's test set and on BEAT's recordings."""

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np

from ..console import Progress
from ..generate import Settings, generate
from ..model.checkpoint import Model
from ..motion.clip import CORE_FPS, Motion
from ..motion.rotation import Array
from ..motion.skeleton import neutral_skeleton
from ..timeline.strips import SpeechStrip, TextStrip, Timeline
from . import beat, humanml3d
from .rounds import Row
from .statistics import multimodality

Models = Mapping[str, tuple[Model, Settings]]
"""Row -> model, and how to generate with it."""

_AGAIN = 10  # motions of one caption, all pairs of which multimodality compares


def score_humanml3d(
    models: Models, evaluator: humanml3d.Evaluator, samples: Sequence[humanml3d.Sample],
    guidance: float, repeated: int, seed: int, label: str,
) -> dict[str, Row]:  # fmt: skip
    """Score models on the test set.

    Args:
        models: The models; "ours" is one of the rows.
        evaluator: HumanML3D's evaluator.
        samples: The test set.
        guidance: Guidance scale of the captions.
        repeated: How many captions to generate ten times, for multimodality.
        seed: Seed of the noise.
        label: What the line of progress begins with.
    """
    skeleton, lengths = neutral_skeleton(), humanml3d.bone_lengths(samples[0].features)
    texts = evaluator.embed_captions([sample.words for sample in samples])
    recorded = evaluator.embed_motions([sample.features for sample in samples])
    rows = {"recordings": humanml3d.figures(texts, recorded, recorded, seed)}
    for name, (model, settings) in models.items():
        total = len(samples) + (repeated * _AGAIN if name == "ours" else 0)
        make = _captioner(f"{label}, {name}", model, settings, guidance, total)
        motions = evaluator.embed_motions(humanml3d.clips_of(make, samples, skeleton, lengths, seed))
        rows[name] = humanml3d.figures(texts, motions, recorded, seed)
        if name == "ours":
            again = [sample for sample in samples[:repeated] for _ in range(_AGAIN)]
            if again:
                drawn = evaluator.embed_motions(humanml3d.clips_of(make, again, skeleton, lengths, seed + len(samples)))
                rows[name]["multimodality"] = multimodality(drawn, [str(i // _AGAIN) for i in range(len(again))])
            rows["shuffled"] = humanml3d.figures(np.roll(texts, 1, 0), motions, recorded, seed)
    return rows


def _captioner(label: str, model: Model, settings: Settings, guidance: float, total: int) -> humanml3d.Make:
    """Return a function that generates the motion of a caption, and shows how many of `total` it has generated."""
    progress, done = Progress(label), count(1)

    def make(caption: str, frames: int, seed: int) -> Motion:
        strip = TextStrip(0.0, frames / CORE_FPS, caption, guidance)
        motion = generate(Timeline(text=(strip,), fps=CORE_FPS, seed=seed), model, settings)
        progress(next(done), total)
        return motion

    return make


def score_beat(
    models: Models, evaluator: beat.Evaluator, recordings: Sequence[beat.Recording],
    seed: int, label: str, first: bool,
) -> dict[str, Row]:  # fmt: skip
    """Score models on recordings.

    Only the models are random, so the rows without a model are part of the first round only.

    Args:
        models: The models; "ours" is one of the rows.
        evaluator: BEAT's evaluator.
        recordings: The recordings.
        seed: Seed of the noise.
        label: What the line of progress begins with.
        first: Whether it is the first round.
    """
    skeleton = neutral_skeleton()
    own = [recording.rows for recording in recordings]
    recorded = evaluator.embed_motions(own)
    clips: dict[str, list[Array]] = {}
    if first:
        clips["recordings"] = own
        clips["through ours"] = [beat.round_trip(one, skeleton, evaluator.mean) for one in recordings]
    for name, (model, settings) in models.items():
        progress = Progress(f"{label}, {name}")
        clips[name] = []
        for i, recording in enumerate(recordings):
            strip = SpeechStrip(0.0, recording.sound)
            motion = generate(Timeline(speech=(strip,), fps=beat.FPS, seed=seed + i), model, settings)
            clips[name].append(beat.on_skeleton(motion, recording, skeleton, evaluator.mean)[: len(own[i])])
            progress(i + 1, len(recordings))
    rows = {name: beat.figures(evaluator, some, recordings, recorded) for name, some in clips.items()}
    if len(recordings) > 1:
        others = [*recordings[1:], recordings[0]]
        rows["shuffled"] = beat.figures(evaluator, clips["ours"], others, recorded)
    return rows
