# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny evaluators, and the words of tiny captions."""

from core.evaluation.evaluators import EvaluatorConfig

WORDS = {
    "direction": "straight ahead", "turn": "left", "side": "right", "hands": "both hands", "leg": "left",
    "part": "temple", "direction_hand": "to the right",
}  # fmt: skip
CONFIG = EvaluatorConfig(width=16, embedding=8, steps=30, batch=8, speech_steps=20, speech_batch=4)
ACTIONS = ("walk", "bow", "idle", "wave")
