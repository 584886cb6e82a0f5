# SPDX-License-Identifier: GPL-3.0-or-later
"""Gestures are found in recordings, with their moments."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from core.motion.clip import Motion
from core.training.gestures import find_gesture, hand_speeds, select_gestures
from tests.core.training.bodies import EMPHASIS, raising, standing


@dataclass(frozen=True)
class Recorded:
    motion: Motion
    name: str
    phases: dict[str, float] = field(default_factory=dict)


def test_moments_of_a_gesture_are_read_off_the_hands():
    gesture = find_gesture(raising(), {"emphasis": EMPHASIS}, "raise")
    assert gesture.start == pytest.approx(0.45, abs=0.11)
    assert gesture.emphasis == EMPHASIS
    assert gesture.hold_end == pytest.approx(1.5, abs=0.11)
    assert gesture.end == pytest.approx(1.9, abs=0.11)
    assert gesture.raised[20] > 0.95
    assert gesture.raised[0] == gesture.raised[-1] == 0


@pytest.mark.parametrize(
    ("motion", "phases"),
    [
        (raising(), {}),  # no phases
        (raising(), {"emphasis": 0.1}),  # phases that nobody measured
        (standing(50), {"emphasis": EMPHASIS}),  # nothing moves
        (raising().slice(0, 28), {"emphasis": EMPHASIS}),  # does not come back
    ],
)
def test_what_is_no_gesture_is_passed_over(motion, phases):
    assert find_gesture(motion, phases, "none") is None


def test_a_standing_speakers_gestures_are_selected_and_their_mirror_images():
    phases = {"emphasis": EMPHASIS}
    clips = [
        Recorded(raising(), "Someone@Idle01_BeatLf01", phases),
        Recorded(raising(), "Someone@Idle01_ScratchHeadLf01", phases),
        Recorded(raising(), "Someone@Walk01", phases),
        Recorded(standing(60), "Someone@Idle01"),
        Recorded(standing(60), "Someone@Idle01_WeightShift01"),
    ]
    found, idles = select_gestures(clips)
    assert [gesture.name for gesture in found] == ["Someone@Idle01_BeatLf01"] * 2
    assert len(idles) == 4
    moved = [hand_speeds(gesture.motion).max(0) for gesture in found]
    np.testing.assert_allclose(moved[0], moved[1][::-1], rtol=0.02)  # the skeleton is not quite symmetric
