# SPDX-License-Identifier: GPL-3.0-or-later
"""card.md of a model: what it was trained on, what it can do, and the credits."""

from collections import Counter

import torch

from ..conditions.text import encode_tokens
from ..model.checkpoint import ModelConfig
from ..model.prompt_classifier import PromptClassifier
from ..motion.clip import CORE_FPS
from ..prompts.canonical import canonical_prompt
from .captions import Caption
from .clip import CAPTIONED_ACTION
from .clip_set import ClipSet
from .more_people import CREDITS as MORE_CREDITS
from .phrases import PHRASES
from .styles import STYLES

CREDITS = {
    **MORE_CREDITS,
    "smartbody": "SmartBody motion library, (C) 2017 University of Southern California, Institute for Creative "
    "Technologies; LGPL.",
    "mesh2motion": "Mesh2Motion and Quaternius Universal Animation Library; CC0 1.0.",
    "cmu": "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding from NSF EIA-0196217. "
    "KIT Motion-Language sentences for some recordings: Plappert, Mandery, Asfour 2016.",
    "bandai_namco": "Bandai-Namco-Research-Motiondataset 1 and 2, Bandai Namco Research Inc. (Kobayashi et al. 2023); "
    "CC BY-NC 4.0.",
    "hdm05": "HDM05, Universität Bonn (Müller, Röder, Clausen, Eberhardt, Krüger, Weber 2007); CC BY-SA 3.0.",
    "speech": "LibriSpeech (Panayotov, Chen, Povey, Khudanpur 2015), CC BY 4.0; LJSpeech (Ito, Johnson 2017) and "
    "LibriVox: public domain.",
    "humanml3d": "HumanML3D (Guo, Zou, Zuo, Wang, Ji, Li, Cheng 2022) on AMASS (Mahmood, Ghorbani, Troje, Pons-Moll, "
    "Black 2019); non-commercial research only.",
    "beat": "BEAT (Liu, Zhu, Iwamoto, Peng, Li, Zhou, Bozkurt, Zheng 2022); non-commercial research only.",
    "beat2": "BEAT2 (Liu, Zhu, Becherini, Peng, Su, Zhou, Zhe, Iwamoto, Zheng, Black 2024); "
    "non-commercial research only.",
    "trinity": "Trinity Speech-Gesture Dataset (Ferstl, McDonnell 2018); under its license agreement.",
    "zeggs": "ZeroEGGS, Ubisoft (Ghorbani, Ferstl, Holden, Troje, Carbonneau 2022); CC BY-NC-ND 4.0.",
}
NON_COMMERCIAL = "CC-BY-NC-4.0"
UNKNOWN = "NOASSERTION"
_MADE_BY_RULE = "speech"  # the source of the clips that `pairing` makes
_SURE = 0.5  # probability above which a prompt is suggested
_SLOTS = {
    "direction": "forward", "direction_hand": "forward with the right hand", "turn": "left", "side": "right",
    "hands": "both hands", "leg": "right", "part": "head",
}  # fmt: skip


def license_of(clips: ClipSet) -> str:
    """Return the license of weights trained on the clips, an SPDX identifier.

    Non-commercial if any clip is, this project's if all clips are of known sources, and otherwise NOASSERTION.
    """
    if any("-NC-" in clip.license for clip in clips.clips):
        return NON_COMMERCIAL
    return "GPL-3.0-or-later" if all(clip.source in CREDITS for clip in clips.clips) else UNKNOWN


def model_card(name: str, clips: ClipSet, config: ModelConfig, classifier: PromptClassifier | None = None) -> str:
    """Return the Markdown text of card.md.

    Args:
        name: The model's name.
        clips: The clips it was trained on.
        config: The model's configuration.
        classifier: Its prompt classifier, if it has one.
    """
    minutes: Counter[str] = Counter()
    for clip in clips.clips:
        minutes[clip.source] += clip.frames
    captioned = sum(clip.action == CAPTIONED_ACTION for clip in clips.clips)
    can = [f"- {sentence} ({action})" for sentence, action in _suggestions(clips, config, classifier)]
    if captioned:
        can.append(f"- Whatever the captions of {captioned} clips describe.")
    sources = [
        f"- {source}: {frames / CORE_FPS / 60:.0f} minutes of clips, mirrored and augmented copies included. "
        f"{CREDITS.get(source, 'Recordings of your own.')}"
        for source, frames in sorted(minutes.items())
    ]
    permission = {
        NON_COMMERCIAL: "The weights are for non-commercial use only, with the credits below.",
        UNKNOWN: "The owners of the recordings below decide what the weights may be used for.",
    }.get(
        config.license,
        "The weights may be used commercially; they are part of this project (GPL-3.0-or-later) with the credits "
        "below.",
    )
    held_out = f"- {config.held_out_clips} recordings were held out for evaluation."
    return "\n".join(
        [
            f"# {name}",
            "",
            f"FreeTalker denoiser: {config.denoiser.layers} layers of width {config.denoiser.width}, "
            f"{config.trained_steps} training steps{_classifier_note(config)}. {permission}",
            "",
            "## Training data",
            *sources,
            *([held_out] if config.held_out_clips else []),
            "",
            "## Speech pairs",
            " ".join(_pairs(clips)),
            "",
            "## Prompts to try",
            *can,
            "",
        ]
    )


def _pairs(clips: ClipSet) -> list[str]:
    """Say where the motion of the clips with speech comes from."""
    sources = [clip.source for clip in clips.clips if clip.speech >= 0]
    by_rule = sources.count(_MADE_BY_RULE)
    recorded = len(sources) - by_rule
    lines: list[str] = []
    if recorded:
        lines.append(f"{recorded} clips of speech were recorded together with the motion of the speaker.")
    elif by_rule:
        lines.append("No recordings of speech together with motion were used.")
    if by_rule:
        lines.append(
            f"{'Further clips of speech' if recorded else 'All clips of speech'} were made by rule ({by_rule}): "
            "recorded gestures with known strokes were placed on the prosodic accents of recorded speech, over "
            "recorded idle motion; the hands rest in the pauses."
        )
    return lines or ["No speech was used."]


def _classifier_note(config: ModelConfig) -> str:
    captions = len(config.captions)
    if not captions:
        return ""
    return f"; a prompt classifier with {captions} captions of {len(set(config.captions))} actions"


def _suggestions(clips: ClipSet, config: ModelConfig, classifier: PromptClassifier | None) -> list[tuple[str, str]]:
    """Return a prompt for each action, most frequent first, and one for each style.

    Each is a sentence of training that the classifier assigns to its action. The prompt for a style is of the action
    that most clips of the style show.

    Returns:
        (prompt, action).
    """
    known_sentences = frozenset(clips.words)

    def sentence(action: str, style: str = "") -> str:
        wordings = [said for said in Caption(action, _SLOTS, style).sentences() if canonical_prompt(said) == said]
        if classifier is None:
            return wordings[0]
        caption_probabilities = classifier.caption_probabilities
        own = classifier.of_action[:, classifier.actions.index(action)]

        def probability(one: str) -> float:
            return float(caption_probabilities(torch.from_numpy(encode_tokens([one], clips.encoder)))[0] @ own)

        return next((one for one in wordings if one in known_sentences and probability(one) > _SURE), wordings[0])

    known = [clip for clip in clips.clips if clip.action in PHRASES]
    asked = [("", action) for action, _ in Counter(clip.action for clip in known).most_common()]
    for style in STYLES:
        styled = Counter(clip.action for clip in known if clip.style == style)
        asked += [(style, action) for action, _ in styled.most_common(1)]
    return [(sentence(action, style), action) for style, action in asked]
