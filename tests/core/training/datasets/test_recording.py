# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings are cut where sentences and breaks are."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.motion.clip import Motion
from core.motion.skeleton import INDEX
from core.training.datasets.recording import cut_clips, read_spans, unbroken_stretches
from tests.core.dataset_makers import speaking


def test_captions_cut_mirror_and_crop(datasets: Path):
    text = datasets / "humanml3d" / "texts" / "000000.txt"
    spans = read_spans(text)
    assert [(span.sentences, span.start, span.stop) for span in spans] == [
        (("a man raises his left hand.", "a man lifts an arm"), 0.0, 0.0),
        (("he waves",), 1.0, 4.0),
    ]
    long = speaking(400, 2)
    whole, tagged = cut_clips(long, spans, "x")
    assert (len(whole[0]), len(tagged[0])) == (180, 60)
    np.testing.assert_array_equal(tagged[0].rotations, long.slice(20, 80).rotations)
    # what the index counts 20 a second may be quicker: the clip lasts as long as it did
    assert len(cut_clips(Motion(long.translation, long.rotations, 25.0), spans[1:], "x")[0][0]) == 48
    with pytest.raises(InputError, match="no 40 captioned frames"):
        cut_clips(long.slice(0, 39), spans, "x")


def test_glitches_are_cut_out():
    motion = speaking(200, 1)
    rotations = motion.rotations.copy()
    rotations[90, INDEX["left_elbow"]] = [0.0, 0.0, 0.0, 1.0]
    assert unbroken_stretches(motion) == [(0, 200)]
    assert unbroken_stretches(Motion(motion.translation, rotations)) == [(0, 90), (91, 200)]
    path = motion.translation + (np.arange(200) >= 30)[:, None] * [0.0, 0.0, 2.0]
    assert unbroken_stretches(Motion(path, motion.rotations)) == [(30, 200)]
