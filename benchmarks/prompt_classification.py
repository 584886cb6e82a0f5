# SPDX-License-Identifier: GPL-3.0-or-later
"""What is lost by classifying prompts, and what by generating motion: "What limits the result" in docs/models.md.

    python -m benchmarks.prompt_classification --clips build/clips [--model open]
        [--evaluators build/evaluation/evaluator] [--limit N]

Counts how often clips for held-out wordings are recognized when the model is given the prompts, and when its denoiser
is given the caption that was meant, past the prompt classifier; recordings for comparison.
"""

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.console import Progress, exit_code
from core.errors import InputError
from core.evaluation.clips import Library
from core.evaluation.evaluated_clip import EvaluatedClip
from core.evaluation.evaluator_training import load_or_train
from core.evaluation.evaluators import EvaluatorConfig, TextMotionEvaluator
from core.evaluation.generating import generate_all
from core.evaluation.plan import CaptionedClip, first_of_each, plan_text
from core.generate import generate
from core.model.checkpoint import Model, load_model
from core.model.prompt_classifier import PromptClassifier
from core.motion.skeleton import neutral_skeleton
from core.planning.inputs import read_prompts
from core.prompts.canonical import canonical_prompt
from core.timeline.strips import DEFAULT_GUIDANCE
from core.training.prompt_training import restyle
from core.training.split import Split, caption_of, held_out_sentences

SEED = 0
_WORDINGS = 2  # of each action


class OneCaption(PromptClassifier):
    """Assigns the same caption to every prompt."""

    def __init__(self, caption: Tensor, action: str) -> None:
        super().__init__(len(caption), [action], [""])
        self.captions.copy_(caption[None])


def caption_meant(model: Model, item: CaptionedClip, library: Library) -> Tensor:
    """Return the vector of the model's caption of a clip's action that is closest to the clip's sentences."""
    assert model.classifier is not None
    captions = model.classifier.captions
    mean = torch.from_numpy(library.sentences[list(item.clip.sentences)].mean(0))
    own = [k for k, action in enumerate(model.config.captions) if action == item.action]
    if not own:
        raise InputError(f"The model knows no caption of {item.action!r}: give it clips of its own actions.")
    return captions[max(own, key=lambda k: float(captions[k] @ mean))]


def recognized(evaluator: TextMotionEvaluator, clips: Sequence[EvaluatedClip], actions: Sequence[str]) -> str:
    """Return the share of clips recognized as their action, and of those with it among the three most likely."""
    _, predictions = evaluator.embed_motions([clip.features for clip in clips])
    first, three = (
        np.mean([action in found[:n] for action, found in zip(actions, predictions, strict=True)]) for n in (1, 3)
    )
    return f"{first:.0%} | {three:.0%}"


def misclassified(model: Model, prompts: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return (prompt, action, classified as) of the prompts that are not classified as their action."""
    probabilities = read_prompts([prompt for prompt, _ in prompts], model)
    best = [max(one, key=lambda action: one[action]) for one in probabilities]
    return [(prompt, meant, seen) for (prompt, meant), seen in zip(prompts, best, strict=True) if seen != meant]


def held_out_wordings(library: Library) -> list[tuple[str, str, str]]:
    """Return (sentence, action, style) of the wordings of every caption that training never sees."""
    captions = {(clip.action, clip.style, clip.sentences) for clip in library.clips if clip.speech < 0}
    unseen: set[tuple[str, str, str]] = set()
    for action, style, sentences in captions:
        wordings = held_out_sentences(caption_of(action, [library.words[i] for i in sentences]))
        unseen |= {(canonical_prompt(sentence), action, style) for sentence in wordings}
    return sorted(unseen, key=lambda item: (item[1], item[0], item[2]))


def in_other_styles(wordings: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Return (prompt, action) of the plain wordings, each in a style that no clip shows its action in."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, (_, action, style) in enumerate(wordings):
        rows[action, style].append(row)
    captions = [(*kind, own) for kind, own in rows.items()]
    more = restyle([wording for wording, *_ in wordings], captions, SEED)
    return [(one.text, wordings[one.form][1]) for one in more]


def share_right(model: Model, prompts: Sequence[tuple[str, str]]) -> float:
    """Return which share of the prompts is classified as their action, all actions weighted alike."""
    asked = Counter(action for _, action in prompts)
    wrong = Counter(action for _, action, _ in misclassified(model, prompts))
    return 1 - float(np.mean([wrong[action] / number for action, number in asked.items()]))


def main() -> int:
    """Print the counts and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", "--clips", type=Path, default=Path("build/clips"))
    parser.add_argument("--model", default="open")
    parser.add_argument("--evaluators", "--judges", type=Path, default=Path("build/evaluation/evaluator"))
    parser.add_argument("--limit", type=int, help="quick run with this many actions")
    given = parser.parse_args()
    model, library, skeleton = load_model(given.model), Library.open(given.clips), neutral_skeleton()
    split = Split.of(library.clips)
    evaluator, _ = load_or_train(given.evaluators, library, split, EvaluatorConfig(), Progress)
    plan = plan_text(library, split, SEED, given.limit)
    requests, items = zip(
        *((plan.requests[k], plan.recorded[k]) for k in first_of_each(plan.recorded, _WORDINGS)), strict=True
    )
    actions = [request.action for request in requests]

    listed = re.findall(r"^- (.+) \((\w+)\)$", model.card, re.MULTILINE)
    wrong = misclassified(model, listed)
    print(
        f"Of the {len(listed)} prompts on the model's card, {len(listed) - len(wrong)} are classified as their action."
    )
    print(*(f"  {prompt!r} is classified as {seen}" for prompt, _, seen in wrong), sep="\n")
    wordings = held_out_wordings(library)
    restated = in_other_styles(wordings)
    share = share_right(model, [(wording, action) for wording, action, _ in wordings])
    other = share_right(model, restated)
    print(
        f"Of {len(wordings)} held-out wordings, {share:.0%} are classified as their action, all actions weighted alike."
    )
    print(f"Of {len(restated)} in a style that no clip shows their action in, {other:.0%} are.")
    right = 1 - len(misclassified(model, [(request.sentence, request.action) for request in requests])) / len(requests)

    captioned = [
        replace(
            model, classifier=OneCaption(caption_meant(model, item, library), item.action).eval(),
            config=replace(model.config, captions=(item.action,)),
        )
        for item in items
    ]  # fmt: skip
    timelines = [request.timeline(DEFAULT_GUIDANCE) for request in requests]
    asked = generate_all(lambda timeline: generate(timeline, model), timelines, "As asked")
    networks = iter(captioned)
    meant = generate_all(lambda timeline: generate(timeline, next(networks)), timelines, "As meant")
    print(f"{len(requests)} held-out wordings of {len(set(actions))} actions, {right:.0%} classified correctly.\n")
    print("| | recognized | among three |\n|---|---|---|")
    for row, clips in (
        ("as asked", [EvaluatedClip.of_motion(motion, skeleton) for motion in asked]),
        ("given the caption that was meant", [EvaluatedClip.of_motion(motion, skeleton) for motion in meant]),
        ("recordings", [EvaluatedClip.of_features(library.motion_features(item.clip), skeleton) for item in items]),
    ):
        print(f"| {row} | {recognized(evaluator, clips, actions)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
