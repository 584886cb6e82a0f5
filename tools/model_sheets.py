# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets of what a model does: 24 prompts, and recordings of speech.

python -m tools.model_sheets MODEL PROMPTS.png SPEECH.png [RECORDING ...]

Without recordings, the demo's voice is used, which no model has heard.
"""

import sys
from pathlib import Path

from PIL import Image

from core.assets import DEMO_VOICE
from core.evaluation.contact_sheet import contact_sheet
from core.generate import generate
from core.model.checkpoint import load_model
from core.motion.clip import CORE_FPS
from core.timeline.strips import DEFAULT_GUIDANCE, SpeechStrip, TextStrip, Timeline

PROMPTS = (
    "a person walks forward", "the presenter strolls onto the stage", "someone walks in a circle to the left",
    "a man turns around", "the woman turns to the left", "a person takes a bow", "he bows to the audience",
    "a person raises the right hand", "a human puts up the left hand", "a person waves hello",
    "someone greets the audience", "a person points forward with the right hand", "the speaker points to the left",
    "a person jumps", "someone jumps forward", "a person stands still", "she nods", "a man shrugs the shoulders",
    "a person runs forward", "someone kicks with the right leg", "a person throws a ball", "the character celebrates",
    "a person takes a step back", "he strolls ahead, then bows",
)  # fmt: skip
SECONDS, VOICE_SECONDS = 4.0, 9.5
EVERY = 10  # frames, half a second


def main() -> int:
    """Make both sheets."""
    model, prompts, speech = load_model(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    recordings = [Path(name) for name in sys.argv[4:]] or [DEMO_VOICE]
    motions = [
        generate(Timeline((TextStrip(0.0, SECONDS, prompt, DEFAULT_GUIDANCE),), fps=CORE_FPS, seed=1), model)
        for prompt in PROMPTS
    ]
    contact_sheet(motions, prompts, PROMPTS, every=EVERY, columns=round(SECONDS * CORE_FPS) // EVERY + 1)
    spoken = [generate(Timeline(speech=(SpeechStrip(0.0, path),), fps=CORE_FPS, seed=1), model) for path in recordings]
    frames = round(VOICE_SECONDS * CORE_FPS) + 1
    contact_sheet(
        [motion.slice(0, min(frames, len(motion))) for motion in spoken], speech, [path.stem for path in recordings],
        every=EVERY, columns=frames // EVERY + 1,
    )  # fmt: skip
    _beside(prompts)
    for sheet in (prompts, speech):
        with Image.open(sheet) as image:
            small = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
        small.save(sheet, optimize=True)
    return 0


def _beside(sheet: Path) -> None:
    """Move the lower half of a picture to the right of the upper half."""
    with Image.open(sheet) as image:
        width, height = image.size
        wide = Image.new("RGB", (2 * width, height // 2), "white")
        wide.paste(image.crop((0, 0, width, height // 2)), (0, 0))
        wide.paste(image.crop((0, height // 2, width, height)), (width, 0))
    wide.save(sheet)


if __name__ == "__main__":
    raise SystemExit(main())
