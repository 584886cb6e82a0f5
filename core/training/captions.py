# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for a clip: its action from the clip's name, directions and sides from its motion, many phrasings of each."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..motion.clip import Motion
from ..motion.features import headings
from ..motion.rotation import Array
from ..motion.skeleton import INDEX, Skeleton
from .more_people import action_of as more_action_of
from .phrases import MORE_PHRASES, PHRASES

Item = TypeVar("Item")

SUBJECTS = (
    "a person", "someone", "a man", "the man", "a woman", "the woman", "he", "she", "the character", "the speaker",
    "a figure", "this person",
)  # fmt: skip
HELD_OUT_SUBJECTS = ("the presenter", "a human", "the actor")

STYLES: dict[str, tuple[str, ...]] = {
    "active": ("energetically", "with a lot of energy", "briskly", "in a lively way"),
    "angry": ("angrily", "in anger", "furiously", "like an angry person"),
    "childish": ("like a child", "childishly", "in a childlike way", "playfully like a child"),
    "chimpira": ("like a thug", "with a swagger", "like a street punk", "in a cocky way"),
    "elderly": ("like an elderly person", "like an old person", "with the stiffness of old age", "as the elderly do"),
    "exhausted": ("in exhaustion", "wearily", "like an exhausted person", "as if worn out"),
    "feminine": ("in a feminine manner", "daintily", "in a ladylike way", "with feminine grace"),
    "giant": ("like a giant", "heavily, like a giant", "ponderously", "with the weight of a giant"),
    "happy": ("happily", "cheerfully", "joyfully", "in a good mood"),
    "masculine": ("in a masculine manner", "like a tough guy", "in a manly way", "with manly strength"),
    "musical": ("as in a musical", "theatrically", "like a musical actor", "with the flair of a musical number"),
    "not-confident": ("timidly", "shyly", "without confidence", "hesitantly"),
    "proud": ("proudly", "with pride", "self-assuredly", "full of pride"),
    "sad": ("sadly", "in sorrow", "dejectedly", "with a heavy heart"),
    "tired": ("tiredly", "like a tired person", "sluggishly", "with little strength left"),
    "youthful": ("youthfully", "like a young person", "with youthful energy", "in a youthful way"),
}  # fmt: skip
"""Adverbs of each style in the names of Bandai Namco's recordings; of "normal" there is nothing to say."""

_STRAIGHT = ("forward", "ahead", "straight ahead", "straight forward")
_STYLE_NAMES = {"masculinity": "masculine", "old": "elderly"}

