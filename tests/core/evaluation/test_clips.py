# SPDX-License-Identifier: GPL-3.0-or-later
"""Packed clips are read as they were packed, and damaged ones are named."""

import numpy as np
import pytest

from core.errors import InputError
from core.evaluation.clips import Library
from core.motion.features import encode as encode_features
from core.motion.skeleton import neutral_skeleton
from tests.core.moves import wandering

SKELETON = neutral_skeleton()


def test_rows_of_clips_come_as_they_were_packed(folder):
    library = Library.open(folder / "clips")
    assert len(library.clips) == 16
    speech = library.clips[13]
    heard = library.voice_features(speech)
    assert heard.shape == (150, 5)
    np.testing.assert_array_equal(np.flatnonzero(heard[:, 4])[:2], [1, 11])
    np.testing.assert_allclose(
        library.motion_features(library.clips[0]), encode_features(wandering(60, seed=0), SKELETON), atol=1e-5
    )


def test_missing_and_damaged_clips_are_named(tmp_path, folder):
    with pytest.raises(InputError, match="contains no prepared clips"):
        Library.open(tmp_path / "nothing")
    (folder / "clips" / "features.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match="damaged"):
        Library.open(folder / "clips")
