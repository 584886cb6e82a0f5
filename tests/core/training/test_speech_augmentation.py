# SPDX-License-Identifier: GPL-3.0-or-later
"""A room adds noise and keeps the voice."""

import numpy as np

from core.conditions.speech import SAMPLE_RATE
from core.training.speech_augmentation import add_room


def test_a_room_adds_noise_and_keeps_the_voice(accented_voice):
    samples, heard = (
        accented_voice[0],
        [add_room(accented_voice[0], np.random.default_rng(seed)) for seed in range(12)],
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
