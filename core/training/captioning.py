# SPDX-License-Identifier: GPL-3.0-or-later
"""Captions for recorded clips: the action from the file name, sides, directions and turns measured on the joints."""

import re

import numpy as np

from ..motion.clip import Motion
from ..motion.features import headings
from ..motion.rotation import Array
from ..motion.skeleton import INDEX, Skeleton
from .captions import STRAIGHT, Caption
from .clip_names import action_of, named_hand
from .styles import style_of


def caption_clip(name: str, motion: Motion, skeleton: Skeleton, mirrored: bool = False) -> Caption | None:
    """Describe what a clip shows.

    Args:
        name: The recording's file name or title, which determines the action and the style.
        motion: The clip; directions, turns and the hand or leg that acts are measured on it.
        skeleton: The skeleton of the motion.
        mirrored: Whether `motion` is the mirrored recording of that name.

    Returns:
        The caption, or None if the clip is rejected: of an unknown action, or shorter than four frames.
    """
    action = action_of(name)
    if not action or len(motion) < 4:
        return None
    positions = motion.positions(skeleton)
    heading = headings(positions)
    turned = float(np.degrees(heading[-1] - heading[0]))
    turn = "left" if turned > 0 else "right"
    local = _facing_path(positions, heading)
    if action == "walk_way":  # "walk-left" names both walking to the left and stepping sideways
        left, ahead = local
        action = "strafe" if abs(left) > abs(ahead) else "walk" if ahead > 0 else "walk_back"
    if action == "walk_turn":
        action = "walk_turn" if abs(turned) > 45 else "walk"  # a window may contain only the straight part
    if action == "strafe":
        turn = "left" if local[0] > 0 else "right"
    if action == "indicate":
        turn = "right" if bool(re.search(r"Right|Rt", name)) != mirrored else "left"
    if action == "turn_walk":
        action = _turn_action(turned)
    if action == "idle" and _hands_up(positions):
        action = "hand_on_hip"
    side = named_hand(name, mirrored) or _busy_hand(positions)
    if action == "reach_behind":
        action = "reach_low" if "Low" in name or "Knee" in name or "Floor" in name else "reach"
    elif action == "reach":
        action = _reach_action(positions, side, skeleton)
    hands = {"both": "both hands"}.get(side, f"the {side} hand")
    direction = _direction(turned)
    return Caption(
        action,
        {
            "direction": direction,
            "turn": turn,
            "side": side if side != "both" else "right",
            "hands": hands,
            "leg": _busy_leg(positions),
            "part": "chest" if "Chest" in name else "temple" if "Temple" in name else "head",
            "direction_hand": _point_direction(positions, heading, side),
        },
        style_of(name),
    )


def _direction(turned: float) -> str:
    if abs(turned) < 30:
        return STRAIGHT[int(abs(turned) * 7) % len(STRAIGHT)]
    side = "left" if turned > 0 else "right"
    return f"in a circle to the {side}" if abs(turned) > 150 else f"in a curve to the {side}"


def _turn_action(turned: float) -> str:
    size = abs(turned)
    if size < 45:
        return "start_walk"
    return "turn_90" if size < 130 else "turn_180" if size < 270 else "turn_360"


def _facing_path(positions: Array, heading: Array) -> Array:
    """Return the net movement (left, forward) in meters, relative to the heading in the first frame."""
    move = positions[-1, 0] - positions[0, 0]
    cosine, sine = np.cos(heading[0]), np.sin(heading[0])
    return np.array([move[0] * cosine - move[2] * sine, move[0] * sine + move[2] * cosine])


def _busy_hand(positions: Array) -> str:
    """Return which wrist travels, relative to the chest: "both" unless one travels 1.6 times as far as the other."""
    chest = positions[:, INDEX["spine3"]]
    travel = [
        float(np.linalg.norm(np.ptp(positions[:, INDEX[f"{side}_wrist"]] - chest, axis=0)))
        for side in ("left", "right")
    ]
    if travel[0] > 1.6 * travel[1]:
        return "left"
    return "right" if travel[1] > 1.6 * travel[0] else "both"


def _hands_up(positions: Array) -> bool:
    """Return whether a hand is, on average, above the pelvis rather than hanging."""
    height = positions[:, [INDEX["left_wrist"], INDEX["right_wrist"]], 1] - positions[:, :1, 1]  # (T, 2)
    return bool((height.mean(0) > 0.0).any())


def _busy_leg(positions: Array) -> str:
    lift = [float(np.ptp(positions[:, INDEX[f"{side}_ankle"], 1])) for side in ("left", "right")]
    return "left" if lift[0] > lift[1] else "right"


def _reach_action(positions: Array, side: str, skeleton: Skeleton) -> str:
    sides = ("left", "right") if side == "both" else (side,)
    highest = max(float(positions[:, INDEX[f"{s}_wrist"], 1].max()) for s in sides)
    lowest_head = float(positions[:, INDEX["head"], 1].min())
    head = float(skeleton.rest_positions[INDEX["head"], 1])
    if lowest_head < 0.75 * head:
        return "reach_low"
    if highest > head - 0.12:
        return "raise_hands" if side == "both" else "raise_hand"
    return "reach"


def _point_direction(positions: Array, heading: Array, side: str) -> str:
    hand = "left" if side == "left" else "right"
    reach = np.linalg.norm(positions[:, INDEX[f"{hand}_wrist"]] - positions[:, INDEX[f"{hand}_shoulder"]], axis=-1)
    frame = int(reach.argmax())
    arm = positions[frame, INDEX[f"{hand}_wrist"]] - positions[frame, INDEX[f"{hand}_shoulder"]]
    angle = np.degrees(np.arctan2(arm[0], arm[2]) - heading[frame])
    angle = (angle + 180) % 360 - 180
    if abs(angle) < 35:
        return "forward"
    return "to the left" if angle > 0 else "to the right"
