# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that a recording's file name stands for."""

import re

from .more_people import action_of as more_action_of

# (pattern searched for in the name, action)
_RULES: tuple[tuple[str, str], ...] = (
    # tried in order; "" rejects the clip
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


def action_of(name: str) -> str:
    """Return the action that a clip's name or title stands for, a key of `PHRASES`, or "" to reject it.

    The actions `walk_way`, `walk_turn`, `turn_walk`, `reach_behind` and `reach` are provisional: `caption_clip`
    replaces them by what it measures on the motion.
    """
    known = more_action_of(name)
    if known is not None:
        return known
    return next((action for pattern, action in _RULES if re.search(pattern, name)), "")


def named_hand(name: str, mirrored: bool) -> str:
    """Return "left" or "right" if the name says which hand acts, else "".

    Args:
        name: The recording's file name.
        mirrored: Whether the motion is the mirrored recording, so the other hand acts.
    """
    found = re.search(r"-(left|right)-hand_", name)
    if found is None:
        return ""
    return found[1] if not mirrored else {"left": "right", "right": "left"}[found[1]]
