# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card: what went in, what the model can do, and whom to thank."""

from collections import Counter

from ..model.checkpoint import ModelConfig
from ..motion import CORE_FPS
from .captions import Caption
from .dataset import SPEECH_ACTION, TakeSet
from .phrases import PHRASES

CREDITS = {
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
}


NON_COMMERCIAL = "CC-BY-NC-4.0"
_SLOTS = {
    "direction": "forward", "direction_hand": "forward with the right hand", "turn": "left", "side": "right",
    "hands": "both hands", "leg": "right", "part": "head",
}  # fmt: skip


def licence_of(takes: TakeSet) -> str:
    """The licence of weights trained on the takes, as an SPDX identifier."""
    restricted = any("-NC-" in take.licence for take in takes.takes)
    return NON_COMMERCIAL if restricted else "GPL-3.0-or-later"


def model_card(name: str, takes: TakeSet, config: ModelConfig) -> str:
    """Markdown text of card.md."""
    minutes: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    for take in takes.takes:
        minutes[take.source] += take.stop - take.start
        actions[take.action] += 1
    can = [
        f"- {Caption(action, _SLOTS).sentences()[0]} ({action})"
        for action, _ in actions.most_common()
        if action in PHRASES
    ]
    sources = [
        f"- {source}, {frames / CORE_FPS / 60:.0f} minutes of takes with mirrored and varied ones: {CREDITS[source]}"
        for source, frames in sorted(minutes.items())
    ]
    permission = (
        "The weights are for non-commercial use only, with the credits below."
        if config.licence == NON_COMMERCIAL
        else "The weights may be used commercially; they are part of this project (GPL-3.0-or-later) with the credits "
        "below."
    )
    return "\n".join(
        [
            f"# {name}",
            "",
            f"FreeTalker denoiser, {config.denoiser.layers} layers of width {config.denoiser.width}, "
            f"{config.trained_steps} training steps. {permission}",
            "",
            "## Made from",
            *sources,
            *([f"- {config.held_out_clips} clips were kept for evaluation."] if config.held_out_clips else []),
            "",
            "## Speech pairs",
            "No recording of speech with motion went in. The speech-driven half was taught from pairs made by rule "
            f"({actions[SPEECH_ACTION]} stretches): gesture clips with known strokes laid on the prosodic accents of "
            "real speech over real standing motion, at rest in the pauses.",
            "",
            "## What it knows",
            *can,
            "",
        ]
    )
