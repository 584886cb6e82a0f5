# SPDX-License-Identifier: GPL-3.0-or-later
"""How often prompts for legs and arms are split, and how often prompts of one action with an "and".

    python -m benchmarks.prompt_splitting [--model open] [--number 300]

Prompts of two actions join a held-out wording of the legs and one of the arms by "and". Prompts of one action are all
phrases of the model's actions, held out or not, that contain "and" or "while".
"""

import argparse
import random
import re
from collections.abc import Sequence

from core.console import exit_code
from core.model.checkpoint import load_model
from core.planning.inputs import read_prompts
from core.prompts.actions import split_legs_and_arms, split_simultaneous
from core.prompts.canonical import canonical_prompt
from core.timeline.strips import TextStrip
from core.training.captions import Caption

SEED = 0
LEGS = ("walk", "run", "jog")
ARMS = ("wave", "raise_hand", "point", "nod", "no", "shrug")
SLOTS = {
    "direction": "forward", "turn": "left", "side": "right", "hands": "the right hand", "leg": "right", "part": "head",
    "direction_hand": "forward",
}  # fmt: skip
TWO = re.compile(r"\b(?:and|while)\b")


def wordings(actions: Sequence[str], held_out: bool) -> list[str]:
    """Return the canonical wordings of the actions, without duplicates."""
    sentences = (one for action in actions for one in Caption(action, SLOTS).sentences(held_out))
    return list(dict.fromkeys(map(canonical_prompt, sentences)))


def main() -> int:
    """Print both counts, and the phrases of one action that are split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open")
    parser.add_argument("--number", type=int, default=300, help="number of prompts for legs and arms")
    given = parser.parse_args()
    model = load_model(given.model)

    def split(prompts: Sequence[str]) -> list[str]:
        strips = [TextStrip(float(at), at + 1.0, prompt) for at, prompt in enumerate(prompts)]
        found = split_legs_and_arms(strips, lambda some: read_prompts(some, model))
        return [prompts[int(strip.start)] for strip in found if strip.scope == "upper body"]

    legs, arms = ([wording for wording in wordings(one, True) if not TWO.search(wording)] for one in (LEGS, ARMS))
    both = [f"{leg} and {arm.removeprefix('a person ')}" for leg in legs for arm in arms]
    both = random.Random(SEED).sample(both, min(given.number, len(both)))
    actions = sorted(set(model.config.captions))
    one = [
        wording for held_out in (False, True) for wording in wordings(actions, held_out) if split_simultaneous(wording)
    ]
    print(f"Of {len(both)} prompts for legs and arms, {len(split(both))} are split.")
    wrong = split(one)
    print(f"Of {len(one)} phrases of one action, {len(wrong)} are split.")
    print(*(f"  {prompt!r}" for prompt in wrong), sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
