# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m core evaluate`: how good a model is, beside recordings, shuffled conditions and noise.

Writes table.md, metrics.json, plots and contact sheets. Four rows stand beside each other everywhere:

  mocap     recorded clips, those that `Split` holds out where an action has such; for speech the pairs made by rule
  ours      the model, told held-out wordings and voices
  shuffled  the model's same motions, judged by another clip's text or speech
  noise     a network of the same shape that was never trained
"""

# pyright: reportUnknownMemberType=false

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..assets import DEMO_VOICE
from ..conditions.text import encode_texts
from ..console import Progress
from ..errors import InputError
from ..generate import Settings, generate
from ..model.checkpoint import Model, load_model
from ..model.denoiser import Denoiser
from ..motion.clip import Motion
from ..motion.rotation import Array
from ..motion.skeleton import Skeleton, neutral_skeleton
from ..timeline.strips import GUIDANCE, Timeline
from ..training.dataset import SPEECH_ACTION, WINDOW, Clip
from ..training.prepare import speech_files
from ..training.split import Split
from .clips import Floats, Library
from .contact_sheet import contact_sheet
from .evaluators import JudgeConfig, SpeechMotionJudge, TextMotionJudge, load, load_or_train
from .plan import (
    GESTURES,
    REFERENCES,
    CaptionedClip,
    Request,
    Seam,
    TextPlan,
    Voice,
    plan_seams,
    plan_text,
    plan_voices,
)
from .report import Evaluation, Table, aims, markdown, with_ratios, write
from .rows import (
    EvaluatedClip,
    Figures,
    Judged,
    Stretch,
    action_shares,
    body_figures,
    seam_figures,
    speech_figures,
    stretch,
    stretches_of,
    text_figures,
    usual_speeds,
    windows,
)
from .statistics import frechet_distance, mismatched, multimodality

NOISE_STEPS = 4  # of the untrained network, which more steps do not help
VOICES, SEAMS = 12, 12  # voices, and seams of each kind
_RIVALS = 12  # speeches that the own one is compared with
_CLIPS = 24  # recordings of an action that its seams are compared with
_STRETCHES = 3  # recorded stretches for each action at a seam
_SHEET = 12  # clips on a contact sheet

Make = Callable[[Timeline], Motion]


@dataclass(frozen=True)
class Options:
    """How to measure.

    guidance: scale of the prompts; steps: None for the model's; limit: how many actions, voices and seams of a kind,
    None for all; device: as in `core.generate.Settings`.
    """

    guidance: float = GUIDANCE
    steps: int | None = None
    seed: int = 0
    limit: int | None = None
    device: str = "auto"


def untrained(model: Model, seed: int) -> Model:
    """The same network with random weights."""
    torch.manual_seed(seed)
    denoiser = Denoiser(model.config.denoiser).eval().requires_grad_(False)
    return replace(model, denoiser=denoiser)


def perform(make: Make, timelines: Sequence[Timeline], label: str) -> list[Motion]:
    """What is made of timelines; label: what the line of progress begins with."""
    progress = Progress(label)
    motions: list[Motion] = []
    for timeline in timelines:
        motions.append(make(timeline))
        progress(len(motions), len(timelines))
    return motions


def _clips(motions: Sequence[Motion], skeleton: Skeleton) -> list[EvaluatedClip]:
    return [EvaluatedClip.of_motion(motion, skeleton) for motion in motions]


def text_tables(
    library: Library, plan: TextPlan, judge: TextMotionJudge, made: dict[str, list[EvaluatedClip]], recorded: list[EvaluatedClip],
    seed: int,
) -> tuple[dict[str, Figures], dict[str, Figures]]:  # fmt: skip
    """The text table, and of each action the share recognised in each row.

    made: the rows, "ours" among them, of clips for `plan.requests` and then, where they are there, `plan.again`.
    """
    sentences = [item.sentence for item in (*plan.recorded, *plan.reference)]
    unique = sorted(set(sentences))
    vectors = dict(zip(unique, encode_texts(unique, library.encoder), strict=True))

    def judged(clips: Sequence[Floats], items: Sequence[CaptionedClip | Request]) -> Judged:
        said = np.stack([vectors[item.sentence] for item in items])
        return Judged.of(judge, clips, said, [item.action for item in items])

    prompts = [*plan.requests, *plan.again]
    every = {row: judged([clip.rows for clip in clips], prompts[: len(clips)]) for row, clips in made.items()}
    generated = {row: item.first(len(plan.requests)) for row, item in every.items()}
    reference = judged([library.rows(item.take) for item in plan.reference], plan.reference)
    mocap = judged([clip.rows for clip in recorded], plan.recorded)
    ours = generated["ours"]
    order = mismatched(ours.labels)
    shuffled = replace(ours, texts=ours.texts[order], labels=[ours.labels[int(k)] for k in order])
    rows = {"mocap": mocap, "ours": ours, "shuffled": shuffled} | generated
    shares = {row: action_shares(item) for row, item in rows.items()}
    actions = {action: {row: shares[row].get(action, 0.0) for row in rows} for action in sorted(set(mocap.labels))}
    told = [request.sentence for request in prompts]
    spread = {row: multimodality(item.motions, told[: len(item.motions)]) for row, item in every.items()}
    spread |= {"mocap": multimodality(mocap.motions, mocap.labels), "shuffled": spread["ours"]}
    figures = {row: text_figures(item, reference, seed) | {"multimodality": spread[row]} for row, item in rows.items()}
    return figures, actions


def _spread(library: Library, action: str) -> list[Clip]:
    """Some takes of an action, from its first to its last clip."""
    takes = [take for take in library.takes if take.action == action and take.speech < 0]
    return takes[:: max(1, len(takes) // _CLIPS)][:_CLIPS]


def speech_table(
    library: Library, split: Split, voices: Sequence[Voice], judges: tuple[TextMotionJudge, SpeechMotionJudge],
    made: dict[str, list[EvaluatedClip]], paired: Sequence[tuple[EvaluatedClip, Floats]], skeleton: Skeleton, seed: int,
) -> dict[str, Figures]:  # fmt: skip
    """The speech table. made: the rows, "ours" among them; paired: as `held_out_pairs` has them, of which every second
    one is the reference."""
    see, listen = judges
    own = list(paired[::2])
    reference = [clip for clip, _ in paired[1::2]] or [clip for clip, _ in own]
    usual = usual_speeds([clip for clip, _ in paired])
    gestures = [take for take in library.takes if take.action in GESTURES and split.held_out(take)] or [
        take for take in library.takes if take.speech < 0
    ]
    heard = {row: [voice.heard for voice in voices] for row in made}
    clips: dict[str, Sequence[EvaluatedClip]] = {"mocap": [clip for clip, _ in own], **made}
    heard["mocap"] = [sound for _, sound in own]
    turn = 1 + len(voices) // 2 if len(voices) > 1 else 0
    foreign = [sound for _, sound in paired]
    heard["shuffled"] = [
        voices[(i + turn) % len(voices)].heard if turn else foreign[0][: len(voices[i].heard)]
        for i in range(len(voices))
    ]
    clips["shuffled"] = made["ours"]
    # as many stretches for each: a Frechet distance depends on their number
    number = min(len(windows(list(items), 10**6)) for items in clips.values())
    rng = np.random.default_rng([seed, 3])
    drawn = [gestures[int(k)] for k in rng.permutation(len(gestures))[:number]]
    real = see.see([library.rows(take) for take in drawn])[0]
    pairs = see.see(windows(reference, number))[0]
    table: dict[str, Figures] = {}
    for row in ("mocap", "ours", "shuffled", *(row for row in made if row != "ours")):
        # the other speeches are those of the same row's other clips, so that chance is a half whatever the judge likes
        every = [sound for _, sound in own] if row == "mocap" else [voice.heard for voice in voices]
        every = every if len(every) > 1 else [*every, *foreign]
        others = [
            [sound for sound in (*every[i:], *every[:i])[: _RIVALS + 1] if sound is not heard[row][i]]
            for i in range(len(clips[row]))
        ]
        table[row] = speech_figures(clips[row], heard[row], usual, listen, others)
        shown = see.see(windows(list(clips[row]), number))[0]
        table[row] |= {
            "frechet_pairs": frechet_distance(shown, pairs),
            "frechet_gestures": frechet_distance(shown, real),
        }
    return table


def held_out_pairs(
    library: Library, split: Split, frames: int, number: int, skeleton: Skeleton
) -> list[tuple[EvaluatedClip, Floats]]:
    """So many pairs of motion and what is heard, at most so many frames of each; of training where none is held out."""
    pairs = [take for take in library.takes if take.action == SPEECH_ACTION and take.stop - take.start >= WINDOW]
    pairs = ([take for take in pairs if split.held_out(take)] or pairs)[:number]
    return [
        (EvaluatedClip.of_rows(library.rows(take)[:frames], skeleton), library.heard(take)[:frames]) for take in pairs
    ]


def recorded_at(
    seams: Sequence[Seam], library: Library, paired: Sequence[tuple[EvaluatedClip, Floats]], skeleton: Skeleton
) -> dict[str, list[EvaluatedClip]]:
    """Some recorded clips of each action that meets another at a seam; of speech those of `held_out_pairs`."""
    actions = {action for seam in seams for action in seam.actions} - {SPEECH_ACTION}
    clips = {SPEECH_ACTION: [clip for clip, _ in paired]}
    for action in actions:
        clips[action] = [EvaluatedClip.of_rows(library.rows(take), skeleton) for take in _spread(library, action)]
    return clips


def seam_tables(
    seams: Sequence[Seam],
    made: dict[str, list[EvaluatedClip]],
    recorded: Mapping[str, Sequence[EvaluatedClip]],
    seed: int,
) -> tuple[dict[str, Table], dict[str, dict[str, Array]]]:
    """A table for each kind of seam, and the mean jerk profiles of its rows.

    recorded: clips of each action at the seams. A seam's peak is compared with the median peak of the livelier of the
    two actions that meet there, a recorded one with that of its own action.
    """
    tables: dict[str, Table] = {}
    profiles: dict[str, dict[str, Array]] = {}
    every = {action: stretches_of(clips) for action, clips in recorded.items()}
    usual = {action: float(np.median([item.peak for item in items])) for action, items in every.items() if items}
    for kind in dict.fromkeys(seam.kind for seam in seams):
        at = [i for i, seam in enumerate(seams) if seam.kind == kind and set(seam.actions) <= usual.keys()]
        own: list[Stretch] = []
        for action in sorted({action for i in at for action in seams[i].actions}):
            share = sum(seams[i].actions.count(action) for i in at)  # as often as at the seams
            items = [every[action][k % len(every[action])] for k in range(_STRETCHES * share)]
            own += [replace(item, usual=usual[action]) for item in items]
        found: dict[str, list[Stretch]] = {}
        for row, clips in made.items():
            around = [(stretch(clips[i].positions, seams[i].frame), seams[i].actions) for i in at]
            found[row] = [
                replace(item, usual=max(usual[action] for action in actions))
                for item, actions in around
                if item is not None
            ]
        if not own or not all(found.values()):
            continue
        figures = {row: seam_figures(items, own, seed) for row, items in found.items()}
        mocap = seam_figures(own, own, seed, size=len(at))
        tables[kind] = {
            "mocap": mocap, "ours": figures["ours"], "shuffled": figures["ours"], "noise": figures["noise"],
        }  # fmt: skip
        alike = [own[int(k)] for k in np.random.default_rng(seed).permutation(len(own))[: len(at)]]
        profiles[kind] = {
            row: np.mean([item.profile for item in items], 0) for row, items in {"mocap": alike, **found}.items()
        }
    return tables, profiles


def evaluate(
    model: Model, name: str, library: Library, sounds: Sequence[Path], out: Path, judge_folder: Path, options: Options
) -> Evaluation:
    """Measure a model and write everything into `out`.

    sounds: recordings that training never heard. judge_folder: where the judging networks are kept.
    """
    started, busy = time.monotonic(), time.process_time()
    skeleton, split, seed, limit = neutral_skeleton(), Split.of(library.takes), options.seed, options.limit
    # good judges need minutes: a quick run without any makes do with rough ones
    judges = load(judge_folder, library, split, JudgeConfig()) if limit is not None else None
    rough = limit is not None and judges is None
    if judges is None:
        config = JudgeConfig(steps=300, speech_steps=150) if rough else JudgeConfig()
        judges = load_or_train(judge_folder / "quick" if rough else judge_folder, library, split, config, Progress)

    def maker(network: Model, steps: int | None) -> Make:
        settings = Settings(steps=steps, device=options.device)
        return lambda timeline: generate(timeline, network, settings)

    makers = {"ours": maker(model, options.steps), "noise": maker(untrained(model, seed), NOISE_STEPS)}
    plan = plan_text(library, split, seed, limit)
    voices = plan_voices(sounds, out / "voices", min(VOICES, limit or VOICES))
    seams = plan_seams(plan, voices, min(SEAMS, limit or SEAMS), seed, options.guidance)
    jobs = {
        "text": [request.timeline(options.guidance) for request in (*plan.requests, *plan.again)],
        "speech": [voice.timeline(seed + i) for i, voice in enumerate(voices)],
        "seams": [seam.timeline for seam in seams],
    }
    motions = {
        (row, kind): perform(make, timelines, f"Generating {kind}, {row}")
        for row, make in makers.items()
        for kind, timelines in jobs.items()
    }
    made = {kind: {row: _clips(motions[row, kind], skeleton) for row in makers} for kind in jobs}

    recorded = [EvaluatedClip.of_rows(library.rows(item.take), skeleton) for item in plan.recorded]
    text, actions = text_tables(library, plan, judges[0], made["text"], recorded, seed)
    length = max((len(voice.heard) for voice in voices), default=0)
    paired = held_out_pairs(library, split, length, 4 * VOICES if limit is None else 2 * limit, skeleton)
    speech: dict[str, Figures] = {}
    if voices and paired:
        speech = speech_table(library, split, voices, judges, made["speech"], paired, skeleton, seed)
    body_text = {"mocap": body_figures(recorded, skeleton)}
    body_text |= {row: body_figures(clips, skeleton) for row, clips in made["text"].items()}
    body_text["shuffled"] = body_text["ours"]
    body_speech: dict[str, Figures] = {}
    if voices and paired:
        body_speech = {"mocap": body_figures([clip for clip, _ in paired], skeleton)}
        body_speech |= {row: body_figures(clips, skeleton) for row, clips in made["speech"].items()}
        body_speech["shuffled"] = body_speech["ours"]
    joins, profiles = seam_tables(seams, made["seams"], recorded_at(seams, library, paired, skeleton), seed)
    result = Evaluation(
        name=name,
        about={
            "guidance": options.guidance, "steps": options.steps or model.config.steps, "seed": seed, "limit": limit,
            "prompts": len(plan.requests), "actions": len(actions), "voices": len(voices), "seams": len(seams),
            "seconds": round(time.monotonic() - started, 1), "cpu_seconds": round(time.process_time() - busy, 1),
        },
        text=text,
        speech=speech,
        body_text=with_ratios(body_text),
        body_speech=with_ratios(body_speech) if body_speech else {},
        joins=joins,
        actions=actions,
        profiles=profiles,
        notes=_notes(plan, voices, len(paired), split, options, len(actions), rough,
                     model.config.held_out_clips > 0),
    )  # fmt: skip
    write(result, out)
    shown = [i for i in range(0, len(plan.requests), max(1, len(plan.requests) // _SHEET))][:_SHEET]
    contact_sheet(
        [motions["ours", "text"][i] for i in shown],
        out / "text.png",
        [plan.requests[i].sentence for i in shown],
        every=8,
    )
    if voices:
        few = range(min(4, len(voices)))
        contact_sheet(
            [motions["ours", "speech"][i] for i in few],
            out / "speech.png",
            [voices[i].path.stem for i in few],
            every=20,
        )
    return result


def _notes(
    plan: TextPlan, voices: Sequence[Voice], pairs: int, split: Split, options: Options, actions: int, rough: bool,
    kept: bool,
) -> list[str]:  # fmt: skip
    """What the reader of the table has to know."""
    unseen = actions - len(plan.seen)
    recordings = len({voice.path.stem.rpartition("_")[0] for voice in voices})
    notes = [
        f"mocap, text: {len(plan.recorded)} recorded clips, as many of each of {actions} actions, with wordings that "
        f"training never reads. {unseen} actions have clips held out by `Split` ({len(split.clips)} clips in all); for "
        f"{len(plan.seen)} the clips of training stand in. Distances are to {REFERENCES} clips of each action in "
        "performances that this row lacks, most of which the model has learned from and this row has not; "
        f"{len(plan.alone)} actions have one performance, and other takes of it are the reference."
        + ("" if kept else " These weights were trained without the split: they have seen all of them."),
        f"mocap, speech: {pairs} pairs of a recording with motion made by rule, held out by recording: none of both "
        "together is at hand. Its matched preference says how well the judge knows the pairs.",
        f"ours: {len(plan.requests)} clips to the wordings of the mocap row, and of each action one again for "
        f"multimodality, guidance {options.guidance:g}, cleaned up as in Blender; {len(voices)} voices of {recordings} "
        "recordings, each with a pause of two seconds.",
        "shuffled: the same motions as ours, judged by another clip's text or speech. Figures that read no condition "
        "(Frechet, diversity, body, joins) are those of ours. The joint Frechet distance reads text and motion.",
        f"noise: an untrained network of the same shape, {NOISE_STEPS} steps.",
        "R-precision: 32 candidates of different actions, or as many as there are actions. The judging networks are "
        "this project's own: compare rows, not tables of others.",
    ]
    if options.limit is not None:
        judges = " with roughly trained judges" if rough else ""
        notes.insert(0, f"A quick run (--limit {options.limit}){judges}: not for comparison.")
    return notes


def main(arguments: Sequence[str]) -> int:
    """`python -m core evaluate`."""
    parser = argparse.ArgumentParser(
        prog="python -m core evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="a model's name or folder")
    parser.add_argument("--takes", type=Path, default=Path("build/takes"), help="folder that `prepare` wrote")
    parser.add_argument("--speech", type=Path, help="folder of recordings (default: the demo's alone)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: build/evaluation/NAME)")
    parser.add_argument("--judges", type=Path, help="folder of the judging networks (default: beside --out)")
    parser.add_argument("--guidance", type=float, default=Options.guidance, help="scale of the prompts")
    parser.add_argument("--steps", type=int, help="denoising steps (default: the model's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default=Options.device, help="where to generate: auto, cpu, cuda ...")
    parser.add_argument("--limit", type=int, help="a quick run: so many actions, voices and seams of a kind")
    given = parser.parse_args(arguments)
    if given.limit is not None and given.limit < 2:
        raise InputError(f"--limit must be 2 or more, not {given.limit}.")
    if given.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {given.seed}.")
    model = load_model(given.model)
    library = Library.open(given.takes)
    sounds = [DEMO_VOICE]
    if given.speech is not None:
        sounds = speech_files(given.speech, held_out=True)
        if not sounds:
            raise InputError(f"No held-out recordings of speech lie in {given.speech}.")
    name = Path(given.model).name
    out = given.out or Path("build/evaluation") / name
    options = Options(given.guidance, given.steps, given.seed, given.limit, given.device)
    try:
        result = evaluate(model, name, library, sounds, out, given.judges or out.parent / "evaluator", options)
    except OSError as error:
        raise InputError(f"{error.filename or out} cannot be written: {error.strerror or error}.") from error
    print(markdown(result))
    goals = aims(result)
    print(f"{sum(goal.reached for goal in goals)} of {len(goals)} aims reached: {out / 'table.md'}")
    return 0
