# SPDX-License-Identifier: GPL-3.0-or-later
"""FreeTalker's Figure 3: the same speech and text with gamma from 0 to 1 in five steps, as one picture with its curves.

    python -m benchmarks.figure3 --clips build/clips [--model open] [--out build/figure3]

Writes OUT/figure3.png and OUT/figure3.json. The definitions are in docs/paper.md.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.assets import DEMO_VOICE
from core.conditions.speech import load_audio, speech_features
from core.console import Progress, exit_code
from core.errors import InputError
from core.evaluation.clips import VOICE_BLOCKS, Floats, Library
from core.evaluation.evaluated_clip import EvaluatedClip
from core.evaluation.evaluator_training import Evaluators, load_or_train
from core.evaluation.evaluators import EvaluatorConfig, SpeechMotionEvaluator, preference_scores
from core.evaluation.statistics import preference
from core.generate import Settings, generate
from core.model.checkpoint import Model, load_model
from core.motion.clip import CORE_FPS, Motion
from core.motion.rotation import Array
from core.motion.skeleton import neutral_skeleton
from core.timeline.strips import SpeechStrip, TextStrip, Timeline
from core.training.clip import WINDOW
from core.training.split import Split

SKELETON = neutral_skeleton()
GAMMAS = (0.0, 0.25, 0.5, 0.75, 1.0)
PROMPTS = {
    "bow": "a person bows", "walk": "a person walks forward", "turn_180": "a person turns around",
    "raise_hand": "a person raises the right hand",
}  # fmt: skip
SECONDS = (WINDOW - 1) / CORE_FPS  # one window of the network, so nothing is joined
RIVALS = (30, 50, 70, 90)  # frames by which the other stretches of the recording start later
EVERY = 10  # frames between two figures
CURVES = {
    "looks": ("recognized as the prompt's action", (30, 90, 200)),
    "place": ("position between speech alone (0) and text alone (1)", (20, 140, 60)),
    "fits": ("its own speech fits better than other speech", (200, 110, 20)),
}
Curves = dict[str, dict[float, tuple[float, float]]]
"""Curve of `CURVES` -> gamma -> mean and its standard error."""
_PLOT, _MARGIN, _LABEL = 260, 46, 86  # pixels


@dataclass(frozen=True)
class Point:
    """One motion.

    Attributes:
        looks: Probability that it shows the prompt's action.
        place: Position between the two ends.
        fits: Share of other speech that fits worse.
    """

    looks: float
    place: float
    fits: float


def timeline(prompt: str | None, gamma: float, audio: Path | None, seed: int) -> Timeline:
    """Return a timeline of a prompt and a recording over the same five seconds, or of one of them."""
    text = (TextStrip(0.0, SECONDS, prompt, gamma),) if prompt else ()
    speech = (SpeechStrip(0.0, audio, SECONDS),) if audio else ()
    return Timeline(text, speech, CORE_FPS, seed)


def place_between(positions: Array, speech: Array, text: Array) -> float:
    """Return 0 for the positions (T, 55, 3) of speech alone, 1 for those of text alone.

    That is a / (a + b), the mean distances of the joints from either.
    """
    a, b = (float(np.linalg.norm(positions - end, axis=-1).mean()) for end in (speech, text))
    return a / (a + b) if a + b else 0.5


def measure(
    model: Model, evaluators: Evaluators, audio: Path, seeds: int, settings: Settings
) -> dict[str, dict[float, list[Point]]]:
    """Measure motions.

    Returns:
        Action -> gamma -> a point for each seed.
    """
    text_evaluator, speech_evaluator = evaluators
    voice = speech_features(load_audio(audio), VOICE_BLOCKS, CORE_FPS)
    if len(voice) < WINDOW + RIVALS[0]:
        raise InputError(f"{audio} lasts {len(voice) / CORE_FPS:.1f} s; 7 s or more are needed.")
    actions = [action for action in PROMPTS if action in text_evaluator.actions]
    found: dict[str, dict[float, list[Point]]] = {action: {gamma: [] for gamma in GAMMAS} for action in actions}
    progress = Progress("Generating")

    def clip(prompt: str | None, gamma: float, sound: Path | None, seed: int) -> EvaluatedClip:
        return EvaluatedClip.of_motion(generate(timeline(prompt, gamma, sound, seed), model, settings), SKELETON)

    for seed in range(seeds):
        alone = clip(None, 0.0, audio, seed)
        for action in actions:
            text = clip(PROMPTS[action], 1.0, None, seed)
            for gamma in GAMMAS:
                shown = clip(PROMPTS[action], gamma, audio, seed) if gamma else alone
                place = place_between(shown.positions, alone.positions, text.positions)
                probability = text_evaluator.action_probability(shown.features, action)
                point = Point(probability, place, fit(shown, voice, speech_evaluator))
                found[action][gamma].append(point)
        progress(seed + 1, seeds)
    return found


def fit(clip: EvaluatedClip, voice: Floats, evaluator: SpeechMotionEvaluator) -> float:
    """Return the share of other stretches of the recording that fit the motion worse than its own; chance is 0.5."""
    rivals = [voice[first : first + WINDOW] for first in RIVALS if first + WINDOW <= len(voice)]
    return preference(*preference_scores(evaluator, [clip.features[:WINDOW]], [voice[:WINDOW]], [rivals]))


def means(found: dict[str, dict[float, list[Point]]]) -> Curves:
    """Return the curves over all actions and seeds."""
    result: Curves = {}
    for key in CURVES:
        values = {gamma: [getattr(p, key) for points in found.values() for p in points[gamma]] for gamma in GAMMAS}
        result[key] = {g: (float(np.mean(v)), float(np.std(v) / np.sqrt(len(v)))) for g, v in values.items()}
    return result


def photographs(plans: Sequence[Timeline], motions: Sequence[Motion]) -> list[list[Image.Image]]:
    """Render the wooden figure every half second of each motion, from the front and slightly from the side."""
    import bpy
    from mathutils import Vector

    from benchmarks.source_tree import source
    from tools.contact_sheet import set_up, shoot

    rows: list[list[Image.Image]] = []
    addon = source("addon")
    addon.register()
    try:
        for plan, motion in zip(plans, motions, strict=True):
            scene: Any = source("addon.headless.scenes").scene_of(plan, motion, None)
            source("addon.headless.stage").build(scene, motion, (64, 64))
            set_up(scene)
            (armature,) = (one for one in scene.objects if one.type == "ARMATURE")
            row: list[Image.Image] = []
            with tempfile.TemporaryDirectory() as folder, source("addon.headless.stage")._quiet():
                for frame in range(0, len(motion), EVERY):
                    scene.frame_set(scene.frame_start + frame)
                    place = armature.matrix_world @ armature.pose.bones["pelvis"].head
                    row.append(shoot(scene, place, Vector((4.0, -7.0, 1.5)), Path(folder, "view.png")))
            rows.append(row)
            bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    finally:
        addon.unregister()
    return rows


def picture(rows: Sequence[Sequence[Image.Image]], curves: Curves, title: str) -> Image.Image:
    """Return the figures, a row for each gamma, with the curves below."""
    (width, height), columns = rows[0][0].size, len(rows[0])
    sheet = Image.new("RGB", (_LABEL + columns * width, 26 + len(rows) * height + _PLOT), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    draw.text((6, 5), title, "black", font)
    for number, (gamma, row) in enumerate(zip(GAMMAS, rows, strict=True)):
        top = 26 + number * height
        draw.text((6, top + height // 2 - 8), f"gamma {gamma:g}", "black", font)
        for column, tile in enumerate(row):
            sheet.paste(tile, (_LABEL + column * width, top))
    plot(draw, font, curves, (_MARGIN, sheet.height - _PLOT + 16, sheet.width // 2, sheet.height - 40))
    for number, (heading, color) in enumerate(CURVES.values()):
        at = (sheet.width // 2 + 50, sheet.height - _PLOT + 40 + 24 * number)
        draw.line([at, (at[0] + 24, at[1])], color, 3)
        draw.text((at[0] + 32, at[1] - 8), heading, color, font)
    return sheet


def plot(draw: Any, font: Any, curves: Curves, box: tuple[int, ...]) -> None:
    """Plot curves over gamma with bars for the standard errors; the gray line at 0.5 is chance for the speech."""
    left, top, right, bottom = box

    def at(gamma: float, value: float) -> tuple[float, float]:
        return left + gamma * (right - left), bottom - value * (bottom - top)

    for value in (0.0, 0.5, 1.0):
        draw.line([at(0, value), at(1, value)], (205, 205, 205))
        draw.text((8, at(0, value)[1] - 8), f"{value:.1f}", "black", font)
    for gamma in GAMMAS:
        draw.text((at(gamma, 0)[0] - 10, bottom + 4), f"{gamma:g}", "black", font)
    draw.text(((left + right) / 2 - 20, bottom + 20), "gamma", "black", font)
    for key, (_, color) in CURVES.items():
        draw.line([at(gamma, mean) for gamma, (mean, _) in curves[key].items()], color, 3)
        for gamma, (mean, error) in curves[key].items():
            draw.line([at(gamma, mean - error), at(gamma, mean + error)], color, 2)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.figure3", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clips", "--takes", type=Path, default=Path("build/clips"), help="folder written by `core prepare`"
    )
    parser.add_argument("--model", default="open", help="name or folder of the model")
    parser.add_argument("--audio", type=Path, default=DEMO_VOICE, help="speech recording of 7 s or more")
    parser.add_argument(
        "--evaluators", "--judges", type=Path, default=Path("build/evaluation/evaluator"),
        help="folder of the evaluator networks",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("build/figure3"))
    parser.add_argument("--seeds", type=int, default=6, help="number of motions of each prompt and gamma")
    parser.add_argument("--shown", choices=PROMPTS, default="bow", help="the action in the picture")
    parser.add_argument("--steps", type=int, help="number of denoising steps (default: that of the model)")
    given = parser.parse_args(arguments)
    if given.seeds < 1:
        raise InputError(f"--seeds must be 1 or more, not {given.seeds}.")
    model, library = load_model(given.model), Library.open(given.clips)
    evaluators = load_or_train(given.evaluators, library, Split.of(library.clips), EvaluatorConfig(), Progress)
    settings = Settings(steps=given.steps)
    prompt = PROMPTS[given.shown]
    plans = [timeline(prompt, gamma, given.audio, 0) for gamma in GAMMAS]
    shots = photographs(plans, [generate(plan, model, settings) for plan in plans])
    found = measure(model, evaluators, given.audio, given.seeds, settings)
    curves = means(found)
    sheet = picture(shots, curves, f"{given.audio.stem} and “{prompt}”, every {EVERY / CORE_FPS:g} s")
    given.out.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128, dither=Image.Dither.NONE).save(given.out / "figure3.png", optimize=True)
    each = {action: {g: [asdict(p) for p in points] for g, points in rows.items()} for action, rows in found.items()}
    (given.out / "figure3.json").write_text(json.dumps({"means": curves, "points": each}, indent=2) + "\n")
    print("| gamma | " + " | ".join(heading for heading, _ in CURVES.values()) + " |\n|---|" + "---|" * len(CURVES))
    for gamma in GAMMAS:
        cells = [f"{mean:.2f} ± {error:.2f}" for mean, error in (curve[gamma] for curve in curves.values())]
        print(f"| {gamma:g} | " + " | ".join(cells) + " |")
    print(given.out / "figure3.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
