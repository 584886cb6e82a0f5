# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds to generate the demo's motion on the CPU: loading, and sampling with the model loaded."""

import argparse
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Time one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    options = parser.parse_args()
    start = time.perf_counter()
    from core.generate import Settings, generate
    from core.model.folder import open_model
    from core.timeline.files import load_timeline

    timeline = load_timeline(ROOT / "assets" / "demo" / "stage_talk.json")
    model = open_model(options.model or timeline.model)
    loaded = time.perf_counter()
    motion = generate(timeline, model, Settings(device="cpu"))
    done = time.perf_counter()
    length = f"{motion.seconds:.0f} s of motion"
    print(
        f"| Generate the demo, {length} ({model.config.sampler}, {model.config.steps} steps) | {done - loaded:.1f} s |"
    )
    print(f"| Import and load the model | {loaded - start:.1f} s |")


if __name__ == "__main__":
    main()
