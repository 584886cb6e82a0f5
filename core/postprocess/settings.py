# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of cleanup, with what each was measured on.

"Recordings" are 300 clips, 18 minutes, of the commercially usable sources: `python -m benchmarks.cleanup_settings`.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CleanupSettings:
    """Limits and lengths of `core.postprocess.clean`. Heights are above the joint's height at rest."""

    # Contacts: which feet are planted (contacts.py).
    release_speeds: tuple[float, float] = (0.30, 0.10)
    """Speeds in m/s beyond which a foot is released: on the floor, and lifted. Measured on generated steps back beside
    recorded ones (`benchmarks.subtle_actions`): with 0.3 m/s for both, lifted feet were held and steps got shorter. In
    recordings 99 % of planted joints move slower than 0.163 m/s."""
    lifted_heights: tuple[float, float] = (0.005, 0.02)
    """Heights in meters from which a foot counts as lifted: a little, and wholly."""
    release_height: float = 0.12
    """Height in meters beyond which a foot is released."""
    plant_height: float = 0.08
    """Height in meters below which a foot may be planted."""
    shortest_contact_seconds: float = 0.1
    """Shorter contacts, and shorter breaks in one, are dropped. Half of recorded contacts last more than 0.5 s."""

    # The root's path (root_path.py).
    path_seconds: float = 0.15
    """Standard deviation of the average over the slide of planted feet that corrects the path."""
    ground_seconds: float = 0.4
    """The same of the average over their height that corrects the root's height."""
    ground_tolerance: float = 0.02
    """Height in meters that planted feet may have. In recordings half are below 0.2 cm, 90 % below 3 cm."""

    # Foot lock (foot_lock.py, leg_ik.py).
    blend_seconds: float = 0.2
    """In which a foot comes to the place where it is held, and leaves it."""
    largest_shift: float = 0.10
    """Meters that a foot is held off its own path; a larger slide is only slowed down."""
    hold_seconds: float = 1.5
    """Standard deviation of the average that a held foot may follow, so that slow drift stays."""
    largest_drop: float = 0.04
    """Meters that the pelvis is lowered at most where a leg is too short."""
    overstretched_knee: float = float(np.radians(3.0))
    """Radians beyond straight at which a knee counts as overstretched by its recording, and is left so: 0.8 % of
    recorded frames."""
    knee_bends_at: float = 0.01
    """Meters of change in a leg's length at which an overstretched knee bends forward after all."""

    # Steps (steps.py). Measured on shuffles beside recorded steps back of 21 cm (`benchmarks.subtle_actions`).
    step_lift: float = 0.3
    """Height of a step as a share of its length. In recordings half rise by 0.1, 90 % by 0.3 at most."""
    largest_lift: float = 0.06
    """Meters that a step is high at most. Half of recorded steps rise by 4.4 cm, 90 % by 10.4 cm at most."""
    lift_seconds: float = 0.05
    """Standard deviation of the average over lifts, so that no foot starts with a jerk."""
    shortest_step: float = 0.04
    """Meters from which a foot that is dragged to another place is lifted."""
    step_support: float = 0.6
    """Share of the time in which the other foot is planted."""

    # Pops (pops.py).
    pop_turn: float = 0.06
    """Radians between two frames from which a joint may have popped. With `pop_ratio`, 0.004 % of recorded steps."""
    pop_distance: float = 0.02
    """Meters between two frames from which the path may have popped. With `pop_ratio`, no recorded step."""
    pop_ratio: float = 4.0
    """How much more that is than the steps around it."""
    pop_joints: int = 5
    """Joints that pop together and make it a pop of the whole body."""
    leap_turn: float = 1.3
    """Radians by which a step of a joint stands out even among quick ones. An arm that changes its way within a frame
    leaps by 2 radians beside steps of 0.5; 0.001 % of recorded steps stand out by 1.3."""
    leap_ratio: float = 2.5
    """How much more that is than the steps around it."""
    pop_seconds: float = 0.5
    """Over which a pop is spread."""

    # Jitter and seams (smoothing.py). The cut-off frequencies were chosen by jerk and acceleration beside recordings.
    rest_hz: float = 3.7
    """Frequency that is halved in power while a joint is at rest."""
    motion_hz: float = 8.5
    """The same while it moves: strokes and jumps lie below, jitter above."""
    lively_turn: float = 0.5
    """Radians per second at which a joint is halfway between the two."""
    lively_speed: float = 0.2
    """Meters per second, the same for the path."""
    seam_hz: float = 2.5
    """Frequency that is halved in power at a seam (`benchmarks.joins`)."""
    seam_seconds: float = 0.4
    """To both sides of a seam in which it is smoothed."""
    seam_context_seconds: float = 0.7
    """To both sides of a seam that its smoothing looks at."""


CLEANUP = CleanupSettings()
