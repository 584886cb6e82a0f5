# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card: what went in, what the model can do, and whom to thank."""

from collections import Counter

import torch

from ..conditions.text import encode_tokens
from ..model.checkpoint import ModelConfig
from ..model.prompt_classifier import PromptClassifier
from ..motion.clip import CORE_FPS
from ..prompts.canonical import canonical_prompt
from .captions import STYLES, Caption
from .dataset import TOLD_ACTION, ClipSet
from .more_people import CREDITS as MORE_CREDITS
from .phrases import PHRASES

CREDITS = {
    **MORE_CREDITS,
    "smartbody": "SmartBody motion library, (C) 2017 University of Southern California, Institute for Creative "
    "Technologies; LGPL.",
    "mesh2motion": "Mesh2Motion and Quaternius Universal Animation Library; CC0 1.0.",
    "cmu": "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding from NSF EIA-0196217. "
    "KIT Motion-Language sentences for some takes: Plappert, Mandery, Asfour 2016.",
    "bandai_namco": "Bandai-Namco-Research-Motiondataset 1 and 2, Bandai Namco Research Inc. (Kobayashi et al. 2023); "
    "CC BY-NC 4.0.",
    "hdm05": "HDM05, Universität Bonn (Müller, Röder, Clausen, Eberhardt, Krüger, Weber 2007); CC BY-SA 3.0.",
    "speech": "LibriSpeech (Panayotov, Chen, Povey, Khudanpur 2015), CC BY 4.0; LJSpeech (Ito, Johnson 2017) and "
    "LibriVox: public domain.",
    "humanml3d": "HumanML3D (Guo, Zou, Zuo, Wang, Ji, Li, Cheng 2022) on AMASS (Mahmood, Ghorbani, Troje, Pons-Moll, "
    "Black 2019); research without commerce.",
    "beat": "BEAT (Liu, Zhu, Iwamoto, Peng, Li, Zhou, Bozkurt, Zheng 2022); research without commerce.",
    "beat2": "BEAT2 (Liu, Zhu, Becherini, Peng, Su, Zhou, Zhe, Iwamoto, Zheng, Black 2024); research without commerce.",
    "trinity": "Trinity Speech-Gesture Dataset (Ferstl, McDonnell 2018); by its licence agreement.",
    "zeggs": "ZeroEGGS, Ubisoft (Ghorbani, Ferstl, Holden, Troje, Carbonneau 2022); CC BY-NC-ND 4.0.",
}


NON_COMMERCIAL = "CC-BY-NC-4.0"
UNKNOWN = "NOASSERTION"
_MADE_BY_RULE = "speech"  # the source of the pairs that `pairing` makes
_SURE = 0.5
_SLOTS = {
    "direction": "forward", "direction_hand": "forward with the right hand", "turn": "left", "side": "right",
    "hands": "both hands", "leg": "right", "part": "head",
}  # fmt: skip


def licence_of(takes: ClipSet) -> str:
    """The licence of weights trained on the takes, as an SPDX identifier."""
    if any("-NC-" in take.licence for take in takes.takes):
        return NON_COMMERCIAL
    return "GPL-3.0-or-later" if all(take.source in CREDITS for take in takes.takes) else UNKNOWN


def _pairs(takes: ClipSet) -> list[str]:
    """Where the speech that went in has its motion from."""
    sources = [take.source for take in takes.takes if take.speech >= 0]
    by_rule = sources.count(_MADE_BY_RULE)
    recorded = len(sources) - by_rule
    told: list[str] = []
    if recorded:
        told.append(f"{recorded} stretches of speech were recorded with the motion of their speaker.")
    elif by_rule:
        told.append("No recording of speech with motion went in.")
    if by_rule:
        told.append(
            f"{'More was' if recorded else 'The speech-driven half was'} taught from pairs made by rule "
            f"({by_rule} stretches): gesture clips with known strokes laid on the prosodic accents of real speech over "
            "real standing motion, at rest in the pauses."
        )
    return told or ["No speech went in."]


def _reading(config: ModelConfig) -> str:
    known = len(config.captions)
    return f"; a text aligner that tells {known} captions of {len(set(config.captions))} actions apart" if known else ""


def _suggestions(takes: ClipSet, config: ModelConfig, aligner: PromptClassifier | None) -> list[tuple[str, str]]:
    """Of each action, the commonest first, a sentence to ask for it with, which the aligner reads as that.

    Then one of each style, of the action that most of its takes show.
    """
    read = frozenset(takes.words)

    def sentence(action: str, style: str = "") -> str:
        said = [said for said in Caption(action, _SLOTS, style).sentences() if canonical_prompt(said) == said]
        if aligner is None:
            return said[0]
        shares, own = aligner.shares, aligner.of_action[:, aligner.actions.index(action)]

        def share(one: str) -> float:
            return float(shares(torch.from_numpy(encode_tokens([one], takes.encoder)))[0] @ own)

        return next((one for one in said if one in read and share(one) > _SURE), said[0])

    known = [take for take in takes.takes if take.action in PHRASES]
    asked = [("", action) for action, _ in Counter(take.action for take in known).most_common()]
    for style in STYLES:
        styled = Counter(take.action for take in known if take.style == style)
        asked += [(style, action) for action, _ in styled.most_common(1)]
    return [(sentence(action, style), action) for style, action in asked]


def model_card(name: str, takes: ClipSet, config: ModelConfig, aligner: PromptClassifier | None = None) -> str:
    """Markdown text of card.md."""
    minutes: Counter[str] = Counter()
    for take in takes.takes:
        minutes[take.source] += take.stop - take.start
    told = sum(take.action == TOLD_ACTION for take in takes.takes)
    can = [f"- {sentence} ({action})" for sentence, action in _suggestions(takes, config, aligner)]
    if told:
        can.append(f"- What the captions of {told} clips tell.")
    sources = [
        f"- {source}, {frames / CORE_FPS / 60:.0f} minutes of takes with mirrored and varied ones: "
        f"{CREDITS.get(source, 'recordings of your own.')}"
        for source, frames in sorted(minutes.items())
    ]
    permission = {
        NON_COMMERCIAL: "The weights are for non-commercial use only, with the credits below.",
        UNKNOWN: "What the weights may be used for, the owners of the recordings below decide.",
    }.get(
        config.licence,
        "The weights may be used commercially; they are part of this project (GPL-3.0-or-later) with the credits "
        "below.",
    )
    return "\n".join(
        [
            f"# {name}",
            "",
            f"FreeTalker denoiser, {config.denoiser.layers} layers of width {config.denoiser.width}, "
            f"{config.trained_steps} training steps{_reading(config)}. {permission}",
            "",
            "## Made from",
            *sources,
            *([f"- {config.held_out_clips} clips were kept for evaluation."] if config.held_out_clips else []),
            "",
            "## Speech pairs",
            " ".join(_pairs(takes)),
            "",
            "## What it knows",
            *can,
            "",
        ]
    )
