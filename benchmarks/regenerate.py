# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds to generate 60 s, until the first preview, and to regenerate one strip of 4 s in it, on the CPU."""

import time
from dataclasses import replace

PROMPTS = ("a person walks forward", "a person bows", "a person turns around to the left", "a person waves")
STRIPS, SECONDS, NUMBER = 15, 4.0, 7


def main() -> None:
    """Time them with the model and the text encoder loaded."""
    from core.generate import Settings, generate
    from core.model.folder import open_model
    from core.planning.kept import Kept
    from core.planning.segments import stale_frames, with_seams
    from core.timeline.strips import DEFAULT_GUIDANCE, TextStrip, Timeline

    model, settings = open_model("open"), Settings(device="cpu")
    text = [
        TextStrip(SECONDS * k, SECONDS * (k + 1), PROMPTS[k % len(PROMPTS)], DEFAULT_GUIDANCE) for k in range(STRIPS)
    ]
    before = Timeline(tuple(text))
    generate(Timeline((text[0],)), model, settings)  # loads the encoder
    looks: list[float] = []
    start = time.perf_counter()
    generate(before, model, settings, on_preview=lambda _: looks.append(time.perf_counter() - start))
    start = time.perf_counter()
    whole = generate(before, model, settings)
    all_of_it = time.perf_counter() - start
    text[NUMBER] = replace(text[NUMBER], seed=1)
    after = Timeline(tuple(text))
    start = time.perf_counter()
    generate(after, model, settings, kept=Kept(whole, with_seams(stale_frames(before, after), before.fps)))
    one = time.perf_counter() - start
    print(
        f"| Generate {SECONDS * STRIPS:.0f} s, {STRIPS} prompts at guidance {DEFAULT_GUIDANCE:g} | {all_of_it:.1f} s |"
    )
    print(f"| The first preview of it, and the second | {looks[0]:.1f} s, {looks[-1]:.1f} s |")
    print(f"| Re-roll one strip of {SECONDS:.0f} s in it, seams included | {one:.1f} s |")


if __name__ == "__main__":
    main()
