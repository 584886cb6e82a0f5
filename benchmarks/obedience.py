# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a model does what the prompt says, in wordings that training never saw.

    python -m benchmarks.obedience [--model open] [--seeds 2] [--guidance 1 3.5] [--sheet OUT.png] [--clips build/clips]

Each prompt is generated for four seconds and judged by a rule on the joints. As a baseline, the motions of the other
prompts are judged by the same rule: how often it is met by chance. With --clips, also how often recordings of the
action meet it. Speech is judged by how fast the hands move while the voice sounds and in its pauses.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.conditions.speech import load_audio, speech_features
from core.evaluation.clips import Library
from core.generate import Settings, generate
from core.model.checkpoint import Model, load_model
from core.motion.clip import CORE_FPS, Motion
from core.motion.features import decode, headings
from core.motion.rotation import Array
from core.motion.skeleton import INDEX, Skeleton, neutral_skeleton
from core.timeline.strips import DEFAULT_GUIDANCE, SpeechStrip, TextStrip, Timeline

SECONDS = 4.0


@dataclass(frozen=True)
class Body:
    """What the rules see.

    Attributes:
        positions: World positions (T, 55, 3).
        heading: (T,) in radians.
        skeleton: The skeleton at rest.
    """

    positions: Array
    heading: Array
    skeleton: Skeleton

    def joint(self, name: str) -> Array:
        """Return the positions (T, 3) of a joint."""
        return self.positions[:, INDEX[name]]

    def height(self, name: str) -> float:
        """Return the rest height of a joint."""
        return float(self.skeleton.rest_positions[INDEX[name], 1])

    @property
    def forward(self) -> float:
        """Meters moved in the direction of the first frame."""
        move = self.positions[-1, 0] - self.positions[0, 0]
        return float(move[0] * np.sin(self.heading[0]) + move[2] * np.cos(self.heading[0]))

    @property
    def travelled(self) -> float:
        """Horizontal distance between the first and the last frame."""
        return float(np.linalg.norm((self.positions[-1, 0] - self.positions[0, 0])[[0, 2]]))

    @property
    def turned(self) -> float:
        """Degrees turned, positive to the left."""
        return float(np.degrees(self.heading[-1] - self.heading[0]))

    def raised(self, side: str) -> bool:
        """Return whether the hand reaches the height of the head."""
        return bool(self.joint(f"{side}_wrist")[:, 1].max() > self.height("head") - 0.05)

    def reach(self, side: str) -> float:
        """Return how far the hand gets from the shoulder horizontally while at its height, in meters."""
        arm = self.joint(f"{side}_wrist") - self.joint(f"{side}_shoulder")  # (T, 3)
        ahead = np.hypot(arm[:, 0], arm[:, 2]) * (np.abs(arm[:, 1]) < 0.3)
        return float(ahead.max())

    @property
    def feet_up(self) -> float:
        """Height of the lower foot above its median."""
        feet = self.positions[:, [INDEX["left_foot"], INDEX["right_foot"]], 1].min(1)
        return float(feet.max() - np.median(feet))

    @property
    def bent(self) -> float:
        """Largest tilt of the trunk from vertical, in degrees."""
        trunk = self.joint("neck") - self.joint("pelvis")
        return float(np.degrees(np.arccos((trunk[:, 1] / np.linalg.norm(trunk, axis=-1)).clip(-1, 1))).max())

    def swing(self, side: str) -> float:
        """Return the path of the hand while it is above the elbow, relative to the chest, in meters."""
        wrist = self.joint(f"{side}_wrist")
        up = wrist[:, 1] > self.joint(f"{side}_elbow")[:, 1] + 0.05
        step = np.linalg.norm(np.diff(wrist - self.joint("spine3"), axis=0), axis=-1)
        return float(step[up[1:]].sum())


Rule = Callable[[Body], bool]
WALKS: Rule = lambda b: b.forward > 1.2 and abs(b.turned) < 60 and b.feet_up < 0.15  # noqa: E731
TURNS: Rule = lambda b: abs(b.turned) > 110  # noqa: E731
BOWS: Rule = lambda b: b.bent > 35 and b.travelled < 0.8  # noqa: E731
RIGHT: Rule = lambda b: b.raised("right") and not b.raised("left")  # noqa: E731
LEFT: Rule = lambda b: b.raised("left") and not b.raised("right")  # noqa: E731
WAVES: Rule = lambda b: max(b.swing("left"), b.swing("right")) > 0.5 and b.travelled < 0.8  # noqa: E731
POINTS: Rule = lambda b: max(b.reach("left"), b.reach("right")) > 0.4 and b.travelled < 0.8  # noqa: E731
JUMPS: Rule = lambda b: b.feet_up > 0.12  # noqa: E731
STANDS: Rule = lambda b: b.travelled < 0.3 and abs(b.turned) < 30 and not (b.raised("left") or b.raised("right"))  # noqa: E731

PROMPTS: tuple[tuple[str, str, Rule], ...] = (
    ("walk", "the presenter strolls onto the stage", WALKS),
    ("walk", "a human goes straight ahead on foot", WALKS),
    ("walk", "a person walks forward", WALKS),
    ("turn", "the actor turns round to look behind", TURNS),
    ("turn", "a person turns around", TURNS),
    ("bow", "the presenter takes a bow before the audience", BOWS),
    ("bow", "a person bows", BOWS),
    ("raise right", "the actor lifts the right hand up high", RIGHT),
    ("raise right", "a person raises the right hand", RIGHT),
    ("raise left", "a human puts up the left hand", LEFT),
    ("wave", "the presenter greets the audience", WAVES),
    ("wave", "a person waves hello", WAVES),
    ("point", "the actor points at something in front", POINTS),
    ("point", "a person points with the right hand", POINTS),
    ("jump", "the actor leaps up into the air", JUMPS),
    ("jump", "a person jumps", JUMPS),
    ("idle", "the presenter is waiting", STANDS),
    ("idle", "a person stands still", STANDS),
)


