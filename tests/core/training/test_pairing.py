# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule-made pairs: strokes on accents, rest in pauses, no seams, the same seed the same pairs."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import soundfile

from core.conditions.speech import SAMPLE_RATE, features_width
from core.conditions.voice import decibels, speech_spans
from core.motion.clip import Motion
from core.motion.rotation import axis_angle_to_quaternion
from core.motion.skeleton import JOINT_NAMES, neutral_skeleton
from core.training import pairing

ELBOW, SHOULDER = JOINT_NAMES.index("left_elbow"), JOINT_NAMES.index("left_shoulder")
EMPHASIS = 1.0


@dataclass(frozen=True)
class Clip:
    motion: Motion
    name: str
    phases: dict[str, float] = field(default_factory=dict)


def standing(frames, elbow=0.0):
    """Arms hanging; elbow: (frames,) radians that the left forearm is raised by."""
    turns = np.zeros((frames, 55, 3))
    turns[:, SHOULDER, 2] = -1.2
    turns[:, JOINT_NAMES.index("right_shoulder"), 2] = 1.2
    turns[:, ELBOW, 1] = -np.asarray(elbow)
    height = neutral_skeleton().rest_positions[0, 1]
    return Motion(np.tile([0.0, height, 0.0], (frames, 1)), axis_angle_to_quaternion(turns))


def raising(size=1.5):
    """Up from 0.4 s to 1.0 s, held to 1.4 s, down at 2.0 s."""
    times = np.arange(50) / 20
    level = np.interp(times, [0.4, 1.0, 1.4, 2.0], [0, 1, 1, 0])
    return standing(50, size * level * level * (3 - 2 * level))


@pytest.fixture(scope="module")
def gestures():
    found = [pairing.find_gesture(raising(size), {"emphasis": EMPHASIS}, "raise") for size in (1.0, 1.5)]
    assert None not in found
    return found


@pytest.fixture(scope="module")
def pair(accented_voice, gestures):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "in_a_room", lambda samples, _: samples)  # its speech tells where the pauses are
        rng = np.random.default_rng(0)
        return pairing.make_pair(accented_voice[0], gestures, [standing(60)], rng, ("onset", "prosody"), "one")


def spans_of(pair):
    return speech_spans(decibels(pair.speech[:, 1]))  # energy is the second column


def test_moments_of_a_gesture_are_read_off_the_hands():
    gesture = pairing.find_gesture(raising(), {"emphasis": EMPHASIS}, "raise")
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
    assert pairing.find_gesture(motion, phases, "none") is None


def test_select_takes_a_standing_speakers_clips_and_their_mirror_images():
    phases = {"emphasis": EMPHASIS}
    clips = [
        Clip(raising(), "Someone@Idle01_BeatLf01", phases),
        Clip(raising(), "Someone@Idle01_ScratchHeadLf01", phases),
        Clip(raising(), "Someone@Walk01", phases),
        Clip(standing(60), "Someone@Idle01"),
        Clip(standing(60), "Someone@Idle01_WeightShift01"),
    ]
    found, idles = pairing.select(clips)
    assert [gesture.name for gesture in found] == ["Someone@Idle01_BeatLf01"] * 2
    assert len(idles) == 4
    moved = [pairing.hand_speeds(gesture.motion).max(0) for gesture in found]
    np.testing.assert_allclose(moved[0], moved[1][::-1], rtol=0.02)  # the skeleton is not quite symmetric


def test_strokes_fall_on_accents_and_never_in_pauses(accented_voice):
    strength = np.full(200, 0.1)
    strength[[30, 60, 130]] = 2.0
    spans = [(1.0, 4.0), (6.0, 8.0)]
    for seed in range(20):
        strokes = pairing.choose_strokes(strength, spans, np.random.default_rng(seed))
        assert all(any(start <= stroke <= end for start, end in spans) for stroke in strokes)
        assert np.diff(strokes).min() >= 1.1
        assert {1.5, 6.5} <= set(strokes)


def test_pair_is_as_long_as_its_speech(pair):
    assert pair.motion.fps == 20
    assert len(pair.motion) == len(pair.speech)
    assert pair.speech.shape[1] == features_width(("onset", "prosody"))
    assert set(np.unique(pair.speech[:, 0])) == {0.0, 1.0}
    np.testing.assert_allclose(np.linalg.norm(pair.motion.rotations, axis=-1), 1, atol=1e-9)


