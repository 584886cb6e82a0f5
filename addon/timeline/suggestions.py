# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts that the model knows, suggested while the user types."""

import re

from ..data import CallbackContext, scene_settings
from ..setup import models, preferences

# Prompts by the name of the action, which a model's card lists in parentheses.
_PROMPTS = {
    "idle": ("a person stands still",),
    "walk": ("a person walks forward", "a person walks slowly"),
    "walk_back": ("a person walks backward",),
    "strafe": ("a person walks sideways to the left", "a person walks sideways to the right"),
    "step_forward": ("a person takes a step forward",),
    "step_back": ("a person takes a step back",),
    "run": ("a person runs forward",),
    "jog": ("a person jogs",),
    "turn_90": ("a person turns to the left", "a person turns to the right"),
    "turn_180": ("a person turns around to the left", "a person turns around to the right"),
    "turn_360": ("a person turns around in a full circle",),
    "raise_hand": ("a person raises the right hand", "a person raises the left hand"),
    "raise_hands": ("a person raises both hands",),
    "wave": ("a person waves with the right hand", "a person waves with the left hand"),
    "point": ("a person points with the right hand", "a person points with the left hand"),
    "indicate": ("a person gestures to the left", "a person gestures to the right"),
    "bow": ("a person bows",),
    "nod": ("a person nods",),
    "no": ("a person shakes the head",),
    "shrug": ("a person shrugs",),
    "stop": ("a person gestures stop with both hands",),
    "offer": ("a person offers something with both hands",),
    "describe": ("a person shows a size with both hands",),
    "question": ("a person asks a question with open hands",),
    "think": ("a person thinks",),
    "listen": ("a person listens",),
    "beat": ("a person makes a beat gesture with both hands",),
    "arms_crossed": ("a person crosses the arms",),
    "hand_on_hip": ("a person stands with a hand on the hip",),
    "jump_up": ("a person jumps",),
    "crouch": ("a person crouches",),
    "pick_up": ("a person picks something up from a table",),
    "throw": ("a person throws something",),
    "kick": ("a person kicks",),
    "punch": ("a person punches",),
    "dance": ("a person dances",),
    "victory": ("a person celebrates",),
    "stretch": ("a person stretches",),
}


def prompts(model: str) -> list[str]:
    """Return the prompts for the actions listed on a model's card.

    Actions without a prompt in this module use that of the card. Further prompts of an action on the card, such as
    styles, come last. If the card lists nothing, all prompts of this module are returned.

    Args:
        model: Name or path of the model.
    """
    card = models.model_folder(model) / "card.md"
    try:
        listed = re.findall(r"^- (.*) \((\w+)\)$", card.read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        listed = []
    known: dict[str, str] = {}
    more = [prompt for prompt, action in listed if known.setdefault(action, prompt) != prompt]
    ours = [prompt for action, several in _PROMPTS.items() if not known or action in known for prompt in several]
    others = [prompt for action, prompt in known.items() if action not in _PROMPTS]
    return list(dict.fromkeys([*ours, *others, *more]))


def search(_: object, context: CallbackContext, typed: str) -> list[str]:
    """Search callback of prompt fields: return the prompts that contain every typed word."""
    words = typed.lower().split()
    model = scene_settings(context.scene).model or preferences.default_model()
    return [prompt for prompt in prompts(model) if all(word in prompt for word in words)]
