# SPDX-License-Identifier: GPL-3.0-or-later
"""How often legs and arms are told apart where a prompt names both, and where it names one deed with an "and".

    python -m benchmarks.deeds [--model open] [--number 300]

Prompts of both are a held-out wording of the legs and one of the arms joined by "and". Prompts of one deed are all
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
    """What is said of the actions, told of a person, each once."""
    sentences = (said for action in actions for said in Caption(action, SLOTS).sentences(held_out))
    return list(dict.fromkeys(map(canonical_prompt, sentences)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open")
    parser.add_argument("--number", type=int, default=300, help="of prompts of legs and arms")
    given = parser.parse_args()
    model = load_model(given.model)

    def apart(prompts: Sequence[str]) -> list[str]:
        strips = [TextStrip(float(at), at + 1.0, said) for at, said in enumerate(prompts)]
        led = split_legs_and_arms(strips, lambda said: read_prompts(said, model))
        return [prompts[int(strip.start)] for strip in led if strip.scope == "upper body"]

    legs, arms = ([said for said in wordings(one, True) if not TWO.search(said)] for one in (LEGS, ARMS))
    both = [f"{leg} and {arm.removeprefix('a person ')}" for leg in legs for arm in arms]
    both = random.Random(SEED).sample(both, min(given.number, len(both)))
    actions = sorted(set(model.config.captions))
    one = [said for held_out in (False, True) for said in wordings(actions, held_out) if split_simultaneous(said)]
    print(f"Of {len(both)} prompts of legs and arms {len(apart(both))} are told apart.")
    wrong = apart(one)
    print(f"Of {len(one)} phrases of one deed {len(wrong)} are.")
    print(*(f"  {said!r}" for said in wrong), sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
