# SPDX-License-Identifier: GPL-3.0-or-later
"""What `more.tar.xz` holds: where each of its sources lies, under which license, and what its clips show.

The actions are those that the notes beside the files name; a clip that is missing here is read but not taught. A clip's
name is its source, a slash and its own name, such as "opensim/courtbow".
"""

from collections.abc import Mapping

LICENSES: Mapping[str, str] = {
    "opensim": "BSD-3-Clause and CC-BY-SA-2.5",
    "decentraland": "Apache-2.0",
    "mmdagent": "CC-BY-4.0",
    "sumerian": "CC-BY-SA-4.0",
    "vircadia_web": "Apache-2.0",
    "cmu_more": "CMU mocap",
    "animated_drawings": "MIT",
}

CREDITS: Mapping[str, str] = {
    "opensim": "OpenSimulator contributors, BSD 3-clause; default avatar animations (C) Linden Research, Inc., "
    "CC BY-SA 2.5.",
    "decentraland": "Decentraland Foundation; Apache-2.0.",
    "mmdagent": "CG-CA Gene (c) 2023 and CG-CA Uka (c) 2023-2024 by Nagoya Institute of Technology, Moonshot R&D "
    "Goal 1 Avatar Symbiotic Society; CC BY 4.0.",
    "sumerian": "Amazon Web Services, Inc., Amazon Sumerian Hosts; CC BY-SA 4.0.",
    "vircadia_web": "Vircadia contributors, DigiSomni LLC, High Fidelity, Inc.; Apache-2.0.",
    "cmu_more": "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding from NSF "
    "EIA-0196217.",
    "animated_drawings": "AnimatedDrawings, Meta Platforms, Inc. and affiliates; MIT.",
}
"""Whom to name with anything that is made from each source."""

FOLDER = "more"
"""The folder of all of them below the data folder."""

FOLDERS: Mapping[str, str] = {kind: f"{FOLDER}/{kind}" for kind in LICENSES}
"""Where each source lies below the data folder."""

SHARE_ALIKE = frozenset(kind for kind, license in LICENSES.items() if "-SA-" in license)
"""Sources that may be passed on under the GPL, but not together with recordings for non-commercial use only."""

OPEN = dict(FOLDERS)
"""Sources for models that anybody may use, and where they lie."""

STAGE = {kind: folder for kind, folder in FOLDERS.items() if kind not in SHARE_ALIKE}
"""Sources that also go into models for non-commercial use."""

