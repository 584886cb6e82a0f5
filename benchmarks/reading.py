# SPDX-License-Identifier: GPL-3.0-or-later
"""What is lost in reading a prompt, and what in moving: the first bullet of "What limits the result" in docs/models.md.

    python -m benchmarks.reading --takes build/takes [--model open] [--judges build/evaluation/evaluator] [--limit N]

Clips in held-out wordings are recognised so often as they are asked for, and so often when the denoiser is told the
caption that was meant, past the text aligner. Recordings stand beside them.
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
from core.evaluation.evaluate import perform
from core.evaluation.evaluators import JudgeConfig, TextMotionJudge, load_or_train
from core.evaluation.plan import CaptionedClip, first_of_each, plan_text
from core.evaluation.rows import EvaluatedClip
from core.generate import generate
from core.model.checkpoint import Model, load_model
from core.model.prompt_classifier import PromptClassifier
from core.motion.skeleton import neutral_skeleton
from core.planning.inputs import read_prompts
from core.prompts.canonical import canonical_prompt
from core.timeline.strips import GUIDANCE
from core.training.prompt_training import restyled
from core.training.split import Split, caption_of, held_out_sentences

SEED = 0
_WORDINGS = 2  # of an action that clips are made of


class OneCaption(PromptClassifier):
    """Reads every sentence as the same caption."""

    def __init__(self, caption: Tensor, action: str) -> None:
        super().__init__(len(caption), [action], [""])
        self.captions.copy_(caption[None])


def caption_meant(model: Model, item: CaptionedClip, library: Library) -> Tensor:
    """Of the model's captions of a take's action the one that its training sentences lie nearest to."""
    assert model.aligner is not None
    captions = model.aligner.captions
    mean = torch.from_numpy(library.sentences[list(item.take.sentences)].mean(0))
    own = [k for k, action in enumerate(model.config.captions) if action == item.action]
    if not own:
        raise InputError(f"The model knows no caption of {item.action!r}: give it takes of its own actions.")
    return captions[max(own, key=lambda k: float(captions[k] @ mean))]


def recognised(judge: TextMotionJudge, clips: Sequence[EvaluatedClip], actions: Sequence[str]) -> str:
    """Share of the clips that look like their action, and of those with it among the three likeliest."""
    _, looks = judge.see([clip.rows for clip in clips])
    first, three = (np.mean([action in look[:n] for action, look in zip(actions, looks, strict=True)]) for n in (1, 3))
    return f"{first:.0%} | {three:.0%}"


def misread(model: Model, prompts: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Of prompts with their actions those that are not read as these, and as what they are."""
    readings = read_prompts([said for said, _ in prompts], model)
    read = [max(reading, key=lambda action: reading[action]) for reading in readings]
    return [(said, meant, seen) for (said, meant), seen in zip(prompts, read, strict=True) if seen != meant]


def held_out_wordings(library: Library) -> list[tuple[str, str, str]]:
    """What is done, in wordings that training never reads: sentence, action and style of each, of every caption."""
    spoken = {(take.action, take.style, take.sentences) for take in library.takes if take.speech < 0}
    unread: set[tuple[str, str, str]] = set()
    for action, style, sentences in spoken:
        said = held_out_sentences(caption_of(action, [library.words[i] for i in sentences]))
        unread |= {(canonical_prompt(sentence), action, style) for sentence in said}
    return sorted(unread, key=lambda item: (item[1], item[0], item[2]))


def in_other_styles(wordings: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Those of no style, each in one that no take shows its action in, with their actions."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, (_, action, style) in enumerate(wordings):
        rows[action, style].append(row)
    captions = [(*kind, own) for kind, own in rows.items()]
    more = restyled([said for said, *_ in wordings], captions, SEED)
    return [(one.said, wordings[one.form][1]) for one in more]


def share_read(model: Model, prompts: Sequence[tuple[str, str]]) -> float:
    """Which share of prompts with their actions is read right, each action counted alike."""
    asked = Counter(action for _, action in prompts)
    wrong = Counter(action for _, action, _ in misread(model, prompts))
    return 1 - float(np.mean([wrong[action] / number for action, number in asked.items()]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=Path, default=Path("build/takes"))
    parser.add_argument("--model", default="open")
    parser.add_argument("--judges", type=Path, default=Path("build/evaluation/evaluator"))
    parser.add_argument("--limit", type=int, help="a quick run: so many actions")
    given = parser.parse_args()
    model, library, skeleton = load_model(given.model), Library.open(given.takes), neutral_skeleton()
    split = Split.of(library.takes)
    judge, _ = load_or_train(given.judges, library, split, JudgeConfig(), Progress)
    plan = plan_text(library, split, SEED, given.limit)
    requests, items = zip(
        *((plan.requests[k], plan.recorded[k]) for k in first_of_each(plan.recorded, _WORDINGS)), strict=True
    )
    actions = [request.action for request in requests]

    listed = re.findall(r"^- (.+) \((\w+)\)$", model.card, re.MULTILINE)
    wrong = misread(model, listed)
    print(f"Of the {len(listed)} prompts on the model's card {len(listed) - len(wrong)} are read as their action.")
    print(*(f"  {prompt!r} is read as {seen}" for prompt, _, seen in wrong), sep="\n")
    wordings = held_out_wordings(library)
    restated = in_other_styles(wordings)
    share, other = share_read(model, [(said, action) for said, action, _ in wordings]), share_read(model, restated)
    print(f"Of {len(wordings)} held-out wordings {share:.0%} are read as their action, each action counted alike.")
    print(f"Of {len(restated)} in a style that no take shows their action in {other:.0%} are.")
    right = 1 - len(misread(model, [(request.sentence, request.action) for request in requests])) / len(requests)

    told = [
        replace(
            model, aligner=OneCaption(caption_meant(model, item, library), item.action).eval(),
            config=replace(model.config, captions=(item.action,)),
        )
        for item in items
    ]  # fmt: skip
    timelines = [request.timeline(GUIDANCE) for request in requests]
    asked = perform(lambda timeline: generate(timeline, model), timelines, "As asked")
    networks = iter(told)
    meant = perform(lambda timeline: generate(timeline, next(networks)), timelines, "As meant")
    print(f"{len(requests)} held-out wordings of {len(set(actions))} actions; {right:.0%} are read as their action.\n")
    print("| | recognised | among three |\n|---|---|---|")
    for row, clips in (
        ("as asked", [EvaluatedClip.of_motion(motion, skeleton) for motion in asked]),
        ("told the caption that was meant", [EvaluatedClip.of_motion(motion, skeleton) for motion in meant]),
        ("recordings", [EvaluatedClip.of_rows(library.rows(item.take), skeleton) for item in items]),
    ):
        print(f"| {row} | {recognised(judge, clips, actions)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