_RULES: tuple[tuple[str, str], ...] = (
    # patterns are tried in order on the clip's name; "" drops the clip
    (r"^dataset-\d_walk-turn-", "walk_turn"),
    (r"^dataset-\d_walk-", "walk_way"),
    (r"^dataset-\d_walk_", "walk"),
    (r"^dataset-\d_(run|dash)_", "run"),
    (r"^dataset-\d_raise-up-both-hands_", "raise_hands"),
    (r"^dataset-\d_raise-up-(left|right)-hand_", "raise_hand"),
    (r"^dataset-\d_wave-both-hands_", "wave_hands"),
    (r"^dataset-\d_wave-(left|right)-hand_", "wave"),
    (r"^dataset-\d_(bye)?bye_", "bye"),
    (r"^dataset-\d_dance", "dance"),
    (r"^dataset-\d_bow_", "bow"),
    (r"^dataset-\d_guide_", "guide"),
    (r"^dataset-\d_call_", "call"),
    (r"^dataset-\d_respond_", "respond"),
    (r"^dataset-\d_kick_", "kick"),
    (r"^dataset-\d_punch_", "punch"),
    (r"^dataset-\d_slash_", "slash"),
    (r"^dataset-", ""),
    (r"^HDM_\w+_depositFloor", "put_down"),
    (r"^HDM_\w+_elbowToKnee", "elbow_to_knee"),
    (r"^HDM_\w+_grabHigh", "grab_high"),
    (r"^HDM_\w+_hop", "hop"),
    (r"^HDM_\w+_jog", "jog"),
    (r"^HDM_\w+_kick", "kick"),
    (r"^HDM_\w+_lieDown", "lie_down"),
    (r"^HDM_\w+_rotateArms", "rotate_arms"),
    (r"^HDM_\w+_sneak", "sneak"),
    (r"^HDM_\w+_squat", "squat"),
    (r"^HDM_\w+_throwBasketball", "throw_ball"),
    (r"^HDM_", ""),
    (r"HandDefault|HandGrasp|HandReach|HandRelease|T-?Pose|Rest Pose|Meditate|Sleep|Sit|Driving|Swim|Pistol", ""),
    (r"Sword|Spell|Crawl|Fly|Levitate|Power|Blast|Death|Roll|Backflip|Kneel|Torch|Fixing|Hit_|Consume|Shiver", ""),
    (r"Dizzy|Defend|Tired|Enter$|KickChair|Jump_Loop|Jump_Land|Jump_Start|Push_Loop|Interact|Fighting|Charleston", ""),
    (r"Walk\d*_ToIdle|WalkToStop", "stop_walk"),
    (r"WeightShift", "weight_shift"),
    (r"Crouch_Idle|Continuation|ToIdle0[123]$|ToLocIdle|LocIdle|Entrance|WalkUp|ThrowAway|Motex|HandsAtSide_Trans", ""),
    (r"Torch|LHandOnHip_Transition|_swayLf|_swayRt|climb|sword|wash|playground|balance|ballet|Dance_Loop$", ""),
    (r"^Bow$", "bow"),
    (r"^Greeting$", "wave"),
    (r"Head Nod", "nod"),
    (r"^Reject$", "no"),
    (r"Confused", "confused"),
    (r"Angry", "angry"),
    (r"Victory", "victory"),
    (r"Jumping Jacks", "jumping_jacks"),
    (r"Push ?-?[Uu]ps?", "push_up"),
    (r"Idle_Talking", "talk"),
    (r"Idle Listening", "listen"),
    (r"Throw", "throw"),
    (r"PickUp", "pick_up"),
    (r"Punch", "punch"),
    (r"Turn360", "turn_walk"),
    (r"Turn180|Turn90|StopToBack|StopToLeft", "turn_walk"),
    (r"ToWalk|StopToWalk", "start_walk"),
    (r"Run\w*Jump|RunJump", "run_jump"),
    (r"WalkJump", "walk_jump"),
    (r"jump up to grab", ""),  # reaches up on tiptoe for most of its time
    (r"ReachJump|JumpUp", "jump_up"),
    (r"Start Hop Stop", "hop"),
    (r"Jump|forward jump|^jump", "jump_forward"),
    (r"StepForward|Step_WalkForward", "step_forward"),
    (r"StepBack", "step_back"),
    (r"StepSideways|Strafe|Shuffle", "strafe"),
    (r"Jog", "jog"),
    (r"Walk|Meander|walk", "walk"),
    (r"Run|run|Sprint", "run"),
    (r"KickBack|Kick", "kick"),
    (r"Dance|dance", "dance"),
    (r"basketball", "basketball"),
    (r"CrouchBlock|CrouchProtect|Crouch", "crouch"),
    (r"LeanForward", "lean"),
    (r"LiftFoot", "lift_foot"),
    (r"Trip", "trip"),
    (r"OpenDoor", "open_door"),
    (r"IdleFight", "fight_idle"),
    (r"Reach_?(Shoulder|Knee)?Back|ReachBehind", "reach_behind"),
    (r"Reach", "reach"),
    (r"IndicateThere|Indicate|Deictic", "indicate"),
    (r"YouPoint|You|you|ScrewYou", "you"),
    (r"BeatPoint|BeatFist|Beat", "beat"),
    (r"Point|point", "point"),
    (r"Chop", "chop"),
    (r"Negat|No(Forward|Left|Right)|negation|InclusivityNeg", "no"),
    (r"Stop|stop", "stop"),
    (r"_Me|^me[_\d]|Me(Rt|Lf|Bt)", "me"),
    (r"_We|^we[_\d]|^us[_\d]|Inclusivity|inclusivity|Surround", "we"),
    (r"Offer|Receive", "offer"),
    (r"Plea", "plead"),
    (r"question|Why|When", "question"),
    (r"Contemplate|Think", "think"),
    (r"Scratch", "scratch"),
    (r"Stretch", "stretch"),
    (r"Shrug", "shrug"),
    (r"Guitar", "guitar"),
    (r"CrossedArms", "arms_crossed"),
    (r"HandOnHip", "hand_on_hip"),
    (r"TouchHands|SqueezeHand", "touch_hands"),
    (r"bigger|Empty|Frame|Sweep", "describe"),
    (r"Example|However|Besides|Safe|Here", "beat"),
    (r"[Ii]dle", "idle"),
)  # fmt: skip

