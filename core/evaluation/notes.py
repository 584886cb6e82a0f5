# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes above an evaluation's tables: what the reader has to know to understand them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..training.split import Split
from .generating import NOISE_STEPS
from .plan import REFERENCES, TextPlan
from .voices import Voice


@dataclass(frozen=True)
class Setup:
    """What the notes depend on.

    Attributes:
        plan: The prompts.
        voices: The voices.
        pairs: Number of recorded pairs of speech and motion.
        split: Which clips are held out.
        guidance: Guidance scale of the prompts.
        limit: How many actions, voices and seams of each kind were measured; None for all.
        actions: Number of actions.
        rough: Whether the evaluators were trained in a few steps only.
        held_out: Whether the weights were trained without the held-out clips.
    """

    plan: TextPlan
    voices: Sequence[Voice]
    pairs: int
    split: Split
    guidance: float
    limit: int | None
    actions: int
    rough: bool
    held_out: bool


def notes(setup: Setup) -> list[str]:
    """Return the notes, a paragraph each."""
    plan, without = setup.plan, len(setup.plan.without_held_out)
    recordings = len({voice.path.stem.rpartition("_")[0] for voice in setup.voices})
    lines = [
        f"mocap, text: {len(plan.recorded)} recorded clips, the same number of each of {setup.actions} actions, with "
        f"wordings that training never sees. {setup.actions - without} actions have recordings held out by `Split` "
        f"({len(setup.split.recordings)} recordings in all); for {without} actions, training clips are used. Distances "
        f"are to {REFERENCES} clips of each action in recordings that are not in this row; the model has learned from "
        f"most of them. {len(plan.single_recording)} actions have a single recording, and other clips of it are the "
        "reference."
        + ("" if setup.held_out else " These weights were trained without the split: they have seen all recordings."),
        f"mocap, speech: {setup.pairs} pairs of recorded speech with motion made by rule, held out by recording: no "
        "recordings of both together are available. Their matched preference shows how well the evaluator knows them.",
        f"ours: {len(plan.requests)} clips for the wordings of the mocap row, and one more for each action for "
        f"multimodality, guidance {setup.guidance:g}, cleaned up as in Blender; {len(setup.voices)} voices of "
        f"{recordings} recordings, each with a pause of two seconds.",
        "shuffled: the same motions as ours, evaluated with another clip's text or speech. Figures that "
        "use no condition (Frechet, diversity, body, joins) are those of ours. The joint Frechet distance uses text "
        "and motion.",
        f"noise: an untrained network of the same shape, {NOISE_STEPS} steps.",
        "R-precision: 32 candidates of different actions, or as many as there are actions. The evaluator networks are "
        "this project's own: compare rows of this table, not tables of others.",
    ]
    if setup.limit is not None:
        evaluators = " with roughly trained evaluators" if setup.rough else ""
        lines.insert(0, f"A quick run (--limit {setup.limit}){evaluators}: not for comparison.")
    return lines