ACTIONS: Mapping[str, Mapping[str, str]] = {
    "opensim": {
        "angry_fingerwag": "finger_wag", "angry_tantrum": "angry", "blowkiss": "blow_kiss", "bow": "bow",
        "clap": "clap", "courtbow": "bow", "crouch": "crouch",
        **{f"dance{i}": "dance" for i in range(1, 9)}, "impatient": "bored",
        "express_afraid": "afraid", "express_anger": "angry",
        "express_bored": "bored", "express_cry": "cry", "express_kiss": "blow_kiss", "express_laugh": "laugh",
        "express_shrug": "shrug", "express_surprise": "surprised", "female_walk": "walk", "fist_pump": "cheer",
        "hello": "wave", "jumpforjoy": "cheer", "kick_roundhouse_r": "kick", "laugh_short": "laugh", "no_head": "no",
        "no_unhappy": "no", "point_me": "me", "point_you": "you", "punch_l": "punch", "punch_onetwo": "punch",
        "punch_r": "punch", "run": "run", "salute": "salute", "shout": "shout", "sit": "sit_down",
        "sit_female": "sit_down",
        "sit_generic": "sit_down", "sit_to_stand": "stand_up", "stand_1": "idle", "stand_2": "idle", "stand_3": "idle",
        "stand_4": "idle", "standup": "stand_up", "stretch": "stretch", "talk": "talk", "throw_r": "throw",
        "whisper": "whisper", "yes_happy": "nod", "yes_head": "nod", "handshake_01": "shake_hands",
        "give_and_handshake": "shake_hands", "33339176-7ddc-9397-94a4-bf3403cbc8f5": "walk",
        "1ab1b236-cd08-21e6-0cbc-0d923fc6eca2": "run", "85995026-eade-5d78-d364-94a64512cb66": "run",
        "d60c41d2-7c24-7074-d3fa-6101cea22a51": "walk",
    },
    "decentraland": {
        "clap": "clap", "clapping": "clap", "cry": "cry", "disco": "dance", "fistpump": "cheer", "hammer": "dance",
        "hands_in_air": "raise_hands", "handsair": "raise_hands", "kiss": "blow_kiss", "m_dance": "dance",
        "m_fist_pump": "cheer", "opendoor": "open_door", "punch": "punch", "raise_hand": "raise_hand",
        "robot": "dance", "shrug": "shrug", "sittingchair_v01": "sit", "sittingchair_v02": "sit",
        "tektonik": "dance", "throw": "throw", "tik": "dance", "wave": "wave", "wave_male": "wave",
    },
    "mmdagent": {
        "02_laugh": "laugh", "13_convinced": "nod", "16_thinking": "think", "22_apology": "bow",
        "35_afraid": "afraid",
    },
    "sumerian": {
        "alien generic_a": "beat", "alien generic_b": "beat", "alien generic_c": "beat", "alien self": "me",
        "alien you": "you", "alien wave": "wave", "alien many": "we", "alien stand_idle": "idle",
        "alien angry": "angry", "adult_female applause": "clap", "adult_female bored": "bored",
        "adult_female cheer": "cheer", "adult_female stand_idle": "idle", "adult_male applause": "clap",
        "adult_male bored": "bored", "adult_male cheer": "cheer", "adult_male stand_idle": "idle",
    },
    "vircadia_web": {
        "emote_clap01_all": "clap", "idle": "idle", "idle02": "idle", "jumping_temp": "jump_up",
        "run_fast_fwd": "run", "salute": "salute", "walk_bwd": "walk_back", "walk_fwd": "walk", "walk_left": "walk",
        "walk_right": "walk", "run_fast_left": "run", "run_fast_right": "run",
    },
    "cmu_more": {
        "13_26_gazebo": "direct_traffic", "141_16": "wave", "16_11": "walk", "directing_traffic_4": "direct_traffic",
        "basketball_signal_1": "referee", "basketball_signal_2": "referee", "basketball_signal_3": "referee",
        "basketball_signal_4": "referee", "basketball_signal_5": "referee",
    },
    "animated_drawings": {"jumping_jacks": "jumping_jacks", "wave_hello": "wave", "jumping": "jump_up"},
}  # fmt: skip

ON_THE_SPOT = frozenset(
    {
        "opensim/female_walk", "opensim/run", "opensim/33339176-7ddc-9397-94a4-bf3403cbc8f5",
        "opensim/1ab1b236-cd08-21e6-0cbc-0d923fc6eca2", "opensim/85995026-eade-5d78-d364-94a64512cb66",
        "opensim/d60c41d2-7c24-7074-d3fa-6101cea22a51",
        "vircadia_web/walk_fwd", "vircadia_web/walk_bwd",
        "vircadia_web/walk_left", "vircadia_web/walk_right", "vircadia_web/run_fast_fwd", "vircadia_web/run_bwd",
        "vircadia_web/run_fast_left", "vircadia_web/run_fast_right",
    }
)  # fmt: skip
"""Loops of one or two steps that stay where they are."""

FEET_DOWN = frozenset({"opensim/sit_to_stand", "opensim/sit", "opensim/sit_female", "opensim/sit_generic"})
"""Clips whose feet are to stay on the floor, though the body as recorded floats."""

_SEEN_ONLY_IN_AIR = ("fly", "hover", "yoga_float", "windsurf", "bouncy_ball", "surf", "fall", "jump_standing_apex")


def action_of(name: str) -> str | None:
    """What a clip shows.

    Args:
        name: Its source, a slash and its own name.

    Returns:
        An action of `phrases.PHRASES`, "" where the clip is of no use, None where it is of another source.
    """
    kind, slash, own = name.partition("/")
    if not slash or kind not in ACTIONS:
        return None
    return ACTIONS[kind].get(own, "")


def off_the_ground(own_name: str) -> bool:
    """Whether a clip of that name flies, floats or rides."""
    return own_name.startswith(_SEEN_ONLY_IN_AIR)