CYCLIC = frozenset(
    {"walk", "walk_back", "run", "jog", "strafe", "idle", "listen", "talk", "fight_idle", "arms_crossed"}
)
"""Actions that may be repeated to fill a window; the others are led in and out by standing."""


@dataclass(frozen=True)
class Caption:
    """action: a key of PHRASES. words: values for the phrases' slots. style: a key of STYLES, or ""."""

    action: str
    words: dict[str, str]
    style: str = ""

    def sentences(self, held_out: bool = False) -> list[str]:
        """Every subject and phrase together; held_out gives only those that training never sees.

        Each of `MORE_PHRASES` has some of the subjects, and none; who goes straight also just goes. Where there is a
        style every sentence names it, its adverbs in turn: a sentence without any means a plain clip.
        """
        phrases = [
            p for i, p in enumerate(PHRASES[self.action]) if len(PHRASES[self.action]) < 5 or (i % 5 == 4) == held_out
        ]
        said = [(i, phrase, HELD_OUT_SUBJECTS if held_out else SUBJECTS) for i, phrase in enumerate(phrases)]
        if not held_out:
            more = MORE_PHRASES.get(self.action, ())
            said += [(i, phrase, _some_subjects(i)) for i, phrase in enumerate(more)]
            if self.words.get("direction") in _STRAIGHT:
                going = [phrase for phrase in (*phrases, *more) if "{direction}" in phrase]
                said += [(i, going[i].replace("{direction}", ""), _some_subjects(i)) for i in range(len(going))]
        manners = STYLES.get(self.style, ("",))
        sentences = [
            self._fill(subject, f"{phrase} {manners[(i + j) % len(manners)]}")
            for i, phrase, subjects in said
            for j, subject in enumerate(subjects)
        ]
        return list(dict.fromkeys(sentences))

    def _fill(self, subject: str, phrase: str) -> str:
        their = (
            "his"
            if subject in {"he", "a man", "the man"}
            else "her"
            if "woman" in subject or subject == "she"
            else "their"
        )
        themself = {"his": "himself", "her": "herself", "their": "themself"}[their]
        return " ".join(f"{subject} {phrase.format(their=their, themself=themself, **self.words)}".split())


def _some_subjects(turn: int) -> tuple[str, ...]:
    """Every fourth subject, and none."""
    return (*SUBJECTS[turn % 4 :: 4], "")


def action_of(name: str) -> str:
    """The action that a clip's name or title tells, "" where the clip is of no use."""
    known = more_action_of(name)
    if known is not None:
        return known
    return next((action for pattern, action in _RULES if re.search(pattern, name)), "")