RECORDED = {
    "walk": ("walk", ""), "turn": ("turn_180", ""), "bow": ("bow", ""), "raise right": ("raise_hand", "right"),
    "raise left": ("raise_hand", "left"), "wave": ("wave", ""), "point": ("point", ""), "jump": ("jump_up", ""),
    "idle": ("idle", ""),
}  # fmt: skip
"""Prompt -> action of the clips that show it, and a word in their sentences."""


def body(motion: Motion, skeleton: Skeleton) -> Body:
    """Return what the rules see of a motion."""
    positions = motion.positions(skeleton)
    return Body(positions, headings(positions), skeleton)


def recorded_score(folder: Path) -> None:
    """Print how many recordings of each action that last two seconds or more meet its rule."""
    library, skeleton = Library.open(folder), neutral_skeleton()
    print("\nrecordings         meet the rule")
    for name, rule in {action: rule for action, _, rule in PROMPTS}.items():
        action, word = RECORDED[name]
        clips = [clip for clip in library.clips if clip.action == action and clip.frames >= 2 * CORE_FPS]
        clips = [clip for clip in clips if word in library.words[clip.sentences[0]]]
        some = [decode(library.motion_features(clip), skeleton) for clip in clips[:: len(clips) // 50 + 1]]
        met = [rule(body(motion, skeleton)) for motion in some]
        print(f"{name:16} {sum(met):4} of {len(met):2}")


def text_score(model: Model, guidance: float, seeds: int, settings: Settings, sheet: Path | None) -> None:
    """Print for each action how often its rule is met by its own motions and by those of the others."""
    skeleton = neutral_skeleton()
    bodies: list[tuple[str, Rule, Body]] = []
    shown: list[tuple[str, Motion]] = []
    for action, prompt, rule in PROMPTS:
        for seed in range(seeds):
            timeline = Timeline((TextStrip(0, SECONDS, prompt, guidance),), fps=CORE_FPS, seed=seed, model="")
            motion = generate(timeline, model, settings)
            bodies.append((action, rule, body(motion, skeleton)))
            if seed == 0:
                shown.append((f"{prompt} [{'yes' if rule(bodies[-1][2]) else 'NO'}]", motion))
    print(f"\nguidance {guidance:g}          obeyed   others by chance")
    rules = {action: rule for action, _, rule in PROMPTS}
    for action, rule in rules.items():
        own = [rule(b) for a, _, b in bodies if a == action]
        others = [rule(b) for a, _, b in bodies if a != action]
        print(f"{action:16} {sum(own):4} of {len(own):2}   {100 * np.mean(others):5.0f} %")
    obeyed = sum(rule(b) for _, rule, b in bodies)
    print(f"{'all':16} {obeyed:4} of {len(bodies):2}")
    if sheet is not None:
        from core.evaluation.contact_sheet import contact_sheet

        contact_sheet([m for _, m in shown], sheet, [t for t, _ in shown], every=8)


def speech_score(model: Model, audio: Path, settings: Settings, seeds: int) -> None:
    """Print the mean hand speed in speech and in its pauses."""
    samples = load_audio(audio)
    loud = speech_features(samples, ("prosody",))[:, 0]  # energy
    level = (np.percentile(loud, 5) + np.percentile(loud, 75)) / 2
    # a pause is half a second without voice, since the hands need time to come to rest
    voiced = np.convolve(loud > level, np.ones(11), mode="same") > 0
    rates: list[tuple[float, float]] = []
    for seed in range(seeds):
        timeline = Timeline(speech=(SpeechStrip(0, audio),), fps=CORE_FPS, seed=seed, model="")
        positions = generate(timeline, model, settings).positions(neutral_skeleton())
        hands = positions[:, [INDEX["left_wrist"], INDEX["right_wrist"]]] - positions[:, :1]
        speed = np.linalg.norm(np.diff(hands, axis=0), axis=-1).max(1) * CORE_FPS
        heard = voiced[: len(speed)]
        rates.append((float(speed[: len(heard)][heard].mean()), float(speed[: len(heard)][~heard].mean())))
    spoken, paused = np.mean(rates, 0)
    print(f"\nhand speed: {spoken:.2f} m/s in speech, {paused:.2f} m/s in pauses ({100 * voiced.mean():.0f} % voiced)")


def main() -> int:
    """Print all scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="open")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, DEFAULT_GUIDANCE])
    parser.add_argument("--audio", type=Path, default=Path(__file__).parents[1] / "assets/demo/jfk_inaugural.flac")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--clips", "--takes", type=Path, help="folder written by `python -m core prepare`")
    given = parser.parse_args()
    if given.clips:
        recorded_score(given.clips)
    model, settings = load_model(given.model), Settings(steps=given.steps)
    for i, guidance in enumerate(given.guidance):
        text_score(model, guidance, given.seeds, settings, given.sheet if i == len(given.guidance) - 1 else None)
    speech_score(model, given.audio, settings, given.seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
