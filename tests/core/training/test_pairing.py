# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule-made pairs: strokes on accents, rest in pauses, no jumps; the same seed gives the same pairs."""

import numpy as np
import pytest
import soundfile

from core.conditions.speech import SAMPLE_RATE, features_width
from core.conditions.voice import decibels, speech_spans
from core.motion.clip import Motion
from core.motion.rotation import (
    axis_angle_to_quaternion,
)
from core.motion.skeleton import JOINT_NAMES
from core.training import pairing
from core.training.gestures import find_gesture, hand_speeds, largest_turn
from tests.core.training.bodies import ELBOW, EMPHASIS, raising, standing


@pytest.fixture(scope="module")
def gestures():
    found = [find_gesture(raising(size), {"emphasis": EMPHASIS}, "raise") for size in (1.0, 1.5)]
    assert None not in found
    return found


@pytest.fixture(scope="module")
def pair(accented_voice, gestures):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "add_room", lambda samples, _: samples)  # its speech tells where the pauses are
        rng = np.random.default_rng(0)
        return pairing.make_pair(accented_voice[0], gestures, [standing(60)], rng, ("onset", "prosody"), "one")


def spans_of(pair):
    return speech_spans(decibels(pair.speech[:, 1]))  # energy is the second column


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
    speed = hand_speeds(pair.motion).max(1)
    speaking, resting = np.zeros(len(speed), bool), np.ones(len(speed), bool)
    for start, end in spans_of(pair):
        speaking[int(start * 20) : int(end * 20)] = True
        resting[max(0, int((start - 0.5) * 20)) : int((end + 1.2) * 20)] = False
    assert resting.sum() > 10
    assert speed[speaking].mean() > 4 * speed[resting].mean()
    assert speed[resting].max() < 0.15


def test_no_seam_shows(pair, gestures):
    inside = max(largest_turn(gesture.motion) for gesture in gestures)
    assert largest_turn(pair.motion) < 1.5 * inside
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
    assert list(pairing.make_pairs([tmp_path / "silent.wav"], gestures, [standing(60)], 0, 1.0, ("onset",))) == []


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