def caption(name: str, motion: Motion, skeleton: Skeleton, mirrored: bool = False) -> Caption | None:
    """What a clip shows: action from its name, sides, directions and turns measured on its joints.

    mirrored: motion is the mirrored clip of that name.
    """
    action = action_of(name)
    if not action or len(motion) < 4:
        return None
    positions = motion.positions(skeleton)
    heading = headings(positions)
    turned = float(np.degrees(heading[-1] - heading[0]))
    turn = "left" if turned > 0 else "right"
    local = _facing_path(positions, heading)
    if action == "walk_way":  # "walk-left" is said of walking there and of stepping sideways
        left, ahead = local
        action = "strafe" if abs(left) > abs(ahead) else "walk" if ahead > 0 else "walk_back"
    if action == "walk_turn":
        action = "walk_turn" if abs(turned) > 45 else "walk"  # a window may show the straight part alone
    if action == "strafe":
        turn = "left" if local[0] > 0 else "right"
    if action == "indicate":
        turn = "right" if bool(re.search(r"Right|Rt", name)) != mirrored else "left"
    if action == "turn_walk":
        action = _turn_action(turned)
    if action == "idle" and _hands_up(positions):
        action = "hand_on_hip"
    side = _named_hand(name, mirrored) or _busy_hand(positions)
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


def _named_hand(name: str, mirrored: bool) -> str:
    """The hand that a recording's name tells; "" where it tells none."""
    found = re.search(r"-(left|right)-hand_", name)
    if found is None:
        return ""
    return found[1] if not mirrored else {"left": "right", "right": "left"}[found[1]]


def style_of(name: str) -> str:
    """The style that a recording's name tells, a key of `STYLES`, or "" where it tells none."""
    found = re.match(r"dataset-\d_[\w-]+?_([a-z-]+)_\d+$", name)
    style = _STYLE_NAMES.get(found[1], found[1]) if found else ""
    return style if style in STYLES else ""


def by_style(items: Iterable[Item], style: Callable[[Item], str]) -> list[list[Item]]:
    """The plain ones and the styled ones, as far as there are any, to be drawn alike: most prompts name no style."""
    plainly: list[Item] = []
    styled: list[Item] = []
    for item in items:
        (styled if style(item) else plainly).append(item)
    return [part for part in (plainly, styled) if part]


def _direction(turned: float) -> str:
    if abs(turned) < 30:
        return _STRAIGHT[int(abs(turned) * 7) % len(_STRAIGHT)]
    side = "left" if turned > 0 else "right"
    return f"in a circle to the {side}" if abs(turned) > 150 else f"in a curve to the {side}"


def _turn_action(turned: float) -> str:
    size = abs(turned)
    if size < 45:
        return "start_walk"
    return "turn_90" if size < 130 else "turn_180" if size < 270 else "turn_360"


def _facing_path(positions: Array, heading: Array) -> Array:
    """Net movement (left, forward) metres, seen from the first frame."""
    move = positions[-1, 0] - positions[0, 0]
    cosine, sine = np.cos(heading[0]), np.sin(heading[0])
    return np.array([move[0] * cosine - move[2] * sine, move[0] * sine + move[2] * cosine])


def _busy_hand(positions: Array) -> str:
    """Which wrist travels, relative to the chest: left, right, or both where neither does clearly more."""
    chest = positions[:, INDEX["spine3"]]
    travel = [
        float(np.linalg.norm(np.ptp(positions[:, INDEX[f"{side}_wrist"]] - chest, axis=0)))
        for side in ("left", "right")
    ]
    if travel[0] > 1.6 * travel[1]:
        return "left"
    return "right" if travel[1] > 1.6 * travel[0] else "both"


def _hands_up(positions: Array) -> bool:
    """Whether a hand stays at the hips or higher, rather than hanging."""
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


def all_sentences(captions: Sequence[Caption]) -> list[str]:
    """Distinct training sentences of many captions, in a fixed order."""
    return sorted({sentence for item in captions for sentence in item.sentences()})
