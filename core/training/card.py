# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card: what went in, what the model can do, and whom to thank."""

from collections import Counter

from ..model.checkpoint import ModelConfig
from ..motion import CORE_FPS
from .captions import PHRASES
from .dataset import SPEECH_ACTION, TakeSet

CREDITS = {
    "smartbody": "SmartBody motion library, (C) 2017 University of Southern California, Institute for Creative "
    "Technologies; LGPL.",
    "mesh2motion": "Mesh2Motion and Quaternius Universal Animation Library; CC0 1.0.",
    "cmu": "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding from NSF EIA-0196217. "
    "KIT Motion-Language sentences for some takes: Plappert, Mandery, Asfour 2016.",
    "speech": "LibriSpeech (Panayotov, Chen, Povey, Khudanpur 2015), CC BY 4.0; LJSpeech (Ito, Johnson 2017) and "
    "LibriVox: public domain.",
}


def model_card(name: str, takes: TakeSet, config: ModelConfig) -> str:
    """Markdown text of card.md."""
    minutes: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    for take in takes.takes:
        minutes[take.source] += take.stop - take.start
        actions[take.action] += 1
    can = [
        f"- {PHRASES[action][0].split(' {')[0]} ({action})" for action, _ in actions.most_common() if action in PHRASES
    ]
    sources = [
        f"- {source}, {frames / CORE_FPS / 60:.0f} minutes of takes with mirrored and varied ones: {CREDITS[source]}"
        for source, frames in sorted(minutes.items())
    ]
    return "\n".join(
        [
            f"# {name}",
            "",
            f"FreeTalker denoiser, {config.denoiser.layers} layers of width {config.denoiser.width}, "
            f"{config.trained_steps} training steps. The weights "
            "may be used commercially; they are part of this project (GPL-3.0-or-later) with the credits below.",
            "",
            "## Made from",
            *sources,
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