def test_hands_are_up_at_the_strokes(pair):
    assert len(pair.strokes) >= 3
    bent = 2 * np.arccos(np.abs(pair.motion.rotations[:, ELBOW, 0]))
    at_strokes = bent[np.round(pair.strokes * 20).astype(int)]
    assert at_strokes.min() > 0.85  # the smaller gesture bends it by 1.0


def test_hands_rest_in_the_pauses(pair):
    speed = pairing.hand_speeds(pair.motion).max(1)
    speaking, resting = np.zeros(len(speed), bool), np.ones(len(speed), bool)
    for start, end in spans_of(pair):
        speaking[int(start * 20) : int(end * 20)] = True
        resting[max(0, int((start - 0.5) * 20)) : int((end + 1.2) * 20)] = False
    assert resting.sum() > 10
    assert speed[speaking].mean() > 4 * speed[resting].mean()
    assert speed[resting].max() < 0.15


def test_no_seam_shows(pair, gestures):
    inside = max(pairing.largest_turn(gesture.motion) for gesture in gestures)
    assert pairing.largest_turn(pair.motion) < 1.5 * inside
    assert np.ptp(pair.motion.translation, axis=0).max() < 0.01


def test_the_same_seed_makes_the_same_pairs(accented_voice, gestures, tmp_path):
    for name, part in (("a", slice(None)), ("b", slice(0, 5 * SAMPLE_RATE))):
        soundfile.write(tmp_path / f"{name}.wav", accented_voice[0][part], SAMPLE_RATE)
    files = [tmp_path / "a.wav", tmp_path / "b.wav"]

    def made(seed):
        return list(pairing.make_pairs(files, gestures, [standing(60)], seed, 0.6, ("onset",)))

    first, again, other = made(1), made(1), made(2)
    assert sum(pair.motion.seconds for pair in first) >= 36
    assert len({pair.name for pair in first}) == len(first) > 2
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.motion.rotations, b.motion.rotations)
        np.testing.assert_array_equal(a.speech, b.speech)
    assert any(len(a.motion) != len(b.motion) for a, b in zip(first, other, strict=False))


def test_recordings_without_speech_make_no_pairs(gestures, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    assert list(pairing.make_pairs([tmp_path / "silent.wav"], gestures, [standing(60)], 0, 1.0)) == []


def test_a_room_adds_noise_and_keeps_the_voice(accented_voice):
    samples, heard = (
        accented_voice[0],
        [pairing.in_a_room(accented_voice[0], np.random.default_rng(seed)) for seed in range(12)],
    )
    assert any(room is samples for room in heard)
    rooms = [room for room in heard if room is not samples]
    pause = slice(int(4.9 * SAMPLE_RATE), int(5.2 * SAMPLE_RATE))
    spoken = slice(int(5.8 * SAMPLE_RATE), int(6.2 * SAMPLE_RATE))
    for room in rooms:
        assert room.shape == samples.shape
        assert room[pause].std() > 3 * samples[pause].std()
        assert room[pause].std() < 0.5 * room[spoken].std()
        assert np.corrcoef(room[spoken], samples[spoken])[0, 1] > 0.6


def test_a_walking_speaker_keeps_walking(accented_voice, gestures):
    seconds = np.arange(60) / 20
    turns = np.zeros((60, 55, 3))
    turns[:, JOINT_NAMES.index("left_hip"), 0] = 0.4 * np.sin(2 * np.pi * seconds)
    path = np.stack([0 * seconds, 0 * seconds + 0.9, 1.2 * seconds], -1)
    walk = Motion(path, axis_angle_to_quaternion(turns))
    pair = pairing.make_pair(accented_voice[0], gestures, [], np.random.default_rng(0), ("onset",), "one", walk)
    assert pair.walking
    assert pair.motion.translation[-1, 2] == pytest.approx(1.2 * pair.motion.seconds, rel=0.05)
    assert np.ptp(pair.motion.rotations[:, ELBOW, 2]) > 0.3  # and gestures
    still = pairing.make_pair(
        accented_voice[0], gestures, [], np.random.default_rng(0), ("onset",), "one", raising().slice(0, 30)
    )
    assert still is None
